"""Lists in pages, by the time and id of the last line seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.simulator.domain.coupons import Verification
from services.simulator.domain.paging import Position, Window, position
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Asked:
    account_id: str
    created: Window
    updated: Window
    open_id: str | None
    by_update: bool


async def find_order_places(
    conn: Connection, asked: Asked, *, after: Position | None, skip: int, limit: int
) -> list[Position]:
    """Oldest first: an order that changes meanwhile comes again instead of being missed."""
    find = _find_by_update if asked.by_update else _find_by_creation
    return await find(conn, asked, after=after, skip=skip, limit=limit)


async def _find_by_update(
    conn: Connection, asked: Asked, *, after: Position | None, skip: int, limit: int
) -> list[Position]:
    rows = await conn.fetch(
        """
        SELECT updated_at, order_id FROM orders
         WHERE account_id = $1 AND updated_at BETWEEN $2 AND $3
           AND created_at BETWEEN $4 AND $5
           AND ($6::text IS NULL OR open_id = $6)
           AND ($7::timestamptz IS NULL OR (updated_at, order_id) > ($7, $8))
         ORDER BY updated_at, order_id OFFSET $9 LIMIT $10
        """,
        asked.account_id,
        asked.updated.start,
        asked.updated.end,
        asked.created.start,
        asked.created.end,
        asked.open_id,
        after and after.time,
        after and after.entity_id,
        skip,
        limit,
    )
    return [position(row["updated_at"], row["order_id"]) for row in rows]


async def _find_by_creation(
    conn: Connection, asked: Asked, *, after: Position | None, skip: int, limit: int
) -> list[Position]:
    rows = await conn.fetch(
        """
        SELECT created_at, order_id FROM orders
         WHERE account_id = $1 AND created_at BETWEEN $2 AND $3
           AND ($4::text IS NULL OR open_id = $4)
           AND ($5::timestamptz IS NULL OR (created_at, order_id) > ($5, $6))
         ORDER BY created_at, order_id OFFSET $7 LIMIT $8
        """,
        asked.account_id,
        asked.created.start,
        asked.created.end,
        asked.open_id,
        after and after.time,
        after and after.entity_id,
        skip,
        limit,
    )
    return [position(row["created_at"], row["order_id"]) for row in rows]


async def count_orders(conn: Connection, asked: Asked) -> int:
    count: int = await conn.fetchval(
        """
        SELECT count(*) FROM orders
         WHERE account_id = $1 AND updated_at BETWEEN $2 AND $3
           AND created_at BETWEEN $4 AND $5
           AND ($6::text IS NULL OR open_id = $6)
        """,
        asked.account_id,
        asked.updated.start,
        asked.updated.end,
        asked.created.start,
        asked.created.end,
        asked.open_id,
    )
    return count


async def find_verifications(
    conn: Connection,
    account_id: str,
    window: Window,
    *,
    poi_ids: Sequence[str] | None,
    before: Position | None,
    limit: int,
) -> list[Verification]:
    """Newest first."""
    rows = await conn.fetch(
        """
        SELECT verify_id, certificate_id, order_id, account_id, poi_id, verify_token,
               verified_at, cancelled_at, serial
          FROM verifications
         WHERE account_id = $1 AND verified_at BETWEEN $2 AND $3
           AND ($4::text[] IS NULL OR poi_id = ANY($4))
           AND ($5::timestamptz IS NULL OR (verified_at, verify_id) < ($5, $6))
         ORDER BY verified_at DESC, verify_id DESC LIMIT $7
        """,
        account_id,
        window.start,
        window.end,
        poi_ids,
        before and before.time,
        before and before.entity_id,
        limit,
    )
    return [Verification(*row.values()) for row in rows]


async def count_verifications(
    conn: Connection, account_id: str, window: Window, *, poi_ids: Sequence[str] | None
) -> int:
    count: int = await conn.fetchval(
        """
        SELECT count(*) FROM verifications
         WHERE account_id = $1 AND verified_at BETWEEN $2 AND $3
           AND ($4::text[] IS NULL OR poi_id = ANY($4))
        """,
        account_id,
        window.start,
        window.end,
        poi_ids,
    )
    return count
