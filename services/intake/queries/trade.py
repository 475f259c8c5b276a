"""Mini-programs of applications, and what may sign their callbacks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class TradeAppRow:
    client_key: str
    app_id: str
    order_path: str
    pay_notify_url: str | None


@dataclass(frozen=True, slots=True)
class TradeKeyRow:
    """One of the two is None: a public key is for everybody to see, a token is sealed."""

    key_id: UUID
    client_key: str
    platform: str
    public_key: str | None
    sealed_token: bytes | None = field(repr=False)
    fingerprint: str
    created_at: datetime
    expires_at: datetime | None

    @property
    def is_token(self) -> bool:
        return self.public_key is None


def context_of(key_id: UUID) -> str:
    """What a token is sealed for."""
    return f"trade key {key_id}"


async def put_trade_app(conn: Connection, app: TradeAppRow) -> bool:
    """False if another application has this app id."""
    status = await conn.execute(
        """
        INSERT INTO trade_apps AS known (client_key, app_id, order_path, pay_notify_url)
        SELECT $1, $2, $3, $4
         WHERE NOT EXISTS (SELECT FROM trade_apps WHERE app_id = $2 AND client_key <> $1)
        ON CONFLICT (client_key) DO UPDATE
           SET app_id = excluded.app_id, order_path = excluded.order_path,
               pay_notify_url = excluded.pay_notify_url
        """,
        app.client_key,
        app.app_id,
        app.order_path,
        app.pay_notify_url,
    )
    return status == "INSERT 0 1"


async def list_trade_apps(
    conn: Connection, client_keys: Sequence[str] | None = None
) -> list[TradeAppRow]:
    rows = await conn.fetch(
        """
        SELECT client_key, app_id, order_path, pay_notify_url FROM trade_apps
         WHERE $1::text[] IS NULL OR client_key = ANY($1)
        """,
        client_keys,
    )
    return [TradeAppRow(*row.values()) for row in rows]


async def list_living_keys(conn: Connection) -> list[TradeKeyRow]:
    rows = await conn.fetch(
        """
        SELECT k.key_id, k.client_key, a.platform, k.public_key, k.sealed_token, k.fingerprint,
               k.created_at, k.expires_at
          FROM trade_keys k JOIN apps a USING (client_key)
         WHERE k.expires_at IS NULL OR k.expires_at > now()
        """
    )
    return [TradeKeyRow(*row.values()) for row in rows]


async def list_keys(conn: Connection, client_keys: Sequence[str]) -> list[TradeKeyRow]:
    """Newest first, those that have ended included."""
    rows = await conn.fetch(
        """
        SELECT k.key_id, k.client_key, a.platform, k.public_key, k.sealed_token, k.fingerprint,
               k.created_at, k.expires_at
          FROM trade_keys k JOIN apps a USING (client_key)
         WHERE client_key = ANY($1::text[])
         ORDER BY client_key, k.created_at DESC, key_id DESC
        """,
        client_keys,
    )
    return [TradeKeyRow(*row.values()) for row in rows]


async def add_key(
    conn: Connection,
    *,
    key_id: UUID,
    client_key: str,
    public_key: str | None,
    sealed_token: bytes | None,
    fingerprint: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO trade_keys
            (key_id, client_key, public_key, sealed_token, fingerprint, created_at)
        VALUES ($1, $2, $3, $4, $5, clock_timestamp())
        """,
        key_id,
        client_key,
        public_key,
        sealed_token,
        fingerprint,
    )


async def end_keys(
    conn: Connection, client_key: str, *, but: UUID, tokens: bool, overlap: timedelta
) -> None:
    """Let every other key of this sort end after the overlap, or earlier if it was to."""
    await conn.execute(
        """
        UPDATE trade_keys SET expires_at = now() + $4::interval
         WHERE client_key = $1 AND key_id <> $2 AND (public_key IS NULL) = $3
           AND (expires_at IS NULL OR expires_at > now() + $4::interval)
        """,
        client_key,
        but,
        tokens,
        overlap,
    )


async def delete_key(conn: Connection, client_key: str, key_id: UUID) -> bool:
    status = await conn.execute(
        "DELETE FROM trade_keys WHERE client_key = $1 AND key_id = $2", client_key, key_id
    )
    return status == "DELETE 1"
