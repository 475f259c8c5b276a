"""Statements about what the platform is told of coupons of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.redemption.domain.reporting import Report, Step
from services.redemption.queries.rows import only
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Dispute:
    report_id: UUID
    step: str
    merchant: str
    platform: str
    order_id: str
    coupon_id: str
    redemption_id: UUID
    store_id: str
    terminal_id: str
    reason: str
    kept: bool
    disputed_at: datetime


@dataclass(frozen=True, slots=True)
class Unreported:
    count: int
    oldest_seconds: float


_CLAIM: Final = """
WITH due AS (
    SELECT r.report_id FROM reports r
     WHERE r.state IN ('waiting', 'asking') AND r.next_attempt_at <= now()
       AND NOT EXISTS (
           SELECT FROM reports e
            WHERE e.platform = r.platform AND e.order_id = r.order_id
              AND e.state IN ('waiting', 'asking') AND e.report_id <> r.report_id
              AND (e.state = 'asking' OR e.seq < r.seq)
       )
     ORDER BY r.next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE reports r
       SET state = 'asking', attempts = r.attempts + 1, next_attempt_at = now() + $1::interval
      FROM due WHERE r.report_id = due.report_id
    RETURNING r.*
)
SELECT c.report_id, c.step, c.platform, c.merchant, c.order_id, c.coupon_id, c.use_no,
       c.redemption_id, c.poi_id, c.attempts, c.created_at, r.store_id, r.terminal_id,
       r.traceparent, i.sealed_code, i.times_total > 1,
       (SELECT v.verify_id FROM reports v
         WHERE v.redemption_id = c.redemption_id AND v.use_no = c.use_no AND v.step = 'redeem'
           AND v.state = 'accepted')
  FROM claimed c
  JOIN redemptions r ON r.redemption_id = c.redemption_id
  JOIN issued_coupons i ON i.platform = c.platform AND i.coupon_id = c.coupon_id
"""


async def claim_due(conn: Connection, *, lease: timedelta, limit: int) -> list[Report]:
    """Take reports whose time has come: of each order the first that is not settled, and no other
    while that is being asked about.
    """
    rows = await conn.fetch(_CLAIM, lease, limit)
    reports = []
    for row in rows:
        values = list(row.values())
        values[1] = Step(values[1])
        reports.append(Report(*values))
    return reports


async def accept(conn: Connection, accepted: Sequence[tuple[UUID, str | None]]) -> None:
    """Each with the platform's id of it."""
    await conn.execute(
        """
        WITH accepted AS (
            UPDATE reports p SET state = 'accepted', verify_id = a.verify_id, settled_at = now()
              FROM unnest($1::uuid[], $2::text[]) AS a (report_id, verify_id)
             WHERE p.report_id = a.report_id AND p.state = 'asking'
            RETURNING p.redemption_id, p.coupon_id, p.use_no, p.step, p.verify_id
        )
        UPDATE ledger l SET verify_id = a.verify_id
          FROM accepted a
         WHERE a.step = 'redeem' AND l.redemption_id = a.redemption_id
           AND l.coupon_id = a.coupon_id AND l.use_no = a.use_no
        """,
        [report_id for report_id, _ in accepted],
        [verify_id for _, verify_id in accepted],
    )


async def put_off(conn: Connection, waits: Sequence[tuple[UUID, timedelta]]) -> None:
    await conn.execute(
        """
        UPDATE reports p SET state = 'waiting', next_attempt_at = now() + a.wait
          FROM unnest($1::uuid[], $2::interval[]) AS a (report_id, wait)
         WHERE p.report_id = a.report_id AND p.state = 'asking'
        """,
        [report_id for report_id, _ in waits],
        [wait for _, wait in waits],
    )


async def withdraw(conn: Connection, report_ids: Sequence[UUID]) -> None:
    """There is nothing that the platform would have to hear of."""
    await conn.execute(
        """
        UPDATE reports SET state = 'withdrawn', settled_at = now()
         WHERE report_id = ANY($1::uuid[]) AND state = 'asking'
        """,
        report_ids,
    )


async def refuse(conn: Connection, report_id: UUID, *, reason: str, kept: bool) -> bool:
    """The platform's no is final; False if somebody has settled it otherwise."""
    refused = await conn.fetchval(
        """
        UPDATE reports SET state = 'refused', reason = $2, kept = $3, settled_at = now()
         WHERE report_id = $1 AND state = 'asking' RETURNING true
        """,
        report_id,
        reason,
        kept,
    )
    return bool(refused)


async def end_use(conn: Connection, report: Report, *, cause: str) -> bool:
    """Take one use out of the ledger; False if it was taken back before."""
    ended = await conn.fetchval(
        """
        UPDATE ledger SET state = 'released', released_at = now(), released_because = $4
         WHERE redemption_id = $1 AND coupon_id = $2 AND use_no = $3 AND state = 'spent'
        RETURNING true
        """,
        report.redemption_id,
        report.coupon_id,
        report.use_no,
        cause,
    )
    return bool(ended)


async def list_disputes(
    conn: Connection,
    *,
    merchant: str | None,
    store_ids: Sequence[str] | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Dispute]:
    """Newest first. None: of every merchant, of every store."""
    rows = await conn.fetch(
        """
        SELECT p.report_id, p.step, p.merchant, p.platform, p.order_id, p.coupon_id,
               p.redemption_id, r.store_id, r.terminal_id, p.reason, p.kept, p.settled_at
          FROM reports p JOIN redemptions r USING (redemption_id)
         WHERE p.state = 'refused' AND ($1::text IS NULL OR p.merchant = $1)
           AND ($2::text[] IS NULL OR r.store_id = ANY($2))
           AND ($3::timestamptz IS NULL OR (p.settled_at, p.report_id) < ($3, $4::uuid))
         ORDER BY p.settled_at DESC, p.report_id DESC LIMIT $5
        """,
        merchant,
        store_ids,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [Dispute(*row.values()) for row in rows]


async def measure_unreported(conn: Connection) -> Unreported:
    row = await conn.fetchrow(
        """
        SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float
          FROM reports WHERE state IN ('waiting', 'asking')
        """
    )
    return Unreported(*only(row))
