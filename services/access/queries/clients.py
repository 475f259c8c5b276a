"""Statements about clients: programs of partners."""

from collections.abc import Sequence

from services.access.domain.records import Client
from services.access.domain.states import ClientState
from shared.postgres.connection import Connection, Row


async def add_client(
    conn: Connection,
    *,
    client_id: str,
    merchant: str | None,
    name: str,
    stores: tuple[str, ...] | None,
    actions: Sequence[str],
    secret_hash: bytes,
    created_by: str,
) -> Client:
    rows = await conn.fetch(
        """
        INSERT INTO clients (client_id, merchant, name, stores, actions, secret_hash, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING client_id, merchant, name, stores, actions, state, version, created_by,
                  created_at, last_used_at
        """,
        client_id,
        merchant,
        name,
        stores,
        actions,
        secret_hash,
        created_by,
    )
    return _client(rows[0])


async def find_client(conn: Connection, client_id: str) -> Client | None:
    row = await conn.fetchrow(
        """
        SELECT client_id, merchant, name, stores, actions, state, version, created_by,
               created_at, last_used_at
          FROM clients WHERE client_id = $1
        """,
        client_id,
    )
    return None if row is None else _client(row)


async def list_clients(
    conn: Connection,
    *,
    merchant: str | None,
    only: Sequence[str] | None,
    after: str | None,
    limit: int,
) -> Sequence[Client]:
    """`only`: those whose stores are all among these."""
    rows = await conn.fetch(
        """
        SELECT client_id, merchant, name, stores, actions, state, version, created_by,
               created_at, last_used_at
          FROM clients
         WHERE ($1::text IS NULL OR merchant = $1)
           AND ($2::text[] IS NULL OR stores <@ $2)
           AND ($3::text IS NULL OR client_id > $3)
         ORDER BY client_id LIMIT $4
        """,
        merchant,
        only,
        after,
        limit,
    )
    return [_client(row) for row in rows]


async def use_client(conn: Connection, client_id: str, *, secret_hash: bytes) -> Client | None:
    """Note that it asked for a token; None if it is unknown, revoked or has another secret.

    The row stays locked until the commit, so that a revocation comes wholly before or after.
    """
    row = await conn.fetchrow(
        """
        UPDATE clients SET last_used_at = now()
         WHERE client_id = $1 AND secret_hash = $2 AND state = 'active'
        RETURNING client_id, merchant, name, stores, actions, state, version, created_by,
                  created_at, last_used_at
        """,
        client_id,
        secret_hash,
    )
    return None if row is None else _client(row)


async def revoke_client(conn: Connection, client_id: str) -> Client | None:
    """None if that was done before."""
    row = await conn.fetchrow(
        """
        UPDATE clients SET state = 'revoked', version = version + 1
         WHERE client_id = $1 AND state = 'active'
        RETURNING client_id, merchant, name, stores, actions, state, version, created_by,
                  created_at, last_used_at
        """,
        client_id,
    )
    return None if row is None else _client(row)


def _client(row: Row) -> Client:
    return Client(
        client_id=row["client_id"],
        merchant=row["merchant"],
        name=row["name"],
        stores=None if row["stores"] is None else tuple(row["stores"]),
        actions=tuple(row["actions"]),
        state=ClientState(row["state"]),
        version=row["version"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )
