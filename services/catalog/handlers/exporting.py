"""Writes a merchant's products out as a list that can be read in again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from zoneinfo import ZoneInfo

from services.catalog.domain.exporting import Language, header, rows_of
from services.catalog.domain.products import Product
from services.catalog.domain.tables import write_csv, write_sheet
from services.catalog.queries import products as queries
from services.catalog.queries import sheets
from services.catalog.queries.products import Filter
from shared.errors import Rejection
from shared.messaging.outbox import Database

ROWS_MAX: Final = 50_000
_PAGE: Final = 500


async def export_products(
    database: Database, *, merchant: str, zone: ZoneInfo, language: Language, as_sheet: bool
) -> bytes:
    """Oldest first. Raises Rejection where there are more than a file may hold."""
    rows: list[list[str]] = []
    async for product, totals, category_id in _each(database, merchant):
        rows += reversed(
            rows_of(product, totals=totals, category_id=category_id, zone=zone, language=language)
        )
        if len(rows) > ROWS_MAX:
            message = f"more than {ROWS_MAX} SKUs: read the list of products instead"
            raise Rejection(message, reason="too_many_rows")
    rows.reverse()
    if as_sheet:
        title = "商品" if language is Language.ZH else "products"
        return await asyncio.to_thread(write_sheet, header(language), rows, title=title)
    return await asyncio.to_thread(write_csv, header(language), rows)


async def _each(
    database: Database, merchant: str
) -> AsyncIterator[tuple[Product, dict[str, int | None], str | None]]:
    """Newest first, a page at a time: no connection is held between pages."""
    after: int | None = None
    while True:
        async with database.pool.acquire() as conn:
            found = await queries.list_products(
                conn, Filter(merchant=merchant, after=after), limit=_PAGE
            )
            keys = [product.product_key for product in found]
            totals = await sheets.find_totals(conn, keys)
            categories = await sheets.find_categories(conn, keys)
        for product in found:
            yield product, totals, categories.get(product.product_key)
        if len(found) < _PAGE:
            return
        after = found[-1].product_key
