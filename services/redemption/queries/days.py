"""Statements about a store's day."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.redemption.domain.records import Spent, Store
from services.redemption.queries.rows import SPENT, only
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class StoreDay:
    store: Store
    today: date


@dataclass(frozen=True, slots=True)
class DayItem:
    redemption_id: UUID
    order_id: str
    terminal_id: str
    state: str
    created_at: datetime
    rows: tuple[Spent, ...]


@dataclass(frozen=True, slots=True)
class DayTotals:
    redeemed_coupons: int
    pay_amount_fen: int
    original_amount_fen: int
    cancelled_coupons: int
    pending_redemptions: int


async def find_store_day(conn: Connection, store_id: str) -> StoreDay | None:
    row = await conn.fetchrow(
        """
        SELECT store_id, merchant, platform, poi_id, name, time_zone, open,
               (now() AT TIME ZONE time_zone)::date
          FROM stores WHERE store_id = $1
        """,
        store_id,
    )
    if row is None:
        return None
    values = list(row.values())
    return StoreDay(Store(*values[:7]), values[7])


async def list_day(
    conn: Connection,
    *,
    store_id: str,
    day: date,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[DayItem]:
    """What was redeemed or is pending on the store's day by its own clock, newest first."""
    rows = await conn.fetch(
        """
        SELECT r.redemption_id, r.order_id, r.terminal_id, r.state, r.created_at,
               (SELECT jsonb_agg(jsonb_build_object(
                           'coupon_id', l.coupon_id, 'times_card', l.times_card,
                           'state', l.state, 'title', l.title,
                           'original_amount_fen', l.original_amount_fen,
                           'pay_amount_fen', l.pay_amount_fen, 'verify_id', l.verify_id,
                           'redeemed_at', l.redeemed_at, 'cancel_until', l.cancel_until,
                           'released_at', l.released_at,
                           'released_because', l.released_because) ORDER BY l.coupon_id)
                  FROM ledger l WHERE l.redemption_id = r.redemption_id) AS coupons
          FROM redemptions r JOIN stores s USING (store_id)
         WHERE r.store_id = $1 AND r.state <> 'refused'
           AND r.created_at >= $2::date::timestamp AT TIME ZONE s.time_zone
           AND r.created_at < ($2::date + 1)::timestamp AT TIME ZONE s.time_zone
           AND ($3::timestamptz IS NULL OR (r.created_at, r.redemption_id) < ($3, $4::uuid))
         ORDER BY r.created_at DESC, r.redemption_id DESC LIMIT $5
        """,
        store_id,
        day,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [_as_item(row) for row in rows]


def _as_item(row: Row) -> DayItem:
    values = list(row.values())
    values[5] = SPENT.validate_json(values[5] or "[]")
    return DayItem(*values)


async def total_day(conn: Connection, *, store_id: str, day: date) -> DayTotals:
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE l.state = 'spent'),
               coalesce(sum(l.pay_amount_fen) FILTER (WHERE l.state = 'spent'), 0)::bigint,
               coalesce(sum(l.original_amount_fen) FILTER (WHERE l.state = 'spent'), 0)::bigint,
               count(*) FILTER (WHERE l.state = 'released' AND l.redeemed_at IS NOT NULL),
               count(DISTINCT r.redemption_id) FILTER (WHERE r.state = 'pending')
          FROM redemptions r
          JOIN stores s USING (store_id)
          JOIN ledger l USING (redemption_id)
         WHERE r.store_id = $1 AND r.state <> 'refused'
           AND r.created_at >= $2::date::timestamp AT TIME ZONE s.time_zone
           AND r.created_at < ($2::date + 1)::timestamp AT TIME ZONE s.time_zone
        """,
        store_id,
        day,
    )
    return DayTotals(*only(row))
