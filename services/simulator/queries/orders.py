"""Orders and their coupons: reading, locking, placing, saving."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.simulator.domain.coupons import (
    Channel,
    CodeOrigin,
    Coupon,
    CouponState,
    Order,
    OrderState,
    Sku,
    Verification,
)
from services.simulator.domain.fields import own_id
from shared.postgres.connection import Connection, Row


async def take_number_blocks(conn: Connection, count: int) -> list[int]:
    rows = await conn.fetch("SELECT nextval('number_blocks') FROM generate_series(1, $1)", count)
    return [row[0] for row in rows]


async def add_orders(conn: Connection, orders: Sequence[Order]) -> set[int]:
    """Add those whose reference is new; returns their ids."""
    rows = await conn.fetch(
        """
        INSERT INTO orders (
            order_id, account_id, reference, open_id, sku_id, sku_title, groupon_type, poi_ids,
            original_amount_fen, pay_amount_fen, state, created_at, paid_at, closes_at,
            third_sku_id, channel, code_origin, out_order_id, cp_extra, issue_until, updated_at
        )
        SELECT order_id, account_id, reference, open_id, sku_id, sku_title, groupon_type,
               string_to_array(poi_ids, ','), original_amount_fen, pay_amount_fen, state,
               created_at, paid_at, closes_at, third_sku_id, channel, code_origin, out_order_id,
               cp_extra, issue_until, created_at
          FROM unnest(
              $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::bigint[], $8::text[], $9::bigint[], $10::bigint[], $11::text[],
              $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::text[],
              $16::text[], $17::text[], $18::text[], $19::text[], $20::timestamptz[]
          ) AS given (
              order_id, account_id, reference, open_id, sku_id, sku_title, groupon_type, poi_ids,
              original_amount_fen, pay_amount_fen, state, created_at, paid_at, closes_at,
              third_sku_id, channel, code_origin, out_order_id, cp_extra, issue_until
          )
        ON CONFLICT (account_id, reference) DO NOTHING
        RETURNING order_id
        """,
        [order.order_id for order in orders],
        [order.account_id for order in orders],
        [order.reference for order in orders],
        [order.open_id for order in orders],
        [order.sku.sku_id for order in orders],
        [order.sku.title for order in orders],
        [order.sku.groupon_type for order in orders],
        [None if order.poi_ids is None else ",".join(order.poi_ids) for order in orders],
        [order.original_amount_fen for order in orders],
        [order.pay_amount_fen for order in orders],
        [order.state for order in orders],
        [order.created_at for order in orders],
        [order.paid_at for order in orders],
        [order.closes_at for order in orders],
        [order.sku.third_sku_id for order in orders],
        [order.channel for order in orders],
        [order.code_origin for order in orders],
        [order.out_order_id for order in orders],
        [order.cp_extra for order in orders],
        [order.issue_until for order in orders],
    )
    return {row["order_id"] for row in rows}


async def add_coupons(conn: Connection, coupons: Sequence[Coupon], now: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO coupons (
            certificate_id, order_id, place, code, short_id, state, original_amount_fen,
            pay_amount_fen, starts_at, expires_at, version, times_count, updated_at
        )
        SELECT given.*, $13 FROM unnest(
            $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
            $7::bigint[], $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::bigint[],
            $12::bigint[]
        ) AS given
        """,
        [coupon.certificate_id for coupon in coupons],
        [coupon.order_id for coupon in coupons],
        [coupon.place for coupon in coupons],
        [coupon.code for coupon in coupons],
        [coupon.short_id for coupon in coupons],
        [coupon.state for coupon in coupons],
        [coupon.original_amount_fen for coupon in coupons],
        [coupon.pay_amount_fen for coupon in coupons],
        [coupon.starts_at for coupon in coupons],
        [coupon.expires_at for coupon in coupons],
        [coupon.version for coupon in coupons],
        [coupon.times_count for coupon in coupons],
        now,
    )


async def lock_orders(conn: Connection, order_ids: Sequence[int]) -> list[Order]:
    """An order's lock covers its coupons: nothing changes a coupon without it."""
    rows = await conn.fetch(
        """
        SELECT o.order_id, o.account_id, m.client_key, o.reference, o.open_id,
               o.sku_id, o.sku_title, o.groupon_type, o.poi_ids,
               o.original_amount_fen, o.pay_amount_fen, o.state, o.created_at, o.paid_at,
               o.closes_at, o.updated_at, o.third_sku_id, o.channel, o.code_origin,
               o.out_order_id, o.cp_extra, o.issue_until
          FROM orders o JOIN merchants m USING (account_id)
         WHERE o.order_id = ANY($1::bigint[])
         ORDER BY o.order_id
           FOR NO KEY UPDATE OF o
        """,
        order_ids,
    )
    return [to_order(row) for row in rows]


