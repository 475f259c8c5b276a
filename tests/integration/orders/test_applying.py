"""Batches of observations through a real database: concurrent, repeated, in any order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest

from services.orders.domain.facts import Fact
from services.orders.domain.orders import Snapshot, fold
from services.orders.handlers.applying import Said, apply_observations
from services.orders.queries import applying as queries
from shared.contracts.envelope import Event
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.contracts.orders import CouponState, OrderChanged
from shared.ids import new_trace_parent
from shared.messaging.outbox import Database
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase
from tests.unit.orders.histories import a_fact, a_life, at, heard

MERCHANT = "yihetang"
_LATER = timedelta(seconds=30)
_SHOWN = OrderChanged.model_fields.keys() & set(Snapshot._fields)


def said(order_id: str, fact: Fact, *, merchant: str = MERCHANT) -> Said:
    """A fact as a batch carries it."""
    observation = Observation(
        kind=fact.kind,
        source=fact.source,
        order_id=order_id,
        coupon_id=fact.coupon_id,
        occurred_at=fact.occurred_at,
        coupon_count=fact.coupon_count,
    )
    return Said(
        merchant=merchant,
        platform="douyin",
        observation_id=fact.observation_id,
        observation=observation,
        traceparent=new_trace_parent(),
        event_id=None if fact.source is Source.QUERY else uuid4(),
    )


@asynccontextmanager
async def databases(url: str, *, count: int = 1) -> AsyncIterator[list[Database]]:
    """As many workers as processes would have pools."""
    async with AsyncExitStack() as stack:
        yield [
            Database(await stack.enter_async_context(pooled(url, service="orders", max_size=4)))
            for _ in range(count)
        ]


async def apply(database: Database, batch: Sequence[Said]) -> Sequence[Event]:
    async with database.transaction() as transaction:
        events = await apply_observations(transaction.conn, batch, read_back_after=_LATER)
        transaction.emit(events)
    return events


async def stored(database: Database, order_id: str) -> Snapshot:
    """The order as its rows have it."""
    async with database.pool.acquire() as conn:
        name = queries.OrderName(MERCHANT, "douyin", order_id)
        keys = await queries.find_order_keys(conn, [name])
        [order] = await queries.lock_orders(conn, [keys[name]])
        coupons = await queries.fetch_coupons(conn, [keys[name]])
    row = order.snapshot
    return row._replace(coupons=coupons.get(order.order_key, ()))


async def outbox_of(database: Database, order_id: str) -> list[Event]:
    async with database.pool.acquire() as conn:
        rows = await conn.fetch("SELECT payload FROM outbox ORDER BY seq")
    events = [Event.model_validate_json(row["payload"]) for row in rows]
    return sorted((one for one in events if one.subject == order_id), key=lambda one: one.version)


def as_told(event: Event) -> dict[str, object]:
    """What an event shows of an order, but for how it got there."""
    told = OrderChanged.model_validate(event.data)
    return {name: getattr(told, name) for name in _SHOWN}


def as_known(snapshot: Snapshot) -> dict[str, object]:
    return {name: getattr(snapshot, name) for name in _SHOWN}


@pytest.mark.parametrize("seed", range(12))
async def test_concurrent_workers_in_any_order_make_one_state(
    database: NewDatabase, seed: int
) -> None:
    """Some lives at once, each observation in some batches of some workers."""
    random = Random(seed)
    lives = {f"o{number}": a_life(random.randrange(2**32)) for number in range(12)}
    all_said = [said(order_id, fact) for order_id, life in lives.items() for fact in heard(life)]
    random.shuffle(all_said)
    batches = [all_said[start : start + 10] for start in range(0, len(all_said), 10)]
    async with databases(await database("orders"), count=2) as workers:
        # Every batch is delivered to both workers: acknowledgements get lost.
        await asyncio.gather(*(apply(worker, batch) for batch in batches for worker in workers))
        for order_id, life in lives.items():
            expected = fold([*life.told, *life.read]).snapshot
            assert await stored(workers[0], order_id) == expected
            events = await outbox_of(workers[0], order_id)
            assert [event.version for event in events] == list(range(1, len(events) + 1))
            assert as_told(events[-1]) == as_known(expected)


async def test_a_batch_that_fails_leaves_nothing(database: NewDatabase) -> None:
    life = a_life(4)
    batch = [said("o1", fact) for fact in heard(life)]
    async with databases(await database("orders")) as [worker]:

        async def apply_and_fail() -> None:
            async with worker.transaction() as transaction:
                await apply_observations(transaction.conn, batch, read_back_after=_LATER)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await apply_and_fail()
        async with worker.pool.acquire() as conn:
            for table in ("orders", "observations", "order_coupons", "order_changes", "outbox"):
                assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608
        events = await apply(worker, batch)
        assert [event.version for event in events] == list(range(1, len(events) + 1))


async def test_what_is_known_already_makes_no_version_and_locks_nothing(
    database: NewDatabase,
) -> None:
    batch = [said("o1", fact) for fact in heard(a_life(4))]
    async with databases(await database("orders")) as [worker]:
        await apply(worker, batch)
        async with worker.pool.acquire() as rival, rival.transaction():
            await rival.execute("SELECT FROM orders FOR NO KEY UPDATE")
            assert not await asyncio.wait_for(apply(worker, batch), 5)


async def test_an_order_of_another_merchant_is_another_order(database: NewDatabase) -> None:
    fact = a_fact(ObservationKind.COUPON_REDEEMED, "c1")
    async with databases(await database("orders")) as [worker]:
        events = await apply(worker, [said("o1", fact), said("o1", fact, merchant="heytea")])
        assert {event.merchant for event in events} == {MERCHANT, "heytea"}
        assert (await stored(worker, "o1")).coupons[0].coupon_id == "c1"


async def test_a_reading_repeated_later_moves_its_fact_forward(database: NewDatabase) -> None:
    """Available, redeemed, and read as available once more: the last reading counts."""
    kind = ObservationKind.COUPON_AVAILABLE
    early = a_fact(kind, "c1", seconds=1, source=Source.QUERY)
    late = early._replace(occurred_at=at(9))
    redeemed = a_fact(ObservationKind.COUPON_REDEEMED, "c1", seconds=5)
    async with databases(await database("orders")) as [worker]:
        for fact in (early, redeemed, late, early):
            await apply(worker, [said("o1", fact)])
        [coupon] = (await stored(worker, "o1")).coupons
        assert (coupon.state, coupon.changed_at) == (CouponState.AVAILABLE, at(5))
