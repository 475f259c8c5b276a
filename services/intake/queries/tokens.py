"""Access tokens of the platform, shared by every worker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class TokenRow:
    client_key: str
    sealed_token: bytes | None
    digest: str | None
    fetched_at: datetime | None
    expires_at: datetime | None
    lease_until: datetime | None


async def find_token(conn: Connection, client_key: str) -> TokenRow | None:
    row = await conn.fetchrow(
        """
        SELECT client_key, sealed_token, digest, fetched_at, expires_at, lease_until
          FROM platform_tokens WHERE client_key = $1
        """,
        client_key,
    )
    return None if row is None else TokenRow(*row.values())


async def take_lease(
    conn: Connection, client_key: str, *, lease_id: UUID, seen: str | None, seconds: float
) -> bool:
    """Become the one who fetches; False if somebody is at it, or has brought another token.

    `seen` is the digest of the token that is to be replaced.
    """
    return bool(
        await conn.fetchval(
            """
            INSERT INTO platform_tokens AS known (client_key, lease_id, lease_until)
            VALUES ($1, $2, now() + $4::interval)
            ON CONFLICT (client_key) DO UPDATE
               SET lease_id = excluded.lease_id, lease_until = excluded.lease_until
             WHERE (known.lease_until IS NULL OR known.lease_until < now())
               AND known.digest IS NOT DISTINCT FROM $3
            RETURNING true
            """,
            client_key,
            lease_id,
            seen,
            timedelta(seconds=seconds),
        )
    )


async def store_token(
    conn: Connection,
    client_key: str,
    *,
    lease_id: UUID,
    sealed_token: bytes,
    digest: str,
    expires_at: datetime,
) -> bool:
    """Store what the holder of the lease has fetched; False if the lease has passed on."""
    status = await conn.execute(
        """
        UPDATE platform_tokens
           SET sealed_token = $3, digest = $4, expires_at = $5, fetched_at = now(),
               lease_id = NULL, lease_until = NULL
         WHERE client_key = $1 AND lease_id = $2
        """,
        client_key,
        lease_id,
        sealed_token,
        digest,
        expires_at,
    )
    return status == "UPDATE 1"


async def release_lease(
    conn: Connection, client_key: str, *, lease_id: UUID, rest_seconds: float
) -> None:
    """Give the lease up after a failure; nobody fetches again before the rest is over."""
    await conn.execute(
        """
        UPDATE platform_tokens SET lease_until = now() + $3::interval
         WHERE client_key = $1 AND lease_id = $2
        """,
        client_key,
        lease_id,
        timedelta(seconds=rest_seconds),
    )


async def forget_token(conn: Connection, client_key: str) -> None:
    await conn.execute("DELETE FROM platform_tokens WHERE client_key = $1", client_key)


async def list_ageing(conn: Connection, *, within: timedelta) -> list[str]:
    """Applications whose token ends soon and is in use: it is replaced ahead of time."""
    rows = await conn.fetch(
        """
        SELECT client_key FROM platform_tokens
         WHERE sealed_token IS NOT NULL AND expires_at > now() - $1::interval
           AND expires_at < now() + $1::interval
        """,
        within,
    )
    return [row[0] for row in rows]
