"""The statements that move reservations on: a constant number, whatever the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.catalog.domain.settling import Line, Reservation, ReservationState
from shared.contracts.products import Restock
from shared.postgres.connection import Connection, Row


class OrderName(NamedTuple):
    """By what an order is known."""

    merchant: str
    platform: str
    order_id: str


async def lock_newer(
    conn: Connection, versions: Mapping[OrderName, int]
) -> Mapping[OrderName, UUID]:
    """Lock the reservations that have not heard these versions yet, and mark that they have."""
    rows = await conn.fetch(
        """
        WITH heard AS (
            SELECT r.out_order_id, n.version
              FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
                AS n (merchant, platform, order_id, version)
              JOIN reservations r ON r.order_id = n.order_id AND r.platform = n.platform
                                 AND r.merchant = n.merchant
             ORDER BY r.out_order_id FOR UPDATE OF r
        )
        UPDATE reservations r SET order_version = heard.version
          FROM heard
         WHERE r.out_order_id = heard.out_order_id AND r.order_version < heard.version
        RETURNING r.merchant, r.platform, r.order_id, r.out_order_id
        """,
        [name.merchant for name in versions],
        [name.platform for name in versions],
        [name.order_id for name in versions],
        list(versions.values()),
    )
    return {OrderName(row[0], row[1], row[2]): row[3] for row in rows}


async def lock_overdue(conn: Connection, *, limit: int) -> list[UUID]:
    """Unpaid and past their time; those that another worker has in hand are passed over."""
    rows = await conn.fetch(
        """
        SELECT out_order_id FROM reservations
         WHERE state = 'held' AND release_at <= now()
         ORDER BY release_at LIMIT $1 FOR UPDATE SKIP LOCKED
        """,
        limit,
    )
    return [row[0] for row in rows]


async def lock_servable(conn: Connection, *, limit: int) -> list[UUID]:
    """Paid too late, and now there is enough for each line; the first that came are first."""
    rows = await conn.fetch(
        """
        SELECT r.out_order_id FROM reservations r
         WHERE r.state = 'oversold'
           AND NOT EXISTS (
               SELECT FROM reservation_lines l JOIN stock t USING (stock_key)
                WHERE l.out_order_id = r.out_order_id
                  AND t.total - t.held - t.sold < l.count)
         ORDER BY r.out_order_id LIMIT $1 FOR UPDATE OF r SKIP LOCKED
        """,
        limit,
    )
    return [row[0] for row in rows]


async def read_locked(conn: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Reservation]:
    """Read again after the lock: as nobody else can change them any more."""
    rows = await conn.fetch(
        """
        SELECT r.out_order_id, r.merchant, r.order_id, r.platform, r.buyer, r.state,
               (SELECT jsonb_agg(jsonb_build_array(
                           l.line, s.sku_id, l.stock_key, l.product_key, l.count, l.restocked,
                           p.restock_on_refund,
                           CASE WHEN t.day > '-infinity' THEN t.day END,
                           p.per_buyer_max IS NOT NULL) ORDER BY l.line)
                  FROM reservation_lines l
                  JOIN skus s ON s.sku_key = l.sku_key
                  JOIN products p ON p.product_key = l.product_key
                  JOIN stock t ON t.stock_key = l.stock_key
                 WHERE l.out_order_id = r.out_order_id) AS lines
          FROM reservations r WHERE r.out_order_id = ANY($1::uuid[])
        """,
        ids,
    )
    return {row["out_order_id"]: _reservation(row) for row in rows}


async def move_reservations(conn: Connection, states: Mapping[UUID, ReservationState]) -> None:
    await conn.execute(
        """
        UPDATE reservations r SET state = n.state, changed_at = now()
          FROM unnest($1::uuid[], $2::text[]) AS n (out_order_id, state)
         WHERE r.out_order_id = n.out_order_id
        """,
        list(states),
        list(states.values()),
    )


async def store_restocked(conn: Connection, restocked: Mapping[tuple[UUID, int], int]) -> None:
    """By reservation and line."""
    await conn.execute(
        """
        UPDATE reservation_lines l SET restocked = n.restocked
          FROM unnest($1::uuid[], $2::smallint[], $3::integer[])
            AS n (out_order_id, line, restocked)
         WHERE l.out_order_id = n.out_order_id AND l.line = n.line
        """,
        [out_order_id for out_order_id, _ in restocked],
        [line for _, line in restocked],
        list(restocked.values()),
    )


async def change_takings(conn: Connection, deltas: Mapping[tuple[int, str], int]) -> None:
    """By product and buyer. What a buyer gives back may never have been counted."""
    keys = sorted(deltas)
    await conn.execute(
        """
        INSERT INTO buyer_takings AS t (product_key, buyer, taken)
        SELECT product_key, buyer, greatest(delta, 0)
          FROM unnest($1::bigint[], $2::text[], $3::integer[]) AS n (product_key, buyer, delta)
        ON CONFLICT (product_key, buyer) DO UPDATE
           SET taken = greatest(t.taken + (
               SELECT m.delta
                 FROM unnest($1::bigint[], $2::text[], $3::integer[])
                   AS m (product_key, buyer, delta)
                WHERE m.product_key = t.product_key AND m.buyer = t.buyer), 0)
        """,
        [product_key for product_key, _ in keys],
        [buyer for _, buyer in keys],
        [deltas[key] for key in keys],
    )


@dataclass(frozen=True, slots=True)
class Filter:
    merchant: str | None = None
    platform: str | None = None
    order_id: str | None = None
    state: str | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReservationView:
    """`lines` is JSON: sku_id, count, price_fen, day, slot, restocked. Any: JSON."""

    out_order_id: UUID
    merchant: str
    platform: str
    order_id: str
    state: str
    refusal: str | None
    detail: str | None
    pay_until: datetime | None
    decided_at: datetime
    changed_at: datetime
    lines: list[Any]


async def list_reservations(
    conn: Connection, wanted: Filter, *, limit: int
) -> list[ReservationView]:
    """Newest first."""
    rows = await conn.fetch(
        """
        SELECT r.out_order_id, r.merchant, r.platform, r.order_id, r.state, r.refusal,
               r.answer ->> 'detail' AS detail, r.pay_until, r.decided_at, r.changed_at,
               (SELECT jsonb_agg(jsonb_build_object(
                           'sku_id', s.sku_id, 'count', l.count, 'price_fen', l.price_fen,
                           'day', CASE WHEN t.day > '-infinity' THEN t.day END,
                           'slot', nullif(t.slot, ''), 'restocked', l.restocked)
                           ORDER BY l.line)
                  FROM reservation_lines l JOIN skus s USING (sku_key)
                  JOIN stock t ON t.stock_key = l.stock_key
                 WHERE l.out_order_id = r.out_order_id) AS lines
          FROM reservations r
         WHERE ($1::text IS NULL OR r.merchant = $1)
           AND ($2::text IS NULL OR r.platform = $2)
           AND ($3::text IS NULL OR r.order_id = $3)
           AND ($4::text IS NULL OR r.state = $4)
           AND ($5::uuid IS NULL OR r.out_order_id < $5)
         ORDER BY r.out_order_id DESC LIMIT $6
        """,
        *(wanted.merchant, wanted.platform, wanted.order_id, wanted.state, wanted.after, limit),
    )
    return [_view(row) for row in rows]


async def count_oversold(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM reservations WHERE state = 'oversold'"))


def _view(row: Row) -> ReservationView:
    return ReservationView(
        out_order_id=row["out_order_id"],
        merchant=row["merchant"],
        platform=row["platform"],
        order_id=row["order_id"],
        state=row["state"],
        refusal=row["refusal"],
        detail=row["detail"],
        pay_until=row["pay_until"],
        decided_at=row["decided_at"],
        changed_at=row["changed_at"],
        lines=orjson.loads(row["lines"] or "[]"),
    )


def _reservation(row: Row) -> Reservation:
    return Reservation(
        out_order_id=row["out_order_id"],
        merchant=row["merchant"],
        order_id=row["order_id"],
        platform=row["platform"],
        buyer=row["buyer"],
        state=ReservationState(row["state"]),
        lines=tuple(_line(values) for values in orjson.loads(row["lines"] or "[]")),
    )


def _line(values: Sequence[Any]) -> Line:
    line, sku_id, stock_key, product_key, count, restocked, restock, day, limited = values
    return Line(
        line=line,
        sku_id=sku_id,
        stock_key=stock_key,
        product_key=product_key,
        count=count,
        restocked=restocked,
        restock=Restock(restock),
        day=None if day is None else datetime.fromisoformat(day).date(),
        limited=limited,
    )
