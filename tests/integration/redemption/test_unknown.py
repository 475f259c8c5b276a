"""The platform does not answer, or answers late: nothing is spent twice, nothing is left open."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.integration.redemption.gate import Door, Gate, a_gate
from tests.integration.redemption.platform import OTHER_POI, Json
from tests.integration.redemption.support import Answer, Till, World, a_world, gather
from tests.support.servers import Databases, temporary_nats
from tests.support.waiting import eventually


@dataclass
class Scene:
    """A redemption service that reaches the platform through a gate."""

    world: World
    gate: Gate
    till: Till

    async def scanned(self, **changes: object) -> tuple[Json, str, list[str]]:
        order = await self.world.platform.order(**changes)
        prepared = await self.till.scan(order["coupons"][0]["code"])
        coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
        return order, prepared.body["preparation_id"], coupon_ids

    async def hurry(self, redemption_id: str) -> None:
        """Let the time for the next attempt be now."""
        await self.world.fetch(
            """
            UPDATE redemptions SET next_attempt_at = now()
             WHERE redemption_id::text = $1 AND state = 'pending'
            """,
            redemption_id,
        )

    async def settled(self, redemption_id: str) -> Answer:
        async def look() -> Answer | None:
            await self.hurry(redemption_id)
            answer = await self.till.ask("GET", f"/v1/redemptions/{redemption_id}")
            return answer if answer.outcome != "pending" else None

        answer = await eventually(look, within_seconds=30, what="a settled redemption")
        assert answer is not None
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def behind_a_gate(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """Nobody else works on this world's redemptions, unless a test starts a second worker."""
    async with (
        temporary_nats(tmp_path_factory.mktemp("gated")) as nats,
        a_world(databases.create, nats.url, workers=0) as world,
        a_gate(world.platform.url) as gate,
        world.worker(douyin_base_url=gate.url, redemption_answer_wait_seconds=0.3) as url,
    ):
        world.url = url
        await world.stores_known()
        yield Scene(world, gate, await world.till())
        await gate.turn(Door.OPEN)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(behind_a_gate: Scene) -> AsyncIterator[Scene]:
    yield behind_a_gate
    await behind_a_gate.gate.turn(Door.OPEN)


async def test_a_lost_answer_is_asked_for_again_before_the_clerk_notices(
    world: World, till: Till
) -> None:
    order = await world.platform.order()
    await world.platform.faults(verify={"dropped_after": 1000})
    try:
        redeemed = await till.redeem(order["coupons"][0]["code"])
    finally:
        await world.platform.faults()
    assert redeemed.outcome == "redeemed"
    assert len(await world.events(order)) == 1


async def test_a_platform_that_stays_silent_leaves_it_pending_until_it_speaks(
    scene: Scene,
) -> None:
    order, preparation_id, coupon_ids = await scene.scanned()
    redemption_id = str(uuid4())
    await scene.gate.turn(Door.DEAF)
    pending = await scene.till.put(preparation_id, coupon_ids, redemption_id)
    assert (pending.status, pending.outcome) == (202, "pending")
    assert pending.body["title"]["zh"]
    assert pending.headers["Retry-After"]
    again = await scene.till.put(preparation_id, coupon_ids, redemption_id)
    assert (again.status, again.raw) == (202, pending.raw)
    assert await scene.world.platform.coupons(order) == ["redeemed"]
    await scene.gate.turn(Door.OPEN)
    assert (await scene.settled(redemption_id)).outcome == "redeemed"
    answer = await scene.till.put(preparation_id, coupon_ids, redemption_id)
    assert (answer.status, answer.outcome) == (200, "redeemed")
    events = await scene.world.events(order, number=2)
    assert [event.type for event in events] == ["coupon.pending", "coupon.redeemed"]


async def test_what_the_platform_never_heard_is_spent_when_it_does(scene: Scene) -> None:
    order, preparation_id, coupon_ids = await scene.scanned()
    redemption_id = str(uuid4())
    await scene.gate.turn(Door.HOLDING)
    pending = await scene.till.put(preparation_id, coupon_ids, redemption_id)
    assert pending.status == 202
    assert await scene.world.platform.coupons(order) == ["available"]
    await scene.gate.turn(Door.OPEN)
    assert (await scene.settled(redemption_id)).outcome == "redeemed"
    assert await scene.world.platform.coupons(order) == ["redeemed"]


async def test_a_platform_that_cannot_be_reached_has_done_nothing(scene: Scene) -> None:
    """The clerk is told at once, and the same scan can be used again."""
    _, preparation_id, coupon_ids = await scene.scanned()
    async with scene.world.worker(douyin_base_url="http://127.0.0.1:9") as url:
        cut_off = Till(url, scene.world.session, scene.till.token)
        refused = await cut_off.put(preparation_id, coupon_ids)
    assert (refused.status, refused.reason) == (409, "platform_unreachable")
    redeemed = await scene.till.put(preparation_id, coupon_ids)
    assert redeemed.outcome == "redeemed"


async def test_a_scan_while_the_platform_is_away_is_a_503(scene: Scene) -> None:
    order = await scene.world.platform.order()
    await scene.gate.turn(Door.SHUT)
    away = await scene.till.scan(order["coupons"][0]["code"])
    assert (away.status, away.reason) == (503, "platform_unreachable")
    assert away.body["action"]["zh"]
    assert int(away.headers["Retry-After"]) > 0


