"""The statements of reading back: whose orders, up to where, and which orders alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.orders.queries.applying import OrderName
from shared.postgres.connection import Connection


class Span(StrEnum):
    RECENT = "recent"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Merchant:
    merchant: str
    platform: str
    account_id: str | None
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A leased position: what to ask the platform next."""

    merchant: str
    platform: str
    span: Span
    lease_id: UUID
    read_through: datetime | None
    window_from: datetime | None
    window_to: datetime | None
    next_cursor: str | None
    failures: int
    account_id: str | None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """One order about which the platform is to be asked."""

    name: OrderName
    account_id: str | None


async def upsert_merchants(conn: Connection, merchants: Sequence[Merchant]) -> None:
    """Events may come in any order: the newest version stays."""
    await conn.execute(
        """
        INSERT INTO merchants (merchant, platform, account_id, name, version)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[])
        ON CONFLICT (merchant, platform) DO UPDATE
           SET account_id = excluded.account_id, name = excluded.name, version = excluded.version
         WHERE merchants.version < excluded.version
        """,
        [one.merchant for one in merchants],
        [one.platform for one in merchants],
        [one.account_id for one in merchants],
        [one.name for one in merchants],
        [one.version for one in merchants],
    )


async def insert_reconciliations(conn: Connection, merchants: Sequence[Merchant]) -> None:
    await conn.execute(
        """
        INSERT INTO reconciliations (merchant, platform, span)
        SELECT n.merchant, n.platform, s.span
          FROM unnest($1::text[], $2::text[]) AS n (merchant, platform)
         CROSS JOIN unnest($3::text[]) AS s (span)
         ORDER BY 1, 2, 3
        ON CONFLICT (merchant, platform, span) DO NOTHING
        """,
        [one.merchant for one in merchants],
        [one.platform for one in merchants],
        [span.value for span in Span],
    )


async def lease_reading(
    conn: Connection, *, span: Span, lease_id: UUID, lease: timedelta
) -> Reading | None:
    """Take the position that is longest due; those that others hold are passed over."""
    row = await conn.fetchrow(
        """
        WITH due AS MATERIALIZED (
            SELECT d.merchant, d.platform, d.span
              FROM reconciliations d
             WHERE d.span = $1 AND d.due_at <= now()
               AND (d.leased_until IS NULL OR d.leased_until < now())
             ORDER BY d.due_at LIMIT 1
               FOR UPDATE SKIP LOCKED
        )
        UPDATE reconciliations AS r
           SET lease_id = $2, leased_until = now() + $3::interval
          FROM due JOIN merchants m USING (merchant, platform)
         WHERE r.merchant = due.merchant AND r.platform = due.platform AND r.span = due.span
        RETURNING r.merchant, r.platform, r.span, r.lease_id, r.read_through, r.window_from,
                  r.window_to, r.next_cursor, r.failures, m.account_id
        """,
        span.value,
        lease_id,
        lease,
    )
    if row is None:
        return None
    return Reading(row[0], row[1], Span(row[2]), *row[3:])


async def turn_page(
    conn: Connection,
    reading: Reading,
    *,
    window_from: datetime,
    window_to: datetime,
    next_cursor: str,
    orders_read: int,
    orders_moved: int,
) -> None:
    """Remember the page to come. Without effect for who has lost the lease."""
    await conn.execute(
        """
        UPDATE reconciliations
           SET window_from = $5, window_to = $6, next_cursor = $7, due_at = now(),
               lease_id = NULL, leased_until = NULL, failures = 0,
               orders_read = orders_read + $8, orders_moved = orders_moved + $9
         WHERE merchant = $1 AND platform = $2 AND span = $3 AND lease_id = $4
        """,
        reading.merchant,
        reading.platform,
        reading.span.value,
        reading.lease_id,
        window_from,
        window_to,
        next_cursor,
        orders_read,
        orders_moved,
    )


