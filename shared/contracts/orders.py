"""What orders says: the whole order after each change, newest version wins."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from shared.contracts.envelope import Contract, EventData


class CouponState(StrEnum):
    AVAILABLE = "available"
    REDEEMED = "redeemed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CLOSED = "closed"


class OrderState(StrEnum):
    CREATED = "created"
    PAID = "paid"
    PARTLY_REDEEMED = "partly_redeemed"
    REDEEMED = "redeemed"
    REFUNDING = "refunding"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    CLOSED = "closed"
    SETTLED = "settled"


class CouponSnapshot(Contract):
    coupon_id: str
    state: CouponState
    changed_at: datetime
    # What the platform said went back for it; None until it says.
    refund_amount_fen: int | None = None


class OrderChanged(EventData):
    """The order as it is now; the event's type says what happened (`order.paid` …)."""

    TYPE: ClassVar[str] = "order"
    SOURCE: ClassVar[str] = "qiao/orders"

    order_id: str
    platform: str
    account_id: str | None
    state: OrderState
    previous_state: OrderState | None
    contradicted: bool
    # None while the platform has not yet said how many coupons the order holds.
    coupon_count: int | None
    coupons: tuple[CouponSnapshot, ...]
    platform_sku_id: str | None = None
    title: str | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    refunded_amount_fen: int
    created_at: datetime | None
    paid_at: datetime | None


ORDER_EVENTS: tuple[str, ...] = (
    *(f"order.{state}" for state in OrderState),
    # Something else about it has changed: another coupon, its title, an amount.
    "order.updated",
    "order.contradicted",
)
