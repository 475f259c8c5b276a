"""The statements about what products allow to be refunded, and what is known of an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.orders.queries.applying import OrderName
from shared.contracts.orders import CouponState
from shared.contracts.products import RefundDecision, RefundRules
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class SkuRules:
    """What one SKU allows; `version` is that of its product."""

    merchant: str
    platform: str
    product_id: str
    sku_id: str
    platform_sku_id: str | None
    third_sku_id: str
    title: str
    rules: RefundRules
    version: int


class KnownOrder(NamedTuple):
    """What our own record says of an order."""

    platform_sku_id: str | None
    # Whether every coupon of it has been heard of.
    whole: bool
    coupons: Mapping[str, CouponState]


async def keep_rules(conn: Connection, skus: Sequence[SkuRules]) -> None:
    """Keep the newest of each SKU. Name each once, sorted."""
    await conn.execute(
        """
        INSERT INTO refund_rules AS r (
            merchant, platform, product_id, sku_id, platform_sku_id, third_sku_id, title,
            before_use, after_expiry, partly_used, version
        )
        SELECT * FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::bigint[]
        )
        ON CONFLICT (merchant, sku_id) DO UPDATE
           SET platform = excluded.platform, product_id = excluded.product_id,
               platform_sku_id = excluded.platform_sku_id, third_sku_id = excluded.third_sku_id,
               title = excluded.title, before_use = excluded.before_use,
               after_expiry = excluded.after_expiry, partly_used = excluded.partly_used,
               version = excluded.version
         WHERE r.version < excluded.version
        """,
        [one.merchant for one in skus],
        [one.platform for one in skus],
        [one.product_id for one in skus],
        [one.sku_id for one in skus],
        [one.platform_sku_id for one in skus],
        [one.third_sku_id for one in skus],
        [one.title for one in skus],
        [one.rules.before_use.value for one in skus],
        [one.rules.after_expiry.value for one in skus],
        [one.rules.partly_used.value for one in skus],
        [one.version for one in skus],
    )


async def find_rules(
    conn: Connection, *, merchant: str, platform: str, platform_sku_id: str
) -> SkuRules | None:
    """Of the SKU that the platform calls so."""
    row = await conn.fetchrow(
        """
        SELECT merchant, platform, product_id, sku_id, platform_sku_id, third_sku_id, title,
               before_use, after_expiry, partly_used, version
          FROM refund_rules
         WHERE merchant = $1 AND platform = $2 AND platform_sku_id = $3
         ORDER BY version DESC LIMIT 1
        """,
        merchant,
        platform,
        platform_sku_id,
    )
    if row is None:
        return None
    *names, before_use, after_expiry, partly_used, version = row.values()
    merchant, platform, product_id, sku_id, known_as, third_sku_id, title = names
    return SkuRules(
        merchant=merchant,
        platform=platform,
        product_id=product_id,
        sku_id=sku_id,
        platform_sku_id=known_as,
        third_sku_id=third_sku_id,
        title=title,
        rules=RefundRules(
            before_use=RefundDecision(before_use),
            after_expiry=RefundDecision(after_expiry),
            partly_used=RefundDecision(partly_used),
        ),
        version=version,
    )


async def find_order(conn: Connection, name: OrderName) -> KnownOrder | None:
    """None if nobody has ever told us of it."""
    rows = await conn.fetch(
        """
        SELECT o.platform_sku_id, o.coupon_count, c.coupon_id, c.state
          FROM orders o LEFT JOIN order_coupons c USING (order_key)
         WHERE o.order_id = $1 AND o.merchant = $2 AND o.platform = $3 AND o.version > 0
         ORDER BY c.coupon_id COLLATE "C"
        """,
        name.order_id,
        name.merchant,
        name.platform,
    )
    if not rows:
        return None
    coupons = {row[2]: CouponState(row[3]) for row in rows if row[2] is not None}
    count = rows[0][1]
    return KnownOrder(rows[0][0], count is not None and len(coupons) >= count > 0, coupons)
