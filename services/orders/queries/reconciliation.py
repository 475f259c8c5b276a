"""The statements that answer: did we miss anything?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class ReconciliationRow:
    merchant: str
    platform: str
    account_id: str | None
    span: str
    read_through: datetime | None
    reading: bool
    due_at: datetime
    last_finished_at: datetime | None
    last_failure: str | None
    last_failed_at: datetime | None
    failures: int
    orders_read: int
    orders_moved: int


@dataclass(frozen=True, slots=True)
class MissedRow:
    """Facts of one kind that only a reading told."""

    merchant: str
    platform: str
    kind: str
    facts: int
    orders: int


async def list_reconciliations(
    conn: Connection, *, merchant: str | None, limit: int
) -> list[ReconciliationRow]:
    rows = await conn.fetch(
        """
        SELECT r.merchant, r.platform, m.account_id, r.span, r.read_through,
               r.window_from IS NOT NULL AS reading, r.due_at, r.last_finished_at,
               r.last_failure, r.last_failed_at, r.failures, r.orders_read, r.orders_moved
          FROM reconciliations r JOIN merchants m USING (merchant, platform)
         WHERE $1::text IS NULL OR r.merchant = $1
         ORDER BY r.merchant, r.platform, r.span
         LIMIT $2
        """,
        merchant,
        limit,
    )
    return [ReconciliationRow(*row.values()) for row in rows]


async def count_missed(
    conn: Connection, *, merchant: str | None, since: datetime, grace: timedelta
) -> list[MissedRow]:
    """What only a reading told, though a webhook should have, after the grace for late ones."""
    rows = await conn.fetch(
        """
        SELECT o.merchant, o.platform, read.kind, count(*), count(DISTINCT read.order_key)
          FROM observations read JOIN orders o USING (order_key)
         WHERE read.source = 'query' AND read.seen_at >= $2 AND read.seen_at < now() - $3::interval
           AND read.kind IN ('order_paid', 'coupon_redeemed', 'coupon_refunded')
           AND ($1::text IS NULL OR o.merchant = $1)
           AND NOT EXISTS (
               SELECT FROM observations told
                WHERE told.order_key = read.order_key AND told.kind = read.kind
                  AND told.coupon_id IS NOT DISTINCT FROM read.coupon_id
                  AND told.source <> 'query'
           )
         GROUP BY o.merchant, o.platform, read.kind
         ORDER BY o.merchant, o.platform, read.kind
        """,
        merchant,
        since,
        grace,
    )
    return [MissedRow(*row.values()) for row in rows]


async def oldest_read_through(conn: Connection) -> datetime | None:
    """Up to where every merchant with an application has been read back."""
    oldest: datetime | None = await conn.fetchval(
        """
        SELECT min(read_through) FROM reconciliations
         WHERE span = 'recent' AND last_failure IS DISTINCT FROM 'no_application'
        """
    )
    return oldest


async def count_contradicted(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM orders WHERE contradicted"))


async def count_waiting(conn: Connection, *, merchant: str | None) -> int:
    """Orders about which the platform is still to be asked."""
    return int(
        await conn.fetchval(
            """
            SELECT count(*) FROM orders
             WHERE read_back_at IS NOT NULL AND ($1::text IS NULL OR merchant = $1)
            """,
            merchant,
        )
    )