async def test_a_second_redemption_waits_for_nobody_while_the_first_is_open(
    scene: Scene,
) -> None:
    order, preparation_id, coupon_ids = await scene.scanned()
    other_scan = await scene.till.scan(order["coupons"][0]["code"])
    redemption_id = str(uuid4())
    await scene.gate.turn(Door.HOLDING)
    first = asyncio.create_task(scene.till.put(preparation_id, coupon_ids, redemption_id))
    await scene.gate.until_held()
    for rival in (preparation_id, other_scan.body["preparation_id"]):
        refused = await scene.till.put(rival, coupon_ids)
        assert (refused.status, refused.reason) == (409, "redeeming_elsewhere")
    await scene.gate.turn(Door.OPEN)
    assert (await first).outcome == "redeemed"


async def test_a_coupon_spent_by_somebody_else_meanwhile_is_not_taken_for_ours(
    scene: Scene,
) -> None:
    """The call was lost before the platform heard it; then the other system was faster."""
    order, preparation_id, coupon_ids = await scene.scanned()
    redemption_id = str(uuid4())
    await scene.gate.turn(Door.HOLDING)
    assert (await scene.till.put(preparation_id, coupon_ids, redemption_id)).status == 202
    await scene.world.platform.redeem_elsewhere(order, poi_id=OTHER_POI)
    await scene.gate.turn(Door.OPEN)
    settled = await scene.settled(redemption_id)
    assert (settled.outcome, settled.body["reason"]) == ("refused", "already_redeemed")
    events = await scene.world.events(order, number=2)
    assert [event.type for event in events] == ["coupon.pending", "coupon.refused"]
    assert (
        await scene.world.fetch(
            "SELECT FROM ledger WHERE redemption_id::text = $1 AND state <> 'released'",
            redemption_id,
        )
        == []
    )


async def test_a_token_that_died_meanwhile_is_settled_by_a_look_at_the_coupon(
    scene: Scene,
) -> None:
    order, preparation_id, coupon_ids = await scene.scanned()
    redemption_id = str(uuid4())
    await scene.gate.turn(Door.HOLDING)
    assert (await scene.till.put(preparation_id, coupon_ids, redemption_id)).status == 202
    await scene.world.platform.forget_tokens(order)
    await scene.gate.turn(Door.OPEN)
    settled = await scene.settled(redemption_id)
    assert settled.outcome == "refused"
    assert await scene.world.platform.coupons(order) == ["available"]
    # The coupon is free again.
    assert (await scene.till.redeem(order["coupons"][0]["code"])).outcome == "redeemed"


async def test_the_platforms_message_of_it_hurries_what_waits(scene: Scene) -> None:
    """No time is made to pass here: the webhook alone brings the answer early."""
    order, preparation_id, coupon_ids = await scene.scanned()
    redemption_id = str(uuid4())
    await scene.world.platform.webhooks_late(3.0)
    await scene.gate.turn(Door.DEAF)
    assert (await scene.till.put(preparation_id, coupon_ids, redemption_id)).status == 202
    await scene.gate.turn(Door.OPEN)
    await scene.world.fetch(
        """
        UPDATE redemptions SET next_attempt_at = now() + interval '1 hour'
         WHERE redemption_id::text = $1 AND state = 'pending'
        """,
        redemption_id,
    )
    assert (await scene.till.settled(redemption_id)).outcome == "redeemed"
    await scene.world.platform.webhooks_late(0)
    assert len(await scene.world.events(order, number=2)) == 2


async def test_while_many_wait_each_is_settled_once(scene: Scene) -> None:
    """Two workers ask about the same redemptions at once."""
    scans = await gather(*(scene.scanned() for _ in range(10)))
    ids = [str(uuid4()) for _ in scans]
    await scene.gate.turn(Door.HOLDING)
    await gather(
        *(
            scene.till.put(preparation_id, coupon_ids, redemption_id)
            for (_, preparation_id, coupon_ids), redemption_id in zip(scans, ids, strict=True)
        )
    )
    async with scene.world.worker():
        await scene.gate.turn(Door.OPEN)
        await gather(*(scene.settled(redemption_id) for redemption_id in ids))
    for order, _, _ in scans:
        events = await scene.world.events(order, number=2)
        assert [event.type for event in events] == ["coupon.pending", "coupon.redeemed"]


async def test_a_lost_answer_to_a_cancellation_is_asked_for_again(scene: Scene) -> None:
    order, preparation_id, coupon_ids = await scene.scanned()
    redemption_id, cancel_id = str(uuid4()), str(uuid4())
    await scene.till.put(preparation_id, coupon_ids, redemption_id)
    await scene.gate.turn(Door.DEAF)
    pending = await scene.till.cancel(redemption_id, cancel_id)
    assert (pending.status, pending.outcome) == (202, "pending")
    assert await scene.world.platform.coupons(order) == ["available"]
    # Until it is known, nobody else spends it.
    refused = await scene.till.scan(order["coupons"][0]["code"])
    assert refused.reason == "already_redeemed"
    await scene.gate.turn(Door.OPEN)
    await scene.world.fetch(
        "UPDATE cancellations SET next_attempt_at = now() WHERE state = 'pending'"
    )
    events = await scene.world.events(order, number=2)
    assert events[1].type == "coupon.cancelled"
    answer = await scene.till.cancel(redemption_id, cancel_id)
    assert (answer.status, answer.outcome) == (200, "cancelled")
