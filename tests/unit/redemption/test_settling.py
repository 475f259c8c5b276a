"""What each answer of the platform means for a redemption."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.redemption.domain.settling import (
    WAITS,
    Ending,
    Verdict,
    after_look,
    earliest_effect,
    judge,
    judge_failure,
    needs_a_look,
    settled,
    wait_after,
)
from shared.contracts.orders import CouponState
from shared.platforms.answers import Coupon, Outcome, Verification, VerifiedCoupon
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason
from tests.unit.redemption.builders import NOW, POI, a_coupon, a_preparation, a_redemption

BEFORE = NOW - timedelta(minutes=1)
REFUSED = Refused("风险核销", reason=Reason.RISK_HOLD, code=1229)
BUSY = Retry("too frequent", reason=Reason.PLATFORM_BUSY, code=2119003)
BROKEN = OutcomeUnknown("the connection broke", reason=Reason.PLATFORM_UNREACHABLE)
UNLISTED = OutcomeUnknown("?", reason=Reason.UNKNOWN_PLATFORM_ERROR, code=99)


def verified(outcome: Outcome, *, already: bool = False, **changes: Any) -> Verification:
    values: dict[str, Any] = {
        "coupon_id": "c1",
        "outcome": outcome,
        "already": already,
        "reason": None if outcome is Outcome.DONE else Reason.RISK_HOLD,
        "verify_id": "v1",
        "order_id": "o1",
        "code": 0,
        "description": "",
    }
    return Verification((VerifiedCoupon(**values | changes),), NOW)


@pytest.mark.parametrize(
    ("verification", "repeated", "ending"),
    [
        (verified(Outcome.DONE), False, Ending.SPENT),
        (verified(Outcome.DONE), True, Ending.SPENT),
        (verified(Outcome.REFUSED), False, Ending.REFUSED),
        (verified(Outcome.REFUSED, already=True), False, Ending.REFUSED),
        # An earlier call may have been the one that spent it.
        (verified(Outcome.REFUSED), True, Ending.DOUBTFUL),
        (verified(Outcome.DONE, already=True), True, Ending.DOUBTFUL),
        (verified(Outcome.UNKNOWN), False, Ending.UNKNOWN),
        (verified(Outcome.UNKNOWN), True, Ending.UNKNOWN),
    ],
)
def test_an_answer_settles_only_what_it_can(
    verification: Verification,
    repeated: bool,  # noqa: FBT001
    ending: Ending,
) -> None:
    (verdict,) = judge(verification, repeated=repeated)
    assert verdict.ending is ending
    assert (verdict.reason is None) == (ending is Ending.SPENT)


@pytest.mark.parametrize(
    ("failure", "repeated", "ending", "untouched"),
    [
        (REFUSED, False, Ending.REFUSED, False),
        (REFUSED, True, Ending.DOUBTFUL, False),
        (BUSY, False, Ending.REFUSED, True),
        (BUSY, True, Ending.UNKNOWN, False),
        (BROKEN, False, Ending.UNKNOWN, False),
        (BROKEN, True, Ending.UNKNOWN, False),
    ],
)
def test_a_failed_call_settles_only_what_it_can(
    failure: Refused | Retry | OutcomeUnknown,
    repeated: bool,  # noqa: FBT001
    ending: Ending,
    untouched: bool,  # noqa: FBT001
) -> None:
    verdicts = judge_failure(failure, ["c1", "c2"], repeated=repeated)
    assert [verdict.ending for verdict in verdicts] == [ending, ending]
    assert {verdict.untouched for verdict in verdicts} == {untouched}


def look(verdict: Verdict, coupons: Sequence[Coupon] | None, *, patient: bool = True) -> Verdict:
    (decided,) = after_look([verdict], coupons, poi_id=POI, since=BEFORE, patient=patient)
    return decided


def verified_coupon(
    at: datetime = NOW, poi_id: str | None = POI, state: CouponState = CouponState.REDEEMED
) -> Coupon:
    return a_coupon(state=state, verify_id="v7", verified_at=at, verified_poi_id=poi_id)


DOUBT = Verdict("c1", Ending.DOUBTFUL, Reason.RISK_HOLD)
ALREADY = Verdict("c1", Ending.DOUBTFUL, Reason.ALREADY_REDEEMED)
SILENCE = Verdict("c1", Ending.UNKNOWN, Reason.PLATFORM_UNREACHABLE, answered=False)
RIDDLE = Verdict("c1", Ending.UNKNOWN, Reason.UNKNOWN_PLATFORM_ERROR)
DONE = Verdict("c1", Ending.SPENT, verify_id="v1", at=NOW)


@pytest.mark.parametrize("verdict", [DOUBT, ALREADY, SILENCE, RIDDLE, DONE])
@pytest.mark.parametrize("poi_id", [POI, None])
def test_a_redemption_in_our_store_since_our_call_is_ours(
    verdict: Verdict, poi_id: str | None
) -> None:
    decided = look(verdict, [verified_coupon(poi_id=poi_id)])
    assert (decided.ending, decided.at) == (Ending.SPENT, NOW)
    assert decided.verify_id == (verdict.verify_id or "v7")


@pytest.mark.parametrize("verdict", [DOUBT, ALREADY, SILENCE, RIDDLE])
@pytest.mark.parametrize(
    "coupon",
    [verified_coupon(poi_id="another store"), verified_coupon(BEFORE - timedelta(seconds=1))],
)
def test_a_redemption_elsewhere_or_before_our_call_is_not_ours(
    verdict: Verdict, coupon: Coupon
) -> None:
    decided = look(verdict, [coupon])
    assert (decided.ending, decided.reason) == (Ending.REFUSED, Reason.ALREADY_REDEEMED)


def test_without_a_time_already_redeemed_is_success_by_the_platforms_own_rule() -> None:
    decided = look(ALREADY, [a_coupon(state=CouponState.REDEEMED)])
    assert (decided.ending, decided.at) == (Ending.SPENT, BEFORE)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (CouponState.REFUNDED, Reason.ALREADY_REFUNDED),
        (CouponState.REFUNDING, Reason.REFUND_IN_PROGRESS),
        (CouponState.CLOSED, Reason.NO_LONGER_VALID),
    ],
)
@pytest.mark.parametrize("verdict", [DOUBT, ALREADY, SILENCE, RIDDLE])
def test_a_coupon_that_can_no_longer_be_spent_was_not(
    verdict: Verdict, state: CouponState, reason: Reason
) -> None:
    decided = look(verdict, [a_coupon(state=state)])
    assert (decided.ending, decided.reason) == (Ending.REFUSED, reason)


@pytest.mark.parametrize("coupons", [[a_coupon()], [a_coupon(state=None)], []])
@pytest.mark.parametrize(
    ("verdict", "patient", "ending"),
    [
        # The platform said no, and nothing was spent: no.
        (DOUBT, True, Ending.REFUSED),
        # It said "already", and shows the coupon unused: somebody is behind. Ask again.
        (ALREADY, True, Ending.UNKNOWN),
        (ALREADY, False, Ending.REFUSED),
        # It says something that we do not understand, and goes on saying so.
        (RIDDLE, True, Ending.UNKNOWN),
        (RIDDLE, False, Ending.REFUSED),
        # It says nothing at all: a call may still be on its way, however long it takes.
        (SILENCE, True, Ending.UNKNOWN),
        (SILENCE, False, Ending.UNKNOWN),
        (DONE, True, Ending.SPENT),
    ],
)
def test_an_unused_coupon_settles_a_plain_no(
    verdict: Verdict,
    patient: bool,  # noqa: FBT001
    ending: Ending,
    coupons: Sequence[Coupon],
) -> None:
    assert look(verdict, coupons, patient=patient).ending is ending


@pytest.mark.parametrize("verdict", [DOUBT, ALREADY, SILENCE, RIDDLE])
def test_without_a_look_nothing_doubtful_is_settled(verdict: Verdict) -> None:
    assert look(verdict, None, patient=False).ending is Ending.UNKNOWN


def test_without_a_look_the_first_call_counts_so_that_taking_back_ends_early_not_late() -> None:
    assert look(DONE, None).at == BEFORE


def test_only_doubts_and_repeated_calls_cost_a_look() -> None:
    assert not needs_a_look([DONE], repeated=False)
    assert not needs_a_look([SILENCE], repeated=False)
    assert needs_a_look([DONE, DOUBT], repeated=False)
    assert needs_a_look([DONE], repeated=True)


def test_a_redemption_is_settled_when_every_coupon_is() -> None:
    assert settled([DONE, Verdict("c2", Ending.REFUSED, Reason.RISK_HOLD)])
    assert not settled([DONE, SILENCE])
    assert not settled([DONE, DOUBT])


def test_the_scan_tells_how_far_the_platforms_clock_is_ahead() -> None:
    ahead = timedelta(minutes=7)
    preparation = a_preparation(prepared_at=NOW + ahead, created_at=NOW)
    redemption = a_redemption(created_at=NOW + timedelta(seconds=30))
    earliest = earliest_effect(redemption, preparation)
    assert earliest == NOW + ahead + timedelta(seconds=28)


def test_it_asks_as_the_platform_advises_and_then_slowly_for_ever() -> None:
    waits = [wait_after(attempts).total_seconds() for attempts in range(1, 31)]
    assert waits[:15] == [5] * 5 + [40] * 9 + [300]
    assert waits[15:] == [300] * 15
    assert len(WAITS) == 15
