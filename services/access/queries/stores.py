"""Statements about stores."""

from collections.abc import Sequence

from services.access.domain.records import Store
from shared.postgres.connection import Connection


async def add_store(
    conn: Connection,
    *,
    store_id: str,
    merchant: str,
    name: str,
    platform: str,
    poi_id: str,
    time_zone: str,
    is_open: bool,
) -> Store | None:
    """None if the id or the platform's place is taken."""
    row = await conn.fetchrow(
        """
        INSERT INTO stores (store_id, merchant, name, platform, poi_id, time_zone, open)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        RETURNING store_id, merchant, name, platform, poi_id, time_zone, open, version,
                  created_at, updated_at
        """,
        store_id,
        merchant,
        name,
        platform,
        poi_id,
        time_zone,
        is_open,
    )
    return None if row is None else Store(*row.values())


async def find_store(conn: Connection, store_id: str) -> Store | None:
    row = await conn.fetchrow(
        """
        SELECT store_id, merchant, name, platform, poi_id, time_zone, open, version,
               created_at, updated_at
          FROM stores WHERE store_id = $1
        """,
        store_id,
    )
    return None if row is None else Store(*row.values())


async def find_store_by_poi(
    conn: Connection, *, merchant: str, platform: str, poi_id: str
) -> Store | None:
    row = await conn.fetchrow(
        """
        SELECT store_id, merchant, name, platform, poi_id, time_zone, open, version,
               created_at, updated_at
          FROM stores WHERE merchant = $1 AND platform = $2 AND poi_id = $3
        """,
        merchant,
        platform,
        poi_id,
    )
    return None if row is None else Store(*row.values())


async def update_store(
    conn: Connection,
    store_id: str,
    *,
    name: str | None,
    poi_id: str | None,
    time_zone: str | None,
    is_open: bool | None,
) -> Store | None:
    """None if nothing would change. Raises UniqueViolationError if the place is taken."""
    row = await conn.fetchrow(
        """
        UPDATE stores
           SET name = coalesce($2, name), poi_id = coalesce($3, poi_id),
               time_zone = coalesce($4, time_zone), open = coalesce($5, open),
               version = version + 1, updated_at = now()
         WHERE store_id = $1
           AND (name, poi_id, time_zone, open) IS DISTINCT FROM (
               coalesce($2, name), coalesce($3, poi_id),
               coalesce($4, time_zone), coalesce($5, open)
           )
        RETURNING store_id, merchant, name, platform, poi_id, time_zone, open, version,
                  created_at, updated_at
        """,
        store_id,
        name,
        poi_id,
        time_zone,
        is_open,
    )
    return None if row is None else Store(*row.values())


async def list_stores(
    conn: Connection,
    *,
    merchant: str | None,
    only: Sequence[str] | None,
    after: str | None,
    limit: int,
) -> Sequence[Store]:
    rows = await conn.fetch(
        """
        SELECT store_id, merchant, name, platform, poi_id, time_zone, open, version,
               created_at, updated_at
          FROM stores
         WHERE ($1::text IS NULL OR merchant = $1)
           AND ($2::text[] IS NULL OR store_id = ANY($2))
           AND ($3::text IS NULL OR store_id > $3)
         ORDER BY store_id LIMIT $4
        """,
        merchant,
        only,
        after,
        limit,
    )
    return [Store(*row.values()) for row in rows]


async def find_unknown_stores(
    conn: Connection, *, merchant: str, store_ids: Sequence[str]
) -> Sequence[str]:
    """Those of the ids that are no stores of this merchant."""
    rows = await conn.fetch(
        """
        SELECT asked.store_id FROM unnest($2::text[]) AS asked(store_id)
         WHERE NOT EXISTS (
             SELECT FROM stores s WHERE s.store_id = asked.store_id AND s.merchant = $1
         )
         ORDER BY 1
        """,
        merchant,
        store_ids,
    )
    return [row["store_id"] for row in rows]
