"""The statements behind HTTP: lists, one order, its history, its coupons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.domain.facts import Fact
from shared.contracts.observations import ObservationKind, Source
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as lists show it."""

    order_key: int
    merchant: str
    platform: str
    order_id: str
    account_id: str | None
    version: int
    state: str
    contradicted: bool
    coupon_count: int | None
    title: str | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    refunded_amount_fen: int
    created_at: datetime | None
    paid_at: datetime | None
    ordered_at: datetime
    first_seen_at: datetime
    changed_at: datetime
    read_back_at: datetime | None
    platform_sku_id: str | None


@dataclass(frozen=True, slots=True)
class CouponRow:
    order_key: int
    coupon_id: str
    state: str
    changed_at: datetime
    refund_amount_fen: int | None


@dataclass(frozen=True, slots=True)
class SeenFact:
    """An observation, and when and by which event it was seen."""

    fact: Fact
    event_id: UUID | None
    delivery_id: UUID | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRow:
    version: int
    event_id: UUID
    event_type: str
    from_state: str | None
    to_state: str
    observation_ids: Sequence[UUID]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which orders, and from where on. None means all."""

    merchant: str | None
    state: str | None
    account_id: str | None
    coupon_id: str | None
    contradicted: bool
    since: datetime | None
    until: datetime | None
    # Where the page before ended: (ordered_at, order_key).
    after: tuple[datetime, int] | None


async def list_orders(conn: Connection, wanted: Filter, *, limit: int) -> list[OrderRow]:
    """Newest first, over all merchants."""
    rows = await conn.fetch(
        """
        SELECT order_key, merchant, platform, order_id, account_id, version, state, contradicted,
               coupon_count, title, original_amount_fen, pay_amount_fen, refunded_amount_fen,
               created_at, paid_at, ordered_at, first_seen_at, changed_at, read_back_at,
               platform_sku_id
          FROM orders
         WHERE version > 0
           AND ordered_at >= coalesce($1, '-infinity'::timestamptz)
           AND ordered_at < coalesce($2, 'infinity'::timestamptz)
           AND (ordered_at, order_key) < (coalesce($3, 'infinity'::timestamptz), $4::bigint)
           AND ($5::text IS NULL OR state = $5)
           AND ($6::text IS NULL OR account_id = $6)
         ORDER BY ordered_at DESC, order_key DESC
         LIMIT $7
        """,
        wanted.since,
        wanted.until,
        *_after(wanted),
        wanted.state,
        wanted.account_id,
        limit,
    )
    return [OrderRow(*row.values()) for row in rows]


async def list_orders_of_merchant(
    conn: Connection, wanted: Filter, *, limit: int
) -> list[OrderRow]:
    """Newest first, of one merchant."""
    rows = await conn.fetch(
        """
        SELECT order_key, merchant, platform, order_id, account_id, version, state, contradicted,
               coupon_count, title, original_amount_fen, pay_amount_fen, refunded_amount_fen,
               created_at, paid_at, ordered_at, first_seen_at, changed_at, read_back_at,
               platform_sku_id
          FROM orders
         WHERE merchant = $1 AND version > 0
           AND ordered_at >= coalesce($2, '-infinity'::timestamptz)
           AND ordered_at < coalesce($3, 'infinity'::timestamptz)
           AND (ordered_at, order_key) < (coalesce($4, 'infinity'::timestamptz), $5::bigint)
           AND ($6::text IS NULL OR account_id = $6)
         ORDER BY ordered_at DESC, order_key DESC
         LIMIT $7
        """,
        wanted.merchant,
        wanted.since,
        wanted.until,
        *_after(wanted),
        wanted.account_id,
        limit,
    )
    return [OrderRow(*row.values()) for row in rows]


async def list_orders_of_merchant_in_state(
    conn: Connection, wanted: Filter, *, limit: int
) -> list[OrderRow]:
    """Newest first, of one merchant and in one state."""
    rows = await conn.fetch(
        """
        SELECT order_key, merchant, platform, order_id, account_id, version, state, contradicted,
               coupon_count, title, original_amount_fen, pay_amount_fen, refunded_amount_fen,
               created_at, paid_at, ordered_at, first_seen_at, changed_at, read_back_at,
               platform_sku_id
          FROM orders
         WHERE merchant = $1 AND state = $2 AND version > 0
           AND ordered_at >= coalesce($3, '-infinity'::timestamptz)
           AND ordered_at < coalesce($4, 'infinity'::timestamptz)
           AND (ordered_at, order_key) < (coalesce($5, 'infinity'::timestamptz), $6::bigint)
           AND ($7::text IS NULL OR account_id = $7)
         ORDER BY ordered_at DESC, order_key DESC
         LIMIT $8
        """,
        wanted.merchant,
        wanted.state,
        wanted.since,
        wanted.until,
        *_after(wanted),
        wanted.account_id,
        limit,
    )
    return [OrderRow(*row.values()) for row in rows]


async def list_contradicted_orders(
    conn: Connection, wanted: Filter, *, limit: int
) -> list[OrderRow]:
    """Newest first, those that a person should look at."""
    rows = await conn.fetch(
        """
        SELECT order_key, merchant, platform, order_id, account_id, version, state, contradicted,
               coupon_count, title, original_amount_fen, pay_amount_fen, refunded_amount_fen,
               created_at, paid_at, ordered_at, first_seen_at, changed_at, read_back_at,
               platform_sku_id
          FROM orders
         WHERE contradicted AND ($1::text IS NULL OR merchant = $1)
           AND ordered_at >= coalesce($2, '-infinity'::timestamptz)
           AND ordered_at < coalesce($3, 'infinity'::timestamptz)
           AND (ordered_at, order_key) < (coalesce($4, 'infinity'::timestamptz), $5::bigint)
           AND ($6::text IS NULL OR state = $6)
           AND ($7::text IS NULL OR account_id = $7)
         ORDER BY ordered_at DESC, order_key DESC
         LIMIT $8
        """,
        wanted.merchant,
        wanted.since,
        wanted.until,
        *_after(wanted),
        wanted.state,
        wanted.account_id,
        limit,
    )
    return [OrderRow(*row.values()) for row in rows]


async def list_orders_of_coupon(conn: Connection, wanted: Filter, *, limit: int) -> list[OrderRow]:
    """Newest first, whose coupon it is: one, save where two merchants are told of the same."""
    rows = await conn.fetch(
        """
        SELECT o.order_key, merchant, platform, order_id, account_id, version, o.state,
               contradicted, coupon_count, title, original_amount_fen, pay_amount_fen,
               refunded_amount_fen, created_at, paid_at, ordered_at, first_seen_at, o.changed_at,
               read_back_at, platform_sku_id
          FROM order_coupons c JOIN orders o USING (order_key)
         WHERE c.coupon_id = $1 AND ($2::text IS NULL OR merchant = $2)
           AND ordered_at >= coalesce($3, '-infinity'::timestamptz)
           AND ordered_at < coalesce($4, 'infinity'::timestamptz)
           AND (ordered_at, o.order_key) < (coalesce($5, 'infinity'::timestamptz), $6::bigint)
           AND ($7::text IS NULL OR o.state = $7)
           AND ($8::text IS NULL OR account_id = $8) AND (contradicted OR NOT $9)
         ORDER BY ordered_at DESC, o.order_key DESC
         LIMIT $10
        """,
        wanted.coupon_id,
        wanted.merchant,
        wanted.since,
        wanted.until,
        *_after(wanted),
        wanted.state,
        wanted.account_id,
        wanted.contradicted,
        limit,
    )
    return [OrderRow(*row.values()) for row in rows]


async def find_orders(
    conn: Connection, order_id: str, *, merchant: str | None, limit: int
) -> list[OrderRow]:
    """The orders of that id: one a merchant."""
    rows = await conn.fetch(
        """
        SELECT order_key, merchant, platform, order_id, account_id, version, state, contradicted,
               coupon_count, title, original_amount_fen, pay_amount_fen, refunded_amount_fen,
               created_at, paid_at, ordered_at, first_seen_at, changed_at, read_back_at,
               platform_sku_id
          FROM orders
         WHERE order_id = $1 AND ($2::text IS NULL OR merchant = $2) AND version > 0
         ORDER BY merchant, platform
         LIMIT $3
        """,
        order_id,
        merchant,
        limit,
    )
    return [OrderRow(*row.values()) for row in rows]


async def fetch_coupons(conn: Connection, order_keys: Sequence[int]) -> list[CouponRow]:
    rows = await conn.fetch(
        """
        SELECT order_key, coupon_id, state, changed_at, refund_amount_fen
          FROM order_coupons
         WHERE order_key = ANY($1::bigint[])
         ORDER BY order_key, coupon_id COLLATE "C"
        """,
        order_keys,
    )
    return [CouponRow(*row.values()) for row in rows]


async def fetch_seen_facts(conn: Connection, order_key: int, *, limit: int) -> list[SeenFact]:
    """The observations of one order in the order they were seen."""
    rows = await conn.fetch(
        """
        SELECT observation_id, kind, source, coupon_id, occurred_at, account_id, coupon_count,
               title, original_amount_fen, pay_amount_fen, refund_amount_fen, created_at, paid_at,
               since, platform_sku_id, refund_id, event_id, delivery_id, seen_at
          FROM observations
         WHERE order_key = $1
         ORDER BY seq
         LIMIT $2
        """,
        order_key,
        limit,
    )
    return [_seen_fact(row) for row in rows]


def _seen_fact(row: Row) -> SeenFact:
    observation_id, kind, source, *rest, event_id, delivery_id, seen_at = row.values()
    fact = Fact(observation_id, ObservationKind(kind), Source(source), *rest)
    return SeenFact(fact, event_id, delivery_id, seen_at)


async def fetch_changes(conn: Connection, order_key: int, *, limit: int) -> list[ChangeRow]:
    rows = await conn.fetch(
        """
        SELECT version, event_id, event_type, from_state, to_state, observation_ids, changed_at
          FROM order_changes
         WHERE order_key = $1
         ORDER BY version
         LIMIT $2
        """,
        order_key,
        limit,
    )
    return [ChangeRow(*row.values()) for row in rows]


def _after(wanted: Filter) -> tuple[datetime | None, Any]:
    """Any: asyncpg takes an int, and the first page starts behind the last key there can be."""
    return wanted.after or (None, 2**63 - 1)
