"""From a scan to a spent coupon."""

from uuid import uuid4

from tests.integration.redemption.support import PRICE_FEN, Till, World


async def test_a_scanned_coupon_is_redeemed_and_everybody_hears_of_it(
    world: World, till: Till
) -> None:
    order = await world.platform.order()
    prepared = await till.scan(order["coupons"][0]["short_link"])
    assert prepared.status == 200, prepared.body
    (offer,) = prepared.body["coupons"]
    assert offer["usable"] is True
    assert offer["pay_amount_fen"] == PRICE_FEN
    redemption_id = str(uuid4())
    redeemed = await till.put(prepared.body["preparation_id"], [offer["coupon_id"]], redemption_id)
    assert redeemed.status == 200, redeemed.body
    assert redeemed.outcome == "redeemed"
    assert redeemed.body["order_id"] == order["order_id"]
    (said,) = await world.events()
    assert said.type == "coupon.redeemed"
    assert said.subject == offer["coupon_id"]
    assert said.data["redemption_id"] == redemption_id
    assert said.data["order_id"] == order["order_id"]
