"""Platform events in, orders and their events out, through the running service."""

from tests.integration.orders.support import (
    OrdersUnderTest,
    an_order_id,
    certificate,
    paid,
)
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
