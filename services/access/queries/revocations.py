"""Statements about revocations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Revocation:
    principal: str
    revoked_at: datetime


async def note_revocation(
    conn: Connection, *, principal: str, revoked_at: datetime, reason: str
) -> None:
    await conn.execute(
        """
        INSERT INTO revocations AS known (principal, revoked_at, reason) VALUES ($1, $2, $3)
        ON CONFLICT (principal) DO UPDATE
           SET revoked_at = greatest(known.revoked_at, excluded.revoked_at),
               reason = excluded.reason
        """,
        principal,
        revoked_at,
        reason,
    )


async def list_revocations(
    conn: Connection, *, since: datetime, limit: int
) -> Sequence[Revocation]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT principal, revoked_at FROM revocations WHERE revoked_at >= $1
         ORDER BY revoked_at DESC LIMIT $2
        """,
        since,
        limit,
    )
    return [Revocation(*row.values()) for row in rows]
