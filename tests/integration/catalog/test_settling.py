"""What becomes of held stock: paid, refunded, closed, forgotten, or paid too late."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.orders import OrderState
from tests.conftest import NewDatabase
from tests.integration.catalog.support import (
    CatalogUnderTest,
    a_sku,
    an_order,
    an_order_id,
    at_once,
    running_catalog,
)
from tests.support.access import Access
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def hasty(
    database: NewDatabase, nats_url: str, access: Access
) -> AsyncIterator[CatalogUnderTest]:
    """Two workers on one database that wait a second for payment."""
    url = await database("catalog")
    hurry = {"catalog_pay_seconds": 1, "catalog_release_after_seconds": 0}
    async with (
        running_catalog(url, nats_url, access, **hurry) as catalog,
        running_catalog(url, nats_url, access, **hurry),
    ):
        yield catalog


async def _held(catalog: CatalogUnderTest, product: Any, *, count: int = 1, **more: Any) -> str:
    order_id = an_order_id()
    answer = await catalog.ask(product, order_id=order_id, count=count, **more)
    assert answer["refusal"] is None
    return order_id


async def _counts_become(
    catalog: CatalogUnderTest, product: Any, *expected: tuple[int | None, int, int]
) -> None:
    sku_id = product["skus"][0]["sku_id"]

    async def settled() -> bool:
        return await catalog.counted(sku_id) == list(expected)

    await eventually(settled, what=f"stock {expected}")


async def test_payment_turns_held_into_sold_once(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=5)
    order_id = await _held(catalog, product, count=2)
    paid = an_order(product["merchant"], order_id, OrderState.PAID)
    await catalog.say(paid, paid, an_order(product["merchant"], order_id, OrderState.REDEEMED))
    await catalog.reservation_in(order_id, "sold")
    await _counts_become(catalog, product, (5, 0, 2))


async def test_a_closed_order_gives_its_stock_back(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=2)
    order_id = await _held(catalog, product, count=2)
    assert (await catalog.ask(product))["refusal"] == "sold_out"
    await catalog.say(an_order(product["merchant"], order_id, OrderState.CLOSED))
    await catalog.reservation_in(order_id, "released")
    assert (await catalog.ask(product))["refusal"] is None


async def test_news_that_came_late_changes_nothing(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=2)
    merchant = product["merchant"]
    states = (OrderState.CREATED, OrderState.PAID, OrderState.REDEEMED)
    for order in permutations(range(3)):
        order_id = await _held(catalog, product)
        await catalog.say(
            *(an_order(merchant, order_id, states[place], version=place + 1) for place in order)
        )
        await catalog.reservation_in(order_id, "sold")
        await catalog.set_stock(product["skus"][0]["sku_id"], 50)


@pytest.mark.parametrize(
    ("restock", "back"), [("never", 0), ("always", 2), (None, 2), ("before_day", 2)]
)
async def test_a_refund_before_its_day_goes_back_where_the_product_says_so(
    catalog: CatalogUnderTest, restock: str | None, back: int
) -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    product = await catalog.add(a_sku(stock_by="day"), kind="ticket", restock_on_refund=restock)
    await catalog.set_stock(product["skus"][0]["sku_id"], 2, day=day)
    order_id = await _held(catalog, product, count=2, line={"day": day})
    refunded = an_order(product["merchant"], order_id, OrderState.REFUNDED, refunded=2, coupons=2)
    await catalog.say(refunded, refunded)
    await catalog.reservation_in(order_id, "refunded")
    await _counts_become(catalog, product, (2, 0, 2 - back))


async def test_a_refund_of_a_day_that_has_begun_is_not_sold_again(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(a_sku(stock_by="day"), kind="ticket")
    await catalog.set_stock(product["skus"][0]["sku_id"], 2, day="2026-01-01")
    order_id = await _held(catalog, product, line={"day": "2026-01-01"})
    await catalog.say(an_order(product["merchant"], order_id, OrderState.REFUNDED, refunded=1))
    await catalog.reservation_in(order_id, "refunded")
    await _counts_become(catalog, product, (2, 0, 1))


async def test_of_a_partial_refund_as_many_pieces_go_back(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=4, restock_on_refund="always")
    order_id = await _held(catalog, product, count=4)
    merchant, partly = product["merchant"], OrderState.PARTLY_REFUNDED
    await catalog.say(an_order(merchant, order_id, partly, refunded=1, coupons=4))
    await _counts_become(catalog, product, (4, 0, 3))
    await catalog.say(an_order(merchant, order_id, partly, refunded=3, coupons=4))
    await _counts_become(catalog, product, (4, 0, 1))
    await catalog.say(an_order(merchant, order_id, OrderState.REFUNDED, refunded=4, coupons=4))
    await _counts_become(catalog, product, (4, 0, 0))


async def test_a_buyer_who_did_not_pay_may_buy_again(catalog: CatalogUnderTest) -> None:
    product = await catalog.add(stock=None, per_buyer_max=1)
    order_id = await _held(catalog, product, buyer="hash-1")
    assert (await catalog.ask(product, buyer="hash-1"))["refusal"] == "over_limit"
    await catalog.say(an_order(product["merchant"], order_id, OrderState.CLOSED))
    await catalog.reservation_in(order_id, "released")
    assert (await catalog.ask(product, buyer="hash-1"))["refusal"] is None


async def test_two_workers_release_each_unpaid_order_once(hasty: CatalogUnderTest) -> None:
    product = await hasty.add(stock=300)
    ids = [an_order_id() for _ in range(300)]
    answers = await at_once(hasty.ask(product, order_id=one) for one in ids)
    assert all(answer["refusal"] is None for answer in answers)
    await _counts_become(hasty, product, (300, 0, 0))
    released = "SELECT count(*) FROM reservations WHERE state = 'released'"
    assert await hasty.value(released) == 300


async def test_a_late_payment_takes_stock_again_while_there_is_some(
    hasty: CatalogUnderTest,
) -> None:
    product = await hasty.add(stock=1)
    order_id = await _held(hasty, product)
    await hasty.reservation_in(order_id, "released")
    await hasty.say(an_order(product["merchant"], order_id, OrderState.PAID))
    await hasty.reservation_in(order_id, "sold")
    await _counts_become(hasty, product, (1, 0, 1))


async def test_a_late_payment_without_stock_is_listed_and_said_and_never_below_zero(
    hasty: CatalogUnderTest,
) -> None:
    product = await hasty.add(stock=1)
    merchant, sku_id = product["merchant"], product["skus"][0]["sku_id"]
    late = await _held(hasty, product)
    await hasty.reservation_in(late, "released")
    faster = await _held(hasty, product)
    await hasty.say(an_order(merchant, faster, OrderState.PAID))
    await hasty.reservation_in(faster, "sold")
    paid = an_order(merchant, late, OrderState.PAID)
    await hasty.say(paid, paid)
    await hasty.reservation_in(late, "oversold")
    assert await hasty.counted(sku_id) == [(1, 0, 1)]
    listed = await hasty.call("GET", "/v1/reservations", state="oversold", merchant=merchant)
    assert [one["order_id"] for one in listed["items"]] == [late]

    async def said() -> bool:
        heard = await hasty.heard(f"qiao.v1.{merchant}.stock.oversold")
        return [one.data["order_id"] for one in heard] == [late]

    await eventually(said, what="stock.oversold said")
    await hasty.set_stock(sku_id, 2)
    await hasty.reservation_in(late, "sold")
    assert await hasty.counted(sku_id) == [(2, 0, 2)]


async def test_stock_that_runs_out_and_comes_back_is_said_each_time(
    catalog: CatalogUnderTest,
) -> None:
    product = await catalog.add(stock=1)
    order_id = await _held(catalog, product)
    await catalog.say(an_order(product["merchant"], order_id, OrderState.CLOSED))
    await catalog.reservation_in(order_id, "released")
    await _held(catalog, product)

    async def said() -> bool:
        heard = await catalog.heard(f"qiao.v1.{product['merchant']}.stock.>")
        return [(one.type, one.version) for one in heard] == [
            ("stock.replenished", 1),
            ("stock.sold_out", 2),
            ("stock.replenished", 3),
            ("stock.sold_out", 4),
        ]

    await eventually(said, what="each crossing said")
