"""The queue of webhooks: planned with what happened, sent by whoever takes them, answers kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.simulator.domain.webhooks import Copy, Planned, WebhookState
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Due:
    """One copy to be sent now, and by whom it is signed."""

    webhook_id: int
    msg_id: str
    copy: Copy
    body: str
    attempts: int
    webhook_url: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try ended: the status that came back, or why none did."""

    webhook_id: int
    number: int
    sent_at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    state: WebhookState
    # Of a copy that is to be tried again.
    due_at: datetime | None


async def enqueue(conn: Connection, planned: Sequence[Planned], now: datetime) -> None:
    """Queue for those apps that have proved their address and want the event."""
    await conn.execute(
        """
        INSERT INTO webhooks (msg_id, client_key, event, copy, body, state, due_at, created_at)
        SELECT given.*, $8
          FROM unnest(
              $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::timestamptz[]
          ) AS given (msg_id, client_key, event, copy, body, state, due_at)
          JOIN apps USING (client_key)
         WHERE apps.webhook_verified_at IS NOT NULL AND given.event <> ALL (apps.muted_events)
        """,
        [one.msg_id for one in planned],
        [one.client_key for one in planned],
        [one.event for one in planned],
        [one.copy for one in planned],
        [one.body for one in planned],
        [one.state for one in planned],
        [one.due_at for one in planned],
        now,
    )


async def take_due(conn: Connection, *, now: datetime, lease: timedelta, limit: int) -> list[Due]:
    """Take what is due for the time of a lease; after it others may send it again."""
    rows = await conn.fetch(
        """
        WITH due AS MATERIALIZED (
            SELECT webhook_id FROM webhooks
             WHERE state = 'queued' AND due_at <= $1
             ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE webhooks w SET due_at = $2
          FROM due, apps a
         WHERE w.webhook_id = due.webhook_id AND a.client_key = w.client_key
        RETURNING w.webhook_id, w.msg_id, w.copy, w.body, w.attempts,
                  coalesce(a.webhook_url, ''), a.client_secret
        """,
        now,
        now + lease,
        limit,
    )
    return [Due(row[0], row[1], Copy(row[2]), *list(row.values())[3:]) for row in rows]


async def next_due_at(conn: Connection) -> datetime | None:
    found: datetime | None = await conn.fetchval(
        "SELECT min(due_at) FROM webhooks WHERE state = 'queued'"
    )
    return found


async def add_attempts(conn: Connection, attempts: Sequence[Attempt]) -> None:
    """A try that two senders made, after a lease ran out, is kept once."""
    await conn.execute(
        """
        INSERT INTO webhook_attempts (webhook_id, number, sent_at, milliseconds, status, error)
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[],
            $6::text[]
        )
        ON CONFLICT (webhook_id, number) DO NOTHING
        """,
        [one.webhook_id for one in attempts],
        [one.number for one in attempts],
        [one.sent_at for one in attempts],
        [one.milliseconds for one in attempts],
        [one.status for one in attempts],
        [one.error for one in attempts],
    )


async def save_outcomes(conn: Connection, attempts: Sequence[Attempt], now: datetime) -> None:
    await conn.execute(
        """
        UPDATE webhooks w
           SET state = given.state, attempts = given.number,
               due_at = coalesce(given.due_at, w.due_at),
               finished_at = CASE WHEN given.state <> 'queued' THEN $5::timestamptz END
          FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[])
               AS given (webhook_id, number, state, due_at)
         WHERE w.webhook_id = given.webhook_id AND w.state = 'queued'
        """,
        [one.webhook_id for one in attempts],
        [one.number for one in attempts],
        [one.state for one in attempts],
        [one.due_at for one in attempts],
        now,
    )
