"""Every SQL statement of the outbox and of dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.contracts.envelope import Event
from shared.ids import new_id
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Outgoing:
    seq: int
    event_id: UUID
    subject: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class DeadLetter:
    dead_letter_id: UUID
    event_id: UUID | None
    subject: str
    payload: bytes
    cause: str
    detail: str
    attempts: int
    died_at: datetime
    state: str
    settled_at: datetime | None
    settled_by: str | None
    settled_reason: str | None


async def store_events(conn: Connection, events: Sequence[Event]) -> None:
    """Store the events and queue them for the relay; the same event id again is no second row."""
    await conn.execute(
        """
        WITH stored AS (
            INSERT INTO outbox (event_id, subject, payload)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[])
            ON CONFLICT (event_id) DO NOTHING
            RETURNING seq
        )
        INSERT INTO outbox_pending (seq) SELECT seq FROM stored
        """,
        [event.id for event in events],
        [event.nats_subject for event in events],
        [event.model_dump_json().encode() for event in events],
    )


async def claim_outgoing(conn: Connection, *, limit: int) -> list[Outgoing]:
    """Lock the oldest unpublished events; another worker's are passed over."""
    rows = await conn.fetch(
        """
        WITH claimed AS (
            SELECT seq FROM outbox_pending ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        SELECT seq, event_id, subject, payload FROM outbox JOIN claimed USING (seq) ORDER BY seq
        """,
        limit,
    )
    return [Outgoing(*row.values()) for row in rows]


async def mark_published(conn: Connection, seqs: Sequence[int]) -> None:
    await conn.execute("DELETE FROM outbox_pending WHERE seq = ANY($1::bigint[])", seqs)


async def count_outgoing(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM outbox_pending"))


async def republish_since(conn: Connection, since: datetime) -> int:
    """Queue every event since then once more, to rebuild the stream. Returns how many."""
    status = await conn.execute(
        """
        INSERT INTO outbox_pending (seq) SELECT seq FROM outbox WHERE created_at >= $1
        ON CONFLICT DO NOTHING
        """,
        since,
    )
    return int(status.rsplit(" ", 1)[-1])


async def prune_outbox(conn: Connection, *, older_than: timedelta, limit: int) -> int:
    """Forget published events past their retention, a bounded batch at a time."""
    status = await conn.execute(
        """
        DELETE FROM outbox WHERE seq IN (
            SELECT seq FROM outbox
             WHERE created_at < now() - $1::interval
               AND NOT EXISTS (SELECT FROM outbox_pending p WHERE p.seq = outbox.seq)
             ORDER BY created_at LIMIT $2
        )
        """,
        older_than,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])


async def bury(
    conn: Connection,
    *,
    event_id: UUID | None,
    subject: str,
    payload: bytes,
    cause: str,
    detail: str,
    attempts: int,
) -> None:
    await conn.execute(
        """
        INSERT INTO dead_letters
            (dead_letter_id, event_id, subject, payload, cause, detail, attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        new_id(),
        event_id,
        subject,
        payload,
        cause,
        detail,
        attempts,
    )


async def list_dead_letters(
    conn: Connection, *, state: str, after: UUID | None, limit: int
) -> list[DeadLetter]:
    """Newest first; `after` is the last id of the page before (ids are time-ordered)."""
    rows = await conn.fetch(
        """
        SELECT dead_letter_id, event_id, subject, payload, cause, detail, attempts, died_at,
               state, settled_at, settled_by, settled_reason
          FROM dead_letters
         WHERE state = $1 AND ($2::uuid IS NULL OR dead_letter_id < $2)
         ORDER BY dead_letter_id DESC LIMIT $3
        """,
        state,
        after,
        limit,
    )
    return [DeadLetter(*row.values()) for row in rows]


async def find_dead_letter(conn: Connection, dead_letter_id: UUID) -> DeadLetter | None:
    row = await conn.fetchrow(
        """
        SELECT dead_letter_id, event_id, subject, payload, cause, detail, attempts, died_at,
               state, settled_at, settled_by, settled_reason
          FROM dead_letters WHERE dead_letter_id = $1
        """,
        dead_letter_id,
    )
    return None if row is None else DeadLetter(*row.values())


async def settle_dead_letter(
    conn: Connection, dead_letter_id: UUID, *, state: str, by: str, reason: str
) -> bool:
    """Move a dead letter out of `dead`, once. False if somebody else already has."""
    status = await conn.execute(
        """
        UPDATE dead_letters
           SET state = $2, settled_at = now(), settled_by = $3, settled_reason = $4
         WHERE dead_letter_id = $1 AND state = 'dead'
        """,
        dead_letter_id,
        state,
        by,
        reason,
    )
    return status == "UPDATE 1"


async def count_dead_letters(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM dead_letters WHERE state = 'dead'"))