async def find_orders(conn: Connection, order_ids: Sequence[int]) -> list[Order]:
    rows = await conn.fetch(
        """
        SELECT o.order_id, o.account_id, m.client_key, o.reference, o.open_id,
               o.sku_id, o.sku_title, o.groupon_type, o.poi_ids,
               o.original_amount_fen, o.pay_amount_fen, o.state, o.created_at, o.paid_at,
               o.closes_at, o.updated_at, o.third_sku_id, o.channel, o.code_origin,
               o.out_order_id, o.cp_extra, o.issue_until
          FROM orders o JOIN merchants m USING (account_id)
         WHERE o.order_id = ANY($1::bigint[])
         ORDER BY o.order_id
        """,
        order_ids,
    )
    return [to_order(row) for row in rows]


async def find_orders_by_reference(
    conn: Connection, account_ids: Sequence[str], references: Sequence[str]
) -> list[int]:
    rows = await conn.fetch(
        """
        SELECT order_id FROM orders
         WHERE (account_id, reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        """,
        account_ids,
        references,
    )
    return [row["order_id"] for row in rows]


async def find_known_references(
    conn: Connection, account_ids: Sequence[str], references: Sequence[str]
) -> set[tuple[str, str]]:
    rows = await conn.fetch(
        """
        SELECT account_id, reference FROM orders
         WHERE (account_id, reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        """,
        account_ids,
        references,
    )
    return {(row[0], row[1]) for row in rows}


async def find_order_of_app(
    conn: Connection, client_key: str, *, order_id: int, out_order_id: str
) -> int | None:
    """By the platform's number, or else by the merchant's own."""
    found: int | None = await conn.fetchval(
        """
        SELECT o.order_id FROM orders o JOIN merchants m USING (account_id)
         WHERE m.client_key = $1
           AND (o.order_id = $2 OR ($2 = 0 AND o.out_order_id = $3))
         ORDER BY o.created_at DESC LIMIT 1
        """,
        client_key,
        order_id,
        out_order_id,
    )
    return found


async def find_coupons(conn: Connection, order_ids: Sequence[int]) -> list[Coupon]:
    """The coupons of these orders, each with its last redemption if it is wholly redeemed."""
    rows = await conn.fetch(
        """
        SELECT c.certificate_id, c.order_id, c.place, c.code, c.short_id, c.state,
               c.original_amount_fen, c.pay_amount_fen, c.starts_at, c.expires_at,
               c.settles_at, c.settled_at, c.refund_due_at, c.refunded_at, c.version,
               c.times_count, c.times_used, c.third_code, c.third_certificate_id,
               c.after_sale_id, c.refund_rejected_at,
               v.verify_id, v.account_id, v.poi_id, v.verify_token, v.verified_at, v.serial
          FROM coupons c LEFT JOIN verifications v ON v.verify_id = c.verify_id
         WHERE c.order_id = ANY($1::bigint[])
         ORDER BY c.order_id, c.place
        """,
        order_ids,
    )
    return [_to_coupon(row) for row in rows]


async def find_uses(conn: Connection, certificate_ids: Sequence[int]) -> list[Verification]:
    """The redemptions that hold of these times cards."""
    rows = await conn.fetch(
        """
        SELECT verify_id, certificate_id, order_id, account_id, poi_id, verify_token,
               verified_at, cancelled_at, serial
          FROM verifications
         WHERE certificate_id = ANY($1::bigint[]) AND cancelled_at IS NULL
         ORDER BY serial
        """,
        certificate_ids,
    )
    return [Verification(*row.values()) for row in rows]


async def find_orders_of_coupons(
    conn: Connection, certificate_ids: Sequence[int]
) -> dict[int, int]:
    rows = await conn.fetch(
        """
        SELECT certificate_id, order_id FROM coupons
         WHERE certificate_id = ANY($1::bigint[])
        """,
        certificate_ids,
    )
    return {row["certificate_id"]: row["order_id"] for row in rows}


