"""The platform's books of products."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from services.simulator.domain.goods import DraftStatus, OnlineStatus, Product
from shared.postgres.connection import Connection, Row


async def lock_product(
    conn: Connection, account_id: str, *, product_id: int | None, out_id: str | None
) -> Product | None:
    row = await conn.fetchrow(
        """
        SELECT product_id, account_id, out_id, draft, draft_status, audit_msg, audit_due_at,
               online, online_status, version, created_at, updated_at
          FROM goods
         WHERE account_id = $1 AND (product_id = $2 OR out_id = $3)
           FOR NO KEY UPDATE
        """,
        account_id,
        product_id,
        out_id,
    )
    return None if row is None else _product(row)


async def lock_due(conn: Connection, now: datetime, limit: int) -> list[Product]:
    """Those whose audit is over and that nobody else is working on."""
    rows = await conn.fetch(
        """
        SELECT product_id, account_id, out_id, draft, draft_status, audit_msg, audit_due_at,
               online, online_status, version, created_at, updated_at
          FROM goods WHERE audit_due_at <= $1
         ORDER BY audit_due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [_product(row) for row in rows]


async def find_products(
    conn: Connection, account_id: str, *, product_ids: Sequence[int], out_ids: Sequence[str]
) -> list[Product]:
    rows = await conn.fetch(
        """
        SELECT product_id, account_id, out_id, draft, draft_status, audit_msg, audit_due_at,
               online, online_status, version, created_at, updated_at
          FROM goods
         WHERE account_id = $1 AND (product_id = ANY($2::bigint[]) OR out_id = ANY($3::text[]))
         ORDER BY product_id
        """,
        account_id,
        product_ids,
        out_ids,
    )
    return [_product(row) for row in rows]


async def list_products(
    conn: Connection,
    *,
    account_id: str | None,
    draft_status: int | None,
    online_status: int | None,
    only_online: bool,
    after: int,
    limit: int,
) -> list[Product]:
    rows = await conn.fetch(
        """
        SELECT product_id, account_id, out_id, draft, draft_status, audit_msg, audit_due_at,
               online, online_status, version, created_at, updated_at
          FROM goods
         WHERE ($1::text IS NULL OR account_id = $1)
           AND ($2::bigint IS NULL OR draft_status = $2)
           AND ($3::bigint IS NULL OR online_status = $3)
           AND (online_status IS NOT NULL OR NOT $4)
           AND product_id > $5
         ORDER BY product_id LIMIT $6
        """,
        account_id,
        draft_status,
        online_status,
        only_online,
        after,
        limit,
    )
    return [_product(row) for row in rows]


async def add_product(conn: Connection, product: Product) -> bool:
    """False if somebody else has just added it."""
    status = await conn.execute(
        """
        INSERT INTO goods (product_id, account_id, out_id, draft, draft_status, audit_due_at,
                           created_at, updated_at)
        VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $7)
        ON CONFLICT (account_id, out_id) DO NOTHING
        """,
        product.product_id,
        product.account_id,
        product.out_id,
        _write(product.draft),
        int(product.draft_status),
        product.audit_due_at,
        product.created_at,
    )
    return status.endswith("1")


async def save_product(conn: Connection, product: Product, now: datetime) -> None:
    await conn.execute(
        """
        UPDATE goods
           SET draft = $2::jsonb, draft_status = $3, audit_msg = $4, audit_due_at = $5,
               online = $6::jsonb, online_status = $7, version = version + 1,
               updated_at = $8
         WHERE product_id = $1
        """,
        product.product_id,
        _write(product.draft),
        int(product.draft_status),
        product.audit_msg,
        product.audit_due_at,
        None if product.online is None else _write(product.online),
        None if product.online_status is None else int(product.online_status),
        now,
    )


async def set_verdict(conn: Connection, account_id: str, out_id: str, reason: str) -> None:
    await conn.execute(
        """
        INSERT INTO goods_verdicts (account_id, out_id, reason) VALUES ($1, $2, $3)
        ON CONFLICT (account_id, out_id) DO UPDATE SET reason = excluded.reason
        """,
        account_id,
        out_id,
        reason,
    )


async def remove_verdict(conn: Connection, account_id: str, out_id: str) -> None:
    await conn.execute(
        "DELETE FROM goods_verdicts WHERE account_id = $1 AND out_id = $2", account_id, out_id
    )


async def find_verdict(conn: Connection, account_id: str, out_id: str) -> str | None:
    """Why its audit fails; the product's own before the merchant's."""
    reason: str | None = await conn.fetchval(
        """
        SELECT reason FROM goods_verdicts
         WHERE account_id = $1 AND out_id IN ($2, '*')
         ORDER BY out_id = '*' LIMIT 1
        """,
        account_id,
        out_id,
    )
    return reason


def _write(version: object) -> str:
    return orjson.dumps(version).decode()


def _product(row: Row) -> Product:
    return Product(
        product_id=row["product_id"],
        account_id=row["account_id"],
        out_id=row["out_id"],
        draft=orjson.loads(row["draft"]),
        draft_status=DraftStatus(row["draft_status"]),
        audit_msg=row["audit_msg"],
        audit_due_at=row["audit_due_at"],
        online=None if row["online"] is None else orjson.loads(row["online"]),
        online_status=None if row["online_status"] is None else OnlineStatus(row["online_status"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
