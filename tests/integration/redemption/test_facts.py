"""Facts about a coupon come late, twice and in any order; what is kept is the same."""

import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest_asyncio

from services.redemption.domain.records import Fact, FactKind
from services.redemption.handlers.heard import latest_facts
from services.redemption.queries.coupons import HeardFact, keep_facts
from shared.postgres.connection import Connection
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase
from tests.unit.redemption.builders import NOW

_HISTORIES = 100


@pytest_asyncio.fixture(loop_scope="session")
async def conn(database: NewDatabase) -> AsyncIterator[Connection]:
    async with (
        pooled(await database("redemption"), service="redemption", max_size=2) as pool,
        pool.acquire() as conn,
    ):
        yield conn


def heard(coupon_id: str, kind: FactKind, second: int) -> HeardFact:
    fact = Fact(coupon_id, kind, NOW + timedelta(seconds=second))
    return HeardFact("douyin", "yihetang", fact)


async def kept(conn: Connection, coupon_id: str) -> tuple[str, int]:
    row = await conn.fetchrow("SELECT fact, fact_at FROM coupons WHERE coupon_id = $1", coupon_id)
    assert row is not None
    return row["fact"], int((row["fact_at"] - NOW).total_seconds())


async def keep(conn: Connection, facts: Sequence[HeardFact], *, batch: int) -> None:
    for start in range(0, len(facts), batch):
        await keep_facts(conn, latest_facts(facts[start : start + batch]))


async def test_every_order_every_batch_and_every_repetition_keep_the_same(
    conn: Connection,
) -> None:
    dice = random.Random(7)
    for number in range(_HISTORIES):
        history = [
            (dice.choice(list(FactKind)), dice.randrange(4)) for _ in range(dice.randint(1, 6))
        ]
        results = set()
        for variant in range(4):
            coupon_id = f"{number}-{variant}"
            told = [heard(coupon_id, kind, second) for kind, second in history]
            told += dice.sample(told, dice.randint(0, len(told)))
            dice.shuffle(told)
            await keep(conn, told, batch=dice.randint(1, len(told)))
            results.add(await kept(conn, coupon_id))
        assert len(results) == 1, history


async def test_a_refund_is_final_and_in_one_second_the_usable_coupon_is_believed(
    conn: Connection,
) -> None:
    for name, facts, expected in (
        ("refund", [(FactKind.REFUNDED, 1), (FactKind.AVAILABLE, 5)], (FactKind.REFUNDED, 1)),
        ("tie", [(FactKind.AVAILABLE, 2), (FactKind.REDEEMED, 2)], (FactKind.AVAILABLE, 2)),
        ("newer", [(FactKind.REDEEMED, 3), (FactKind.AVAILABLE, 2)], (FactKind.REDEEMED, 3)),
    ):
        for order in (facts, facts[::-1]):
            coupon_id = f"{name}-{order[0][0]}"
            await keep(conn, [heard(coupon_id, *fact) for fact in order], batch=1)
            assert await kept(conn, coupon_id) == expected


async def test_a_batch_of_facts_and_a_count_of_changes_share_a_row(conn: Connection) -> None:
    await keep_facts(conn, [heard("a", FactKind.REDEEMED, 1), heard("b", FactKind.REFUNDED, 1)])
    rows = await conn.fetch("SELECT coupon_id, version FROM coupons ORDER BY coupon_id")
    assert [(row["coupon_id"], row["version"]) for row in rows] == [("a", 0), ("b", 0)]
