"""Statements for product lists."""

from collections.abc import Sequence

from shared.postgres.connection import Connection


async def find_totals(conn: Connection, product_keys: Sequence[int]) -> dict[str, int | None]:
    """How much there is of each SKU whose stock is one number; None is without limit."""
    rows = await conn.fetch(
        """
        SELECT s.sku_id, t.total FROM skus s JOIN stock t USING (sku_key)
         WHERE s.product_key = ANY($1::bigint[]) AND NOT s.retired
           AND s.stock_by = 'sku' AND t.day = '-infinity' AND t.slot = ''
        """,
        product_keys,
    )
    return {row[0]: row[1] for row in rows}


async def find_categories(conn: Connection, product_keys: Sequence[int]) -> dict[int, str]:
    rows = await conn.fetch(
        """
        SELECT product_key, category_id FROM listings
         WHERE product_key = ANY($1::bigint[]) AND category_id IS NOT NULL
        """,
        product_keys,
    )
    return {row[0]: row[1] for row in rows}
