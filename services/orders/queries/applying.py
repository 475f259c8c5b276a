"""The statements that apply a batch of observations: a constant number, whatever its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.orders.domain.facts import Fact
from services.orders.domain.orders import Snapshot
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.contracts.orders import CouponSnapshot, CouponState, OrderState
from shared.postgres.connection import Connection


class OrderName(NamedTuple):
    """By what an order is known. Sorting by it is the order in which rows are made."""

    merchant: str
    platform: str
    order_id: str


@dataclass(frozen=True, slots=True)
class NewObservation:
    order_key: int
    observation_id: UUID
    observation: Observation
    event_id: UUID | None
    delivery_id: UUID | None


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order's row, locked. `snapshot` lacks the coupons, which have rows of their own."""

    order_key: int
    name: OrderName
    version: int
    snapshot: Snapshot
    ordered_at: datetime
    read_back_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    order_key: int
    version: int
    snapshot: Snapshot
    ordered_at: datetime
    read_back_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderChange:
    order_key: int
    version: int
    event_id: UUID
    event_type: str
    from_state: OrderState | None
    to_state: OrderState
    observation_ids: tuple[UUID, ...]


async def insert_orders(conn: Connection, names: Sequence[OrderName]) -> None:
    """Make rows for orders heard of for the first time. Pass the names sorted."""
    await conn.execute(
        """
        INSERT INTO orders (merchant, platform, order_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (order_id, merchant, platform) DO NOTHING
        """,
        [name.merchant for name in names],
        [name.platform for name in names],
        [name.order_id for name in names],
    )


async def find_order_keys(conn: Connection, names: Sequence[OrderName]) -> Mapping[OrderName, int]:
    rows = await conn.fetch(
        """
        SELECT o.merchant, o.platform, o.order_id, o.order_key
          FROM unnest($1::text[], $2::text[], $3::text[]) AS n (merchant, platform, order_id)
          JOIN orders o USING (order_id, merchant, platform)
        """,
        [name.merchant for name in names],
        [name.platform for name in names],
        [name.order_id for name in names],
    )
    return {OrderName(row[0], row[1], row[2]): row[3] for row in rows}


async def insert_observations(
    conn: Connection, new: Sequence[NewObservation]
) -> Mapping[int, Sequence[UUID]]:
    """Keep what was not known yet; returns it by order. Pass them sorted by order and id.

    A reading repeated later than before moves its fact forward in time, never back.
    """
    said = [one.observation for one in new]
    rows = await conn.fetch(
        """
        INSERT INTO observations (
            order_key, observation_id, event_id, delivery_id, kind, source, coupon_id, occurred_at,
            account_id, coupon_count, title, original_amount_fen, pay_amount_fen,
            refund_amount_fen, created_at, paid_at, since, platform_sku_id, refund_id
        )
        SELECT * FROM unnest(
            $1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::text[], $10::integer[], $11::text[], $12::bigint[],
            $13::bigint[], $14::bigint[], $15::timestamptz[], $16::timestamptz[],
            $17::timestamptz[], $18::text[], $19::text[]
        )
        ON CONFLICT (order_key, observation_id) DO UPDATE
           SET occurred_at = excluded.occurred_at
         WHERE observations.occurred_at < excluded.occurred_at
        RETURNING order_key, observation_id
        """,
        [one.order_key for one in new],
        [one.observation_id for one in new],
        [one.event_id for one in new],
        [one.delivery_id for one in new],
        [one.kind.value for one in said],
        [one.source.value for one in said],
        [one.coupon_id for one in said],
        [one.occurred_at for one in said],
        [one.account_id for one in said],
        [one.coupon_count for one in said],
        [one.title for one in said],
        [one.original_amount_fen for one in said],
        [one.pay_amount_fen for one in said],
        [one.refund_amount_fen for one in said],
        [one.created_at for one in said],
        [one.paid_at for one in said],
        [one.since or one.occurred_at for one in said],
        [one.platform_sku_id for one in said],
        [one.refund_id for one in said],
    )
    added: dict[int, list[UUID]] = {}
    for order_key, observation_id in rows:
        added.setdefault(order_key, []).append(observation_id)
    return added


async def lock_orders(conn: Connection, order_keys: Sequence[int]) -> list[StoredOrder]:
    """Lock the orders, in key order. What belongs to them is read in later statements:
    only those see what a rival committed while this one waited.
    """
    rows = await conn.fetch(
        """
        SELECT order_key, merchant, platform, order_id, version, ordered_at, read_back_at,
               state, paid, contradicted, account_id, coupon_count, title,
               original_amount_fen, pay_amount_fen, refunded_amount_fen, created_at, paid_at,
               platform_sku_id
          FROM orders
         WHERE order_key = ANY($1::bigint[])
         ORDER BY order_key
           FOR NO KEY UPDATE
        """,
        order_keys,
    )
    return [
        StoredOrder(
            order_key=row["order_key"],
            name=OrderName(row["merchant"], row["platform"], row["order_id"]),
            version=row["version"],
            ordered_at=row["ordered_at"],
            read_back_at=row["read_back_at"],
            snapshot=Snapshot(
                state=OrderState(row["state"]),
                paid=row["paid"],
                contradicted=row["contradicted"],
                account_id=row["account_id"],
                coupon_count=row["coupon_count"],
                coupons=(),
                title=row["title"],
                original_amount_fen=row["original_amount_fen"],
                pay_amount_fen=row["pay_amount_fen"],
                refunded_amount_fen=row["refunded_amount_fen"],
                created_at=row["created_at"],
                paid_at=row["paid_at"],
                platform_sku_id=row["platform_sku_id"],
            ),
        )
        for row in rows
    ]


