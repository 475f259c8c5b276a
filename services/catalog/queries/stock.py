"""Statements about how much there is of each SKU, day and slot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.catalog.domain.deciding import StockName
from services.catalog.domain.settling import Count
from shared.contracts.products import StockBy
from shared.contracts.stock import StockChanged
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class StockRow:
    """`version` counts what was said about it."""

    stock_key: int
    merchant: str
    version: int
    changed_at: datetime
    now: StockChanged


@dataclass(frozen=True, slots=True)
class StockSku:
    sku_key: int
    sku_id: str
    merchant: str
    stock_by: StockBy


@dataclass(frozen=True, slots=True)
class Filter:
    merchant: str | None = None
    product_id: str | None = None
    sku_id: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    after: int | None = None


async def find_skus(conn: Connection, sku_ids: Sequence[str]) -> Mapping[str, StockSku]:
    rows = await conn.fetch(
        """
        SELECT sku_key, sku_id, merchant, stock_by FROM skus
         WHERE sku_id = ANY($1::text[]) AND NOT retired
        """,
        sku_ids,
    )
    return {row[1]: StockSku(row[0], row[1], row[2], StockBy(row[3])) for row in rows}


async def insert_missing(conn: Connection, names: Sequence[StockName]) -> None:
    """Begin to count what is not counted yet, with nothing there. Pass the names sorted."""
    await conn.execute(
        """
        INSERT INTO stock (sku_key, day, slot, total)
        SELECT sku_key, coalesce(day, '-infinity'), coalesce(slot, ''), 0
          FROM unnest($1::bigint[], $2::date[], $3::text[]) AS n (sku_key, day, slot)
        ON CONFLICT (sku_key, day, slot) DO NOTHING
        """,
        [name.sku_key for name in names],
        [name.day for name in names],
        [name.slot for name in names],
    )


async def find_keys(conn: Connection, names: Sequence[StockName]) -> Mapping[StockName, int]:
    rows = await conn.fetch(
        """
        SELECT s.sku_key, nullif(s.day, '-infinity'), nullif(s.slot, ''), s.stock_key
          FROM unnest($1::bigint[], $2::date[], $3::text[]) AS n (sku_key, day, slot)
          JOIN stock s ON s.sku_key = n.sku_key AND s.day = coalesce(n.day, '-infinity')
                      AND s.slot = coalesce(n.slot, '')
        """,
        [name.sku_key for name in names],
        [name.day for name in names],
        [name.slot for name in names],
    )
    return {StockName(row[0], row[1], row[2]): row[3] for row in rows}


async def lock_counts(conn: Connection, stock_keys: Sequence[int]) -> dict[int, Count]:
    """In key order; rivals wait."""
    rows = await conn.fetch(
        """
        SELECT stock_key, total, held, sold FROM stock
         WHERE stock_key = ANY($1::bigint[]) ORDER BY stock_key FOR UPDATE
        """,
        stock_keys,
    )
    return {row[0]: Count(row[1], row[2], row[3]) for row in rows}


async def store_counts(conn: Connection, counts: Mapping[int, Count]) -> None:
    """The caller holds the locks; the table refuses what is below zero or above the total."""
    await conn.execute(
        """
        UPDATE stock s
           SET total = n.total, held = n.held, sold = n.sold, changed_at = now()
          FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
            AS n (stock_key, total, held, sold)
         WHERE s.stock_key = n.stock_key
        """,
        list(counts),
        [count.total for count in counts.values()],
        [count.held for count in counts.values()],
        [count.sold for count in counts.values()],
    )


async def say_changed(conn: Connection, stock_keys: Sequence[int]) -> list[StockRow]:
    """What is to be said of each, under its next version."""
    rows = await conn.fetch(
        """
        UPDATE stock t SET version = t.version + 1
          FROM skus s JOIN products p USING (product_key)
         WHERE t.stock_key = ANY($1::bigint[]) AND s.sku_key = t.sku_key
        RETURNING t.stock_key, s.merchant, t.version, t.changed_at, p.product_id, s.sku_id,
                  s.platform, s.platform_sku_id, s.third_sku_id,
                  nullif(t.day, '-infinity') AS day, nullif(t.slot, '') AS slot,
                  t.total, t.held, t.sold
        """,
        stock_keys,
    )
    return [_row(row) for row in rows]


async def read_stock(conn: Connection, stock_keys: Sequence[int]) -> list[StockRow]:
    rows = await conn.fetch(
        """
        SELECT t.stock_key, s.merchant, t.version, t.changed_at, p.product_id, s.sku_id,
               s.platform, s.platform_sku_id, s.third_sku_id,
               nullif(t.day, '-infinity') AS day, nullif(t.slot, '') AS slot,
               t.total, t.held, t.sold
          FROM stock t JOIN skus s USING (sku_key) JOIN products p USING (product_key)
         WHERE t.stock_key = ANY($1::bigint[]) ORDER BY t.stock_key
        """,
        stock_keys,
    )
    return [_row(row) for row in rows]


async def list_stock(conn: Connection, wanted: Filter, *, limit: int) -> list[StockRow]:
    rows = await conn.fetch(
        """
        SELECT t.stock_key, s.merchant, t.version, t.changed_at, p.product_id, s.sku_id,
               s.platform, s.platform_sku_id, s.third_sku_id,
               nullif(t.day, '-infinity') AS day, nullif(t.slot, '') AS slot,
               t.total, t.held, t.sold
          FROM stock t JOIN skus s USING (sku_key) JOIN products p USING (product_key)
         WHERE ($1::text IS NULL OR s.merchant = $1)
           AND ($2::text IS NULL OR p.product_id = $2)
           AND ($3::text IS NULL OR s.sku_id = $3)
           AND ($4::date IS NULL OR t.day >= $4)
           AND ($5::date IS NULL OR t.day <= $5)
           AND ($6::bigint IS NULL OR t.stock_key > $6)
         ORDER BY t.stock_key LIMIT $7
        """,
        *(wanted.merchant, wanted.product_id, wanted.sku_id, wanted.first_day),
        *(wanted.last_day, wanted.after, limit),
    )
    return [_row(row) for row in rows]


def _row(row: Row) -> StockRow:
    parts = (row["sku_id"], row["day"], row["slot"])
    now = StockChanged(
        stock_id="/".join(str(part) for part in parts if part is not None),
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        platform=row["platform"],
        platform_sku_id=row["platform_sku_id"],
        third_sku_id=row["third_sku_id"],
        day=row["day"],
        slot=row["slot"],
        total=row["total"],
        held=row["held"],
        sold=row["sold"],
    )
    return StockRow(row["stock_key"], row["merchant"], row["version"], row["changed_at"], now)
