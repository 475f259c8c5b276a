"""Orders and coupons as the platform holds them, and the only moves between their states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.simulator.domain.codes import Code, PlatformError


class CouponState(StrEnum):
    UNPAID = "unpaid"
    # Paid, and the merchant owes its code.
    ISSUING = "issuing"
    AVAILABLE = "available"
    REDEEMED = "redeemed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CLOSED = "closed"


class Move(StrEnum):
    PAY = "pay"
    PAY_AND_WAIT = "pay_and_wait"
    ISSUE = "issue"
    CLOSE = "close"
    VERIFY = "verify"
    VERIFY_CANCEL = "verify_cancel"
    APPLY_REFUND = "apply_refund"
    REJECT_REFUND = "reject_refund"
    REFUND = "refund"


TRANSITIONS: Mapping[tuple[CouponState, Move], CouponState] = MappingProxyType(
    {
        (CouponState.UNPAID, Move.PAY): CouponState.AVAILABLE,
        (CouponState.UNPAID, Move.PAY_AND_WAIT): CouponState.ISSUING,
        (CouponState.ISSUING, Move.ISSUE): CouponState.AVAILABLE,
        (CouponState.ISSUING, Move.APPLY_REFUND): CouponState.REFUNDING,
        (CouponState.UNPAID, Move.CLOSE): CouponState.CLOSED,
        (CouponState.AVAILABLE, Move.VERIFY): CouponState.REDEEMED,
        (CouponState.REDEEMED, Move.VERIFY_CANCEL): CouponState.AVAILABLE,
        (CouponState.AVAILABLE, Move.APPLY_REFUND): CouponState.REFUNDING,
        (CouponState.REFUNDING, Move.REJECT_REFUND): CouponState.AVAILABLE,
        (CouponState.REFUNDING, Move.REFUND): CouponState.REFUNDED,
    }
)

# What speaks against redeeming a coupon that is not available.
REFUSALS: Mapping[CouponState, Code] = MappingProxyType(
    {
        CouponState.UNPAID: Code.UNPAID,
        CouponState.ISSUING: Code.UNKNOWN_COUPON,
        CouponState.REDEEMED: Code.ALREADY_VERIFIED,
        CouponState.REFUNDING: Code.NO_LONGER_VALID,
        CouponState.REFUNDED: Code.NO_LONGER_VALID,
        CouponState.CLOSED: Code.NO_LONGER_VALID,
    }
)


class Channel(StrEnum):
    """Coupons of the life services, or one of the protocols of mini-programs."""

    LIFE = "life"
    V3 = "v3"
    V2 = "v2"
    V1 = "v1"
    ECPAY = "ecpay"


class CodeOrigin(StrEnum):
    PLATFORM = "platform"
    MERCHANT = "merchant"


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
    # Which use of a times card.
    serial: int = 1


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
    times_count: int = 1
    times_used: int = 0
    third_code: str | None = None
    third_certificate_id: str | None = None
    # Those that hold now, by serial.
    verifications: list[Verification] = field(default_factory=list)
    settles_at: datetime | None = None
    settled_at: datetime | None = None
    refund_due_at: datetime | None = None
    refunded_at: datetime | None = None
    after_sale_id: int | None = None
    refund_rejected_at: datetime | None = None
    version: int = 0

    @property
    def public_id(self) -> str:
        """As the platform calls it: by the merchant's own name where he issued it with one."""
        return self.third_certificate_id or str(self.certificate_id)

    @property
    def verification(self) -> Verification | None:
        """The latest that holds."""
        return max(self.verifications, key=lambda one: one.verified_at, default=None)

    @property
    def times_left(self) -> int:
        return self.times_count - self.times_used

    def free_serials(self) -> Sequence[int]:
        taken = {one.serial for one in self.verifications}
        return [serial for serial in range(1, self.times_count + 1) if serial not in taken]

    def share_fen(self, times: int) -> int:
        """What the first so many uses of it cost."""
        return sum(split(self.pay_amount_fen, self.times_count)[:times])

    @property
    def refunded_fen(self) -> int:
        """A card that was used in part is refunded for the rest."""
        if self.state is not CouponState.REFUNDED:
            return 0
        return self.pay_amount_fen - self.share_fen(self.times_used)

    @property
    def settled_fen(self) -> int:
        """What was used of a card counts as settled with the refund of its rest."""
        if self.settled_at is not None or self.state is CouponState.REFUNDED:
            return self.share_fen(self.times_used)
        return 0

    def refusal(self, now: datetime) -> Code | None:
        """Why it cannot be redeemed now; None if nothing speaks against it."""
        if self.state is CouponState.REFUNDING and self.is_refund_open:
            return Code.BUSY
        if self.state is not CouponState.AVAILABLE:
            return REFUSALS[self.state]
        return Code.NO_LONGER_VALID if now >= self.expires_at else None

    @property
    def is_refund_open(self) -> bool:
        """The merchant has still to decide: whoever wants to redeem is told to come again."""
        return self.after_sale_id is not None and self.refund_due_at is None

    def move(self, move: Move) -> None:
        self.state = TRANSITIONS[self.state, move]
        self.version += 1

    def issue(self, code: str, certificate_id: str | None) -> None:
        """The merchant's code; also where a refused refund brings it after all."""
        self.third_code = code
        self.third_certificate_id = certificate_id or None
        if self.state is CouponState.ISSUING:
            self.move(Move.ISSUE)

    def verify(self, verification: Verification, *, settles_at: datetime) -> None:
        """One use. A times card is redeemed with its last one."""
        self.verifications.append(verification)
        self.times_used += 1
        self.settles_at = settles_at
        if self.times_left:
            self.version += 1
        else:
            self.move(Move.VERIFY)

    def cancel_refusal(
        self, verify_id: int, *, now: datetime, window: timedelta
    ) -> PlatformError | None:
        """Why this redemption cannot be taken back now."""
        found = next((one for one in self.verifications if one.verify_id == verify_id), None)
        if found is None:
            return PlatformError(Code.ALREADY_CANCELLED)
        if self.settled_at is not None:
            return PlatformError(Code.BAD_PARAMETER, "已结算，不可撤销核销")
        if self.state in {CouponState.REFUNDING, CouponState.REFUNDED}:
            return PlatformError(Code.BAD_PARAMETER, "退款中或已退款，不可撤销核销")
        if now > found.verified_at + window:
            return PlatformError(Code.BAD_PARAMETER, "已超过可撤销核销的时间")
        return None

    def verify_cancel(self, verify_id: int) -> None:
        self.verifications = [one for one in self.verifications if one.verify_id != verify_id]
        self.times_used -= 1
        self.settles_at = None
        if self.state is CouponState.REDEEMED:
            self.move(Move.VERIFY_CANCEL)
        else:
            self.version += 1

    def apply_refund(self, *, due_at: datetime | None, after_sale_id: int | None = None) -> None:
        """Without a time where the merchant is asked first."""
        self.move(Move.APPLY_REFUND)
        self.refund_due_at = due_at
        self.after_sale_id = after_sale_id

    def allow_refund(self, *, due_at: datetime) -> None:
        self.refund_due_at = due_at
        self.version += 1

    def reject_refund(self, now: datetime) -> None:
        self.move(Move.REJECT_REFUND)
        self.refund_due_at = None
        self.after_sale_id = None
        self.refund_rejected_at = now

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
    # What the merchant calls it.
    third_sku_id: str = ""


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
    channel: Channel = Channel.LIFE
    code_origin: CodeOrigin = CodeOrigin.PLATFORM
    out_order_id: str | None = None
    cp_extra: str = ""
    # Until when the merchant may issue its codes, while he owes them.
    issue_until: datetime | None = None

    @property
    def is_merchant_coded(self) -> bool:
        return self.code_origin is CodeOrigin.MERCHANT

    @property
    def asks_before_refund(self) -> bool:
        return self.is_merchant_coded or self.channel in {Channel.V3, Channel.V2}

    def pay(self, now: datetime, *, issue_until: datetime | None = None) -> None:
        """With a time until which the merchant is to issue its codes, where he does."""
        self.state = OrderState.OPEN
        self.paid_at = now
        self.issue_until = issue_until
        for coupon in self.coupons:
            coupon.move(Move.PAY if issue_until is None else Move.PAY_AND_WAIT)

    def coupon(self, certificate_id: int) -> Coupon:
        return next(one for one in self.coupons if one.certificate_id == certificate_id)

    @property
    def paid_fen(self) -> int:
        return 0 if self.paid_at is None else self.pay_amount_fen

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
