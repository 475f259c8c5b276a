"""What a platform (or our own counter) says about an order, in words no platform owns.

An observation is a fact about one order, or about one coupon of it, at a time on the
platform's clock. `shared/platforms/<name>/` translates into these; `orders` folds them.
"""

from datetime import datetime
from enum import StrEnum

from shared.contracts.envelope import Contract


class ObservationKind(StrEnum):
    ORDER_CREATED = "order_created"
    ORDER_PAID = "order_paid"
    ORDER_CLOSED = "order_closed"
    ORDER_SETTLED = "order_settled"
    # A refund of which only the order and the amount are named.
    ORDER_REFUNDING = "order_refunding"
    ORDER_REFUND_REJECTED = "order_refund_rejected"
    ORDER_REFUNDED = "order_refunded"
    COUPON_AVAILABLE = "coupon_available"
    COUPON_REDEEMED = "coupon_redeemed"
    COUPON_REDEMPTION_CANCELLED = "coupon_redemption_cancelled"
    COUPON_REFUNDING = "coupon_refunding"
    COUPON_REFUND_REJECTED = "coupon_refund_rejected"
    COUPON_REFUNDED = "coupon_refunded"
    COUPON_CLOSED = "coupon_closed"


class Source(StrEnum):
    WEBHOOK = "webhook"
    REDEMPTION = "redemption"
    QUERY = "query"
    # Our own after-sales: a refund was asked of us, or turned down by us.
    AFTER_SALES = "after_sales"


class Observation(Contract):
    """One fact. Members after occurred_at are None where the source does not say."""

    kind: ObservationKind
    source: Source
    order_id: str
    coupon_id: str | None = None
    # Of a refund that names no coupon: tells two of one order apart.
    refund_id: str | None = None
    # Platform clock. A query's answer counts from when it was read, less one second.
    occurred_at: datetime
    # Of a query's answer: when the platform last changed what it shows.
    since: datetime | None = None
    account_id: str | None = None
    coupon_count: int | None = None
    # The platform's id of what was bought.
    platform_sku_id: str | None = None
    title: str | None = None
    original_amount_fen: int | None = None
    pay_amount_fen: int | None = None
    refund_amount_fen: int | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
