"""A wish for money back, from the wish to the money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AfterSaleState(StrEnum):
    ASKED = "asked"
    # The merchant wants time, or a person's decision.
    AUDITING = "auditing"
    ALLOWED = "allowed"
    REJECTED = "rejected"
    REFUNDED = "refunded"


class Cause(StrEnum):
    BUYER = "buyer"
    EXPIRY = "expiry"
    NOT_ISSUED = "not_issued"
    MERCHANT = "merchant"


class DecidedBy(StrEnum):
    MERCHANT = "merchant"
    TIME = "time"
    PLATFORM = "platform"


@dataclass(slots=True)
class AfterSale:
    after_sale_id: int
    order_id: int
    certificate_ids: Sequence[int]
    cause: Cause
    amount_fen: int
    state: AfterSaleState
    created_at: datetime
    reason: str = ""
    out_refund_no: str | None = None
    cp_extra: str = ""
    decided_by: DecidedBy | None = None
    decides_at: datetime | None = None
    decided_at: datetime | None = None
    refunded_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {AfterSaleState.ASKED, AfterSaleState.AUDITING}

    def decide(self, state: AfterSaleState, by: DecidedBy, now: datetime) -> None:
        self.state = state
        self.decided_by = by
        self.decided_at = now


@dataclass(frozen=True, slots=True)
class Settlement:
    """The merchant's share of what was used, paid out."""

    settle_id: int
    order_id: int
    certificate_ids: Sequence[int]
    amount_fen: int
    is_automatic: bool
    settled_at: datetime
    out_settle_no: str | None = None
    detail: str = ""
    cp_extra: str = ""
