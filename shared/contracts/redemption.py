"""What redemption says: each attempt to spend a coupon and how it ended."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import EventData


class _Attempt(EventData):
    SOURCE: ClassVar[str] = "qiao/redemption"

    redemption_id: UUID
    platform: str
    order_id: str | None
    store_id: str
    terminal_id: str


class CouponRedeemed(_Attempt):
    """One coupon was spent; subject is the coupon id, version its count of changes."""

    TYPE: ClassVar[str] = "coupon.redeemed"

    order_id: str
    coupon_id: str
    verify_id: str | None
    title: str | None
    pay_amount_fen: int | None
    # The platform's clock, whole seconds where the platform gives no more.
    redeemed_at: datetime
    cancel_until: datetime
    # Of a coupon whose code we issue: how many uses this was, and how many are left.
    times: int = 1
    times_left: int | None = None


class CouponCancelled(_Attempt):
    """A redemption was taken back: the coupon can be spent again."""

    TYPE: ClassVar[str] = "coupon.cancelled"

    order_id: str
    coupon_id: str
    verify_id: str | None
    cancel_id: UUID
    cancelled_at: datetime
    # What a person typed comes sealed; what Qiao says itself does not.
    reason: str


class CouponRefused(_Attempt):
    """An attempt was refused; subject is the redemption id."""

    TYPE: ClassVar[str] = "coupon.refused"

    coupon_ids: tuple[str, ...]
    reason: str
    refused_at: datetime


class CouponPending(_Attempt):
    """The platform did not answer; the same question is asked until it does."""

    TYPE: ClassVar[str] = "coupon.pending"

    coupon_ids: tuple[str, ...]
    since: datetime


class CouponIssued(EventData):
    """One coupon whose code is ours exists; the code itself is told to the platform alone."""

    TYPE: ClassVar[str] = "coupon.issued"
    SOURCE: ClassVar[str] = "qiao/redemption"

    coupon_id: str
    platform: str
    order_id: str
    product_id: str | None
    sku_id: str | None
    title: str | None
    times_total: int
    original_amount_fen: int | None
    pay_amount_fen: int | None
    valid_from: datetime | None
    valid_to: datetime | None
    issued_at: datetime


class CouponDisputed(_Attempt):
    """We spent it, and the platform does not accept that; `kept` means that it stays spent here."""

    TYPE: ClassVar[str] = "coupon.disputed"

    order_id: str
    coupon_id: str
    # Of redeeming or of taking back.
    step: str
    reason: str
    kept: bool
    disputed_at: datetime


class CouponRevealed(EventData):
    """Somebody was shown the code of a coupon of ours: for the audit."""

    TYPE: ClassVar[str] = "coupon.revealed"
    SOURCE: ClassVar[str] = "qiao/redemption"

    coupon_id: str
    platform: str
    order_id: str
    revealed_by: str
    revealed_at: datetime
