"""Product lists over HTTP: all of it or nothing, the same again changes nothing."""

import io
from typing import Any

import pytest

from services.catalog.domain.tables import read_table, write_csv, write_sheet
from tests.integration.catalog.support import CatalogUnderTest, a_sku

HEADER = ["商品编号", "类型", "商品名", "规格编号", "售价", "库存", "购买后有效天数", "上架"]


def a_line(number: int, **changes: str) -> list[str]:
    line = {
        "商品编号": f"list-{number}",
        "类型": "团餐券",
        "商品名": f"下午茶 {number}",
        "规格编号": f"list-{number}-a",
        "售价": "88.00",
        "库存": "100",
        "购买后有效天数": "30",
        "上架": "是",
    } | changes
    return [line[name] for name in HEADER]


async def send(
    catalog: CatalogUnderTest, raw: bytes, *, token: str | None = None, **query: str
) -> tuple[int, Any]:
    token = token or await catalog.access.operator_token()
    async with catalog.session.post(
        f"{catalog.url}/v1/products/import",
        data=io.BytesIO(raw),
        params=query,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "text/csv"},
    ) as response:
        return response.status, await response.json()


async def fetch(catalog: CatalogUnderTest, **query: str) -> bytes:
    async with catalog.session.get(
        f"{catalog.url}/v1/products/export",
        params=query,
        headers={"Authorization": f"Bearer {await catalog.access.operator_token()}"},
    ) as response:
        assert response.status == 200
        return await response.read()


async def test_two_thousand_rows_with_three_bad_lines_import_nothing(
    catalog: CatalogUnderTest,
) -> None:
    merchant = await catalog.new_merchant()
    lines = [a_line(number) for number in range(2000)]
    lines[4][HEADER.index("售价")] = "八十八"
    lines[998][HEADER.index("库存")] = "-3"
    lines[1999][HEADER.index("购买后有效天数")] = "0"

    status, answer = await send(
        catalog, write_csv(HEADER, lines).decode("utf-8-sig").encode("gb18030"), merchant=merchant
    )

    assert (status, answer["reason"], answer["rows"]) == (409, "import_refused", 2000)
    assert [(fault["line"], fault["column"], fault["value"]) for fault in answer["faults"]] == [
        (6, "售价", "八十八"),
        (1000, "库存", "-3"),
        (2001, "购买后有效天数", "0"),
    ]
    assert all(fault["action"]["zh"] and fault["action"]["en"] for fault in answer["faults"])
    assert await catalog.value("SELECT count(*) FROM products") == 0


@pytest.mark.parametrize("write", [write_csv, lambda *table: write_sheet(*table, title="商品")])
async def test_a_list_is_imported_once_and_its_export_changes_nothing(
    catalog: CatalogUnderTest, write: Any
) -> None:
    merchant = await catalog.new_merchant()
    raw = write(HEADER, [a_line(number) for number in range(20)])

    tried = await send(catalog, raw, merchant=merchant, dry_run="true")
    assert tried == (
        200,
        {"dry_run": True, "rows": 20, "created": 20, "updated": 0, "unchanged": 0},
    )
    assert await catalog.value("SELECT count(*) FROM products") == 0

    assert (await send(catalog, raw, merchant=merchant))[1]["created"] == 20
    assert (await send(catalog, raw, merchant=merchant))[1]["unchanged"] == 20
    product = await catalog.call("GET", "/v1/products/list-7")
    assert (product["title"], product["state"]) == ("下午茶 7", "on_sale")
    assert await catalog.counted("list-7-a") == [(100, 0, 0)]

    for query in ({"format": "csv", "language": "zh"}, {"format": "xlsx", "language": "en"}):
        exported = await fetch(catalog, merchant=merchant, **query)
        assert len(read_table(exported)) == 21
        status, answer = await send(catalog, exported, merchant=merchant)
        assert (status, answer["unchanged"]) == (200, 20), answer


async def test_what_the_list_does_not_say_stays_as_it_was(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(a_sku(), stock=5, usage={"weekdays": [1, 2]}, title="=危险")
    names = ["product_id", "kind", "title", "price"]
    raw = write_csv(names, [[product["product_id"], "meal", "=1+1", "7.5"]])

    status, answer = await send(catalog, raw, merchant=product["merchant"])

    assert (status, answer["updated"]) == (200, 1), answer
    changed = await catalog.call("GET", f"/v1/products/{product['product_id']}")
    assert (changed["title"], changed["usage"]["weekdays"]) == ("=1+1", [1, 2])
    assert changed["skus"][0]["price_fen"] == 750
    assert changed["skus"][0]["original_price_fen"] == 1900
    exported = await fetch(catalog, merchant=product["merchant"])
    assert ",'=1+1," in exported.decode("utf-8-sig")


async def test_a_rule_that_only_the_catalog_knows_is_told_by_line(
    catalog: CatalogUnderTest,
) -> None:
    merchant = await catalog.new_merchant()
    other = await catalog.add()
    sold = [a_line(1), a_line(2, 商品编号=other["product_id"]), a_line(3, 规格编号="list-1-a")]

    status, answer = await send(catalog, write_csv(HEADER, sold), merchant=merchant)

    assert status == 409
    told = {(fault["line"], fault["column"]) for fault in answer["faults"]}
    assert (3, "商品编号") in told
    assert (4, "商品编号") in told
    assert await catalog.value("SELECT count(*) FROM products WHERE merchant = $1", merchant) == 0


async def test_only_the_merchants_own_people_import(catalog: CatalogUnderTest) -> None:
    merchant, stranger = await catalog.new_merchant(), await catalog.new_merchant()
    manager = await (await catalog.access.add_staff(stranger, role="manager")).token()
    raw = write_csv(HEADER, [a_line(1)])

    assert (await send(catalog, raw, token=manager, merchant=merchant))[0] == 403
    assert (await send(catalog, raw))[0] == 422
    assert (await send(catalog, b"", merchant=merchant))[0] == 422
    assert (await send(catalog, b"x" * (6 << 20), merchant=merchant))[0] == 413
    assert (await send(catalog, raw, token=manager))[1]["created"] == 1
