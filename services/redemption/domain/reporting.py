"""What the platform's answer to a report means: a coupon of ours was spent, or taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.platforms.answers import CancelledCoupon, Outcome, VerifiedCoupon
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason

# Somebody mends these, and then the report is accepted.
_MENDABLE: Final = frozenset(
    {
        Reason.APP_NOT_AUTHORISED,
        Reason.MERCHANT_NOT_AUTHORISED,
        Reason.INVALID_REQUEST,
        Reason.WRONG_STORE,
        Reason.UNKNOWN_STORE,
        Reason.UNKNOWN_PLATFORM_ERROR,
    }
)
# The codes of an order may reach the platform after the customer has reached the store.
_CODES_ARRIVE_WITHIN: Final = timedelta(minutes=10)
# After these nothing is left of the coupon at the platform.
ENDED: Final = frozenset(
    {
        Reason.ALREADY_REFUNDED,
        Reason.NO_LONGER_VALID,
        Reason.EXPIRED,
        Reason.ORDER_CLOSED,
        Reason.ALREADY_REDEEMED,
    }
)
_NOTHING_TO_CANCEL: Final = frozenset({Reason.ALREADY_CANCELLED, Reason.NOT_REDEEMED})


class Step(StrEnum):
    REDEEM = "redeem"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Report:
    """One use of a coupon of ours that the platform has to hear of."""

    report_id: UUID
    step: Step
    platform: str
    merchant: str
    order_id: str
    coupon_id: str
    use_no: int
    redemption_id: UUID
    poi_id: str
    attempts: int
    created_at: datetime
    store_id: str
    terminal_id: str
    traceparent: str
    sealed_code: bytes
    times_card: bool
    # The platform's id of the redemption that is taken back.
    verify_id: str | None

    @property
    def repeated(self) -> bool:
        """Whether a call with this token may have gone before."""
        return self.attempts > 1


class Heard(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    # What the platform never accepted it need not take back.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Word:
    heard: Heard
    reason: Reason | None = None
    verify_id: str | None = None


def word_of_verified(report: Report, coupon: VerifiedCoupon, *, now: datetime) -> Word:
    """Nobody else spends coupons of ours, so "spent already" to a repeated call is our own."""
    match coupon.outcome:
        case Outcome.DONE:
            return Word(Heard.ACCEPTED, verify_id=coupon.verify_id)
        case Outcome.REFUSED:
            return _refused(report, coupon.reason, now=now)
        case Outcome.UNKNOWN:
            return Word(Heard.UNKNOWN, coupon.reason)


def word_of_cancelled(report: Report, coupon: CancelledCoupon, *, now: datetime) -> Word:
    match coupon.outcome:
        case Outcome.DONE:
            return Word(Heard.ACCEPTED)
        case Outcome.REFUSED:
            return _refused(report, coupon.reason, now=now)
        case Outcome.UNKNOWN:
            return Word(Heard.UNKNOWN, coupon.reason)


def word_of_failure(
    report: Report, failure: Refused | Retry | OutcomeUnknown, *, now: datetime
) -> Word:
    match failure:
        case Refused():
            return _refused(report, failure.refusal, now=now)
        case Retry() | OutcomeUnknown():
            return Word(Heard.UNKNOWN, Reason(failure.reason))


def _refused(report: Report, reason: Reason | None, *, now: datetime) -> Word:
    reason = reason or Reason.UNKNOWN_PLATFORM_ERROR
    if report.step is Step.CANCEL and reason in _NOTHING_TO_CANCEL:
        return Word(Heard.ACCEPTED)
    if reason in _MENDABLE:
        return Word(Heard.UNKNOWN, reason)
    young = now - report.created_at < _CODES_ARRIVE_WITHIN
    if reason is Reason.CODE_UNKNOWN and young:
        return Word(Heard.UNKNOWN, reason)
    return Word(Heard.REFUSED, reason)