async def find_orders_of_public_ids(
    conn: Connection, public_ids: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Order and own id of coupons, by either of their names."""
    rows = await conn.fetch(
        """
        SELECT certificate_id::text, order_id, certificate_id FROM coupons
         WHERE certificate_id = ANY($1::bigint[])
        UNION
        SELECT third_certificate_id, order_id, certificate_id FROM coupons
         WHERE third_certificate_id = ANY($2::text[])
        """,
        [own_id(public_id) for public_id in public_ids],
        public_ids,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def find_orders_of_card(conn: Connection, public_id: str) -> list[int]:
    """Of a coupon by either of its names."""
    rows = await conn.fetch(
        """
        SELECT order_id FROM coupons WHERE certificate_id = $1
        UNION
        SELECT order_id FROM coupons WHERE third_certificate_id = $2
        """,
        own_id(public_id),
        public_id,
    )
    return [row["order_id"] for row in rows]


async def find_certificate_ids(conn: Connection, codes: Sequence[str]) -> dict[str, int]:
    rows = await conn.fetch(
        "SELECT code, certificate_id FROM coupons WHERE code = ANY($1::text[])", codes
    )
    return {row["code"]: row["certificate_id"] for row in rows}


async def find_certificate_of_link(conn: Connection, short_id: str) -> int | None:
    found: int | None = await conn.fetchval(
        "SELECT certificate_id FROM coupons WHERE short_id = $1", short_id
    )
    return found


async def save_coupons(conn: Connection, coupons: Sequence[Coupon], now: datetime) -> None:
    await conn.execute(
        """
        UPDATE coupons c
           SET state = given.state, verify_id = given.verify_id, settles_at = given.settles_at,
               settled_at = given.settled_at, refund_due_at = given.refund_due_at,
               refunded_at = given.refunded_at, version = given.version,
               times_used = given.times_used, third_code = given.third_code,
               third_certificate_id = given.third_certificate_id,
               after_sale_id = given.after_sale_id,
               refund_rejected_at = given.refund_rejected_at, updated_at = $14
          FROM unnest(
              $1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[],
              $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::bigint[], $10::text[],
              $11::text[], $12::bigint[], $13::timestamptz[]
          ) AS given (
              certificate_id, state, verify_id, settles_at, settled_at, refund_due_at,
              refunded_at, version, times_used, third_code, third_certificate_id,
              after_sale_id, refund_rejected_at
          )
         WHERE c.certificate_id = given.certificate_id
        """,
        [coupon.certificate_id for coupon in coupons],
        [coupon.state for coupon in coupons],
        [_redeeming_verify_id(coupon) for coupon in coupons],
        [coupon.settles_at for coupon in coupons],
        [coupon.settled_at for coupon in coupons],
        [coupon.refund_due_at for coupon in coupons],
        [coupon.refunded_at for coupon in coupons],
        [coupon.version for coupon in coupons],
        [coupon.times_used for coupon in coupons],
        [coupon.third_code for coupon in coupons],
        [coupon.third_certificate_id for coupon in coupons],
        [coupon.after_sale_id for coupon in coupons],
        [coupon.refund_rejected_at for coupon in coupons],
        now,
    )


def _redeeming_verify_id(coupon: Coupon) -> int | None:
    if coupon.state is not CouponState.REDEEMED or coupon.verification is None:
        return None
    return coupon.verification.verify_id


async def save_orders(conn: Connection, orders: Sequence[Order], now: datetime) -> None:
    await conn.execute(
        """
        UPDATE orders o
           SET state = given.state, paid_at = given.paid_at,
               out_order_id = given.out_order_id, issue_until = given.issue_until,
               updated_at = $6
          FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[])
               AS given (order_id, state, paid_at, out_order_id, issue_until)
         WHERE o.order_id = given.order_id
        """,
        [order.order_id for order in orders],
        [order.state for order in orders],
        [order.paid_at for order in orders],
        [order.out_order_id for order in orders],
        [order.issue_until for order in orders],
        now,
    )


def to_order(row: Row) -> Order:
    values: dict[str, Any] = dict(row)
    sku = Sku(
        values.pop("sku_id"),
        values.pop("sku_title"),
        values.pop("groupon_type"),
        values.pop("third_sku_id"),
    )
    poi_ids = values.pop("poi_ids")
    return Order(
        sku=sku,
        poi_ids=None if poi_ids is None else tuple(poi_ids),
        state=OrderState(values.pop("state")),
        channel=Channel(values.pop("channel")),
        code_origin=CodeOrigin(values.pop("code_origin")),
        **values,
    )


def _to_coupon(row: Row) -> Coupon:
    values: dict[str, Any] = dict(row)
    names = ("verify_id", "account_id", "poi_id", "verify_token", "verified_at", "serial")
    verified = {name: values.pop(name) for name in names}
    verifications = (
        []
        if verified["verify_id"] is None
        else [
            Verification(certificate_id=row["certificate_id"], order_id=row["order_id"], **verified)
        ]
    )
    state = CouponState(values.pop("state"))
    return Coupon(state=state, verifications=verifications, **values)
