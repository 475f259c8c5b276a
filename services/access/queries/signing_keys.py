"""Statements about the keys that tokens are signed with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class StoredKey:
    key_id: UUID
    public_key: Mapping[str, str]
    private_key_sealed: bytes
    signs_from: datetime
    expires_at: datetime | None


async def lock_keys(conn: Connection) -> None:
    """Let one worker at a time decide whether a key is missing, until its transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('qiao access signing keys'))")


async def find_live_keys(conn: Connection, *, now: datetime) -> Sequence[StoredKey]:
    """Those to be published, the one that signs last at the end."""
    rows = await conn.fetch(
        """
        SELECT key_id, public_key, private_key_sealed, signs_from, expires_at
          FROM signing_keys WHERE expires_at IS NULL OR expires_at > $1
         ORDER BY signs_from, key_id
        """,
        now,
    )
    return [
        StoredKey(
            row["key_id"],
            orjson.loads(row["public_key"]),
            row["private_key_sealed"],
            row["signs_from"],
            row["expires_at"],
        )
        for row in rows
    ]


async def add_key(conn: Connection, key: StoredKey, *, created_by: str) -> None:
    await conn.execute(
        """
        INSERT INTO signing_keys
            (key_id, public_key, private_key_sealed, signs_from, created_by)
        VALUES ($1, $2, $3, $4, $5)
        """,
        key.key_id,
        orjson.dumps(key.public_key).decode(),
        key.private_key_sealed,
        key.signs_from,
        created_by,
    )


async def expire_keys(conn: Connection, *, but: UUID, at: datetime) -> None:
    """Let all keys but this one expire at that time, where they do not expire earlier."""
    await conn.execute(
        """
        UPDATE signing_keys SET expires_at = $2
         WHERE key_id <> $1 AND (expires_at IS NULL OR expires_at > $2)
        """,
        but,
        at,
    )
