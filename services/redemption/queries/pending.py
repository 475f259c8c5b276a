"""Statements about redemptions that wait for the platform's answer."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.redemption.domain.records import Attempt
from services.redemption.queries.redemptions import as_preparation, as_redemption
from services.redemption.queries.rows import only
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Waiting:
    count: int
    oldest_seconds: float


async def put_off(conn: Connection, redemption_id: UUID, *, wait: timedelta) -> bool:
    """Leave it to the background. True the first time: then others should hear of it."""
    said = await conn.fetchval(
        """
        UPDATE redemptions r
           SET next_attempt_at = now() + $2::interval, pending_said = true
          FROM redemptions before
         WHERE r.redemption_id = $1 AND r.state = 'pending'
           AND before.redemption_id = r.redemption_id
        RETURNING NOT before.pending_said
        """,
        redemption_id,
        wait,
    )
    return bool(said)


async def claim_due(conn: Connection, *, lease: timedelta, limit: int) -> list[Attempt]:
    """Take redemptions whose time has come, so that no other worker does until they wait again."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT redemption_id FROM redemptions
             WHERE state = 'pending' AND next_attempt_at <= now()
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE redemptions r
           SET attempts = r.attempts + 1,
               next_attempt_at = now() + $1::interval
          FROM due, preparations p
         WHERE r.redemption_id = due.redemption_id AND p.preparation_id = r.preparation_id
        RETURNING r.redemption_id, r.request_digest, r.merchant, r.store_id, r.terminal_id,
                  r.platform, r.order_id, r.preparation_id, r.coupon_ids, r.coupon_versions,
                  r.state, r.reason, r.attempts, r.answer, r.traceparent, r.created_at,
                  p.preparation_id, p.merchant, p.store_id, p.terminal_id, p.platform, p.poi_id,
                  p.account_id, p.order_id, p.scan_hash, p.coupons, p.sealed, p.prepared_at,
                  p.created_at, p.expires_at
        """,
        lease,
        limit,
    )
    return [
        Attempt(
            redemption=as_redemption(list(row.values())[:16]),
            preparation=as_preparation(list(row.values())[16:]),
            repeated=True,
        )
        for row in rows
    ]


async def measure_pending(conn: Connection) -> Waiting:
    row = await conn.fetchrow(
        """
        SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float
          FROM redemptions WHERE state = 'pending'
        """
    )
    return Waiting(*only(row))
