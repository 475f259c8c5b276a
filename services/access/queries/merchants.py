"""Statements about merchants."""

from collections.abc import Sequence

from services.access.domain.records import Merchant
from shared.postgres.connection import Connection


async def add_merchant(
    conn: Connection, *, merchant: str, name: str, platform: str, account_id: str | None
) -> Merchant | None:
    """None if the slug or the platform's account is taken."""
    row = await conn.fetchrow(
        """
        INSERT INTO merchants (merchant, name, platform, account_id) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        RETURNING merchant, name, platform, account_id, version, created_at, updated_at
        """,
        merchant,
        name,
        platform,
        account_id,
    )
    return None if row is None else Merchant(*row.values())


async def find_merchant(conn: Connection, merchant: str) -> Merchant | None:
    row = await conn.fetchrow(
        """
        SELECT merchant, name, platform, account_id, version, created_at, updated_at
          FROM merchants WHERE merchant = $1
        """,
        merchant,
    )
    return None if row is None else Merchant(*row.values())


async def update_merchant(
    conn: Connection, merchant: str, *, name: str | None, account_id: str | None
) -> Merchant | None:
    """None if nothing would change. Raises UniqueViolationError if the account is taken."""
    row = await conn.fetchrow(
        """
        UPDATE merchants
           SET name = coalesce($2, name), account_id = coalesce($3, account_id),
               version = version + 1, updated_at = now()
         WHERE merchant = $1
           AND (name, account_id) IS DISTINCT FROM (coalesce($2, name), coalesce($3, account_id))
        RETURNING merchant, name, platform, account_id, version, created_at, updated_at
        """,
        merchant,
        name,
        account_id,
    )
    return None if row is None else Merchant(*row.values())


async def list_merchants(
    conn: Connection, *, only: str | None, after: str | None, limit: int
) -> Sequence[Merchant]:
    rows = await conn.fetch(
        """
        SELECT merchant, name, platform, account_id, version, created_at, updated_at
          FROM merchants
         WHERE ($1::text IS NULL OR merchant = $1) AND ($2::text IS NULL OR merchant > $2)
         ORDER BY merchant LIMIT $3
        """,
        only,
        after,
        limit,
    )
    return [Merchant(*row.values()) for row in rows]
