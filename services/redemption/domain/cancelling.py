"""Whether a redemption may be taken back, and what the platform's answer to that means."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from services.redemption.domain.records import Redemption, Refusal, Spent
from services.redemption.domain.settling import Ending, Verdict
from services.redemption.domain.states import LedgerState, RedemptionState
from shared.contracts.orders import CouponState
from shared.platforms.answers import CancelledCoupon, Coupon, Outcome
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason

_NOT_REDEEMED: Final = frozenset(
    {CouponState.AVAILABLE, CouponState.REFUNDING, CouponState.REFUNDED, CouponState.CLOSED}
)


def digest_of_cancel(redemption_id: UUID, cause: str) -> bytes:
    return hashlib.sha256(orjson.dumps([str(redemption_id), cause])).digest()


def refusal_to_cancel(
    redemption: Redemption, rows: Sequence[Spent], *, now: datetime
) -> Refusal | None:
    match redemption.state:
        case RedemptionState.PENDING:
            return Refusal(Reason.REDEMPTION_PENDING, "the redemption itself is not settled yet")
        case RedemptionState.REFUSED:
            return Refusal(Reason.NOT_REDEEMED, "this redemption spent nothing")
        case RedemptionState.REDEEMED:
            pass
    left = spent_rows(rows)
    if not left:
        return Refusal(Reason.ALREADY_CANCELLED, "every coupon of it was taken back before")
    if all(row.cancel_until is not None and row.cancel_until <= now for row in left):
        return Refusal(Reason.CANCEL_WINDOW_CLOSED, f"it was possible until {left[0].cancel_until}")
    return None


def spent_rows(rows: Sequence[Spent]) -> tuple[Spent, ...]:
    return tuple(row for row in rows if row.state is LedgerState.SPENT)


def judge_cancelled(coupon_id: str, cancelled: CancelledCoupon, *, now: datetime) -> Verdict:
    """SPENT is the call's success here: the redemption of the coupon was taken back."""
    match cancelled.outcome:
        case Outcome.DONE:
            ending = Ending.SPENT
        case Outcome.REFUSED:
            ending = Ending.DOUBTFUL
        case Outcome.UNKNOWN:
            ending = Ending.UNKNOWN
    at = now if ending is Ending.SPENT else None
    return Verdict(coupon_id, ending, cancelled.reason, cancelled.description, at=at)


def judge_cancel_failure(
    coupon_id: str, failure: Refused | Retry | OutcomeUnknown, *, repeated: bool
) -> Verdict:
    match failure:
        case Refused():
            # It may have been taken back by another way before: look at the coupon.
            return Verdict(coupon_id, Ending.DOUBTFUL, failure.refusal, str(failure))
        case Retry() if not repeated:
            return Verdict(coupon_id, Ending.REFUSED, Reason(failure.reason), str(failure))
        case Retry() | OutcomeUnknown():
            return Verdict(
                coupon_id,
                Ending.UNKNOWN,
                Reason(failure.reason),
                str(failure),
                answered=failure.code is not None,
            )


def after_cancel_look(
    verdicts: Sequence[Verdict], coupons: Sequence[Coupon] | None, *, patient: bool
) -> tuple[Verdict, ...]:
    """Decide by the coupons as the platform shows them; None where it could not be asked."""
    if coupons is None:
        return tuple(
            replace(verdict, ending=Ending.UNKNOWN)
            if verdict.ending is Ending.DOUBTFUL
            else verdict
            for verdict in verdicts
        )
    by_id = {coupon.coupon_id: coupon for coupon in coupons}
    return tuple(
        _look_at(verdict, by_id.get(verdict.coupon_id), patient=patient) for verdict in verdicts
    )


def _look_at(verdict: Verdict, coupon: Coupon | None, *, patient: bool) -> Verdict:
    """A coupon that is not redeemed was taken back; a redeemed one was not, after a no."""
    if verdict.ending in (Ending.SPENT, Ending.REFUSED):
        return verdict
    # A card with uses left is available in any case, so its state tells nothing.
    if coupon is not None and coupon.times_total is None and coupon.state in _NOT_REDEEMED:
        return Verdict(verdict.coupon_id, Ending.SPENT)
    if verdict.ending is Ending.DOUBTFUL or (verdict.answered and not patient):
        reason = verdict.reason or Reason.UNKNOWN_PLATFORM_ERROR
        return Verdict(verdict.coupon_id, Ending.REFUSED, reason, verdict.detail)
    return verdict
