"""The statements that decide a batch of orders: a constant number, whatever its size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.catalog.domain.deciding import (
    Bucket,
    BuyerName,
    Offer,
    SkuName,
    StockName,
    Take,
)
from services.catalog.domain.products import Wanted
from shared.contracts.products import ProductState, StockBy, UsageRules
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Answered:
    """What an order was answered before."""

    merchant: str
    ask_digest: bytes
    answer: str


@dataclass(frozen=True, slots=True)
class NewReservation:
    out_order_id: UUID
    merchant: str
    platform: str
    order_id: str
    buyer: str | None
    ask_digest: bytes
    state: str
    refusal: str | None
    answer: bytes
    pay_until: datetime | None
    release_at: datetime | None
    takes: tuple[Take, ...]


async def find_answered(
    conn: Connection, orders: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Answered]:
    """By platform and order id."""
    rows = await conn.fetch(
        """
        SELECT r.platform, r.order_id, r.merchant, r.ask_digest, r.answer
          FROM unnest($1::text[], $2::text[]) AS asked (platform, order_id)
          JOIN reservations r USING (order_id, platform)
        """,
        [platform for platform, _ in orders],
        [order_id for _, order_id in orders],
    )
    return {(row[0], row[1]): Answered(row[2], row[3], row[4]) for row in rows}


async def find_offers(conn: Connection, names: Sequence[SkuName]) -> Mapping[SkuName, Offer]:
    rows = await conn.fetch(
        """
        SELECT asked.merchant, asked.platform, asked.third_party, asked.name, s.sku_key,
               s.product_key, s.sku_id, s.third_sku_id, s.price_fen, s.stock_by, p.state,
               p.wanted, p.sale_from, p.sale_to, p.per_buyer_max, coalesce(s.usage, p.usage)
          FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[])
            AS asked (merchant, platform, third_party, name)
         CROSS JOIN LATERAL (
            SELECT * FROM skus
             WHERE asked.third_party AND merchant = asked.merchant
               AND platform = asked.platform AND third_sku_id = asked.name AND NOT retired
            UNION ALL
            SELECT * FROM skus
             WHERE NOT asked.third_party AND merchant = asked.merchant
               AND platform = asked.platform AND platform_sku_id = asked.name AND NOT retired
         ) s
          JOIN products p USING (product_key)
        """,
        [name.merchant for name in names],
        [name.platform for name in names],
        [name.third_party for name in names],
        [name.name for name in names],
    )
    return {
        SkuName(row[0], row[1], third_party=row[2], name=row[3]): Offer(
            sku_key=row[4],
            product_key=row[5],
            sku_id=row[6],
            third_sku_id=row[7],
            price_fen=row[8],
            stock_by=StockBy(row[9]),
            state=ProductState(row[10]),
            wanted=Wanted(row[11]),
            sale_from=row[12],
            sale_to=row[13],
            per_buyer_max=row[14],
            usage=UsageRules.model_validate_json(row[15]),
        )
        for row in rows
    }


async def lock_stock(conn: Connection, names: Sequence[StockName]) -> Mapping[StockName, Bucket]:
    """Every row that is there, in key order; rivals wait, whatever they are about to do."""
    rows = await conn.fetch(
        """
        SELECT sku_key, nullif(day, '-infinity'), nullif(slot, ''), stock_key, total - held - sold
          FROM stock
         WHERE stock_key IN (
            SELECT s.stock_key
              FROM unnest($1::bigint[], $2::date[], $3::text[]) AS asked (sku_key, day, slot)
              JOIN stock s ON s.sku_key = asked.sku_key
                          AND s.day = coalesce(asked.day, '-infinity')
                          AND s.slot = coalesce(asked.slot, ''))
         ORDER BY stock_key FOR UPDATE
        """,
        [name.sku_key for name in names],
        [name.day for name in names],
        [name.slot for name in names],
    )
    return {
        StockName(row[0], row[1], row[2]): Bucket(stock_key=row[3], left=row[4]) for row in rows
    }


async def find_takings(conn: Connection, buyers: Sequence[BuyerName]) -> Mapping[BuyerName, int]:
    rows = await conn.fetch(
        """
        SELECT product_key, buyer, t.taken
          FROM unnest($1::bigint[], $2::text[]) AS asked (product_key, buyer)
          JOIN buyer_takings t USING (product_key, buyer)
        """,
        [name.product_key for name in buyers],
        [name.buyer for name in buyers],
    )
    return {BuyerName(row[0], row[1]): row[2] for row in rows}


async def hold_stock(conn: Connection, taken: Mapping[int, int]) -> int:
    """By stock key. How many rows had as many left: all of them, or the batch is undone."""
    status = await conn.execute(
        """
        UPDATE stock s
           SET held = s.held + t.count, changed_at = now()
          FROM unnest($1::bigint[], $2::bigint[]) AS t (stock_key, count)
         WHERE s.stock_key = t.stock_key
           AND (s.total IS NULL OR s.held + s.sold + t.count <= s.total)
        """,
        list(taken),
        list(taken.values()),
    )
    return int(status.rsplit(" ", 1)[-1])


async def count_takings(
    conn: Connection, taken: Mapping[BuyerName, int], *, limits: Mapping[int, int]
) -> int:
    """How many buyers were still below the limit: all, or another worker was faster."""
    names = sorted(taken)
    status = await conn.execute(
        """
        INSERT INTO buyer_takings AS t (product_key, buyer, taken)
        SELECT n.product_key, n.buyer, n.taken
          FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[])
            AS n (product_key, buyer, taken, most)
        ON CONFLICT (product_key, buyer) DO UPDATE SET taken = t.taken + excluded.taken
         WHERE t.taken + excluded.taken <= (
            SELECT m.most FROM unnest($1::bigint[], $4::integer[]) AS m (product_key, most)
             WHERE m.product_key = excluded.product_key LIMIT 1)
        """,
        [name.product_key for name in names],
        [name.buyer for name in names],
        [taken[name] for name in names],
        [limits[name.product_key] for name in names],
    )
    return int(status.rsplit(" ", 1)[-1])


async def insert_reservations(conn: Connection, new: Sequence[NewReservation]) -> int:
    """How many were new: all, or another worker has just decided one of them."""
    status = await conn.execute(
        """
        INSERT INTO reservations
            (out_order_id, merchant, platform, order_id, buyer, ask_digest, state, refusal,
             answer, pay_until, release_at)
        SELECT *
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[],
                      $7::text[], $8::text[], $9::json[], $10::timestamptz[],
                      $11::timestamptz[])
        ON CONFLICT (order_id, platform) DO NOTHING
        """,
        [one.out_order_id for one in new],
        [one.merchant for one in new],
        [one.platform for one in new],
        [one.order_id for one in new],
        [one.buyer for one in new],
        [one.ask_digest for one in new],
        [one.state for one in new],
        [one.refusal for one in new],
        [one.answer.decode() for one in new],
        [one.pay_until for one in new],
        [one.release_at for one in new],
    )
    return int(status.rsplit(" ", 1)[-1])


async def insert_lines(conn: Connection, new: Iterable[NewReservation]) -> None:
    lines = [(one.out_order_id, place, take) for one in new for place, take in enumerate(one.takes)]
    await conn.execute(
        """
        INSERT INTO reservation_lines
            (out_order_id, line, sku_key, stock_key, product_key, count, price_fen)
        SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[],
                             $5::bigint[], $6::integer[], $7::bigint[])
        """,
        [out_order_id for out_order_id, _, _ in lines],
        [place for _, place, _ in lines],
        [take.offer.sku_key for _, _, take in lines],
        [take.stock_key for _, _, take in lines],
        [take.offer.product_key for _, _, take in lines],
        [take.count for _, _, take in lines],
        [take.offer.price_fen for _, _, take in lines],
    )
