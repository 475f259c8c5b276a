"""Whatever line a worker dies at, its redemptions are settled once, by the next one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from tests.integration.redemption.gate import Door, Gate, a_gate
from tests.integration.redemption.platform import Json
from tests.integration.redemption.processes import Running, a_service, environment_of
from tests.integration.redemption.support import Answer, Till, World, a_world
from tests.support.servers import Databases, temporary_nats
from tests.support.waiting import eventually


@dataclass
class Scene:
    """A world whose redemption is a process that a test may kill, behind a gate."""

    world: World
    gate: Gate
    till: Till
    folder: Path

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Running]:
        environment = environment_of(self.world, douyin_base_url=self.gate.url)
        async with a_service("redemption", environment, folder=self.folder) as running:
            self.till.url = running.url
            yield running

    async def scanned(self) -> tuple[Json, str, list[str]]:
        order = await self.world.platform.order()
        prepared = await self.till.scan(order["coupons"][0]["code"])
        assert prepared.status == 200, prepared.body
        return (
            order,
            prepared.body["preparation_id"],
            [one["coupon_id"] for one in prepared.body["coupons"]],
        )

    async def settled(self, redemption_id: str) -> Answer:
        """By the time the next attempt is due, which is made to be now."""

        async def look() -> Answer | None:
            await self.world.fetch(
                "UPDATE redemptions SET next_attempt_at = now() WHERE state = 'pending'"
            )
            answer = await self.till.ask("GET", f"/v1/redemptions/{redemption_id}")
            return answer if answer.outcome != "pending" else None

        answer = await eventually(look, within_seconds=30, what="a settled redemption")
        assert answer is not None
        return answer

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Whoever writes to the table waits here."""
        conn = await asyncpg.connect(self.world.postgres_url)
        try:
            async with conn.transaction():
                await conn.execute(f"LOCK TABLE redemption.{table} IN EXCLUSIVE MODE")
                yield
        finally:
            await conn.close()

    async def cut_connections(self, *, waiting_for_a_lock: bool = False) -> None:
        """End the sessions of redemption in the database, once one waits for a lock if asked."""
        conn = await asyncpg.connect(self.world.postgres_url)
        try:

            async def cut() -> bool:
                ended = await conn.fetch(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'qiao-redemption'
                       AND (NOT $1 OR wait_event_type = 'Lock')
                    """,
                    waiting_for_a_lock,
                )
                return bool(ended)

            await eventually(cut, what="a session to end")
        finally:
            await conn.close()

    async def is_settled_once(self, order: Json, redemption_id: str) -> None:
        assert (await self.settled(redemption_id)).outcome == "redeemed"
        assert await self.world.platform.coupons(order) == ["redeemed"]
        redeemed = [
            event for event in await self.world.events(order) if event.type == "coupon.redeemed"
        ]
        assert len(redeemed) == 1
        rows = await self.world.ledger(order)
        assert [row["state"] for row in rows] == ["spent"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("crashes")
    async with (
        temporary_nats(folder / "nats") as nats,
        a_world(databases.create, nats.url, workers=0) as world,
        a_gate(world.platform.url) as gate,
    ):
        till = await world.till(url="not yet")
        scene = Scene(world, gate, till, folder)
        async with scene.worker():
            await world.stores_known()
        yield scene


async def put(scene: Scene, *asked: Any) -> "asyncio.Task[Answer]":
    """Begin a redemption whose answer may never come."""

    async def ask() -> Answer:
        try:
            return await scene.till.put(*asked)
        except (OSError, aiohttp.ClientError):
            return Answer(0, {}, b"", {})

    return asyncio.create_task(ask())


async def test_killed_before_the_platform_hears(scene: Scene) -> None:
    redemption_id = str(uuid4())
    async with scene.worker() as worker:
        order, preparation_id, coupon_ids = await scene.scanned()
        await scene.gate.turn(Door.HOLDING)
        asked = await put(scene, preparation_id, coupon_ids, redemption_id)
        await scene.gate.until_held()
        await worker.kill()
        assert (await asked).status == 0
    await scene.gate.turn(Door.OPEN)
    assert await scene.world.platform.coupons(order) == ["available"]
    async with scene.worker():
        await scene.is_settled_once(order, redemption_id)


async def test_killed_after_the_platform_spent_it(scene: Scene) -> None:
    redemption_id = str(uuid4())
    async with scene.worker() as worker:
        order, preparation_id, coupon_ids = await scene.scanned()
        await scene.gate.turn(Door.DEAF)
        asked = await put(scene, preparation_id, coupon_ids, redemption_id)
        await scene.gate.until_lost()
        await worker.kill()
        assert (await asked).status in (0, 202)
    await scene.gate.turn(Door.OPEN)
    assert await scene.world.platform.coupons(order) == ["redeemed"]
    async with scene.worker():
        await scene.is_settled_once(order, redemption_id)
        answer = await scene.till.put(preparation_id, coupon_ids, redemption_id)
        assert (answer.status, answer.outcome) == (200, "redeemed")


async def test_killed_before_it_could_write_down_the_answer(scene: Scene) -> None:
    redemption_id = str(uuid4())
    async with scene.worker() as worker:
        order, preparation_id, coupon_ids = await scene.scanned()
        await scene.gate.turn(Door.HOLDING)
        asked = await put(scene, preparation_id, coupon_ids, redemption_id)
        await scene.gate.until_held()
        async with scene.locked("ledger"):
            await scene.gate.turn(Door.OPEN)
            await until_waiting_for_a_lock(scene)
            await worker.kill()
        assert (await asked).status == 0
    async with scene.worker():
        await scene.is_settled_once(order, redemption_id)


async def test_killed_before_anything_was_written(scene: Scene) -> None:
    """Nothing is kept of it, and the retry with the same id begins it."""
    redemption_id = str(uuid4())
    async with scene.worker() as worker:
        order, preparation_id, coupon_ids = await scene.scanned()
        async with scene.locked("ledger"):
            asked = await put(scene, preparation_id, coupon_ids, redemption_id)
            await until_waiting_for_a_lock(scene)
            await worker.kill()
        assert (await asked).status == 0
    async with scene.worker():
        missing = await scene.till.ask("GET", f"/v1/redemptions/{redemption_id}")
        assert missing.status == 404
        answer = await scene.till.put(preparation_id, coupon_ids, redemption_id)
        assert answer.outcome == "redeemed"
        await scene.is_settled_once(order, redemption_id)


async def test_the_database_hangs_up_before_anything_was_written(scene: Scene) -> None:
    redemption_id = str(uuid4())
    async with scene.worker():
        order, preparation_id, coupon_ids = await scene.scanned()
        async with scene.locked("ledger"):
            asked = await put(scene, preparation_id, coupon_ids, redemption_id)
            await scene.cut_connections(waiting_for_a_lock=True)
            answer = await asked
        assert (answer.status, answer.reason) == (503, "unavailable")
        again = await scene.till.put(preparation_id, coupon_ids, redemption_id)
        assert again.outcome == "redeemed"
        await scene.is_settled_once(order, redemption_id)


async def test_the_database_hangs_up_while_the_answer_is_written_down(scene: Scene) -> None:
    """The clerk gets a 503; the retry, or the background, finds out."""
    redemption_id = str(uuid4())
    async with scene.worker():
        order, preparation_id, coupon_ids = await scene.scanned()
        await scene.gate.turn(Door.HOLDING)
        asked = await put(scene, preparation_id, coupon_ids, redemption_id)
        await scene.gate.until_held()
        async with scene.locked("ledger"):
            await scene.gate.turn(Door.OPEN)
            await scene.cut_connections(waiting_for_a_lock=True)
            answer = await asked
        assert (answer.status, answer.reason) == (503, "unavailable")
        await scene.is_settled_once(order, redemption_id)


async def test_the_clerk_hangs_up_and_asks_again(scene: Scene) -> None:
    redemption_id = str(uuid4())
    async with scene.worker():
        order, preparation_id, coupon_ids = await scene.scanned()
        await scene.gate.turn(Door.HOLDING)
        asked = await put(scene, preparation_id, coupon_ids, redemption_id)
        await scene.gate.until_held()
        asked.cancel()
        await scene.gate.turn(Door.OPEN)
        answer = await scene.till.put(preparation_id, coupon_ids, redemption_id)
        assert (answer.status, answer.outcome) == (200, "redeemed")
        await scene.is_settled_once(order, redemption_id)


async def test_a_cancellation_is_taken_up_by_the_next_worker(scene: Scene) -> None:
    redemption_id, cancel_id = str(uuid4()), str(uuid4())
    async with scene.worker() as worker:
        order, preparation_id, coupon_ids = await scene.scanned()
        await scene.till.put(preparation_id, coupon_ids, redemption_id)
        await scene.gate.turn(Door.DEAF)

        async def ask() -> int:
            try:
                return (await scene.till.cancel(redemption_id, cancel_id)).status
            except (OSError, aiohttp.ClientError):
                return 0

        asked = asyncio.create_task(ask())
        await scene.gate.until_lost()
        await worker.kill()
        # It may just have said that it does not know.
        assert await asked in (0, 202)
    await scene.gate.turn(Door.OPEN)
    assert await scene.world.platform.coupons(order) == ["available"]
    async with scene.worker():

        async def cancelled() -> bool:
            await scene.world.fetch(
                "UPDATE cancellations SET next_attempt_at = now() WHERE state = 'pending'"
            )
            rows = await scene.world.fetch(
                "SELECT state FROM cancellations WHERE cancel_id::text = $1", cancel_id
            )
            return bool(rows[0]["state"] == "cancelled")

        await eventually(cancelled, what="a settled cancellation")
        answer = await scene.till.cancel(redemption_id, cancel_id)
        assert (answer.status, answer.outcome) == (200, "cancelled")
        events = [event.type for event in await scene.world.events(order, number=2)]
        assert events == ["coupon.redeemed", "coupon.cancelled"]
        assert (await scene.till.redeem(order["coupons"][0]["code"])).outcome == "redeemed"


async def until_waiting_for_a_lock(scene: Scene) -> None:
    conn = await asyncpg.connect(scene.world.postgres_url)
    try:

        async def waiting() -> bool:
            return bool(
                await conn.fetch(
                    """
                    SELECT FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'qiao-redemption'
                       AND wait_event_type = 'Lock'
                    """
                )
            )

        await eventually(waiting, what="a session that waits for the lock")
    finally:
        await conn.close()