async def finish_window(
    conn: Connection,
    reading: Reading,
    *,
    read_through: datetime,
    again_after: timedelta,
    orders_read: int,
    orders_moved: int,
) -> None:
    """The window is read to its end. Without effect for who has lost the lease."""
    await conn.execute(
        """
        UPDATE reconciliations
           SET read_through = $5, window_from = NULL, window_to = NULL, next_cursor = NULL,
               due_at = now() + $6::interval, last_finished_at = now(),
               lease_id = NULL, leased_until = NULL, failures = 0, last_failure = NULL,
               orders_read = orders_read + $7, orders_moved = orders_moved + $8
         WHERE merchant = $1 AND platform = $2 AND span = $3 AND lease_id = $4
        """,
        reading.merchant,
        reading.platform,
        reading.span.value,
        reading.lease_id,
        read_through,
        again_after,
        orders_read,
        orders_moved,
    )


async def postpone_reading(
    conn: Connection, reading: Reading, *, failure: str, again_after: timedelta
) -> None:
    """Try later. The window is opened anew, in case it was the cursor that was refused."""
    await conn.execute(
        """
        UPDATE reconciliations
           SET due_at = now() + $6::interval, last_failure = $5, last_failed_at = now(),
               failures = failures + 1, lease_id = NULL, leased_until = NULL,
               window_from = NULL, window_to = NULL, next_cursor = NULL
         WHERE merchant = $1 AND platform = $2 AND span = $3 AND lease_id = $4
        """,
        reading.merchant,
        reading.platform,
        reading.span.value,
        reading.lease_id,
        failure,
        again_after,
    )


async def read_back_now(conn: Connection, names: Sequence[OrderName]) -> None:
    """Ask the platform about these orders as soon as possible."""
    await conn.execute(
        """
        UPDATE orders SET read_back_at = now(), read_back_attempts = 0
         WHERE order_key IN (
            SELECT o.order_key
              FROM unnest($1::text[], $2::text[], $3::text[]) AS n (merchant, platform, order_id)
              JOIN orders o USING (order_id, merchant, platform)
             ORDER BY o.order_key
               FOR NO KEY UPDATE OF o
         )
        """,
        [name.merchant for name in names],
        [name.platform for name in names],
        [name.order_id for name in names],
    )


async def lease_read_back(conn: Connection, *, lease: timedelta) -> ReadBack | None:
    """Take the order that is longest due; whoever dies over it leaves it due after the lease."""
    row = await conn.fetchrow(
        """
        UPDATE orders
           SET read_back_at = now() + $1::interval, read_back_attempts = read_back_attempts + 1
         WHERE order_key = (
                   SELECT order_key FROM orders
                    WHERE read_back_at <= now()
                    ORDER BY read_back_at LIMIT 1
                      FOR NO KEY UPDATE SKIP LOCKED
               )
        RETURNING merchant, platform, order_id,
                  coalesce(account_id, (
                      SELECT m.account_id FROM merchants m
                       WHERE m.merchant = orders.merchant AND m.platform = orders.platform
                  )) AS account_id
        """,
        lease,
    )
    return None if row is None else ReadBack(OrderName(row[0], row[1], row[2]), row[3])


async def settle_read_back(
    conn: Connection, name: OrderName, *, answered: bool, attempts_max: int, again_after: timedelta
) -> None:
    """Ask again, ever more slowly, while the answer or the coupon count is missing."""
    await conn.execute(
        """
        UPDATE orders
           SET read_back_at = CASE
                   WHEN read_back_attempts < $5 AND (NOT $4 OR (paid AND coupon_count IS NULL))
                   THEN now() + $6::interval * (2 ^ (read_back_attempts - 1))
               END
         WHERE merchant = $1 AND platform = $2 AND order_id = $3
        """,
        name.merchant,
        name.platform,
        name.order_id,
        answered,
        attempts_max,
        again_after,
    )
