"""Statements about signing in: attempts are counted before the password is looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.access.domain.actions import Role
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Attempt:
    attempts: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    staff_id: UUID
    merchant: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    staff_id: UUID
    merchant: str
    name_sealed: bytes
    role: Role
    stores: tuple[str, ...] | None


async def claim_attempt(
    conn: Connection,
    login_index: bytes,
    *,
    free_attempts: int,
    first_lock: timedelta,
    longest_lock: timedelta,
) -> Attempt | None:
    """Count an attempt and lock after the last free one; None while the login is locked.

    One conditional write, so that attempts made at once are counted like any others.
    """
    row = await conn.fetchrow(
        """
        INSERT INTO sign_in_attempts AS known (login_index, attempts, last_at)
        VALUES ($1, 1, now())
        ON CONFLICT (login_index) DO UPDATE
           SET attempts = known.attempts + 1,
               last_at = now(),
               locked_until = CASE WHEN known.attempts + 1 >= $2::integer THEN
                   now() + least(
                       $4::interval,
                       $3::interval * power(2, least(known.attempts + 1 - $2::integer, 16))
                   )
               END
         WHERE known.locked_until IS NULL OR known.locked_until <= now()
        RETURNING attempts, locked_until
        """,
        login_index,
        free_attempts,
        first_lock,
        longest_lock,
    )
    return None if row is None else Attempt(*row.values())


async def find_lock(conn: Connection, login_index: bytes) -> datetime | None:
    time: datetime | None = await conn.fetchval(
        "SELECT locked_until FROM sign_in_attempts WHERE login_index = $1", login_index
    )
    return time


async def forget_attempts(conn: Connection, login_index: bytes) -> None:
    await conn.execute("DELETE FROM sign_in_attempts WHERE login_index = $1", login_index)


async def forget_attempts_of_staff(conn: Connection, staff_id: UUID) -> None:
    await conn.execute(
        """
        DELETE FROM sign_in_attempts a USING staff s
         WHERE s.staff_id = $1 AND a.login_index = s.login_index
        """,
        staff_id,
    )


async def forget_old_attempts(conn: Connection, *, older_than: timedelta, limit: int) -> int:
    status = await conn.execute(
        """
        DELETE FROM sign_in_attempts WHERE login_index IN (
            SELECT login_index FROM sign_in_attempts
             WHERE last_at < now() - $1::interval AND (locked_until IS NULL OR locked_until < now())
             ORDER BY last_at LIMIT $2
        )
        """,
        older_than,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])


async def find_known(conn: Connection, login_index: bytes) -> Known | None:
    row = await conn.fetchrow(
        """
        SELECT staff_id, merchant, password_hash
          FROM staff WHERE login_index = $1 AND state = 'active'
        """,
        login_index,
    )
    return None if row is None else Known(*row.values())


async def enter(conn: Connection, staff_id: UUID, *, password_hash: str) -> SignedIn | None:
    """Note the sign-in; None if the password or the person's state changed meanwhile.

    The row stays locked until the commit, so that a revocation comes wholly before or after.
    """
    row = await conn.fetchrow(
        """
        UPDATE staff SET last_seen_at = now()
         WHERE staff_id = $1 AND state = 'active' AND password_hash = $2
        RETURNING staff_id, merchant, name_sealed, role, stores
        """,
        staff_id,
        password_hash,
    )
    if row is None:
        return None
    stores = None if row["stores"] is None else tuple(row["stores"])
    return SignedIn(row["staff_id"], row["merchant"], row["name_sealed"], Role(row["role"]), stores)


async def stay(conn: Connection, staff_id: UUID, *, issued_at: datetime) -> SignedIn | None:
    """Note the renewal; None if the person is gone or the token in hand was revoked."""
    row = await conn.fetchrow(
        """
        UPDATE staff SET last_seen_at = now()
         WHERE staff_id = $1 AND state = 'active'
           AND NOT EXISTS (
               SELECT FROM revocations
                WHERE principal = 'staff:' || $1::text AND revoked_at >= $2
           )
        RETURNING staff_id, merchant, name_sealed, role, stores
        """,
        staff_id,
        issued_at,
    )
    if row is None:
        return None
    stores = None if row["stores"] is None else tuple(row["stores"])
    return SignedIn(row["staff_id"], row["merchant"], row["name_sealed"], Role(row["role"]), stores)
