"""Apps, their merchants and stores, and their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class App:
    client_key: str
    client_secret: str
    webhook_url: str | None
    webhook_verified_at: datetime | None
    muted_events: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClientToken:
    access_token: str
    client_key: str
    expires_at: datetime


async def upsert_app(
    conn: Connection, *, client_key: str, client_secret: str, webhook_url: str | None
) -> None:
    """A new address counts as unverified until it has answered the challenge."""
    await conn.execute(
        """
        INSERT INTO apps (client_key, client_secret, webhook_url) VALUES ($1, $2, $3)
        ON CONFLICT (client_key) DO UPDATE
           SET client_secret = excluded.client_secret,
               webhook_url = excluded.webhook_url,
               webhook_verified_at = CASE
                   WHEN apps.webhook_url IS NOT DISTINCT FROM excluded.webhook_url
                   THEN apps.webhook_verified_at
               END
        """,
        client_key,
        client_secret,
        webhook_url,
    )


async def upsert_merchants(
    conn: Connection, client_key: str, account_ids: Sequence[str], names: Sequence[str]
) -> None:
    await conn.execute(
        """
        INSERT INTO merchants (account_id, client_key, name)
        SELECT account_id, $1, name FROM unnest($2::text[], $3::text[]) AS given (account_id, name)
        ON CONFLICT (account_id) DO UPDATE
           SET client_key = excluded.client_key, name = excluded.name
        """,
        client_key,
        account_ids,
        names,
    )


async def upsert_pois(
    conn: Connection, poi_ids: Sequence[str], account_ids: Sequence[str], names: Sequence[str]
) -> None:
    await conn.execute(
        """
        INSERT INTO pois (poi_id, account_id, name)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (poi_id) DO UPDATE
           SET account_id = excluded.account_id, name = excluded.name
        """,
        poi_ids,
        account_ids,
        names,
    )


async def set_addresses(
    conn: Connection,
    client_key: str,
    *,
    spi_url: str | None,
    trade_url: str | None,
    public_key: str | None,
    callback_token: str | None,
) -> None:
    await conn.execute(
        """
        UPDATE apps
           SET spi_url = $2, trade_url = $3, public_key = $4, callback_token = $5
         WHERE client_key = $1
        """,
        client_key,
        spi_url,
        trade_url,
        public_key,
        callback_token,
    )


async def find_addresses(
    conn: Connection, client_keys: Sequence[str]
) -> dict[str, tuple[str, str | None, str | None, str | None]]:
    """Of each app its secret, its two addresses, and its token for the older callbacks."""
    rows = await conn.fetch(
        """
        SELECT client_key, client_secret, spi_url, trade_url, callback_token
          FROM apps WHERE client_key = ANY($1::text[])
        """,
        client_keys,
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


async def find_account_of_app(conn: Connection, client_key: str) -> str | None:
    """The first merchant of a mini-program."""
    found: str | None = await conn.fetchval(
        "SELECT account_id FROM merchants WHERE client_key = $1 ORDER BY account_id LIMIT 1",
        client_key,
    )
    return found


async def find_public_key(conn: Connection, client_key: str) -> str | None:
    found: str | None = await conn.fetchval(
        "SELECT public_key FROM apps WHERE client_key = $1", client_key
    )
    return found


async def find_platform_key(conn: Connection, name: str) -> str | None:
    found: str | None = await conn.fetchval(
        "SELECT private_key FROM platform_keys WHERE name = $1", name
    )
    return found


async def add_platform_key(conn: Connection, name: str, private_key: str) -> None:
    """The first one stays."""
    await conn.execute(
        """
        INSERT INTO platform_keys (name, private_key) VALUES ($1, $2)
        ON CONFLICT (name) DO NOTHING
        """,
        name,
        private_key,
    )


async def mark_webhook_verified(
    conn: Connection, client_key: str, webhook_url: str, now: datetime
) -> None:
    await conn.execute(
        "UPDATE apps SET webhook_verified_at = $3 WHERE client_key = $1 AND webhook_url = $2",
        client_key,
        webhook_url,
        now,
    )


async def mute_events(conn: Connection, client_key: str, muted_events: Sequence[str]) -> None:
    await conn.execute(
        "UPDATE apps SET muted_events = $2 WHERE client_key = $1", client_key, muted_events
    )


async def find_app(conn: Connection, client_key: str) -> App | None:
    row = await conn.fetchrow(
        """
        SELECT client_key, client_secret, webhook_url, webhook_verified_at, muted_events
          FROM apps WHERE client_key = $1
        """,
        client_key,
    )
    return None if row is None else App(*row.values())


async def lock_app(conn: Connection, client_key: str) -> App | None:
    """One token is issued after the other."""
    row = await conn.fetchrow(
        """
        SELECT client_key, client_secret, webhook_url, webhook_verified_at, muted_events
          FROM apps WHERE client_key = $1 FOR NO KEY UPDATE
        """,
        client_key,
    )
    return None if row is None else App(*row.values())


async def find_client_keys(conn: Connection, account_ids: Sequence[str]) -> dict[str, str]:
    """Which app each merchant has granted."""
    rows = await conn.fetch(
        "SELECT account_id, client_key FROM merchants WHERE account_id = ANY($1::text[])",
        account_ids,
    )
    return {row["account_id"]: row["client_key"] for row in rows}


async def find_poi_owners(conn: Connection, poi_ids: Sequence[str]) -> dict[str, str]:
    """Which merchant each store belongs to."""
    rows = await conn.fetch(
        "SELECT poi_id, account_id FROM pois WHERE poi_id = ANY($1::text[])", poi_ids
    )
    return {row["poi_id"]: row["account_id"] for row in rows}


async def count_tokens(conn: Connection, client_key: str, since: datetime) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM client_tokens WHERE client_key = $1 AND issued_at > $2",
        client_key,
        since,
    )
    return count


async def find_newest_token(conn: Connection, client_key: str) -> ClientToken | None:
    row = await conn.fetchrow(
        """
        SELECT access_token, client_key, expires_at
          FROM client_tokens WHERE client_key = $1 ORDER BY issued_at DESC LIMIT 1
        """,
        client_key,
    )
    return None if row is None else ClientToken(*row.values())


async def supersede_tokens(
    conn: Connection, client_key: str, *, newest: str | None, now: datetime, overlap_until: datetime
) -> None:
    """The newest so far lives a little longer beside the one to come; all others end now."""
    await conn.execute(
        """
        UPDATE client_tokens
           SET expires_at = least(
                   expires_at, CASE WHEN access_token = $2 THEN $4::timestamptz ELSE $3 END
               )
         WHERE client_key = $1 AND expires_at > $3
        """,
        client_key,
        newest,
        now,
        overlap_until,
    )


async def add_token(conn: Connection, token: ClientToken, issued_at: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO client_tokens (access_token, client_key, issued_at, expires_at)
        VALUES ($1, $2, $3, $4)
        """,
        token.access_token,
        token.client_key,
        issued_at,
        token.expires_at,
    )


async def find_token(conn: Connection, access_token: str) -> ClientToken | None:
    row = await conn.fetchrow(
        "SELECT access_token, client_key, expires_at FROM client_tokens WHERE access_token = $1",
        access_token,
    )
    return None if row is None else ClientToken(*row.values())


async def remove_old_tokens(conn: Connection, expired_before: datetime) -> None:
    await conn.execute("DELETE FROM client_tokens WHERE expires_at < $1", expired_before)
