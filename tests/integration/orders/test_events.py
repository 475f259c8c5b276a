"""Platform events in, orders and their events out, through the running service."""

import random

from tests.conftest import NewDatabase
from tests.integration.orders.support import (
    OrdersUnderTest,
    an_order_id,
    cancelled,
    certificate,
    paid,
    redeemed,
    running_orders,
)
from tests.support.access import Access
from tests.support.waiting import eventually


async def test_a_payment_and_a_redemption_become_an_order_and_its_events(
    orders: OrdersUnderTest,
) -> None:
    order_id = an_order_id()
    await orders.say(paid(order_id), certificate("verify", order_id, "c1", seconds=60))
    order = await orders.order_in(order_id, "partly_redeemed")
    assert (order["merchant"], order["platform"]) == ("yihetang", "douyin")
    assert (order["pay_amount_fen"], order["original_amount_fen"]) == (2990, 5000)
    assert [(one["coupon_id"], one["state"]) for one in order["coupons"]] == [("c1", "redeemed")]
    said = await eventually(lambda: orders.heard_all(order_id, count=order["version"]))
    assert [one.version for one in said] == list(range(1, len(said) + 1))
    types = [one.type for one in said]
    assert types[:2] == ["order.created", "order.paid"]
    assert said[-1].data["state"] == "partly_redeemed"


async def test_two_workers_and_one_that_goes_away_make_every_order_once(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    """Everything is said in any order, while one of the two workers stops."""
    url = await database("orders")
    order_ids = [an_order_id() for _ in range(60)]
    events = [
        one
        for order_id in order_ids
        for one in (
            paid(order_id),
            redeemed(order_id, "c1", seconds=60),
            cancelled(order_id, "c1", seconds=90),
            certificate("verify", order_id, "c1", seconds=120),
        )
    ]
    random.Random(1).shuffle(events)
    async with running_orders(url, nats_url, access) as staying:
        async with running_orders(url, nats_url, access):
            await staying.say(*events[:120])
        await staying.say(*events[120:])
        for order_id in order_ids:
            order = await staying.explained(order_id, observations=4)
            assert order["state"] == "partly_redeemed"
            assert order["coupons"][0]["changed_at"] == "2026-11-21T04:02:00+00:00"
        await eventually(staying.outbox_is_empty)
        said = await staying.all_heard()
        for order_id in order_ids:
            of_order = [one for one in said if one.subject == order_id]
            assert sorted(one.version for one in of_order) == list(range(1, len(of_order) + 1))
            assert [one.type for one in of_order].count("order.created") == 1
            last = max(of_order, key=lambda one: one.version)
            assert last.data["coupons"][0]["state"] == "redeemed"
