"""The hot statements find their rows by index, however large the tables are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
import pytest_asyncio

from services.orders.domain.orders import fold
from services.orders.queries import applying, reading, reconciliation, reconciling
from services.orders.queries.applying import NewObservation, OrderName, OrderUpdate
from services.orders.queries.reading import Filter
from services.orders.queries.reconciling import Span
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.contracts.orders import CouponSnapshot, CouponState
from shared.ids import new_id
from shared.postgres.connection import Connection
from shared.postgres.pool import pooled
from tests.support.servers import Databases
from tests.unit.orders.histories import a_fact, at

_FILL = (
    """
    INSERT INTO orders (merchant, platform, order_id, version, state, ordered_at, read_back_at)
    SELECT 'm' || n % 20, 'douyin', 'o' || n, 1, 'paid', now() - n * interval '1 minute',
           CASE WHEN n % 500 = 0 THEN now() END
      FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO order_coupons (order_key, coupon_id, state, changed_at)
    SELECT order_key, 'c' || order_key, 'available', now() FROM orders
    """,
    """
    INSERT INTO observations
        (order_key, observation_id, kind, source, occurred_at, since, seen_at, event_id)
    SELECT order_key, gen_random_uuid(), 'order_paid',
           CASE WHEN n = 1 THEN 'query' ELSE 'webhook' END, now(), now(), ordered_at,
           CASE WHEN n = 1 THEN NULL ELSE gen_random_uuid() END
      FROM orders, generate_series(1, 4) n
    """,
    "ANALYZE",
)
_NAMES = [OrderName(f"m{number % 20}", "douyin", f"o{number}") for number in range(1, 100)]
_KEYS = list(range(1, 100))
_LATER = timedelta(seconds=30)


class Explaining:
    """Answers a query function with nothing, and keeps the plan it would have had."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.plan = ""

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        rows = await self._conn.fetch(f"EXPLAIN {statement}", *arguments)
        self.plan = "\n".join(row[0] for row in rows)
        return []

    execute = fetch

    async def fetchrow(self, statement: str, *arguments: object) -> None:
        await self.fetch(statement, *arguments)

    async def fetchval(self, statement: str, *arguments: object) -> int:
        await self.fetch(statement, *arguments)
        return 0


def wanted(**members: Any) -> Filter:
    """Any: each member has a type of its own."""
    nothing: dict[str, Any] = dict.fromkeys(Filter.__slots__)
    return Filter(**{**nothing, "contradicted": False, **members})


def _observation(key: int) -> NewObservation:
    observation = Observation(
        kind=ObservationKind.ORDER_PAID, source=Source.WEBHOOK, order_id="o", occurred_at=at(0)
    )
    return NewObservation(key, new_id(), observation, new_id(), None)


def _update(key: int) -> OrderUpdate:
    snapshot = fold([a_fact(ObservationKind.ORDER_PAID)]).snapshot
    return OrderUpdate(key, 2, snapshot, at(0), None)


HOT: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "find_order_keys": lambda conn: applying.find_order_keys(conn, _NAMES),
    "lock_orders": lambda conn: applying.lock_orders(conn, _KEYS),
    "fetch_facts": lambda conn: applying.fetch_facts(conn, _KEYS),
    "fetch_coupons": lambda conn: applying.fetch_coupons(conn, _KEYS),
    "insert_orders": lambda conn: applying.insert_orders(conn, _NAMES),
    "insert_observations": lambda conn: applying.insert_observations(
        conn, [_observation(key) for key in _KEYS]
    ),
    "update_orders": lambda conn: applying.update_orders(conn, [_update(key) for key in _KEYS]),
    "upsert_coupons": lambda conn: applying.upsert_coupons(
        conn,
        [
            (key, CouponSnapshot(coupon_id="c", state=CouponState.REDEEMED, changed_at=at(0)))
            for key in _KEYS
        ],
    ),
    "list_orders": lambda conn: reading.list_orders(conn, wanted(), limit=50),
    "list_orders_of_merchant": lambda conn: reading.list_orders_of_merchant(
        conn, wanted(merchant="m1"), limit=50
    ),
    "list_orders_of_merchant_in_state": lambda conn: reading.list_orders_of_merchant_in_state(
        conn, wanted(merchant="m1", state="paid"), limit=50
    ),
    "list_orders_of_coupon": lambda conn: reading.list_orders_of_coupon(
        conn, wanted(coupon_id="c77"), limit=50
    ),
    "list_contradicted_orders": lambda conn: reading.list_contradicted_orders(
        conn, wanted(contradicted=True), limit=50
    ),
    "count_contradicted": reconciliation.count_contradicted,
    "find_orders": lambda conn: reading.find_orders(conn, "o77", merchant=None, limit=10),
    "fetch_seen_facts": lambda conn: reading.fetch_seen_facts(conn, 77, limit=500),
    "read_back_now": lambda conn: reconciling.read_back_now(conn, _NAMES[:5]),
    "lease_read_back": lambda conn: reconciling.lease_read_back(conn, lease=_LATER),
    "lease_reading": lambda conn: reconciling.lease_reading(
        conn, span=Span.RECENT, lease_id=new_id(), lease=_LATER
    ),
    "count_missed": lambda conn: reconciliation.count_missed(
        conn, merchant="m1", since=at(0), grace=_LATER
    ),
    "count_waiting": lambda conn: reconciliation.count_waiting(conn, merchant=None),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(databases: Databases) -> AsyncIterator[Connection]:
    url = await databases.create("orders")
    async with pooled(url, service="orders", max_size=1) as pool, pool.acquire() as conn:
        for statement in _FILL:
            await conn.execute(statement)
        yield conn
    await databases.drop(url)


@pytest.mark.parametrize("name", HOT)
async def test_a_hot_statement_reads_no_table_from_end_to_end(
    filled: Connection, name: str
) -> None:
    explaining = Explaining(filled)
    await HOT[name](cast("Connection", explaining))
    assert explaining.plan
    large = ("orders", "observations", "order_coupons", "order_changes")
    scanned = [table for table in large if f"Seq Scan on {table} " in explaining.plan]
    assert scanned == [], explaining.plan
    if name.startswith("list_orders"):
        # Pages come in the index's order: nothing is sorted.
        assert "Sort" not in explaining.plan or name == "list_orders_of_coupon", explaining.plan
