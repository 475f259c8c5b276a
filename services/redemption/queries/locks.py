"""Statements that keep coupons from being spent while a refund is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.redemption.domain.issued import Issued
from services.redemption.queries.issued_rows import ISSUED_COLUMNS, as_issued
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class RefundLock:
    platform: str
    after_sale_id: str
    merchant: str
    order_id: str
    # None named: the whole order.
    coupon_ids: Sequence[str]
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class ElsewhereHeld:
    """A coupon whose code is the platform's, as our ledger has it."""

    coupon_id: str
    state: str


_OF_ORDER: Final = """
SELECT i.platform, i.coupon_id, i.merchant, i.order_id, s.title, s.kind, s.usage,
       s.bought_at, s.valid_from, s.valid_to, s.day, s.slot, i.original_amount_fen,
       i.pay_amount_fen, i.times_total, i.times_used, i.version, i.refund_lock,
       i.refunded_at, NULL
  FROM issued_coupons i
  JOIN issues s ON s.platform = i.platform AND s.order_id = i.order_id AND s.sku = i.sku
 WHERE i.platform = $1 AND i.merchant = $2 AND i.order_id = $3
   AND ($4::text[] = '{}' OR i.coupon_id = ANY($4))
 ORDER BY i.platform, i.coupon_id
   FOR UPDATE OF i
"""


async def hold_orders(conn: Connection, orders: Sequence[tuple[str, str]]) -> None:
    """Until the end of the transaction: codes are issued before or after a lock, never beside."""
    await conn.execute(
        """
        SELECT pg_advisory_xact_lock(held.key) FROM (
            SELECT DISTINCT hashtextextended(name, 0) AS key
              FROM unnest($1::text[]) AS name ORDER BY key
        ) held
        """,
        [f"{platform} {order_id}" for platform, order_id in orders],
    )


async def find_lock(conn: Connection, *, platform: str, after_sale_id: str) -> RefundLock | None:
    row = await conn.fetchrow(
        """
        SELECT platform, after_sale_id, merchant, order_id, coupon_ids, released_at
          FROM refund_locks WHERE platform = $1 AND after_sale_id = $2
        """,
        platform,
        after_sale_id,
    )
    return None if row is None else RefundLock(*row.values())


async def lock_coupons_of_order(
    conn: Connection,
    *,
    platform: str,
    merchant: str,
    order_id: str,
    coupon_ids: Sequence[str],
) -> list[Issued]:
    """Those whose codes are ours; nobody spends them before the transaction is over."""
    rows = await conn.fetch(_OF_ORDER, platform, merchant, order_id, coupon_ids)
    found = [as_issued(list(row.values())[:ISSUED_COLUMNS]) for row in rows]
    return [each for each in found if each is not None]


async def find_elsewhere(
    conn: Connection, *, platform: str, order_id: str, coupon_ids: Sequence[str]
) -> list[ElsewhereHeld]:
    """What our ledger holds or has spent of the order's coupons whose codes are not ours."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (l.coupon_id) l.coupon_id, l.state
          FROM redemptions r JOIN ledger l USING (redemption_id)
         WHERE r.platform = $1 AND r.order_id = $2 AND l.state <> 'released'
           AND ($3::text[] = '{}' OR l.coupon_id = ANY($3))
           AND NOT EXISTS (
               SELECT FROM issued_coupons i
                WHERE i.platform = l.platform AND i.coupon_id = l.coupon_id
           )
         ORDER BY l.coupon_id, l.state
        """,
        platform,
        order_id,
        coupon_ids,
    )
    return [ElsewhereHeld(*row.values()) for row in rows]


async def add_lock(conn: Connection, lock: RefundLock, coupon_ids: Sequence[str]) -> int:
    """Lock what can still be spent, and say how many that were."""
    locked = await conn.fetchval(
        """
        WITH kept AS (
            INSERT INTO refund_locks (platform, after_sale_id, merchant, order_id, coupon_ids)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (platform, after_sale_id) DO UPDATE
               SET released_at = NULL, locked_at = now(), coupon_ids = EXCLUDED.coupon_ids
        ), locked AS (
            UPDATE issued_coupons SET refund_lock = $2, version = version + 1
             WHERE platform = $1 AND coupon_id = ANY($6::text[]) AND refund_lock IS NULL
               AND refunded_at IS NULL AND times_used < times_total
            RETURNING coupon_id
        )
        SELECT count(*) FROM locked
        """,
        lock.platform,
        lock.after_sale_id,
        lock.merchant,
        lock.order_id,
        lock.coupon_ids,
        coupon_ids,
    )
    return int(locked)


async def keep_only(
    conn: Connection, *, platform: str, after_sale_id: str, coupon_ids: Sequence[str]
) -> None:
    """A part of the refund was turned down: its coupons can be spent again."""
    await conn.execute(
        """
        WITH kept AS (
            UPDATE refund_locks SET coupon_ids = $3
             WHERE platform = $1 AND after_sale_id = $2 AND released_at IS NULL
               AND (coupon_ids = '{}' OR coupon_ids @> $3)
            RETURNING platform
        ), free AS (
            SELECT i.platform, i.coupon_id FROM kept JOIN issued_coupons i USING (platform)
             WHERE i.refund_lock = $2 AND i.coupon_id <> ALL($3)
             ORDER BY i.platform, i.coupon_id FOR UPDATE OF i
        )
        UPDATE issued_coupons i SET refund_lock = NULL, version = i.version + 1
          FROM free WHERE i.platform = free.platform AND i.coupon_id = free.coupon_id
        """,
        platform,
        after_sale_id,
        coupon_ids,
    )


async def release_lock(conn: Connection, *, platform: str, after_sale_id: str) -> None:
    await conn.execute(
        """
        WITH released AS (
            UPDATE refund_locks SET released_at = now()
             WHERE platform = $1 AND after_sale_id = $2 AND released_at IS NULL
        ), free AS (
            SELECT platform, coupon_id FROM issued_coupons
             WHERE platform = $1 AND refund_lock = $2
             ORDER BY platform, coupon_id FOR UPDATE
        )
        UPDATE issued_coupons i SET refund_lock = NULL, version = i.version + 1
          FROM free WHERE i.platform = free.platform AND i.coupon_id = free.coupon_id
        """,
        platform,
        after_sale_id,
    )


async def find_time_zone(conn: Connection, merchant: str) -> str | None:
    """Of one of the merchant's stores."""
    row = await conn.fetchrow(
        "SELECT time_zone FROM stores WHERE merchant = $1 ORDER BY store_id LIMIT 1", merchant
    )
    return None if row is None else str(row["time_zone"])
