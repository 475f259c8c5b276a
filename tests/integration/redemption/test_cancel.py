"""Taking a redemption back: once, in time, and then the coupon is as before."""

from uuid import uuid4

from tests.integration.redemption.platform import OTHER_POI, Json
from tests.integration.redemption.support import Answer, Till, World, gather


async def redeemed(world: World, till: Till, *, coupons: int = 1) -> tuple[Json, str]:
    order = await world.platform.order(coupons=coupons)
    redemption_id = str(uuid4())
    answer = await till.redeem(order["coupons"][0]["code"], redemption_id)
    assert answer.outcome == "redeemed", answer.body
    return order, redemption_id


async def test_what_was_taken_back_can_be_redeemed_again(world: World, till: Till) -> None:
    order, redemption_id = await redeemed(world, till)
    cancelled = await till.cancel(redemption_id)
    assert (cancelled.status, cancelled.outcome) == (200, "cancelled")
    assert [one["outcome"] for one in cancelled.body["coupons"]] == ["cancelled"]
    assert await world.platform.coupons(order) == ["available"]
    assert (await till.redeem(order["coupons"][0]["code"])).outcome == "redeemed"
    events = await world.events(order, number=3)
    assert [event.type for event in events] == [
        "coupon.redeemed",
        "coupon.cancelled",
        "coupon.redeemed",
    ]
    assert [event.version for event in events] == [1, 2, 3]
    # Typed by a person: it may hold a name or a number.
    assert events[1].data["reason"].startswith("sealed:v1:")


async def test_all_coupons_of_a_redemption_are_taken_back_together(
    world: World, till: Till
) -> None:
    order, redemption_id = await redeemed(world, till, coupons=3)
    cancelled = await till.cancel(redemption_id)
    assert [one["outcome"] for one in cancelled.body["coupons"]] == ["cancelled"] * 3
    assert await world.platform.coupons(order) == ["available"] * 3
    shown = await till.ask("GET", f"/v1/redemptions/{redemption_id}")
    assert shown.outcome == "cancelled"
    assert {one["state"] for one in shown.body["coupons"]} == {"released"}
    assert {one["cancel_until"] for one in shown.body["coupons"]} == {None}
    assert shown.body["cancel_until"] is None


async def test_a_retry_of_a_cancellation_gets_the_first_answer(world: World, till: Till) -> None:
    order, redemption_id = await redeemed(world, till)
    cancel_id = str(uuid4())
    answers: list[Answer] = await gather(
        *(till.cancel(redemption_id, cancel_id) for _ in range(10))
    )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.raw for answer in answers}) == 1
    later = await till.cancel(redemption_id, cancel_id)
    assert later.raw == answers[0].raw
    assert len(await world.events(order, number=2)) == 2


async def test_the_same_cancel_id_with_other_content_is_refused(world: World, till: Till) -> None:
    _, redemption_id = await redeemed(world, till)
    _, other_id = await redeemed(world, till)
    cancel_id = str(uuid4())
    assert (await till.cancel(redemption_id, cancel_id)).status == 200
    for reused in (
        await till.cancel(other_id, cancel_id),
        await till.cancel(redemption_id, cancel_id, reason="another"),
    ):
        assert (reused.status, reused.reason) == (409, "cancel_id_reused")


async def test_of_two_cancellations_one_takes_it_back(world: World, till: Till) -> None:
    order, redemption_id = await redeemed(world, till)
    answers: list[Answer] = await gather(*(till.cancel(redemption_id) for _ in range(8)))
    outcomes = [answer.outcome for answer in answers]
    assert outcomes.count("cancelled") == 1
    reasons = {answer.reason for answer in answers} - {None}
    assert reasons <= {"already_cancelled", "cancel_in_progress"}
    late = await till.cancel(redemption_id)
    assert (late.status, late.reason) == (409, "already_cancelled")
    assert len(await world.events(order, number=2)) == 2


