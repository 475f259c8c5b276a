"""Products over HTTP: made, replaced, listed, put on the shelf and taken off."""

import asyncio
import json
from typing import Any

import pytest

from shared.errors import Rejection
from tests.integration.catalog.support import CatalogUnderTest, a_product, a_sku
from tests.support.documents import example
from tests.support.waiting import eventually


async def _types(catalog: CatalogUnderTest, merchant: str) -> list[tuple[str, int]]:
    heard = await catalog.heard(f"qiao.v1.{merchant}.product.>")
    return [(one.type, one.version) for one in heard]


async def test_a_product_is_made_with_ids_of_its_own_and_said_whole(
    catalog: CatalogUnderTest,
) -> None:
    merchant = await catalog.new_merchant()
    made = await catalog.call("POST", "/v1/products", body=a_product(merchant, a_sku(), a_sku()))
    assert (made["state"], made["wanted"], made["version"]) == ("draft", "off_shelf", 1)
    ids = [sku["sku_id"] for sku in made["skus"]]
    assert ids == [f"{made['product_id']}-1", f"{made['product_id']}-2"]
    assert [sku["third_sku_id"] for sku in made["skus"]] == ids
    assert await catalog.call("GET", f"/v1/products/{made['product_id']}") == made

    async def said() -> Any:
        return await catalog.heard(f"qiao.v1.{merchant}.product.created")

    (event,) = await eventually(said, what="product.created")
    assert event.subject == made["product_id"]
    assert event.data["skus"] == made["skus"]


async def test_the_example_of_the_documents_is_a_product(catalog: CatalogUnderTest) -> None:
    written = example("catalog.md", language="json", holding="product_id")
    body = json.loads(written) | {"merchant": await catalog.new_merchant()}
    made = await catalog.call("POST", "/v1/products", body=body)
    assert {name: made[name] for name in ("product_id", "per_buyer_max")} == {
        "product_id": "family-winter",
        "per_buyer_max": 2,
    }


async def test_the_same_again_changes_nothing_and_other_content_is_a_conflict(
    catalog: CatalogUnderTest,
) -> None:
    merchant = await catalog.new_merchant()
    body = a_product(merchant, product_id=f"{merchant}-tea")
    first, again = [await catalog.call("POST", "/v1/products", body=body) for _ in range(2)]
    assert first == again
    refused = await catalog.refusal("POST", "/v1/products", body=body | {"title": "另一个"})
    assert (refused.status, refused.reason) == (409, "product_exists")


@pytest.mark.parametrize(
    ("mine", "what"),
    [
        ({"product_id": "{0}-x"}, "product_id"),
        ({"skus": [a_sku(sku_id="{0}-sku")]}, "sku_id"),
        ({"platform_product_id": "{0}.p"}, "platform_product_id"),
    ],
)
async def test_an_id_of_another_merchant_is_taken(
    catalog: CatalogUnderTest, mine: dict[str, Any], what: str
) -> None:
    first, second = await catalog.new_merchant(), await catalog.new_merchant()

    def named(merchant: str) -> dict[str, Any]:
        members: dict[str, Any] = json.loads(json.dumps(mine).replace("{0}", first))
        return a_product(merchant) | members

    await catalog.call("POST", "/v1/products", body=named(first))
    refused = await catalog.refusal("POST", "/v1/products", body=named(second))
    assert (refused.status, refused.reason) == (409, "id_taken")
    assert what in str(refused)


async def test_rules_that_contradict_each_other_are_all_told(catalog: CatalogUnderTest) -> None:
    merchant = await catalog.new_merchant()
    body = a_product(
        merchant,
        a_sku(times=3, original_price_fen=1),
        usage={"weekdays": [1, 1], "store_ids": []},
    )
    refused = await catalog.refusal("POST", "/v1/products", body=body)
    assert (refused.status, refused.reason) == (422, "product_contradictory")
    for member in ("skus.0.times", "skus.0.original_price_fen", "usage.weekdays"):
        assert f"{member}: " in str(refused)


async def test_stores_of_others_are_no_stores_of_a_product(catalog: CatalogUnderTest) -> None:
    merchant, other = await catalog.new_merchant(), await catalog.new_merchant()
    mine = await catalog.access.add_store(merchant)
    theirs = await catalog.access.add_store(other)

    async def heard() -> bool:
        count = await catalog.value(
            "SELECT count(*) FROM stores WHERE store_id = ANY($1)", [mine, theirs]
        )
        return bool(count == 2)

    await eventually(heard, what="stores known")
    made = a_product(merchant, usage={"store_ids": [mine]})
    assert (await catalog.call("POST", "/v1/products", body=made))["usage"]["store_ids"] == [mine]
    stolen = a_product(merchant, usage={"store_ids": [theirs]})
    refused = await catalog.refusal("POST", "/v1/products", body=stolen)
    assert (refused.reason, theirs in str(refused)) == ("product_contradictory", True)


