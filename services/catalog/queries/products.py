"""Statements about products and their SKUs."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from services.catalog.domain.products import Content, Product, Wanted
from shared.contracts.products import (
    CodeOrigin,
    ProductKind,
    ProductState,
    RefundRules,
    Restock,
    Sku,
    UsageRules,
)
from shared.postgres.connection import Connection, Row

_SKUS = TypeAdapter(tuple[Sku, ...])


@dataclass(frozen=True, slots=True)
class Filter:
    """None means all. `text` is looked for in titles and ids."""

    merchant: str | None = None
    platform: str | None = None
    kind: str | None = None
    state: str | None = None
    text: str | None = None
    after: int | None = None


async def insert_product(conn: Connection, content: Content) -> int | None:
    """Its key; None if the id or the platform's id of it is taken."""
    key: int | None = await conn.fetchval(
        """
        INSERT INTO products
            (product_id, merchant, platform, account_id, platform_product_id, kind, title,
             code_origin, sale_from, sale_to, per_buyer_max, usage, refund, restock_on_refund)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT DO NOTHING
        RETURNING product_key
        """,
        *(content.product_id, content.merchant, content.platform, content.account_id),
        *_changeable(content),
    )
    return key


async def update_product(conn: Connection, product_key: int, content: Content) -> None:
    """Replace all that may be replaced. The caller holds its lock."""
    await conn.execute(
        """
        UPDATE products
           SET account_id = $2, platform_product_id = $3, kind = $4, title = $5,
               code_origin = $6, sale_from = $7, sale_to = $8, per_buyer_max = $9, usage = $10,
               refund = $11, restock_on_refund = $12, version = version + 1, changed_at = now()
         WHERE product_key = $1
        """,
        *(product_key, content.account_id),
        *_changeable(content),
    )


def _changeable(content: Content) -> tuple[object, ...]:
    return (
        content.platform_product_id,
        content.kind,
        content.title,
        content.code_origin,
        content.sale_from,
        content.sale_to,
        content.per_buyer_max,
        content.usage.model_dump_json(),
        content.refund.model_dump_json(),
        content.restock_on_refund,
    )


async def retire_skus(conn: Connection, product_key: int, *, but: Sequence[str]) -> None:
    """Take out of the product what it no longer has; nothing sold is forgotten."""
    await conn.execute(
        """
        UPDATE skus SET retired = true
         WHERE product_key = $1 AND NOT retired AND sku_id <> ALL($2::text[])
        """,
        product_key,
        but,
    )


async def upsert_skus(conn: Connection, product_key: int, content: Content) -> int:
    """How many were kept: fewer than there are if another product has an id of them.

    Raises UniqueViolationError if another SKU of the merchant has one of the third-party or
    platform ids.
    """
    status = await conn.execute(
        """
        INSERT INTO skus
            (product_key, merchant, platform, place, sku_id, platform_sku_id, third_sku_id,
             title, price_fen, original_price_fen, times, admits, stock_by, usage)
        SELECT $1, $2, $3, s.*
          FROM unnest($4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[],
                      $9::bigint[], $10::bigint[], $11::integer[], $12::integer[], $13::text[],
                      $14::jsonb[]) AS s
        ON CONFLICT (sku_id) DO UPDATE
           SET place = excluded.place, platform_sku_id = excluded.platform_sku_id,
               third_sku_id = excluded.third_sku_id, title = excluded.title,
               price_fen = excluded.price_fen,
               original_price_fen = excluded.original_price_fen, times = excluded.times,
               admits = excluded.admits, usage = excluded.usage, retired = false
         WHERE skus.product_key = excluded.product_key AND skus.stock_by = excluded.stock_by
        """,
        *(product_key, content.merchant, content.platform),
        list(range(len(content.skus))),
        [sku.sku_id for sku in content.skus],
        [sku.platform_sku_id for sku in content.skus],
        [sku.third_sku_id for sku in content.skus],
        [sku.title for sku in content.skus],
        [sku.price_fen for sku in content.skus],
        [sku.original_price_fen for sku in content.skus],
        [sku.times for sku in content.skus],
        [sku.admits for sku in content.skus],
        [sku.stock_by for sku in content.skus],
        [None if sku.usage is None else sku.usage.model_dump_json() for sku in content.skus],
    )
    return int(status.rsplit(" ", 1)[-1])


