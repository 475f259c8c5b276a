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
