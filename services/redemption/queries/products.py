"""Statements about what catalog says of products."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class SkuVersion:
    merchant: str
    platform: str
    sku_id: str
    product_id: str
    third_sku_id: str
    platform_sku_id: str | None
    kind: str
    title: str
    times: int
    # JSON.
    usage: str
    version: int


async def keep_skus(conn: Connection, versions: Sequence[SkuVersion]) -> None:
    """Keep each SKU as its highest version has it; one version per SKU and call.

    One that its product no longer has stays: orders of it may still come.
    """
    await conn.execute(
        """
        INSERT INTO skus
            (merchant, platform, sku_id, product_id, third_sku_id, platform_sku_id, kind, title,
             times, usage, version)
        SELECT merchant, platform, sku_id, product_id, third_sku_id, platform_sku_id, kind,
               title, times, usage::jsonb, version
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::text[], $9::bigint[], $10::text[], $11::bigint[])
            AS heard (merchant, platform, sku_id, product_id, third_sku_id, platform_sku_id,
                      kind, title, times, usage, version)
         ORDER BY merchant, platform, sku_id
        ON CONFLICT (merchant, platform, sku_id) DO UPDATE
           SET product_id = EXCLUDED.product_id, third_sku_id = EXCLUDED.third_sku_id,
               platform_sku_id = EXCLUDED.platform_sku_id, kind = EXCLUDED.kind,
               title = EXCLUDED.title, times = EXCLUDED.times, usage = EXCLUDED.usage,
               version = EXCLUDED.version
         WHERE skus.version < EXCLUDED.version
        """,
        [each.merchant for each in versions],
        [each.platform for each in versions],
        [each.sku_id for each in versions],
        [each.product_id for each in versions],
        [each.third_sku_id for each in versions],
        [each.platform_sku_id for each in versions],
        [each.kind for each in versions],
        [each.title for each in versions],
        [each.times for each in versions],
        [each.usage for each in versions],
        [each.version for each in versions],
    )
