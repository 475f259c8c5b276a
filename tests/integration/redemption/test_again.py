"""The same question gets the same answer, for ever."""

from collections import Counter
from uuid import uuid4

from tests.integration.redemption.support import Answer, Till, World, gather


async def test_a_retry_gets_the_first_answer_byte_for_byte(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    asked = (prepared.body["preparation_id"], [prepared.body["coupons"][0]["coupon_id"]])
    redemption_id = str(uuid4())
    first = await till.put(*asked, redemption_id)
    await world.fetch(
        "DELETE FROM preparations WHERE preparation_id::text = $1", prepared.body["preparation_id"]
    )
    again = await till.put(*asked, redemption_id)
    assert (again.status, again.raw) == (first.status, first.raw)


async def test_a_refused_redemption_stays_refused(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    asked = (prepared.body["preparation_id"], [prepared.body["coupons"][0]["coupon_id"]])
    winner = str(uuid4())
    await till.put(*asked, winner)
    loser = str(uuid4())
    refused = await till.put(*asked, loser)
    await till.cancel(winner)
    again = await till.put(*asked, loser)
    assert (again.status, again.raw) == (409, refused.raw)


async def test_a_redemption_that_was_taken_back_is_still_answered_as_it_was(
    world: World, till: Till
) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    asked = (prepared.body["preparation_id"], [prepared.body["coupons"][0]["coupon_id"]])
    redemption_id = str(uuid4())
    first = await till.put(*asked, redemption_id)
    assert (await till.cancel(redemption_id)).outcome == "cancelled"
    assert (await till.put(*asked, redemption_id)).raw == first.raw


async def test_the_same_id_with_other_content_is_refused(world: World, till: Till) -> None:
    one, two = await world.platform.orders(2)
    redemption_id = str(uuid4())
    redeemed = await till.redeem(one["coupons"][0]["code"], redemption_id)
    other = await till.redeem(two["coupons"][0]["code"], redemption_id)
    assert (other.status, other.reason) == (409, "redemption_id_reused")
    assert other.body["action"]["zh"]
    assert redeemed.outcome == "redeemed"
    # The other coupon is as it was.
    assert (await till.redeem(two["coupons"][0]["code"])).outcome == "redeemed"


async def test_twenty_retries_at_once_get_one_answer(world: World, till: Till) -> None:
    order = await world.platform.order()
    prepared = await till.scan(order["coupons"][0]["code"])
    asked = (prepared.body["preparation_id"], [prepared.body["coupons"][0]["coupon_id"]])
    redemption_id = str(uuid4())
    answers: list[Answer] = await gather(*(till.put(*asked, redemption_id) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.raw for answer in answers}) == 1
    assert len(await world.events(order)) == 1


async def test_one_id_for_two_coupons_at_once_spends_one(world: World, till: Till) -> None:
    orders = await world.platform.orders(2)
    scans = [await till.scan(order["coupons"][0]["code"]) for order in orders]
    redemption_id = str(uuid4())
    answers: list[Answer] = await gather(
        *(
            till.put(
                scan.body["preparation_id"],
                [scan.body["coupons"][0]["coupon_id"]],
                redemption_id,
            )
            for scan in scans
            for _ in range(5)
        )
    )
    reasons = Counter(answer.reason or answer.outcome for answer in answers)
    assert reasons == {"redeemed": 5, "redemption_id_reused": 5}
    rows = await world.fetch("SELECT FROM ledger WHERE redemption_id::text = $1", redemption_id)
    assert len(rows) == 1


async def test_overlapping_sets_of_coupons_never_share_one(world: World, till: Till) -> None:
    """All or none: who cannot have every coupon asked for has none."""
    for _ in range(5):
        order = await world.platform.order(coupons=3)
        code = order["coupons"][0]["code"]
        scans = await gather(*(till.scan(code) for _ in range(6)))
        ids = [one["coupon_id"] for one in scans[0].body["coupons"]]
        wanted = [ids[:2], ids[1:], [ids[0], ids[2]]] * 2
        answers: list[Answer] = await gather(
            *(
                till.put(scan.body["preparation_id"], some)
                for scan, some in zip(scans, wanted, strict=True)
            )
        )
        winners = [answer for answer in answers if answer.outcome == "redeemed"]
        assert len(winners) == 1
        assert len(winners[0].body["coupons"]) == 2
        rows = await world.ledger(order)
        assert [row["state"] for row in rows] == ["spent", "spent"]