async def test_redeeming_and_taking_back_at_once_never_contradict(world: World, till: Till) -> None:
    for _ in range(10):
        order, first = await redeemed(world, till)
        code = order["coupons"][0]["code"]

        async def scan_and_redeem(code: str) -> None:
            for _ in range(5):
                prepared = await till.scan(code)
                if prepared.status == 200:
                    ids = [one["coupon_id"] for one in prepared.body["coupons"]]
                    await till.put(prepared.body["preparation_id"], ids)

        cancelled, *_ = await gather(
            till.cancel(first), scan_and_redeem(code), scan_and_redeem(code)
        )
        assert cancelled.outcome == "cancelled"
        rows = [row for row in await world.ledger(order) if row["state"] == "spent"]
        at_platform = await world.platform.coupons(order)
        assert (len(rows), at_platform) in [(0, ["available"]), (1, ["redeemed"])]


async def test_after_the_window_it_is_too_late(world: World, till: Till) -> None:
    order, redemption_id = await redeemed(world, till)
    await world.age(order, seconds=3601)
    late = await till.cancel(redemption_id)
    assert (late.status, late.reason) == (409, "cancel_window_closed")
    assert late.body["action"]["en"]
    assert await world.platform.coupons(order) == ["redeemed"]


async def test_a_refused_redemption_cannot_be_taken_back(world: World, till: Till) -> None:
    order, _ = await redeemed(world, till, coupons=2)
    prepared = await till.scan((await world.platform.order())["coupons"][0]["code"])
    refused_id = str(uuid4())
    await till.put(
        prepared.body["preparation_id"], [order["coupons"][0]["certificate_id"]], refused_id
    )
    refused = await till.cancel(refused_id)
    assert (refused.status, refused.reason) == (409, "not_redeemed")


async def test_what_is_not_known_or_another_stores_cannot_be_taken_back(
    world: World, till: Till
) -> None:
    _, redemption_id = await redeemed(world, till)
    unknown = await till.cancel(str(uuid4()))
    assert (unknown.status, unknown.reason) == (404, "redemption_unknown")
    elsewhere = await world.till(OTHER_POI)
    foreign = await elsewhere.cancel(redemption_id)
    assert (foreign.status, foreign.reason) == (404, "redemption_unknown")


async def test_what_the_platform_refuses_to_take_back_stays_redeemed(
    world: World, till: Till
) -> None:
    order, redemption_id = await redeemed(world, till)
    pace = await world.platform.control("GET", "pace")
    await world.platform.control("PUT", "pace", {"cancel_window_seconds": 0})
    try:
        refused = await till.cancel(redemption_id)
    finally:
        await world.platform.control("PUT", "pace", pace)
    assert (refused.status, refused.outcome) == (409, "refused")
    assert await world.platform.coupons(order) == ["redeemed"]
    rows = await world.ledger(order)
    assert [row["state"] for row in rows] == ["spent"]


async def test_what_was_taken_back_at_the_platform_before_counts_as_taken_back(
    world: World, till: Till
) -> None:
    order, redemption_id = await redeemed(world, till)
    await world.platform.webhooks_lost()
    try:
        verify_id = (await world.ledger(order))[0]["verify_id"]
        await world.platform.cancel_elsewhere(order, verify_id=verify_id)
        cancelled = await till.cancel(redemption_id)
    finally:
        await world.platform.faults()
    assert cancelled.outcome == "cancelled"


async def test_a_use_of_a_times_card_is_taken_back_by_the_platforms_call_for_cards(
    world: World, till: Till
) -> None:
    order = await world.platform.order(sku={"groupon_type": 3, "title": "十次卡"})
    redemption_id = str(uuid4())
    prepared = await till.scan(order["coupons"][0]["code"])
    (offer,) = prepared.body["coupons"]
    assert offer["kind"] == "times_card"
    await till.put(prepared.body["preparation_id"], [offer["coupon_id"]], redemption_id)
    cancelled = await till.cancel(redemption_id)
    assert (cancelled.status, cancelled.outcome) == (200, "cancelled")
    assert await world.platform.coupons(order) == ["available"]
    assert (await till.redeem(order["coupons"][0]["code"])).outcome == "redeemed"