async def fetch_facts(conn: Connection, order_keys: Sequence[int]) -> Mapping[int, Sequence[Fact]]:
    """All that was ever said about these orders."""
    rows = await conn.fetch(
        """
        SELECT order_key, observation_id, kind, source, coupon_id, occurred_at, account_id,
               coupon_count, title, original_amount_fen, pay_amount_fen, refund_amount_fen,
               created_at, paid_at, since, platform_sku_id, refund_id
          FROM observations
         WHERE order_key = ANY($1::bigint[])
        """,
        order_keys,
    )
    facts: dict[int, list[Fact]] = {}
    for order_key, observation_id, kind, source, *rest in rows:
        fact = Fact(observation_id, ObservationKind(kind), Source(source), *rest)
        facts.setdefault(order_key, []).append(fact)
    return facts


async def fetch_coupons(
    conn: Connection, order_keys: Sequence[int]
) -> Mapping[int, tuple[CouponSnapshot, ...]]:
    rows = await conn.fetch(
        """
        SELECT order_key, coupon_id, state, changed_at, refund_amount_fen
          FROM order_coupons
         WHERE order_key = ANY($1::bigint[])
         ORDER BY order_key, coupon_id COLLATE "C"
        """,
        order_keys,
    )
    coupons: dict[int, tuple[CouponSnapshot, ...]] = {}
    for order_key, coupon_id, state, changed_at, refund_amount_fen in rows:
        coupon = CouponSnapshot(
            coupon_id=coupon_id,
            state=CouponState(state),
            changed_at=changed_at,
            refund_amount_fen=refund_amount_fen,
        )
        coupons[order_key] = (*coupons.get(order_key, ()), coupon)
    return coupons


async def update_orders(conn: Connection, updates: Sequence[OrderUpdate]) -> None:
    now = [one.snapshot for one in updates]
    await conn.execute(
        """
        UPDATE orders AS o
           SET version = n.version, ordered_at = n.ordered_at, read_back_at = n.read_back_at,
               read_back_attempts =
                   CASE WHEN o.read_back_at IS NULL THEN 0 ELSE o.read_back_attempts END,
               state = n.state, paid = n.paid, contradicted = n.contradicted,
               account_id = n.account_id, coupon_count = n.coupon_count, title = n.title,
               original_amount_fen = n.original_amount_fen, pay_amount_fen = n.pay_amount_fen,
               refunded_amount_fen = n.refunded_amount_fen, created_at = n.created_at,
               paid_at = n.paid_at, platform_sku_id = n.platform_sku_id, changed_at = now()
          FROM unnest(
                   $1::bigint[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::text[],
                   $6::boolean[], $7::boolean[], $8::text[], $9::integer[], $10::text[],
                   $11::bigint[], $12::bigint[], $13::bigint[], $14::timestamptz[],
                   $15::timestamptz[], $16::text[]
               ) AS n (
                   order_key, version, ordered_at, read_back_at, state, paid, contradicted,
                   account_id, coupon_count, title, original_amount_fen, pay_amount_fen,
                   refunded_amount_fen, created_at, paid_at, platform_sku_id
               )
         WHERE o.order_key = n.order_key
        """,
        [one.order_key for one in updates],
        [one.version for one in updates],
        [one.ordered_at for one in updates],
        [one.read_back_at for one in updates],
        [one.state.value for one in now],
        [one.paid for one in now],
        [one.contradicted for one in now],
        [one.account_id for one in now],
        [one.coupon_count for one in now],
        [one.title for one in now],
        [one.original_amount_fen for one in now],
        [one.pay_amount_fen for one in now],
        [one.refunded_amount_fen for one in now],
        [one.created_at for one in now],
        [one.paid_at for one in now],
        [one.platform_sku_id for one in now],
    )


async def upsert_coupons(conn: Connection, coupons: Sequence[tuple[int, CouponSnapshot]]) -> None:
    await conn.execute(
        """
        INSERT INTO order_coupons (order_key, coupon_id, state, changed_at, refund_amount_fen)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[])
        ON CONFLICT (order_key, coupon_id)
        DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at,
                      refund_amount_fen = excluded.refund_amount_fen
        """,
        [order_key for order_key, _ in coupons],
        [coupon.coupon_id for _, coupon in coupons],
        [coupon.state.value for _, coupon in coupons],
        [coupon.changed_at for _, coupon in coupons],
        [coupon.refund_amount_fen for _, coupon in coupons],
    )


async def insert_changes(conn: Connection, changes: Sequence[OrderChange]) -> None:
    """`observation_ids` travels as text: PostgreSQL has no ragged arrays."""
    await conn.execute(
        """
        INSERT INTO order_changes
            (order_key, version, event_id, event_type, from_state, to_state, observation_ids)
        SELECT n.order_key, n.version, n.event_id, n.event_type, n.from_state, n.to_state,
               string_to_array(n.observation_ids, ' ')::uuid[]
          FROM unnest(
                   $1::bigint[], $2::integer[], $3::uuid[], $4::text[], $5::text[], $6::text[],
                   $7::text[]
               ) AS n (
                   order_key, version, event_id, event_type, from_state, to_state, observation_ids
               )
        """,
        [one.order_key for one in changes],
        [one.version for one in changes],
        [one.event_id for one in changes],
        [one.event_type for one in changes],
        [one.from_state.value if one.from_state else None for one in changes],
        [one.to_state.value for one in changes],
        [" ".join(map(str, one.observation_ids)) for one in changes],
    )
