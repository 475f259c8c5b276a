"""What the tables hold, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.redemption.domain.states import CancellationState, LedgerState, RedemptionState
from shared.platforms.answers import CouponKind
from shared.platforms.reasons import Reason


@dataclass(frozen=True, slots=True)
class Store:
    store_id: str
    merchant: str
    platform: str
    poi_id: str
    name: str
    time_zone: str
    open: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands at the counter: a terminal, or a person at a screen, in one store."""

    merchant: str
    store_id: str
    terminal_id: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, before it is known for which store. None: for every merchant, every store."""

    merchant: str | None
    stores: tuple[str, ...] | None
    terminal_id: str
    traceparent: str

    def may_enter(self, *, merchant: str, store_id: str) -> bool:
        return self.merchant in (None, merchant) and (
            self.stores is None or store_id in self.stores
        )

    def at_home(self) -> Caller | None:
        """In the one store that the token is for, if it is for one."""
        if self.merchant is None or self.stores is None or len(self.stores) != 1:
            return None
        return self.at(merchant=self.merchant, store_id=self.stores[0])

    def at(self, *, merchant: str, store_id: str) -> Caller:
        return Caller(merchant, store_id, self.terminal_id, self.traceparent)


@dataclass(frozen=True, slots=True)
class Offer:
    """One coupon that a scan stands for. `reason` says why it cannot be spent."""

    coupon_id: str
    use_no: int
    title: str | None
    kind: CouponKind | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    valid_from: datetime | None
    expires_at: datetime | None
    times_left: int | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the platform wants to see again: kept sealed, never logged."""

    verify_token: str
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Preparation:
    preparation_id: UUID
    merchant: str
    store_id: str
    terminal_id: str
    platform: str
    poi_id: str
    account_id: str | None
    order_id: str
    scan_hash: bytes
    offers: Sequence[Offer]
    sealed: bytes | None
    # The platform's clock.
    prepared_at: datetime
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A ledger row that holds a use of a coupon, or has spent it."""

    redemption_id: UUID
    coupon_id: str
    use_no: int
    state: LedgerState
    store_id: str
    store_name: str | None
    terminal_id: str
    redeemed_at: datetime | None
    claimed_at: datetime


class FactKind(StrEnum):
    REDEEMED = "redeemed"
    AVAILABLE = "available"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Fact:
    """The latest that was heard of a coupon, by the platform's clock."""

    coupon_id: str
    kind: FactKind
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Redemption:
    redemption_id: UUID
    request_digest: bytes
    merchant: str
    store_id: str
    terminal_id: str
    platform: str
    order_id: str
    preparation_id: UUID
    coupon_ids: Sequence[str]
    # Which change of each coupon this is, in the same order.
    coupon_versions: Sequence[int]
    state: RedemptionState
    reason: str | None
    attempts: int
    answer: str | None
    traceparent: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """A pending redemption with what is needed to ask the platform, again or for the first time."""

    redemption: Redemption
    preparation: Preparation
    # Whether a call with this token may have gone before.
    repeated: bool


@dataclass(frozen=True, slots=True)
class Spent:
    """One coupon of a redemption as the ledger has it."""

    coupon_id: str
    times_card: bool
    state: LedgerState
    title: str | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    verify_id: str | None
    redeemed_at: datetime | None
    cancel_until: datetime | None
    released_at: datetime | None
    released_because: str | None


@dataclass(frozen=True, slots=True)
class Cancellation:
    cancel_id: UUID
    redemption_id: UUID
    request_digest: bytes
    merchant: str
    store_id: str
    terminal_id: str
    cause: str
    state: CancellationState
    reason: str | None
    attempts: int
    answer: str | None
    traceparent: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an attempt is turned down; `claim` is who was faster."""

    reason: Reason
    detail: str
    claim: Claim | None = None