async def test_of_two_people_who_replace_one_product_the_second_is_told(
    catalog: CatalogUnderTest,
) -> None:
    merchant = await catalog.new_merchant()
    body = a_product(merchant)
    made = await catalog.call("POST", "/v1/products", body=body)
    path, change = f"/v1/products/{made['product_id']}", dict(body)
    del change["merchant"]

    async def replace(title: str) -> Any:
        try:
            return await catalog.call("PUT", path, body={**change, "title": title, "version": 1})
        except Rejection as rejection:
            return rejection.reason

    answers = await asyncio.gather(*(replace(f"{number} 号") for number in range(6)))
    assert answers.count("version_conflict") == 5
    (won,) = [answer for answer in answers if isinstance(answer, dict)]
    assert (won["version"], await catalog.call("GET", path)) == (2, won)
    missing = await catalog.refusal("PUT", path, body=change)
    assert missing.status == 422

    async def said() -> bool:
        return await _types(catalog, merchant) == [("product.created", 1), ("product.updated", 2)]

    await eventually(said, what="said once")


async def test_a_sku_that_is_left_out_is_no_longer_sold_and_keeps_its_history(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(a_sku(), a_sku(title="四杯"), stock=5)
    second = product["skus"][1]
    body = {
        "kind": "meal",
        "title": product["title"],
        "skus": [a_sku()],
        "version": product["version"],
    }
    changed = await catalog.call("PUT", f"/v1/products/{product['product_id']}", body=body)
    assert [sku["sku_id"] for sku in changed["skus"]] == [product["skus"][0]["sku_id"]]
    line = {"third_sku_id": second["third_sku_id"]}
    assert (await catalog.ask(product, line=line))["refusal"] == "product_unknown"
    grown = await catalog.call(
        "PUT",
        f"/v1/products/{product['product_id']}",
        body=body | {"skus": [a_sku(), a_sku(title="六杯")], "version": changed["version"]},
    )
    assert grown["skus"][1]["sku_id"] != second["sku_id"]


async def test_how_stock_is_counted_and_what_kind_it_is_never_changes(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(a_sku(stock_by="day"), kind="ticket")
    path = f"/v1/products/{product['product_id']}"
    body = {"kind": "ticket", "title": "票", "skus": [a_sku()], "version": product["version"]}
    for change, member in (({}, "skus.0.stock_by"), ({"kind": "meal"}, "kind")):
        refused = await catalog.refusal("PUT", path, body=body | change)
        assert (refused.reason, member in str(refused)) == ("product_contradictory", True)


async def test_lists_are_paged_and_filtered(catalog: CatalogUnderTest) -> None:
    merchant = await catalog.new_merchant()
    meals = [await catalog.add(merchant=merchant, title=f"{n} 号套餐") for n in range(5)]
    voucher = await catalog.call("POST", "/v1/products", body=a_product(merchant, kind="voucher"))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await catalog.call(
            "GET", "/v1/products", merchant=merchant, kind="meal", limit="2", **cursor
        )
        seen += [one["product_id"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert seen == [one["product_id"] for one in reversed(meals)]
    for query in ({"state": "draft"}, {"kind": "voucher"}, {"text": voucher["product_id"]}):
        found = await catalog.call("GET", "/v1/products", merchant=merchant, **query)
        assert [one["product_id"] for one in found["items"]] == [voucher["product_id"]]
    found = await catalog.call("GET", "/v1/products", merchant=merchant, text="3 号")
    assert [one["title"] for one in found["items"]] == ["3 号套餐"]


async def test_a_merchant_sees_and_changes_only_what_is_his(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=5)
    other = await catalog.new_merchant()
    person = await catalog.access.add_staff(other)
    token, path = await person.token(), f"/v1/products/{product['product_id']}"
    for method, where, body in (
        ("GET", path, None),
        ("POST", f"{path}/withdraw", None),
        ("PUT", path, {"kind": "meal", "title": "x", "skus": [a_sku()], "version": 2}),
        ("PUT", "/v1/stock", {"items": [{"sku_id": product["skus"][0]["sku_id"], "total": 0}]}),
    ):
        assert (await catalog.refusal(method, where, body=body, token=token)).status == 404
    assert (await catalog.call("GET", "/v1/products", token=token))["items"] == []
    body = a_product(product["merchant"])
    assert (await catalog.refusal("POST", "/v1/products", body=body, token=token)).status == 403


async def test_stock_is_never_set_below_what_is_taken(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(a_sku(), a_sku(title="四杯"), stock=5)
    first, second = (sku["sku_id"] for sku in product["skus"])
    await catalog.ask(product, count=3)
    items = [{"sku_id": second, "total": 9}, {"sku_id": first, "total": 2}]
    refused = await catalog.refusal("PUT", "/v1/stock", body={"items": items})
    assert (refused.status, refused.reason) == (409, "stock_below_taken")
    assert "2 is less than 0 sold and 3 held" in str(refused)
    assert await catalog.counted(second) == [(5, 0, 0)]
    assert (await catalog.set_stock(first, 3))["items"][0]["left"] == 0


async def test_stock_is_set_the_way_it_is_counted(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(a_sku(stock_by="day"), kind="ticket")
    sku_id = product["skus"][0]["sku_id"]
    for more in ({}, {"day": "2026-12-24", "slot": "09:00-12:00"}):
        body = {"items": [{"sku_id": sku_id, "total": 5, **more}]}
        assert (await catalog.refusal("PUT", "/v1/stock", body=body)).status == 422
    for day in ("2026-12-26", "2026-12-24", "2026-12-25"):
        await catalog.set_stock(sku_id, 5, day=day)
    answer = await catalog.call(
        "GET", "/v1/stock", **{"sku_id": sku_id, "from": "2026-12-25", "to": "2026-12-25"}
    )
    assert [one["stock_id"] for one in answer["items"]] == [f"{sku_id}/2026-12-25"]
