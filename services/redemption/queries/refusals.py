"""Statements about attempts that were turned down."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.redemption.domain.records import Caller
from shared.ids import new_id
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class KeptRefusal:
    refusal_id: UUID
    step: str
    terminal_id: str
    reason: str
    redemption_id: UUID | None
    order_id: str | None
    coupon_ids: list[str]
    created_at: datetime


async def add_refusal(
    conn: Connection,
    *,
    step: str,
    caller: Caller,
    reason: str,
    redemption_id: UUID | None = None,
    scan_hash: bytes | None = None,
    typed: bool = False,
) -> None:
    await conn.execute(
        """
        INSERT INTO refusals
            (refusal_id, step, merchant, store_id, terminal_id, reason, redemption_id,
             coupon_ids, scan_hash, typed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8, $9)
        """,
        new_id(),
        step,
        caller.merchant,
        caller.store_id,
        caller.terminal_id,
        reason,
        redemption_id,
        scan_hash,
        typed,
    )


async def list_refusals(
    conn: Connection,
    *,
    store_id: str,
    day: date,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[KeptRefusal]:
    """The store's day by its own clock, newest first."""
    rows = await conn.fetch(
        """
        SELECT f.refusal_id, f.step, f.terminal_id, f.reason, f.redemption_id, f.order_id,
               f.coupon_ids, f.created_at
          FROM refusals f JOIN stores s USING (store_id)
         WHERE f.store_id = $1
           AND f.created_at >= $2::date::timestamp AT TIME ZONE s.time_zone
           AND f.created_at < ($2::date + 1)::timestamp AT TIME ZONE s.time_zone
           AND ($3::timestamptz IS NULL OR (f.created_at, f.refusal_id) < ($3, $4::uuid))
         ORDER BY f.created_at DESC, f.refusal_id DESC LIMIT $5
        """,
        store_id,
        day,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [KeptRefusal(*row.values()) for row in rows]
