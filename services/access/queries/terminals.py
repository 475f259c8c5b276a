"""Statements about terminals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.access.domain.records import Terminal
from services.access.domain.states import TerminalState
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Device:
    """What a terminal's assertion is checked against."""

    state: TerminalState
    public_key: Mapping[str, str] | None


async def add_terminal(
    conn: Connection,
    *,
    terminal_id: UUID,
    merchant: str,
    store_id: str,
    name: str,
    code_hash: bytes,
    code_life: timedelta,
) -> Terminal:
    rows = await conn.fetch(
        """
        INSERT INTO terminals
            (terminal_id, merchant, store_id, name, state, enrolment_code_hash,
             enrolment_expires_at)
        VALUES ($1, $2, $3, $4, 'awaiting_enrolment', $5, now() + $6::interval)
        RETURNING terminal_id, merchant, store_id, name, state, enrolment_expires_at,
                  enrolled_at, last_seen_at, version, created_at
        """,
        terminal_id,
        merchant,
        store_id,
        name,
        code_hash,
        code_life,
    )
    return _terminal(rows[0])


async def enrol_terminal(
    conn: Connection, *, code_hash: bytes, public_key: Mapping[str, str]
) -> Terminal | None:
    """Spend the code and keep the key; None if the code is unknown, spent or too old.

    Of two devices with one code the second waits for the first and then matches nothing.
    """
    row = await conn.fetchrow(
        """
        UPDATE terminals
           SET state = 'active', public_key = $2, enrolled_at = now(),
               enrolment_code_hash = NULL, enrolment_expires_at = NULL, version = version + 1
         WHERE enrolment_code_hash = $1 AND enrolment_expires_at > now()
           AND state = 'awaiting_enrolment'
        RETURNING terminal_id, merchant, store_id, name, state, enrolment_expires_at,
                  enrolled_at, last_seen_at, version, created_at
        """,
        code_hash,
        orjson.dumps(public_key).decode(),
    )
    return None if row is None else _terminal(row)


async def roll_terminal(
    conn: Connection, terminal_id: UUID, *, code_hash: bytes, code_life: timedelta
) -> Terminal | None:
    """Void the key and wait for a new device; None if the terminal was revoked."""
    row = await conn.fetchrow(
        """
        UPDATE terminals
           SET state = 'awaiting_enrolment', public_key = NULL, enrolment_code_hash = $2,
               enrolment_expires_at = now() + $3::interval, version = version + 1
         WHERE terminal_id = $1 AND state <> 'revoked'
        RETURNING terminal_id, merchant, store_id, name, state, enrolment_expires_at,
                  enrolled_at, last_seen_at, version, created_at
        """,
        terminal_id,
        code_hash,
        code_life,
    )
    return None if row is None else _terminal(row)


async def revoke_terminal(conn: Connection, terminal_id: UUID) -> Terminal | None:
    """None if that was done before."""
    row = await conn.fetchrow(
        """
        UPDATE terminals
           SET state = 'revoked', enrolment_code_hash = NULL, enrolment_expires_at = NULL,
               version = version + 1
         WHERE terminal_id = $1 AND state <> 'revoked'
        RETURNING terminal_id, merchant, store_id, name, state, enrolment_expires_at,
                  enrolled_at, last_seen_at, version, created_at
        """,
        terminal_id,
    )
    return None if row is None else _terminal(row)


async def find_terminal(conn: Connection, terminal_id: UUID) -> Terminal | None:
    row = await conn.fetchrow(
        """
        SELECT terminal_id, merchant, store_id, name, state, enrolment_expires_at,
               enrolled_at, last_seen_at, version, created_at
          FROM terminals WHERE terminal_id = $1
        """,
        terminal_id,
    )
    return None if row is None else _terminal(row)


async def lock_terminal(conn: Connection, terminal_id: UUID) -> Terminal | None:
    """Like find_terminal, and nobody changes it until the transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT terminal_id, merchant, store_id, name, state, enrolment_expires_at,
               enrolled_at, last_seen_at, version, created_at
          FROM terminals WHERE terminal_id = $1 FOR NO KEY UPDATE
        """,
        terminal_id,
    )
    return None if row is None else _terminal(row)


async def list_terminals(
    conn: Connection,
    *,
    merchant: str | None,
    only: Sequence[str] | None,
    store_id: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Terminal]:
    """`only`: those in these stores; `store_id`: those in this one."""
    rows = await conn.fetch(
        """
        SELECT terminal_id, merchant, store_id, name, state, enrolment_expires_at,
               enrolled_at, last_seen_at, version, created_at
          FROM terminals
         WHERE ($1::text IS NULL OR merchant = $1)
           AND ($2::text[] IS NULL OR store_id = ANY($2))
           AND ($3::text IS NULL OR store_id = $3)
           AND ($4::uuid IS NULL OR terminal_id > $4)
         ORDER BY terminal_id LIMIT $5
        """,
        merchant,
        only,
        store_id,
        after,
        limit,
    )
    return [_terminal(row) for row in rows]


async def find_device(conn: Connection, terminal_id: UUID) -> Device | None:
    row = await conn.fetchrow(
        "SELECT state, public_key FROM terminals WHERE terminal_id = $1", terminal_id
    )
    if row is None:
        return None
    key = None if row["public_key"] is None else orjson.loads(row["public_key"])
    return Device(TerminalState(row["state"]), key)


async def spend_assertion(
    conn: Connection, *, terminal_id: UUID, jti: str, expires_at: datetime
) -> bool:
    """False if this assertion was used before."""
    status = await conn.execute(
        """
        INSERT INTO used_assertions (terminal_id, jti, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT assertion_counts_once DO NOTHING
        """,
        terminal_id,
        jti,
        expires_at,
    )
    return status == "INSERT 0 1"


async def forget_old_assertions(conn: Connection, *, grace: timedelta, limit: int) -> int:
    """Forget those that are too old to be taken again, a bounded batch at a time."""
    status = await conn.execute(
        """
        DELETE FROM used_assertions WHERE (terminal_id, jti) IN (
            SELECT terminal_id, jti FROM used_assertions
             WHERE expires_at < now() - $1::interval
             ORDER BY expires_at LIMIT $2
        )
        """,
        grace,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])


async def see_terminal(
    conn: Connection, terminal_id: UUID, *, public_key: Mapping[str, str]
) -> Terminal | None:
    """Note that it asked for a token; None if it is no longer active with this key.

    The row stays locked until the commit, so that a revocation comes wholly before or after.
    """
    row = await conn.fetchrow(
        """
        UPDATE terminals SET last_seen_at = now()
         WHERE terminal_id = $1 AND state = 'active' AND public_key = $2
        RETURNING terminal_id, merchant, store_id, name, state, enrolment_expires_at,
                  enrolled_at, last_seen_at, version, created_at
        """,
        terminal_id,
        orjson.dumps(public_key).decode(),
    )
    return None if row is None else _terminal(row)


def _terminal(row: Row) -> Terminal:
    return Terminal(
        terminal_id=row["terminal_id"],
        merchant=row["merchant"],
        store_id=row["store_id"],
        name=row["name"],
        state=TerminalState(row["state"]),
        enrolment_expires_at=row["enrolment_expires_at"],
        enrolled_at=row["enrolled_at"],
        last_seen_at=row["last_seen_at"],
        version=row["version"],
        created_at=row["created_at"],
    )
