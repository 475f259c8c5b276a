"""Terminals race for coupons through HTTP: services as processes, PostgreSQL with fsync on.

`make race` prints what it did and how fast; QIAO_SHORT=1, and the suite, take fewer coupons.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
import structlog

from tests.integration.redemption.platform import Json
from tests.integration.redemption.processes import a_service, environment_of
from tests.integration.redemption.support import Answer, Till, World, a_world
from tests.support.servers import (
    Databases,
    temporary_nats,
    temporary_postgres,
)

TERMINALS = 64
RETRIES = 20
COUPONS = 50 if os.environ.get("QIAO_SHORT") else 1000
_LOST = {"already_redeemed", "redeeming_elsewhere"}


@dataclass(frozen=True)
class Arena:
    world: World
    tills: Sequence[Till]


@contextmanager
def quiet() -> Iterator[None]:
    """Access and intake run in this process, which has better things to do than to log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def arena(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    """Two workers of redemption on one database, and 64 terminals of one store between them."""
    folder: Path = tmp_path_factory.mktemp("race")
    async with AsyncExitStack() as stack:
        stack.enter_context(quiet())
        enter = stack.enter_async_context
        postgres = await enter(temporary_postgres(folder / "postgres", durable=True))
        nats = await enter(temporary_nats(folder / "nats"))
        databases = Databases(postgres)
        simulator: dict[str, str] = {
            "QIAO_POSTGRES_URL": await databases.create("simulator"),
            "QIAO_MASTER_KEY": "A" * 43 + "=",
            "QIAO_SIMULATOR_PREPARE_PER_SECOND": "100000",
        }
        platform = await enter(a_service("simulator", simulator, folder=folder))
        world = await enter(
            a_world(databases.create, nats.url, platform_url=platform.url, workers=0)
        )
        workers = [
            await enter(a_service("redemption", environment_of(world), folder=folder))
            for _ in range(2)
        ]
        await world.stores_known()
        tills = [await world.till(url=workers[number % 2].url) for number in range(TERMINALS)]
        yield Arena(world, tills)


async def orders(world: World, number: int) -> list[Json]:
    placed: list[Json] = []
    while len(placed) < number:
        placed += await world.platform.orders(min(50, number - len(placed)))
    return placed


async def race_for_one(arena: Arena, scan: str, *, one_scan: bool) -> list[Answer]:
    """All terminals redeem the same coupon at once, after one scan or after a scan of each."""
    if one_scan:
        prepared = [await arena.tills[0].scan(scan)] * TERMINALS
    else:
        prepared = await asyncio.gather(*(till.scan(scan) for till in arena.tills))
    assert {each.status for each in prepared} == {200}, prepared[0].body
    return await asyncio.gather(
        *(
            till.put(
                each.body["preparation_id"], [one["coupon_id"] for one in each.body["coupons"]]
            )
            for till, each in zip(arena.tills, prepared, strict=True)
        )
    )


def count(answers: Sequence[Answer]) -> "Counter[str]":
    return Counter(str(answer.reason or answer.outcome) for answer in answers)


def one_winner(answers: Sequence[Answer]) -> bool:
    counted = count(answers)
    return counted["redeemed"] == 1 and sum(counted[reason] for reason in _LOST) == len(answers) - 1


async def race(arena: Arena, number: int, *, one_scan: bool) -> None:
    counted: Counter[str] = Counter()
    placed = await orders(arena.world, number)
    started = time.perf_counter()
    for order in placed:
        answers = await race_for_one(arena, order["coupons"][0]["code"], one_scan=one_scan)
        assert one_winner(answers), count(answers)
        counted += count(answers)
    seconds = time.perf_counter() - started
    how = "one scan" if one_scan else "a scan each"
    tell(f"{number} coupons, {TERMINALS} terminals, {how}: {dict(counted)}")
    tell(f"{number * TERMINALS / seconds:.0f} attempts a second")
    await ledger_is_sound(arena.world)


def tell(line: str) -> None:
    """The figures are the point of this file."""
    conditions = f"{os.cpu_count()} cores, fsync on, generator and simulator on the same machine"
    print(f"\n{line} ({conditions})", flush=True)  # noqa: T201


async def together(works: Sequence[Coroutine[Any, Any, Answer]]) -> tuple[list[Answer], float]:
    """As many at a time as there are terminals; the answers, and how many a second."""
    turns = asyncio.Semaphore(TERMINALS)

    async def in_turn(work: Coroutine[Any, Any, Answer]) -> Answer:
        async with turns:
            return await work

    started = time.perf_counter()
    answers = await asyncio.gather(*(in_turn(work) for work in works))
    return answers, len(works) / (time.perf_counter() - started)


async def measure(arena: Arena, number: int) -> None:
    """How many a second: customers served, losers told, repetitions answered."""
    placed = await orders(arena.world, number)
    tills = [arena.tills[place % TERMINALS] for place in range(number)]
    ids = [str(uuid4()) for _ in placed]
    served, rate = await together(
        [
            till.redeem(order["coupons"][0]["code"], redemption_id)
            for till, order, redemption_id in zip(tills, placed, ids, strict=True)
        ]
    )
    assert count(served) == {"redeemed": number}
    tell(f"{rate:.0f} customers served a second: scan, redeem, settled with the platform")
    rows = await arena.world.fetch(
        "SELECT redemption_id::text, preparation_id::text, coupon_ids FROM redemptions"
        " WHERE redemption_id::text = ANY($1)",
        ids,
    )
    lost, rate = await together(
        [tills[0].put(row["preparation_id"], row["coupon_ids"]) for row in rows for _ in range(3)]
    )
    assert count(lost) == {"already_redeemed": 3 * number}
    tell(f"{rate:.0f} losers told a second")
    again, rate = await together(
        [
            tills[0].put(row["preparation_id"], row["coupon_ids"], row["redemption_id"])
            for row in rows
            for _ in range(3)
        ]
    )
    assert count(again) == {"redeemed": 3 * number}
    tell(f"{rate:.0f} repetitions answered a second")


async def ledger_is_sound(world: World) -> None:
    (twice,) = await world.fetch(
        """
        SELECT count(*) FROM (
            SELECT FROM ledger WHERE state = 'spent' GROUP BY coupon_id, use_no HAVING count(*) > 1
        ) AS twice
        """
    )
    assert twice[0] == 0
    (pending,) = await world.fetch("SELECT count(*) FROM redemptions WHERE state = 'pending'")
    assert pending[0] == 0


async def retry_together(arena: Arena, number: int) -> None:
    """20 retries of one redemption_id, over both workers: one answer, byte for byte."""
    for order in await orders(arena.world, number):
        prepared = await arena.tills[0].scan(order["coupons"][0]["code"])
        redemption_id = str(uuid4())
        coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
        answers: list[Answer] = await asyncio.gather(
            *(
                till.put(prepared.body["preparation_id"], coupon_ids, redemption_id)
                for till in arena.tills[:RETRIES]
            )
        )
        assert {answer.status for answer in answers} == {200}
        assert len({answer.raw for answer in answers}) == 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("one_scan", [True, False])
async def test_exactly_one_terminal_wins_each_coupon(arena: Arena, *, one_scan: bool) -> None:
    await race(arena, 10, one_scan=one_scan)


async def test_retries_of_one_redemption_get_one_answer(arena: Arena) -> None:
    await retry_together(arena, 5)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_sixty_four_terminals_race_for_each_of_a_thousand_coupons(arena: Arena) -> None:
    await race(arena, COUPONS // 2, one_scan=True)
    await race(arena, COUPONS - COUPONS // 2, one_scan=False)
    await retry_together(arena, max(10, COUPONS // 10))
    await measure(arena, max(100, COUPONS))
