"""Orders for which time has brought something; those that others hold are passed over."""

from collections.abc import Sequence
from datetime import datetime

from shared.postgres.connection import Connection


async def find_orders_to_refund(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE order_id IN (
             SELECT order_id FROM coupons
              WHERE state = 'refunding' AND refund_due_at <= $1
              ORDER BY refund_due_at LIMIT $2
         )
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [row["order_id"] for row in rows]


async def find_orders_to_expire(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE order_id IN (
             SELECT order_id FROM coupons
              WHERE state = 'available' AND expires_at <= $1
                AND refund_rejected_at IS NULL
              ORDER BY expires_at LIMIT $2
         )
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [row["order_id"] for row in rows]


async def find_orders_to_settle(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE order_id IN (
             SELECT order_id FROM coupons
              WHERE state = 'redeemed' AND settled_at IS NULL AND settles_at <= $1
              ORDER BY settles_at LIMIT $2
         )
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [row["order_id"] for row in rows]


async def find_orders_to_close(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE state = 'unpaid' AND closes_at <= $1
         ORDER BY closes_at LIMIT $2
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [row["order_id"] for row in rows]


async def find_orders_to_issue(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    """Those whose merchant has had time enough for their codes."""
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE issue_until <= $1
         ORDER BY issue_until LIMIT $2
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [row["order_id"] for row in rows]


async def find_orders_to_ask_about(conn: Connection, limit: int) -> list[tuple[str, int]]:
    """Some orders that merchants coded, at random, each with its app."""
    rows = await conn.fetch(
        """
        SELECT m.client_key, o.order_id
          FROM orders o JOIN merchants m USING (account_id)
         WHERE o.code_origin = 'merchant' AND o.channel = 'life' AND o.state = 'open'
         ORDER BY random() LIMIT $1
        """,
        limit,
    )
    return [(row[0], row[1]) for row in rows]
