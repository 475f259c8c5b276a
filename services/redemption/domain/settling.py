"""How a redemption ends: what each answer of the platform means, and when to ask again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.redemption.domain.records import Preparation, Redemption
from shared.contracts.orders import CouponState
from shared.platforms.answers import Coupon, Outcome, Verification, VerifiedCoupon
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason

# The platform's advice is 5 × 5 s, then every 40 s, 14 times in all; we go on, slowly.
WAITS: Final[tuple[timedelta, ...]] = (
    *(timedelta(seconds=5),) * 5,
    *(timedelta(seconds=40),) * 9,
    timedelta(minutes=5),
)
# The request that named it may still be asking; after this the background does.
FIRST_WAIT: Final = timedelta(seconds=8)
# Longer than all calls of one attempt take: nobody else asks meanwhile.
LEASE: Final = timedelta(seconds=20)
# After this an answer that says nothing, about a coupon that is still unused, counts as a no.
PATIENCE: Final = timedelta(seconds=60)
_CLOCK_TOLERANCE: Final = timedelta(seconds=2)
_NO_LONGER_AVAILABLE: Final[Mapping[CouponState | None, Reason]] = MappingProxyType(
    {
        CouponState.REDEEMED: Reason.ALREADY_REDEEMED,
        CouponState.REFUNDED: Reason.ALREADY_REFUNDED,
        CouponState.REFUNDING: Reason.REFUND_IN_PROGRESS,
        CouponState.CLOSED: Reason.NO_LONGER_VALID,
    }
)


class Ending(StrEnum):
    SPENT = "spent"
    REFUSED = "refused"
    # The platform answered, but an earlier call may have done it: look at the coupon.
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one coupon. `answered`: the platform said something about it."""

    coupon_id: str
    ending: Ending
    reason: Reason | None = None
    detail: str = ""
    verify_id: str | None = None
    # When, by the platform's clock.
    at: datetime | None = None
    answered: bool = True
    # Surely nothing was done: the verify token is as good as before.
    untouched: bool = False


def judge(verification: Verification, *, repeated: bool) -> tuple[Verdict, ...]:
    return tuple(
        _judge_one(coupon, repeated=repeated, now=verification.now)
        for coupon in verification.coupons
    )


def _judge_one(coupon: VerifiedCoupon, *, repeated: bool, now: datetime) -> Verdict:
    match coupon.outcome:
        case Outcome.DONE:
            ending = Ending.DOUBTFUL if coupon.already else Ending.SPENT
        case Outcome.REFUSED:
            ending = Ending.DOUBTFUL if repeated else Ending.REFUSED
        case Outcome.UNKNOWN:
            ending = Ending.UNKNOWN
    reason = Reason.ALREADY_REDEEMED if coupon.already else coupon.reason
    return Verdict(
        coupon_id=coupon.coupon_id,
        ending=ending,
        reason=None if ending is Ending.SPENT else reason or Reason.UNKNOWN_PLATFORM_ERROR,
        detail=coupon.description,
        verify_id=coupon.verify_id,
        at=now if ending is Ending.SPENT else None,
    )


def judge_failure(
    failure: Refused | Retry | OutcomeUnknown, coupon_ids: Sequence[str], *, repeated: bool
) -> tuple[Verdict, ...]:
    """The call as a whole failed: the same verdict on every coupon."""
    untouched = False
    match failure:
        case Refused():
            ending, reason = (Ending.DOUBTFUL if repeated else Ending.REFUSED), failure.refusal
        case Retry():
            # This call did nothing; an earlier one may have.
            ending = Ending.UNKNOWN if repeated else Ending.REFUSED
            reason, untouched = Reason(failure.reason), not repeated
        case OutcomeUnknown():
            ending, reason = Ending.UNKNOWN, Reason(failure.reason)
    return tuple(
        Verdict(
            coupon_id=coupon_id,
            ending=ending,
            reason=reason,
            detail=str(failure),
            answered=isinstance(failure, Refused) or failure.code is not None,
            untouched=untouched,
        )
        for coupon_id in coupon_ids
    )


def earliest_effect(redemption: Redemption, preparation: Preparation) -> datetime:
    """By the platform's clock: a verify before this moment was not ours.

    The scan tells how far the two clocks are apart.
    """
    ahead = preparation.prepared_at - preparation.created_at
    return redemption.created_at + ahead - _CLOCK_TOLERANCE


def after_look(
    verdicts: Sequence[Verdict],
    coupons: Sequence[Coupon] | None,
    *,
    poi_id: str,
    since: datetime,
    patient: bool,
) -> tuple[Verdict, ...]:
    """Decide by the coupons as the platform shows them; None where it could not be asked."""
    if coupons is None:
        # The first call that may have done it counts: the time to take it back ends earlier.
        return tuple(
            replace(verdict, at=since)
            if verdict.ending is Ending.SPENT
            else replace(verdict, ending=Ending.UNKNOWN)
            for verdict in verdicts
        )
    by_id = {coupon.coupon_id: coupon for coupon in coupons}
    return tuple(
        _look_at(verdict, by_id.get(verdict.coupon_id), poi_id=poi_id, since=since, patient=patient)
        for verdict in verdicts
    )


def _look_at(
    verdict: Verdict, coupon: Coupon | None, *, poi_id: str, since: datetime, patient: bool
) -> Verdict:
    if coupon is not None and _verified_by_us(coupon, poi_id=poi_id, since=since):
        return Verdict(
            verdict.coupon_id,
            Ending.SPENT,
            verify_id=verdict.verify_id or coupon.verify_id,
            at=coupon.verified_at,
        )
    if verdict.ending is Ending.SPENT:
        return verdict
    if coupon is None or coupon.state not in _NO_LONGER_AVAILABLE:
        return _unspent(verdict, patient=patient)
    if coupon.state is CouponState.REDEEMED and coupon.verified_at is None:
        # The platform's own rule: "already redeemed" on a repeated call is success.
        return Verdict(verdict.coupon_id, Ending.SPENT, verify_id=verdict.verify_id, at=since)
    return _refused(verdict, _NO_LONGER_AVAILABLE[coupon.state])


def _verified_by_us(coupon: Coupon, *, poi_id: str, since: datetime) -> bool:
    return (
        coupon.verified_at is not None
        and coupon.verified_at >= since
        and coupon.verified_poi_id in (None, poi_id)
    )


def _unspent(verdict: Verdict, *, patient: bool) -> Verdict:
    """The coupon shows no redemption: a plain no is then a no, anything else only in the end."""
    plain = verdict.ending is Ending.DOUBTFUL and verdict.reason is not Reason.ALREADY_REDEEMED
    if plain or (verdict.answered and not patient):
        return _refused(verdict, verdict.reason or Reason.UNKNOWN_PLATFORM_ERROR)
    return replace(verdict, ending=Ending.UNKNOWN)


def _refused(verdict: Verdict, reason: Reason) -> Verdict:
    return Verdict(verdict.coupon_id, Ending.REFUSED, reason, verdict.detail)


def needs_a_look(verdicts: Sequence[Verdict], *, repeated: bool) -> bool:
    """Doubts are looked into; after a repeated call so is everything, for the true time of it."""
    return repeated or any(verdict.ending is Ending.DOUBTFUL for verdict in verdicts)


def settled(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.ending in (Ending.SPENT, Ending.REFUSED) for verdict in verdicts)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    return WAITS[min(attempts, len(WAITS)) - 1]
