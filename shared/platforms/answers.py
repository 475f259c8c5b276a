"""What a platform answers, in words no platform owns: typed, frozen, UTC, integer fen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.observations import Observation
from shared.contracts.orders import CouponState
from shared.platforms.reasons import Reason


class CouponKind(StrEnum):
    GROUP_MEAL = "group_meal"
    VOUCHER = "voucher"
    TIMES_CARD = "times_card"


class Outcome(StrEnum):
    """How the platform answered for one coupon of a call with effect."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Coupon:
    """One coupon as the platform holds it. None where the platform does not say."""

    # Empty where a lookup does not name it; a preparation always does.
    coupon_id: str
    encrypted_code: str | None
    state: CouponState | None
    # Why it cannot be redeemed at the time of the answer; None if nothing speaks against it.
    reason: Reason | None
    title: str | None
    kind: CouponKind | None
    account_id: str | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    valid_from: datetime | None
    expires_at: datetime | None
    times_total: int | None
    times_used: int | None
    verify_id: str | None
    verified_at: datetime | None
    verified_poi_id: str | None
    can_cancel: bool | None

    @property
    def usable(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a scan stands for, and the token that one verify may spend."""

    verify_token: str
    order_id: str
    coupons: tuple[Coupon, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class CouponToVerify:
    """`ours`: the code is in clear and of our own making (三方码), not the platform's."""

    coupon_id: str
    encrypted_code: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class VerifiedCoupon:
    """One coupon's answer to verify.

    `already` marks a coupon that was spent before this call: success if the earlier call that
    spent it was ours, which only a look at the coupon can tell.
    """

    coupon_id: str
    outcome: Outcome
    already: bool
    reason: Reason | None
    verify_id: str | None
    order_id: str | None
    code: int | None
    description: str


@dataclass(frozen=True, slots=True)
class Verification:
    """One answer per coupon asked for, in the order asked."""

    coupons: tuple[VerifiedCoupon, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class CancelledCoupon:
    verify_id: str
    outcome: Outcome
    reason: Reason | None
    code: int | None
    description: str


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One answer per verify_id asked for, in the order asked."""

    coupons: tuple[CancelledCoupon, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class CouponList:
    coupons: tuple[Coupon, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class VerifyRecord:
    """One line of the platform's own list of redemptions."""

    coupon_id: str
    verify_id: str
    verified_at: datetime | None
    cancelled_at: datetime | None
    # None where the platform's status is one we do not know.
    valid: bool | None
    can_cancel: bool | None
    title: str | None
    pay_amount_fen: int | None


@dataclass(frozen=True, slots=True)
class RecordPage:
    records: tuple[VerifyRecord, ...]
    total: int | None
    # Pass it to get the next page; None on the last one.
    next_cursor: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a query says of one order, already as observations."""

    order_id: str
    updated_at: datetime | None
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class OrderPage:
    orders: tuple[OrderFacts, ...]
    # Orders on this page that the platform describes in a way we cannot read.
    unreadable_order_ids: tuple[str, ...]
    total: int | None
    # Pass it to get the next page; None on the last one.
    next_cursor: str | None
    now: datetime
