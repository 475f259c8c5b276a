"""What is heard of coupons that were spent, taken back or refunded elsewhere."""

from uuid import uuid4

from services.redemption.domain.records import FactKind
from tests.integration.redemption.platform import OTHER_POI, Json
from tests.integration.redemption.support import Till, World
from tests.support.waiting import eventually


async def fact(world: World, order: Json) -> str | None:
    rows = await world.fetch(
        "SELECT fact FROM coupons WHERE coupon_id = $1", order["coupons"][0]["certificate_id"]
    )
    return rows[0]["fact"] if rows else None


async def until_fact(world: World, order: Json, expected: FactKind) -> None:
    async def heard() -> bool:
        return await fact(world, order) == expected

    await eventually(heard, what=f"the coupon to be {expected}")


async def test_a_coupon_spent_elsewhere_after_the_scan_is_refused_without_asking(
    world: World, till: Till
) -> None:
    order = await world.platform.order()
    prepared = await till.scan(order["coupons"][0]["code"])
    await world.platform.redeem_elsewhere(order, poi_id=OTHER_POI)
    await until_fact(world, order, FactKind.REDEEMED)
    before = await world.platform.control("GET", "stats")
    refused = await till.put(
        prepared.body["preparation_id"], [order["coupons"][0]["certificate_id"]]
    )
    assert (refused.status, refused.reason) == (409, "already_redeemed")
    assert (await world.platform.control("GET", "stats"))["calls"] == before["calls"]


async def test_a_refunded_coupon_is_refused_without_asking(world: World, till: Till) -> None:
    order = await world.platform.order()
    prepared = await till.scan(order["coupons"][0]["code"])
    coupon_id = order["coupons"][0]["certificate_id"]
    await world.platform.control("POST", "refunds", {"certificate_ids": [str(coupon_id)]})
    await until_fact(world, order, FactKind.REFUNDED)
    refused = await till.put(prepared.body["preparation_id"], [coupon_id])
    assert (refused.status, refused.reason) == (409, "already_refunded")


async def test_a_redemption_taken_back_at_the_platform_frees_the_coupon(
    world: World, till: Till
) -> None:
    order = await world.platform.order()
    redemption_id = str(uuid4())
    await till.redeem(order["coupons"][0]["code"], redemption_id)
    # The platform's clock shows whole seconds: what is taken back in the second of its
    # redemption cannot be told from one that came before it.
    await world.age(order, seconds=2)
    rows = await world.ledger(order)
    await world.platform.cancel_elsewhere(order, verify_id=rows[0]["verify_id"])
    events = await world.events(order, number=2)
    assert [event.type for event in events] == ["coupon.redeemed", "coupon.cancelled"]
    assert events[1].data["reason"] == "taken back at the platform"
    shown = await till.ask("GET", f"/v1/redemptions/{redemption_id}")
    assert [one["state"] for one in shown.body["coupons"]] == ["released"]
    assert (await till.redeem(order["coupons"][0]["code"])).outcome == "redeemed"
    assert (await till.cancel(redemption_id)).reason == "already_cancelled"


async def test_when_that_message_is_lost_the_next_scan_tells(world: World, till: Till) -> None:
    order = await world.platform.order()
    await till.redeem(order["coupons"][0]["code"])
    await until_fact(world, order, FactKind.REDEEMED)
    rows = await world.ledger(order)
    await world.platform.webhooks_lost()
    try:
        await world.platform.cancel_elsewhere(order, verify_id=rows[0]["verify_id"])
    finally:
        await world.platform.faults()
    await world.age(order, seconds=120)
    await world.fetch(
        "UPDATE coupons SET fact_at = fact_at - interval '2 minutes' WHERE coupon_id = $1",
        order["coupons"][0]["certificate_id"],
    )
    # The other form of the code, since this one is known to be spent.
    assert (await till.redeem(order["coupons"][0]["short_link"])).outcome == "redeemed"
    events = await world.events(order, number=3)
    assert [event.type for event in events] == [
        "coupon.redeemed",
        "coupon.cancelled",
        "coupon.redeemed",
    ]


async def test_our_own_redemption_heard_late_does_not_bar_the_coupon(
    world: World, till: Till
) -> None:
    order = await world.platform.order()
    redemption_id = str(uuid4())
    await world.platform.webhooks_late(1.5)
    try:
        await till.redeem(order["coupons"][0]["code"], redemption_id)
        await till.cancel(redemption_id)
    finally:
        await world.platform.webhooks_late(0)
    await until_fact(world, order, FactKind.AVAILABLE)
    assert (await till.redeem(order["coupons"][0]["code"])).outcome == "redeemed"
