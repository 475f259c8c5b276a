"""Questions before an order: each refusal, and the same answer for ever."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.catalog.support import CatalogUnderTest, a_sku, an_ask, an_order_id


def _in(**of: float) -> str:
    return (datetime.now(UTC) + timedelta(**of)).isoformat()


async def test_an_order_holds_its_stock_until_it_is_to_be_paid(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=3)
    answer = await catalog.ask(product, count=2)
    assert answer["refusal"] is None
    assert datetime.fromisoformat(answer["pay_until"]) > datetime.now(UTC)
    assert answer["lines"] == [
        {
            "third_sku_id": product["skus"][0]["third_sku_id"],
            "valid_from": None,
            "valid_to": None,
        }
    ]
    assert await catalog.counted(product["skus"][0]["sku_id"]) == [(3, 2, 0)]


async def test_the_same_question_gets_the_same_answer_and_takes_nothing_more(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(stock=3)
    ask = an_ask(product, count=2)
    token = await catalog.access.service_token("intake")

    async def again() -> Any:
        return await catalog.call("POST", "/v1/reservations", body=ask, token=token)

    first = await again()
    answers = await asyncio.gather(*(again() for _ in range(20)))
    assert all(answer == first for answer in answers)
    assert await catalog.counted(product["skus"][0]["sku_id"]) == [(3, 2, 0)]


async def test_an_order_id_with_other_content_is_a_conflict(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=3)
    order_id = an_order_id()
    await catalog.ask(product, order_id=order_id)
    token = await catalog.access.service_token("intake")
    body = an_ask(product, order_id=order_id, count=2)
    refused = await catalog.refusal("POST", "/v1/reservations", body=body, token=token)
    assert (refused.status, refused.reason) == (409, "ask_conflicted")


@pytest.mark.parametrize(
    ("changes", "ask", "refusal"),
    [
        ({}, {"line": {"third_sku_id": "nobody-knows"}}, "product_unknown"),
        ({"sale_from": _in(hours=1)}, {}, "not_yet_on_sale"),
        ({"sale_to": _in(hours=-1)}, {}, "sale_ended"),
        ({}, {"line": {"price_fen": 980}}, "price_changed"),
        ({}, {"count": 4}, "sold_out"),
        ({"per_buyer_max": 2}, {"count": 3, "buyer": "b"}, "over_limit"),
        ({"per_buyer_max": 2}, {"count": 3}, "over_limit"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_its_reason(
    catalog: CatalogUnderTest, changes: dict[str, Any], ask: dict[str, Any], refusal: str
) -> None:
    product = await catalog.add(stock=3, **changes)
    answer = await catalog.ask(product, **ask)
    assert (answer["refusal"], answer["out_order_id"]) == (refusal, None)
    assert await catalog.counted(product["skus"][0]["sku_id"]) == [(3, 0, 0)]


async def test_a_withdrawn_product_is_off_the_shelf_at_once(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=3)
    await catalog.call("POST", f"/v1/products/{product['product_id']}/withdraw")
    assert (await catalog.ask(product))["refusal"] == "off_shelf"


async def test_of_several_lines_all_or_none_are_held(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(a_sku(sku_id=None), a_sku(title="四杯"), stock=2)
    first, second = (sku["third_sku_id"] for sku in product["skus"])
    lines = [{"third_sku_id": first, "count": 2}, {"third_sku_id": second, "count": 3}]
    assert (await catalog.ask(product, lines=lines))["refusal"] == "sold_out"
    assert await catalog.counted(first) == [(2, 0, 0)]
    lines[1]["count"] = 2
    assert (await catalog.ask(product, lines=lines))["refusal"] is None
    assert await catalog.counted(first) == await catalog.counted(second) == [(2, 2, 0)]


async def test_a_buyer_gets_no_more_than_the_limit_over_all_orders(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(stock=None, per_buyer_max=3)
    answers = await asyncio.gather(*(catalog.ask(product, buyer="hash-1") for _ in range(8)))
    assert [answer["refusal"] for answer in answers].count(None) == 3
    assert (await catalog.ask(product, buyer="hash-2"))["refusal"] is None


async def test_a_dated_ticket_is_sold_by_its_day_and_valid_on_it(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(a_sku(stock_by="day", admits=3), kind="ticket")
    sku_id = product["skus"][0]["sku_id"]
    await catalog.set_stock(sku_id, 1, day="2026-12-24")
    assert (await catalog.ask(product))["refusal"] == "other"
    assert (await catalog.ask(product, line={"day": "2026-12-25"}))["refusal"] == "sold_out"
    granted = await catalog.ask(product, line={"day": "2026-12-24"})
    assert granted["refusal"] is None
    assert granted["lines"][0]["valid_from"] == "2026-12-24T00:00:00+08:00"
    assert granted["lines"][0]["valid_to"] == "2026-12-25T00:00:00+08:00"
    assert (await catalog.ask(product, line={"day": "2026-12-24"}))["refusal"] == "sold_out"


async def test_a_slot_ticket_is_sold_by_day_and_slot(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(a_sku(stock_by="slot"), kind="ticket")
    sku_id = product["skus"][0]["sku_id"]
    await catalog.set_stock(sku_id, 1, day="2026-12-24", slot="09:00-12:00")
    line = {"day": "2026-12-24", "slot": "09:00-12:00"}
    granted = await catalog.ask(product, line=line)
    assert granted["lines"][0]["valid_to"] == "2026-12-24T12:00:00+08:00"
    assert (await catalog.ask(product, line=line))["refusal"] == "sold_out"
    assert (await catalog.ask(product, line={"day": "2026-12-24"}))["refusal"] == "other"


async def test_a_question_that_no_table_takes_is_told_so_and_harms_no_other(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(stock=50)
    token = await catalog.access.service_token("intake")
    bad = an_ask(product, order_id="nul\0")

    async def refuse() -> int:
        refused = await catalog.refusal("POST", "/v1/reservations", body=bad, token=token)
        return refused.status

    status, *answers = await asyncio.gather(refuse(), *(catalog.ask(product) for _ in range(20)))
    assert status == 422
    assert all(answer["refusal"] is None for answer in answers)


async def test_only_a_service_may_ask(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=3)
    token = await catalog.access.service_token("orders")
    refused = await catalog.refusal("POST", "/v1/reservations", body=an_ask(product), token=token)
    assert refused.status == 403
