"""Refunds that are asked for, decided and done; settlements."""

from collections.abc import Sequence
from datetime import datetime

from services.simulator.domain.after_sales import (
    AfterSale,
    AfterSaleState,
    Cause,
    DecidedBy,
    Settlement,
)
from shared.postgres.connection import Connection, Row


async def save_after_sales(conn: Connection, after_sales: Sequence[AfterSale]) -> None:
    await conn.execute(
        """
        INSERT INTO after_sales (
            after_sale_id, order_id, certificate_ids, cause, reason, amount_fen, out_refund_no,
            cp_extra, state, decided_by, decides_at, created_at, decided_at, refunded_at
        )
        SELECT after_sale_id, order_id, string_to_array(certificate_ids, ',')::bigint[], cause,
               reason, amount_fen, out_refund_no, cp_extra, state, decided_by, decides_at,
               created_at, decided_at, refunded_at
          FROM unnest(
              $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[],
              $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[],
              $12::timestamptz[], $13::timestamptz[], $14::timestamptz[]
          ) AS given (
              after_sale_id, order_id, certificate_ids, cause, reason, amount_fen,
              out_refund_no, cp_extra, state, decided_by, decides_at, created_at, decided_at,
              refunded_at
          )
        ON CONFLICT (after_sale_id) DO UPDATE
           SET state = excluded.state, decided_by = excluded.decided_by,
               decided_at = excluded.decided_at, refunded_at = excluded.refunded_at,
               out_refund_no = excluded.out_refund_no, reason = excluded.reason,
               amount_fen = excluded.amount_fen, certificate_ids = excluded.certificate_ids
        """,
        [one.after_sale_id for one in after_sales],
        [one.order_id for one in after_sales],
        [",".join(map(str, one.certificate_ids)) for one in after_sales],
        [one.cause for one in after_sales],
        [one.reason for one in after_sales],
        [one.amount_fen for one in after_sales],
        [one.out_refund_no for one in after_sales],
        [one.cp_extra for one in after_sales],
        [one.state for one in after_sales],
        [one.decided_by for one in after_sales],
        [one.decides_at for one in after_sales],
        [one.created_at for one in after_sales],
        [one.decided_at for one in after_sales],
        [one.refunded_at for one in after_sales],
    )


async def find_after_sales(conn: Connection, after_sale_ids: Sequence[int]) -> dict[int, AfterSale]:
    """Whoever changes them holds their orders."""
    rows = await conn.fetch(
        """
        SELECT after_sale_id, order_id, certificate_ids, cause, amount_fen, state, created_at,
               reason, out_refund_no, cp_extra, decided_by, decides_at, decided_at, refunded_at
          FROM after_sales WHERE after_sale_id = ANY($1::bigint[])
        """,
        after_sale_ids,
    )
    return {row["after_sale_id"]: _to_after_sale(row) for row in rows}


async def find_after_sales_of_orders(conn: Connection, order_ids: Sequence[int]) -> list[AfterSale]:
    rows = await conn.fetch(
        """
        SELECT after_sale_id, order_id, certificate_ids, cause, amount_fen, state, created_at,
               reason, out_refund_no, cp_extra, decided_by, decides_at, decided_at, refunded_at
          FROM after_sales WHERE order_id = ANY($1::bigint[])
         ORDER BY created_at, after_sale_id
        """,
        order_ids,
    )
    return [_to_after_sale(row) for row in rows]


async def find_after_sale_of_merchant(
    conn: Connection, client_key: str, out_refund_no: str
) -> AfterSale | None:
    """By the merchant's own number."""
    row = await conn.fetchrow(
        """
        SELECT s.after_sale_id, s.order_id, s.certificate_ids, s.cause, s.amount_fen, s.state,
               s.created_at, s.reason, s.out_refund_no, s.cp_extra, s.decided_by, s.decides_at,
               s.decided_at, s.refunded_at
          FROM after_sales s
          JOIN orders o USING (order_id) JOIN merchants m USING (account_id)
         WHERE s.out_refund_no = $2 AND m.client_key = $1
         ORDER BY s.created_at DESC LIMIT 1
        """,
        client_key,
        out_refund_no,
    )
    return None if row is None else _to_after_sale(row)


async def find_orders_to_decide(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE order_id IN (
             SELECT order_id FROM after_sales
              WHERE state IN ('asked', 'auditing') AND decides_at <= $1
              ORDER BY decides_at LIMIT $2
         )
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [row["order_id"] for row in rows]


async def count_after_sales(conn: Connection) -> list[tuple[str, str, int]]:
    """By state, and by who decided."""
    rows = await conn.fetch(
        """
        SELECT state, coalesce(decided_by, 'nobody'), count(*)
          FROM after_sales GROUP BY state, decided_by
        """
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def add_settlements(conn: Connection, settlements: Sequence[Settlement]) -> None:
    await conn.execute(
        """
        INSERT INTO settlements (
            settle_id, order_id, certificate_ids, amount_fen, is_automatic, settled_at,
            out_settle_no, detail, cp_extra
        )
        SELECT settle_id, order_id, string_to_array(certificate_ids, ',')::bigint[], amount_fen,
               is_automatic, settled_at, out_settle_no, detail, cp_extra
          FROM unnest(
              $1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[],
              $6::timestamptz[], $7::text[], $8::text[], $9::text[]
          ) AS given (
              settle_id, order_id, certificate_ids, amount_fen, is_automatic, settled_at,
              out_settle_no, detail, cp_extra
          )
        """,
        [one.settle_id for one in settlements],
        [one.order_id for one in settlements],
        [",".join(map(str, one.certificate_ids)) for one in settlements],
        [one.amount_fen for one in settlements],
        [one.is_automatic for one in settlements],
        [one.settled_at for one in settlements],
        [one.out_settle_no for one in settlements],
        [one.detail for one in settlements],
        [one.cp_extra for one in settlements],
    )


async def find_settlements(conn: Connection, order_id: int) -> list[Settlement]:
    rows = await conn.fetch(
        """
        SELECT settle_id, order_id, certificate_ids, amount_fen, is_automatic, settled_at,
               out_settle_no, detail, cp_extra
          FROM settlements WHERE order_id = $1 ORDER BY settled_at, settle_id
        """,
        order_id,
    )
    return [Settlement(*row.values()) for row in rows]


async def find_order_of_settlement(
    conn: Connection, client_key: str, *, settle_id: int, out_settle_no: str
) -> int | None:
    """By the platform's number or the merchant's own."""
    found: int | None = await conn.fetchval(
        """
        SELECT s.order_id
          FROM settlements s
          JOIN orders o USING (order_id) JOIN merchants m USING (account_id)
         WHERE m.client_key = $1 AND (s.settle_id = $2 OR s.out_settle_no = $3)
         LIMIT 1
        """,
        client_key,
        settle_id,
        out_settle_no,
    )
    return found


def _to_after_sale(row: Row) -> AfterSale:
    values = dict(row)
    decided_by = values.pop("decided_by")
    return AfterSale(
        cause=Cause(values.pop("cause")),
        state=AfterSaleState(values.pop("state")),
        decided_by=None if decided_by is None else DecidedBy(decided_by),
        **values,
    )
