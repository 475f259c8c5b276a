"""Applications and their secrets, and whose account is whose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class AppRow:
    client_key: str
    platform: str
    merchant: str
    name: str
    kind: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SecretRow:
    secret_id: UUID
    client_key: str
    sealed_secret: bytes | None
    fingerprint: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class MerchantRow:
    merchant: str
    platform: str
    account_id: str | None
    version: int


async def read_version(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT version FROM directory_version"))


async def advance_version(conn: Connection) -> None:
    """Tell every worker to read the directory again."""
    await conn.execute("UPDATE directory_version SET version = version + 1")


async def list_every_app(conn: Connection) -> list[AppRow]:
    rows = await conn.fetch(
        "SELECT client_key, platform, merchant, name, kind, created_at FROM apps"
    )
    return [AppRow(*row.values()) for row in rows]


async def list_living_secrets(conn: Connection) -> list[SecretRow]:
    rows = await conn.fetch(
        """
        SELECT secret_id, client_key, sealed_secret, fingerprint, created_at, expires_at
          FROM app_secrets
         WHERE sealed_secret IS NOT NULL AND (expires_at IS NULL OR expires_at > now())
        """
    )
    return [SecretRow(*row.values()) for row in rows]


async def list_accounts(conn: Connection) -> list[MerchantRow]:
    rows = await conn.fetch("SELECT merchant, platform, account_id, version FROM merchants")
    return [MerchantRow(*row.values()) for row in rows]


async def store_merchants(conn: Connection, merchants: Sequence[MerchantRow]) -> None:
    """Keep the newest version of each; the same merchant stands in the batch once."""
    await conn.execute(
        """
        INSERT INTO merchants (merchant, platform, account_id, version)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
        ON CONFLICT (merchant) DO UPDATE
           SET platform = excluded.platform, account_id = excluded.account_id,
               version = excluded.version
         WHERE excluded.version > merchants.version
        """,
        [merchant.merchant for merchant in merchants],
        [merchant.platform for merchant in merchants],
        [merchant.account_id for merchant in merchants],
        [merchant.version for merchant in merchants],
    )


async def find_account_id(conn: Connection, merchant: str, platform: str) -> str | None:
    account_id: str | None = await conn.fetchval(
        "SELECT account_id FROM merchants WHERE merchant = $1 AND platform = $2",
        merchant,
        platform,
    )
    return account_id


async def add_app(
    conn: Connection, *, client_key: str, platform: str, merchant: str, name: str, kind: str
) -> bool:
    """False if the client key is taken already."""
    status = await conn.execute(
        """
        INSERT INTO apps (client_key, platform, merchant, name, kind)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (client_key) DO NOTHING
        """,
        client_key,
        platform,
        merchant,
        name,
        kind,
    )
    return status == "INSERT 0 1"


async def lock_app(conn: Connection, client_key: str) -> AppRow | None:
    """The application, its secrets held against rival changes until the commit."""
    row = await conn.fetchrow(
        """
        SELECT client_key, platform, merchant, name, kind, created_at
          FROM apps WHERE client_key = $1 FOR UPDATE
        """,
        client_key,
    )
    return None if row is None else AppRow(*row.values())


async def list_apps(
    conn: Connection, *, merchant: str | None, after: str | None, limit: int
) -> list[AppRow]:
    rows = await conn.fetch(
        """
        SELECT client_key, platform, merchant, name, kind, created_at FROM apps
         WHERE ($1::text IS NULL OR merchant = $1) AND ($2::text IS NULL OR client_key > $2)
         ORDER BY client_key LIMIT $3
        """,
        merchant,
        after,
        limit,
    )
    return [AppRow(*row.values()) for row in rows]


async def list_secrets(conn: Connection, client_keys: Sequence[str]) -> list[SecretRow]:
    """Newest first, those that have ended included."""
    rows = await conn.fetch(
        """
        SELECT secret_id, client_key, sealed_secret, fingerprint, created_at, expires_at
          FROM app_secrets WHERE client_key = ANY($1::text[])
         ORDER BY client_key, created_at DESC, secret_id DESC
        """,
        client_keys,
    )
    return [SecretRow(*row.values()) for row in rows]


async def add_secret(
    conn: Connection,
    *,
    secret_id: UUID,
    client_key: str,
    sealed_secret: bytes,
    fingerprint: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO app_secrets (secret_id, client_key, sealed_secret, fingerprint, created_at)
        VALUES ($1, $2, $3, $4, clock_timestamp())
        """,
        secret_id,
        client_key,
        sealed_secret,
        fingerprint,
    )


async def end_secrets(conn: Connection, client_key: str, *, but: UUID, overlap: timedelta) -> None:
    """Let every other secret of the application end after the overlap, or earlier if it was to."""
    await conn.execute(
        """
        UPDATE app_secrets SET expires_at = now() + $3::interval
         WHERE client_key = $1 AND secret_id <> $2
           AND (expires_at IS NULL OR expires_at > now() + $3::interval)
        """,
        client_key,
        but,
        overlap,
    )


async def delete_secret(conn: Connection, client_key: str, secret_id: UUID) -> bool:
    """Destroy the value; that there was such a secret stays on record."""
    status = await conn.execute(
        """
        UPDATE app_secrets
           SET sealed_secret = NULL, expires_at = least(coalesce(expires_at, now()), now())
         WHERE client_key = $1 AND secret_id = $2
        """,
        client_key,
        secret_id,
    )
    return status == "UPDATE 1"
