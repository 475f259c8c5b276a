"""What a platform asks us and waits for, in words no platform owns.

intake checks and records the question, asks the service that owns the matter with one of these
bodies over HTTP, and answers in the platform's form. Every question carries the platform's own
id of the matter, and is answered the same however often it comes. Buyers are named by a keyed
hash, never by the platform's open id.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.envelope import Contract
from shared.contracts.products import ProductKind

Text = Annotated[str, Field(min_length=1, max_length=128)]
Count = Annotated[int, Field(ge=1, le=1_000)]
Fen = Annotated[int, Field(ge=0, le=10**12)]


class Ask(Contract):
    """Who asks. `account_id` is the merchant's at the platform where the question names it."""

    merchant: Text
    platform: Text
    client_key: Text
    account_id: Text | None = None


# Before an order: POST catalog /v1/reservations.


class OrderLine(Contract):
    """One of the two ids names the SKU; `day` and `slot` where stock is kept by them."""

    platform_sku_id: Text | None = None
    third_sku_id: Text | None = None
    count: Count
    # Of one piece, as the platform has shown it to the buyer.
    price_fen: Fen | None = None
    day: date | None = None
    slot: Text | None = None


class OrderAsk(Ask):
    order_id: Text
    buyer: Text | None = None
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1, max_length=100)]
    pay_amount_fen: Fen | None = None
    ordered_at: datetime


class OrderRefusal(StrEnum):
    PRODUCT_UNKNOWN = "product_unknown"
    OFF_SHELF = "off_shelf"
    NOT_YET_ON_SALE = "not_yet_on_sale"
    SALE_ENDED = "sale_ended"
    SOLD_OUT = "sold_out"
    OVER_LIMIT = "over_limit"
    PRICE_CHANGED = "price_changed"
    OTHER = "other"


class LineValidity(Contract):
    third_sku_id: str
    valid_from: datetime | None
    valid_to: datetime | None


class OrderAnswer(Contract):
    """`refusal` None: the stock is held until `pay_until` under our own `out_order_id`."""

    order_id: str
    refusal: OrderRefusal | None
    detail: str | None = None
    out_order_id: str | None = None
    pay_until: datetime | None = None
    lines: tuple[LineValidity, ...] = ()


# After payment: POST redemption /v1/issues.


class CodesAsk(Ask):
    """Issue one code for each of `count` coupons of one SKU (发券)."""

    order_id: Text
    count: Count
    platform_sku_id: Text | None = None
    third_sku_id: Text | None = None
    kind: ProductKind | None = None
    title: str | None = Field(default=None, max_length=500)
    buyer: Text | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    # Of a ticket: the day it is for, and the hours of it (10:00-12:00).
    day: date | None = None
    slot: Text | None = None
    # Of the whole order.
    original_amount_fen: Fen | None = None
    pay_amount_fen: Fen | None = None
    paid_at: datetime | None = None


class IssuedCode(Contract):
    """The code in clear: this answer goes to the platform and is never logged."""

    coupon_id: str
    code: str


class CodesAnswer(Contract):
    """`refusal` None: these are the codes, the same for ever.

    `pending`: they are being made and will be reported to the platform (Douyin: `result` 0).
    """

    order_id: str
    refusal: str | None
    pending: bool = False
    codes: tuple[IssuedCode, ...] = ()


# After-sales: POST orders /v1/after-sales.


class RefundAsk(Ask):
    """A buyer wants money back. No coupons: the whole order. All or nothing."""

    order_id: Text
    after_sale_id: Text
    # The door it came by, in the platform's words, where it has several (Douyin: None for the
    # life services' SPI, "trade_v2", "trade_v3"): a later answer goes back by the same.
    channel: Text | None = None
    coupon_ids: Annotated[tuple[Text, ...], Field(max_length=1_000)] = ()
    # How many of the platform's coupons had no code yet: nothing was issued for them.
    without_code: int = Field(default=0, ge=0)
    amount_fen: Fen | None = None
    reason: str | None = Field(default=None, max_length=500)
    asked_at: datetime
    # When the platform decides by itself, if it says so.
    answer_until: datetime | None = None


class RefundOutcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    PENDING = "pending"


class RefundAnswer(Contract):
    after_sale_id: str
    outcome: RefundOutcome
    reason: str | None = None
    out_refund_id: str | None = None


# Anytime: POST orders /v1/orders/statuses.


class StatusAsk(Ask):
    order_ids: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)]


class CouponCounts(Contract):
    total: int
    redeemed: int
    refunded: int


class OrderStatus(Contract):
    """Orders we have never heard of are left out of the answer."""

    order_id: str
    state: str
    coupon_ids: tuple[str, ...]
    counts: CouponCounts


class StatusAnswer(Contract):
    orders: tuple[OrderStatus, ...]


# Between orders and redemption: PUT redemption /v1/refund-locks/{after_sale_id}; DELETE undoes it.


class LockAsk(Contract):
    """Keep these coupons from being spent while a refund is decided: all of them or none."""

    merchant: Text
    platform: Text
    order_id: Text
    coupon_ids: Annotated[tuple[Text, ...], Field(max_length=1_000)] = ()


class CouponUse(Contract):
    """`state`: available, held (a redemption is under way), spent, refunded, unknown."""

    coupon_id: str
    state: str
    times_total: int
    times_used: int
    expired: bool


class LockAnswer(Contract):
    """Not locked: a coupon is held or spent in full, and the list says which."""

    locked: bool
    coupons: tuple[CouponUse, ...]
