"""Orders and coupons as the platform holds them, and the only moves between their states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.simulator.domain.codes import Code, PlatformError


class CouponState(StrEnum):
    UNPAID = "unpaid"
    AVAILABLE = "available"
    REDEEMED = "redeemed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CLOSED = "closed"


class Move(StrEnum):
    PAY = "pay"
    CLOSE = "close"
    VERIFY = "verify"
    VERIFY_CANCEL = "verify_cancel"
    APPLY_REFUND = "apply_refund"
    REFUND = "refund"


TRANSITIONS: Mapping[tuple[CouponState, Move], CouponState] = MappingProxyType(
    {
        (CouponState.UNPAID, Move.PAY): CouponState.AVAILABLE,
        (CouponState.UNPAID, Move.CLOSE): CouponState.CLOSED,
        (CouponState.AVAILABLE, Move.VERIFY): CouponState.REDEEMED,
        (CouponState.REDEEMED, Move.VERIFY_CANCEL): CouponState.AVAILABLE,
        (CouponState.AVAILABLE, Move.APPLY_REFUND): CouponState.REFUNDING,
        (CouponState.REFUNDING, Move.REFUND): CouponState.REFUNDED,
    }
)

# What speaks against redeeming a coupon that is not available.
REFUSALS: Mapping[CouponState, Code] = MappingProxyType(
    {
        CouponState.UNPAID: Code.UNPAID,
        CouponState.REDEEMED: Code.ALREADY_VERIFIED,
        CouponState.REFUNDING: Code.NO_LONGER_VALID,
        CouponState.REFUNDED: Code.NO_LONGER_VALID,
        CouponState.CLOSED: Code.NO_LONGER_VALID,
    }
)


class OrderState(StrEnum):
    UNPAID = "unpaid"
    OPEN = "open"
    COMPLETED = "completed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Verification:
    verify_id: int
    certificate_id: int
    order_id: int
    account_id: str
    poi_id: str
    verify_token: str
    verified_at: datetime
    cancelled_at: datetime | None = None


@dataclass(slots=True)
class Coupon:
    certificate_id: int
    order_id: int
    place: int
    code: str
    short_id: str
    state: CouponState
    original_amount_fen: int
    pay_amount_fen: int
    starts_at: datetime
    expires_at: datetime
    verification: Verification | None = None
    settles_at: datetime | None = None
    settled_at: datetime | None = None
    refund_due_at: datetime | None = None
    refunded_at: datetime | None = None
    version: int = 0

    def refusal(self, now: datetime) -> Code | None:
        """Why it cannot be redeemed now; None if nothing speaks against it."""
        if self.state is not CouponState.AVAILABLE:
            return REFUSALS[self.state]
        return Code.NO_LONGER_VALID if now >= self.expires_at else None

    def move(self, move: Move) -> None:
        self.state = TRANSITIONS[self.state, move]
        self.version += 1

    def verify(self, verification: Verification, *, settles_at: datetime) -> None:
        self.move(Move.VERIFY)
        self.verification = verification
        self.settles_at = settles_at

    def cancel_refusal(
        self, verify_id: int, *, now: datetime, window: timedelta
    ) -> PlatformError | None:
        """Why this redemption cannot be taken back now."""
        if self.verification is None or self.verification.verify_id != verify_id:
            return PlatformError(Code.ALREADY_CANCELLED)
        if self.settled_at is not None:
            return PlatformError(Code.BAD_PARAMETER, "已结算，不可撤销核销")
        if now > self.verification.verified_at + window:
            return PlatformError(Code.BAD_PARAMETER, "已超过可撤销核销的时间")
        return None

    def verify_cancel(self) -> None:
        self.move(Move.VERIFY_CANCEL)
        self.verification = None
        self.settles_at = None

    def apply_refund(self, *, due_at: datetime) -> None:
        self.move(Move.APPLY_REFUND)
        self.refund_due_at = due_at

    def refund(self, now: datetime) -> None:
        self.move(Move.REFUND)
        self.refunded_at = now

    def settle(self, now: datetime) -> None:
        self.settled_at = now
        self.version += 1

    @property
    def is_final(self) -> bool:
        return self.settled_at is not None or self.state in {
            CouponState.REFUNDED,
            CouponState.CLOSED,
        }


@dataclass(frozen=True, slots=True)
class Sku:
    sku_id: str
    title: str
    groupon_type: int


@dataclass(slots=True)
class Order:
    order_id: int
    account_id: str
    client_key: str
    reference: str
    open_id: str
    sku: Sku
    poi_ids: tuple[str, ...] | None
    original_amount_fen: int
    pay_amount_fen: int
    state: OrderState
    created_at: datetime
    paid_at: datetime | None
    closes_at: datetime | None
    updated_at: datetime
    coupons: list[Coupon] = field(default_factory=list)

    def pay(self, now: datetime) -> None:
        self.state = OrderState.OPEN
        self.paid_at = now
        for coupon in self.coupons:
            coupon.move(Move.PAY)

    def close(self) -> None:
        self.state = OrderState.CLOSED
        for coupon in self.coupons:
            coupon.move(Move.CLOSE)

    def accepts(self, poi_id: str, merchant_pois: Mapping[str, str]) -> bool:
        """Whether the store belongs to the merchant and the product is sold for it."""
        allowed = self.poi_ids is None or poi_id in self.poi_ids
        return allowed and merchant_pois.get(poi_id) == self.account_id

    def usable(self, now: datetime) -> list[Coupon]:
        return [coupon for coupon in self.coupons if coupon.refusal(now) is None]

    def complete_if_final(self) -> None:
        """Completed when every coupon is settled or refunded and one at least was used."""
        if all(coupon.is_final for coupon in self.coupons) and any(
            coupon.settled_at is not None for coupon in self.coupons
        ):
            self.state = OrderState.COMPLETED


def split(amount_fen: int, count: int) -> Sequence[int]:
    """Divide over the coupons without losing a fen; the first ones bear the remainder."""
    share, remainder = divmod(amount_fen, count)
    return [share + (place < remainder) for place in range(count)]
