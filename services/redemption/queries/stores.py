"""Statements about stores."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.redemption.domain.records import Store
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class StoreVersion:
    store: Store
    version: int


async def keep_stores(conn: Connection, versions: Sequence[StoreVersion]) -> None:
    """Keep each store as its highest version has it; one version per store and call."""
    await conn.execute(
        """
        INSERT INTO stores
            (store_id, merchant, platform, poi_id, name, time_zone, open, version)
        SELECT *
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::boolean[], $8::bigint[]) AS heard (store_id)
         ORDER BY store_id
        ON CONFLICT (store_id) DO UPDATE
           SET merchant = EXCLUDED.merchant, platform = EXCLUDED.platform,
               poi_id = EXCLUDED.poi_id, name = EXCLUDED.name,
               time_zone = EXCLUDED.time_zone, open = EXCLUDED.open, version = EXCLUDED.version
         WHERE stores.version < EXCLUDED.version
        """,
        [each.store.store_id for each in versions],
        [each.store.merchant for each in versions],
        [each.store.platform for each in versions],
        [each.store.poi_id for each in versions],
        [each.store.name for each in versions],
        [each.store.time_zone for each in versions],
        [each.store.open for each in versions],
        [each.version for each in versions],
    )


async def find_store(conn: Connection, store_id: str) -> Store | None:
    row = await conn.fetchrow(
        """
        SELECT store_id, merchant, platform, poi_id, name, time_zone, open
          FROM stores WHERE store_id = $1
        """,
        store_id,
    )
    return None if row is None else Store(*row.values())
