"""What the routes answer, and what stands in their queries."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field
from typing_extensions import TypedDict

from services.orders.queries.reconciliation import MissedRow, ReconciliationRow
from shared.contracts.orders import OrderState
from shared.web.query import PageQuery, Query, Text, Time, Truth
from shared.web.shapes import IdText


class OfMerchant(Query):
    merchant: Text | None = None


class OrdersQuery(PageQuery):
    merchant: Text | None = None
    state: OrderState | None = None
    account: Text | None = None
    coupon_id: Text | None = None
    contradicted: Truth = False
    since: Time | None = Field(default=None, alias="from")
    until: Time | None = Field(default=None, alias="to")


class ReconciliationQuery(OfMerchant):
    """`since` may be a week ago."""

    since: Time | None = None


class ShownCoupon(TypedDict):
    coupon_id: str
    state: str
    changed_at: datetime
    refund_amount_fen: int | None


class ShownOrder(TypedDict):
    order_id: str
    merchant: str
    platform: str
    account_id: str | None
    version: int
    state: str
    contradicted: bool
    platform_sku_id: str | None
    title: str | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    refunded_amount_fen: int
    created_at: datetime | None
    paid_at: datetime | None
    ordered_at: datetime
    first_seen_at: datetime
    changed_at: datetime
    read_back_at: datetime | None
    coupon_count: int | None
    coupons: Sequence[ShownCoupon]


class CouponWithOrder(ShownCoupon):
    order: ShownOrder


class ShownWords(TypedDict):
    zh: str
    en: str


class OpenQuestion(ShownWords):
    question: str


class CouponBecause(ShownWords):
    coupon_id: str
    state: str
    phase: str
    decided_by: IdText
    why: str


class Because(TypedDict):
    rule: ShownWords
    phase: str
    contradictions: Sequence[ShownWords]
    open_questions: Sequence[OpenQuestion]
    coupons: Sequence[CouponBecause]


class Changed(TypedDict):
    """From what to what."""

    order: Sequence[str | None]
    coupon: Sequence[str | None]
    contradicted: bool


class ShownObservation(TypedDict):
    observation_id: IdText
    kind: str
    source: str
    coupon_id: str | None
    occurred_at: datetime
    since: datetime
    seen_at: datetime
    event_id: IdText | None
    delivery_id: IdText | None
    changed: Changed


class ShownVersion(TypedDict):
    version: int
    event_id: IdText
    event_type: str
    from_state: str | None
    to_state: str
    observations: Sequence[IdText]
    changed_at: datetime


class ShownExplanation(ShownOrder):
    because: Because
    observations: Sequence[ShownObservation]
    more_observations: bool
    versions: Sequence[ShownVersion]


class ShownReconciliation(TypedDict):
    since: datetime
    items: Sequence[ReconciliationRow]
    missed: Sequence[MissedRow]
    waiting_to_be_read_back: int