async def lock_product(conn: Connection, product_id: str) -> int | None:
    """Its key, and nobody else changes it until the end of the transaction."""
    key: int | None = await conn.fetchval(
        "SELECT product_key FROM products WHERE product_id = $1 FOR UPDATE", product_id
    )
    return key


async def find_product(conn: Connection, product_id: str) -> Product | None:
    row = await conn.fetchrow(
        """
        SELECT p.product_key, p.product_id, p.merchant, p.platform, p.account_id,
               p.platform_product_id, p.kind, p.title, p.code_origin, p.sale_from, p.sale_to,
               p.per_buyer_max, p.usage, p.refund, p.restock_on_refund, p.state, p.wanted,
               p.version, p.created_at, p.changed_at,
               (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.place) FROM skus s
                 WHERE s.product_key = p.product_key AND NOT s.retired) AS skus
          FROM products p WHERE p.product_id = $1
        """,
        product_id,
    )
    return None if row is None else _product(row)


async def list_products(conn: Connection, wanted: Filter, *, limit: int) -> list[Product]:
    """Newest first."""
    rows = await conn.fetch(
        """
        SELECT p.product_key, p.product_id, p.merchant, p.platform, p.account_id,
               p.platform_product_id, p.kind, p.title, p.code_origin, p.sale_from, p.sale_to,
               p.per_buyer_max, p.usage, p.refund, p.restock_on_refund, p.state, p.wanted,
               p.version, p.created_at, p.changed_at,
               (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.place) FROM skus s
                 WHERE s.product_key = p.product_key AND NOT s.retired) AS skus
          FROM products p
         WHERE ($1::text IS NULL OR p.merchant = $1)
           AND ($2::text IS NULL OR p.platform = $2)
           AND ($3::text IS NULL OR p.kind = $3)
           AND ($4::text IS NULL OR p.state = $4)
           AND ($5::text IS NULL OR position(lower($5) IN lower(p.title)) > 0
                OR $5 IN (p.product_id, p.platform_product_id)
                OR EXISTS (SELECT FROM skus s WHERE s.product_key = p.product_key
                              AND $5 IN (s.sku_id, s.third_sku_id, s.platform_sku_id)))
           AND ($6::bigint IS NULL OR p.product_key < $6)
         ORDER BY p.product_key DESC LIMIT $7
        """,
        *(wanted.merchant, wanted.platform, wanted.kind, wanted.state, wanted.text),
        *(wanted.after, limit),
    )
    return [_product(row) for row in rows]


async def set_state(
    conn: Connection, product_key: int, *, state: ProductState, wanted: Wanted
) -> bool:
    """False if it is so already."""
    status = await conn.execute(
        """
        UPDATE products
           SET state = $2, wanted = $3, version = version + 1, changed_at = now()
         WHERE product_key = $1 AND (state, wanted) IS DISTINCT FROM ($2, $3)
        """,
        product_key,
        state,
        wanted,
    )
    return status == "UPDATE 1"


def _product(row: Row) -> Product:
    content = Content(
        product_id=row["product_id"],
        merchant=row["merchant"],
        platform=row["platform"],
        account_id=row["account_id"],
        platform_product_id=row["platform_product_id"],
        kind=ProductKind(row["kind"]),
        title=row["title"],
        code_origin=CodeOrigin(row["code_origin"]),
        sale_from=row["sale_from"],
        sale_to=row["sale_to"],
        per_buyer_max=row["per_buyer_max"],
        usage=UsageRules.model_validate_json(row["usage"]),
        refund=RefundRules.model_validate_json(row["refund"]),
        restock_on_refund=Restock(row["restock_on_refund"]),
        skus=_SKUS.validate_json(row["skus"] or "[]"),
    )
    return Product(
        product_key=row["product_key"],
        content=content,
        state=ProductState(row["state"]),
        wanted=Wanted(row["wanted"]),
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
