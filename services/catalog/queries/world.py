"""Merchants and stores as access says they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.access import StoreChanged
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Merchant:
    merchant: str
    platform: str
    account_id: str | None
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class StoreVersion:
    store: StoreChanged
    version: int


async def keep_merchants(conn: Connection, merchants: Sequence[Merchant]) -> None:
    """Events may come in any order: the newest version stays. One of each, sorted."""
    await conn.execute(
        """
        INSERT INTO merchants (merchant, platform, account_id, name, version)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
        ON CONFLICT (merchant, platform) DO UPDATE
           SET account_id = excluded.account_id, name = excluded.name, version = excluded.version
         WHERE merchants.version < excluded.version
        """,
        [one.merchant for one in merchants],
        [one.platform for one in merchants],
        [one.account_id for one in merchants],
        [one.name for one in merchants],
        [one.version for one in merchants],
    )


async def keep_stores(conn: Connection, versions: Sequence[StoreVersion]) -> None:
    """Likewise."""
    await conn.execute(
        """
        INSERT INTO stores
            (store_id, merchant, platform, poi_id, name, time_zone, open, version)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                             $6::text[], $7::boolean[], $8::bigint[])
        ON CONFLICT (store_id) DO UPDATE
           SET merchant = excluded.merchant, platform = excluded.platform,
               poi_id = excluded.poi_id, name = excluded.name,
               time_zone = excluded.time_zone, open = excluded.open, version = excluded.version
         WHERE stores.version < excluded.version
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


async def find_merchant(conn: Connection, merchant: str, platform: str) -> Merchant | None:
    row = await conn.fetchrow(
        """
        SELECT merchant, platform, account_id, name, version
          FROM merchants WHERE merchant = $1 AND platform = $2
        """,
        merchant,
        platform,
    )
    return None if row is None else Merchant(*row.values())


async def find_unknown_stores(
    conn: Connection, merchant: str, store_ids: Sequence[str]
) -> list[str]:
    """Which of them are no stores of this merchant."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT named.store_id
          FROM unnest($2::text[]) AS named (store_id)
          LEFT JOIN stores s ON s.store_id = named.store_id AND s.merchant = $1
         WHERE s.store_id IS NULL ORDER BY 1
        """,
        merchant,
        store_ids,
    )
    return [row[0] for row in rows]
