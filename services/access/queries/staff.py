"""Statements about staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.access.domain.actions import Role
from services.access.domain.records import Staff
from services.access.domain.states import StaffState
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class NewStaff:
    staff_id: UUID
    merchant: str
    login_index: bytes
    login_sealed: bytes
    name_sealed: bytes
    role: Role
    stores: tuple[str, ...] | None
    password_hash: str


async def add_staff(conn: Connection, new: NewStaff) -> Staff | None:
    """None if the login is taken by somebody active."""
    row = await conn.fetchrow(
        """
        INSERT INTO staff
            (staff_id, merchant, login_index, login_sealed, name_sealed, role, stores,
             password_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (login_index) WHERE state = 'active' DO NOTHING
        RETURNING staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
                  created_at, last_seen_at
        """,
        new.staff_id,
        new.merchant,
        new.login_index,
        new.login_sealed,
        new.name_sealed,
        new.role,
        new.stores,
        new.password_hash,
    )
    return None if row is None else _staff(row)


async def find_staff(conn: Connection, staff_id: UUID) -> Staff | None:
    row = await conn.fetchrow(
        """
        SELECT staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
               created_at, last_seen_at
          FROM staff WHERE staff_id = $1
        """,
        staff_id,
    )
    return None if row is None else _staff(row)


async def lock_staff(conn: Connection, staff_id: UUID) -> Staff | None:
    """Like find_staff, and nobody changes the person until the transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
               created_at, last_seen_at
          FROM staff WHERE staff_id = $1 FOR NO KEY UPDATE
        """,
        staff_id,
    )
    return None if row is None else _staff(row)


async def find_staff_by_login(conn: Connection, login_index: bytes) -> Staff | None:
    row = await conn.fetchrow(
        """
        SELECT staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
               created_at, last_seen_at
          FROM staff WHERE login_index = $1 AND state = 'active'
        """,
        login_index,
    )
    return None if row is None else _staff(row)


async def list_staff(
    conn: Connection,
    *,
    merchant: str | None,
    only: Sequence[str] | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Staff]:
    """`only`: those whose stores are all among these."""
    rows = await conn.fetch(
        """
        SELECT staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
               created_at, last_seen_at
          FROM staff
         WHERE ($1::text IS NULL OR merchant = $1)
           AND ($2::text[] IS NULL OR stores <@ $2)
           AND ($3::uuid IS NULL OR staff_id > $3)
         ORDER BY staff_id LIMIT $4
        """,
        merchant,
        only,
        after,
        limit,
    )
    return [_staff(row) for row in rows]


async def update_staff(
    conn: Connection,
    staff_id: UUID,
    *,
    name_sealed: bytes,
    role: Role,
    stores: tuple[str, ...] | None,
) -> Staff:
    rows = await conn.fetch(
        """
        UPDATE staff SET name_sealed = $2, role = $3, stores = $4, version = version + 1
         WHERE staff_id = $1
        RETURNING staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
                  created_at, last_seen_at
        """,
        staff_id,
        name_sealed,
        role,
        stores,
    )
    return _staff(rows[0])


async def deactivate_staff(conn: Connection, staff_id: UUID) -> Staff | None:
    """None if that was done before."""
    row = await conn.fetchrow(
        """
        UPDATE staff SET state = 'deactivated', version = version + 1
         WHERE staff_id = $1 AND state = 'active'
        RETURNING staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
                  created_at, last_seen_at
        """,
        staff_id,
    )
    return None if row is None else _staff(row)


async def set_password(conn: Connection, staff_id: UUID, password_hash: str) -> Staff | None:
    """None if the person is not active."""
    row = await conn.fetchrow(
        """
        UPDATE staff SET password_hash = $2, version = version + 1
         WHERE staff_id = $1 AND state = 'active'
        RETURNING staff_id, merchant, login_sealed, name_sealed, role, stores, state, version,
                  created_at, last_seen_at
        """,
        staff_id,
        password_hash,
    )
    return None if row is None else _staff(row)


def _staff(row: Row) -> Staff:
    return Staff(
        staff_id=row["staff_id"],
        merchant=row["merchant"],
        login_sealed=row["login_sealed"],
        name_sealed=row["name_sealed"],
        role=Role(row["role"]),
        stores=None if row["stores"] is None else tuple(row["stores"]),
        state=StaffState(row["state"]),
        version=row["version"],
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
    )
