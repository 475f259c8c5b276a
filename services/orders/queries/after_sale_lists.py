"""The statements that show after-sales: lists, one with its steps, and orders by their ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.orders.queries.after_sales import AfterSale, as_after_sale
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class AfterSaleFilter:
    """None means all."""

    merchant: str | None
    state: str | None
    order_id: str | None
    due_before: datetime | None
    # Where the page before ended: (created_at, after_sale_id).
    after: tuple[datetime, str] | None


@dataclass(frozen=True, slots=True)
class StepRow:
    version: int
    step: str
    from_state: str | None
    to_state: str
    done_by: str
    reason: str | None
    words: str | None
    event_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusRow:
    order_id: str
    state: str
    coupon_count: int | None
    coupon_ids: Sequence[str]
    redeemed: int
    refunded: int


async def list_after_sales(
    conn: Connection, wanted: AfterSaleFilter, *, limit: int
) -> list[AfterSale]:
    """Newest first."""
    before, after_sale_id = wanted.after or (None, "")
    rows = await conn.fetch(
        """
        SELECT * FROM after_sales
         WHERE ($1::text IS NULL OR merchant = $1)
           AND ($2::text IS NULL OR state = $2)
           AND ($3::text IS NULL OR order_id = $3)
           AND ($4::timestamptz IS NULL OR (
                   answer_until < $4
                   AND state IN ('asked', 'waiting', 'pending', 'approving', 'rejecting')
               ))
           AND (created_at, after_sale_id) < (coalesce($5, 'infinity'::timestamptz), $6::text)
         ORDER BY created_at DESC, after_sale_id DESC
         LIMIT $7
        """,
        wanted.merchant,
        wanted.state,
        wanted.order_id,
        wanted.due_before,
        before,
        after_sale_id,
        limit,
    )
    return [as_after_sale(row) for row in rows]


async def find_after_sales(
    conn: Connection, after_sale_id: str, *, merchant: str | None, limit: int
) -> list[AfterSale]:
    """Of that id: one a platform."""
    rows = await conn.fetch(
        """
        SELECT * FROM after_sales
         WHERE after_sale_id = $1 AND ($2::text IS NULL OR merchant = $2)
         ORDER BY platform LIMIT $3
        """,
        after_sale_id,
        merchant,
        limit,
    )
    return [as_after_sale(row) for row in rows]


async def fetch_steps(conn: Connection, matter: AfterSale) -> list[StepRow]:
    rows = await conn.fetch(
        """
        SELECT version, step, from_state, to_state, done_by, reason, words, event_id, at
          FROM after_sale_steps
         WHERE platform = $1 AND after_sale_id = $2
         ORDER BY version
        """,
        matter.platform,
        matter.after_sale_id,
    )
    return [StepRow(*row.values()) for row in rows]


async def fetch_statuses(
    conn: Connection, *, merchant: str, platform: str, order_ids: Sequence[str]
) -> list[StatusRow]:
    """Those that we have heard of."""
    rows = await conn.fetch(
        """
        SELECT o.order_id, o.state, o.coupon_count,
               coalesce(
                   array_agg(c.coupon_id ORDER BY c.coupon_id COLLATE "C")
                       FILTER (WHERE c.coupon_id IS NOT NULL),
                   '{}'
               ) AS coupon_ids,
               count(*) FILTER (WHERE c.state = 'redeemed') AS redeemed,
               count(*) FILTER (WHERE c.state = 'refunded') AS refunded
          FROM orders o LEFT JOIN order_coupons c USING (order_key)
         WHERE o.order_id = ANY($1::text[]) AND o.merchant = $2 AND o.platform = $3
           AND o.version > 0
         GROUP BY o.order_key
         ORDER BY o.order_id
        """,
        order_ids,
        merchant,
        platform,
    )
    return [StatusRow(*row.values()) for row in rows]
