"""Statements about the audit's chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.access.domain.chain import Chained, Entry
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Head:
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    merchant: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def lock_head(conn: Connection) -> Head:
    """The end of the chain; others who want to join wait until the transaction ends."""
    rows = await conn.fetch("SELECT seq, hash FROM audit_head FOR UPDATE")
    return Head(*rows[0].values())


async def find_head(conn: Connection) -> Head:
    rows = await conn.fetch("SELECT seq, hash FROM audit_head")
    return Head(*rows[0].values())


async def move_head(conn: Connection, head: Head) -> None:
    await conn.execute("UPDATE audit_head SET seq = $1, hash = $2", head.seq, head.hash)


async def add_entries(conn: Connection, chained: Sequence[Chained]) -> None:
    await conn.execute(
        """
        INSERT INTO audit
            (seq, at, actor, action, subject, merchant, details, event_id, previous_hash, hash)
        SELECT * FROM unnest(
            $1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::jsonb[], $8::uuid[], $9::bytea[], $10::bytea[]
        )
        """,
        [one.seq for one in chained],
        [one.entry.at for one in chained],
        [one.entry.actor for one in chained],
        [one.entry.action for one in chained],
        [one.entry.subject for one in chained],
        [one.entry.merchant for one in chained],
        [orjson.dumps(one.entry.details).decode() for one in chained],
        [one.entry.event_id for one in chained],
        [one.previous_hash for one in chained],
        [one.hash for one in chained],
    )


async def find_audited_events(conn: Connection, event_ids: Sequence[UUID]) -> set[UUID]:
    rows = await conn.fetch(
        "SELECT event_id FROM audit WHERE event_id = ANY($1::uuid[])", event_ids
    )
    return {row["event_id"] for row in rows}


async def read_chain(conn: Connection, *, after: int, limit: int) -> Sequence[Chained]:
    rows = await conn.fetch(
        """
        SELECT seq, at, actor, action, subject, merchant, details, event_id, previous_hash, hash
          FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2
        """,
        after,
        limit,
    )
    return [_chained(row) for row in rows]


async def list_audit(
    conn: Connection, wanted: Filter, *, before: int | None, limit: int
) -> Sequence[Chained]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT seq, at, actor, action, subject, merchant, details, event_id, previous_hash, hash
          FROM audit
         WHERE ($1::text IS NULL OR actor = $1)
           AND ($2::text IS NULL OR action = $2)
           AND ($3::text IS NULL OR subject = $3)
           AND ($4::text IS NULL OR merchant = $4)
           AND ($5::timestamptz IS NULL OR at >= $5)
           AND ($6::timestamptz IS NULL OR at < $6)
           AND ($7::bigint IS NULL OR seq < $7)
         ORDER BY seq DESC LIMIT $8
        """,
        wanted.actor,
        wanted.action,
        wanted.subject,
        wanted.merchant,
        wanted.since,
        wanted.until,
        before,
        limit,
    )
    return [_chained(row) for row in rows]


def _chained(row: Row) -> Chained:
    entry = Entry(
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        merchant=row["merchant"],
        details=orjson.loads(row["details"]),
        event_id=row["event_id"],
    )
    return Chained(row["seq"], entry, row["previous_hash"], row["hash"])
