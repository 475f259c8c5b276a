"""Looking deliveries up, for people and for the services that check for gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    delivery_id: UUID
    client_key: str
    platform: str
    merchant: str
    account_id: str | None
    event: str
    msg_id: str | None
    digest: bytes
    body_bytes: int
    received_at: datetime
    sent_at: datetime | None
    late: bool
    repeats: int
    last_repeat_at: datetime | None
    published: bool
    # Of a question: what was answered. None of everything else, and while nothing was.
    answer_outcome: str | None = None
    answer_reason: str | None = None
    answer_milliseconds: int | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConflictRow:
    conflict_id: UUID
    first_delivery_id: UUID
    client_key: str
    platform: str
    merchant: str
    account_id: str | None
    event: str
    msg_id: str
    digest: bytes
    received_at: datetime
    times: int


async def list_deliveries(
    conn: Connection,
    *,
    merchant: str | None,
    client_key: str | None,
    event: str | None,
    newest: UUID,
    oldest: UUID,
    limit: int,
) -> list[DeliveryRow]:
    """Newest first; the ids bound the time, because they are ordered by it."""
    rows = await conn.fetch(
        """
        SELECT d.delivery_id, d.client_key, d.platform, d.merchant, d.account_id, d.event,
               d.msg_id, d.digest, d.body_bytes, d.received_at, d.sent_at, d.late,
               coalesce(r.times, 0), r.last_at,
               NOT EXISTS (SELECT FROM deliveries_pending p WHERE p.delivery_id = d.delivery_id),
               a.outcome, a.reason, a.milliseconds, a.answered_at
          FROM deliveries d LEFT JOIN delivery_repeats r USING (delivery_id)
               LEFT JOIN delivery_answers a USING (delivery_id)
         WHERE d.delivery_id < $5 AND d.delivery_id >= $4
           AND ($1::text IS NULL OR d.merchant = $1)
           AND ($2::text IS NULL OR d.client_key = $2)
           AND ($3::text IS NULL OR d.event = $3)
         ORDER BY d.delivery_id DESC LIMIT $6
        """,
        merchant,
        client_key,
        event,
        oldest,
        newest,
        limit,
    )
    return [DeliveryRow(*row.values()) for row in rows]


async def find_delivery(conn: Connection, delivery_id: UUID) -> DeliveryRow | None:
    row = await conn.fetchrow(
        """
        SELECT d.delivery_id, d.client_key, d.platform, d.merchant, d.account_id, d.event,
               d.msg_id, d.digest, d.body_bytes, d.received_at, d.sent_at, d.late,
               coalesce(r.times, 0), r.last_at,
               NOT EXISTS (SELECT FROM deliveries_pending p WHERE p.delivery_id = d.delivery_id),
               a.outcome, a.reason, a.milliseconds, a.answered_at
          FROM deliveries d LEFT JOIN delivery_repeats r USING (delivery_id)
               LEFT JOIN delivery_answers a USING (delivery_id)
         WHERE d.delivery_id = $1
        """,
        delivery_id,
    )
    return None if row is None else DeliveryRow(*row)


async def find_body(conn: Connection, delivery_id: UUID) -> bytes | None:
    """The sealed body of a delivery, or of a conflict."""
    body: bytes | None = await conn.fetchval(
        """
        SELECT body FROM deliveries WHERE delivery_id = $1
        UNION ALL
        SELECT body FROM delivery_conflicts WHERE conflict_id = $1
        """,
        delivery_id,
    )
    return body


async def find_missing(conn: Connection, *, client_key: str, msg_ids: Sequence[str]) -> list[str]:
    """Those of the message ids that never came, in the order asked."""
    rows = await conn.fetch(
        """
        SELECT asked.msg_id FROM unnest($2::text[]) WITH ORDINALITY AS asked (msg_id, place)
         WHERE NOT EXISTS (
               SELECT FROM deliveries
                WHERE client_key = $1 AND dedupe_key = 'msg:' || asked.msg_id)
         ORDER BY place
        """,
        client_key,
        msg_ids,
    )
    return [row[0] for row in rows]


async def list_conflicts(
    conn: Connection,
    *,
    merchant: str | None,
    client_key: str | None,
    before: UUID | None,
    limit: int,
) -> list[ConflictRow]:
    rows = await conn.fetch(
        """
        SELECT conflict_id, first_delivery_id, client_key, platform, merchant, account_id, event,
               msg_id, digest, received_at, times
          FROM delivery_conflicts
         WHERE ($1::text IS NULL OR merchant = $1) AND ($2::text IS NULL OR client_key = $2)
           AND ($3::uuid IS NULL OR conflict_id < $3)
         ORDER BY conflict_id DESC LIMIT $4
        """,
        merchant,
        client_key,
        before,
        limit,
    )
    return [ConflictRow(*row.values()) for row in rows]


async def find_conflict(conn: Connection, conflict_id: UUID) -> ConflictRow | None:
    row = await conn.fetchrow(
        """
        SELECT conflict_id, first_delivery_id, client_key, platform, merchant, account_id, event,
               msg_id, digest, received_at, times
          FROM delivery_conflicts WHERE conflict_id = $1
        """,
        conflict_id,
    )
    return None if row is None else ConflictRow(*row.values())
