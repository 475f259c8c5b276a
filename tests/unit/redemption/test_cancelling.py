"""Whether a redemption may be taken back, and what the platform's answer to that means."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.redemption.domain.cancelling import (
    after_cancel_look,
    digest_of_cancel,
    judge_cancel_failure,
    judge_cancelled,
    refusal_to_cancel,
)
from services.redemption.domain.records import Spent
from services.redemption.domain.settling import Ending, Verdict
from services.redemption.domain.states import LedgerState, RedemptionState
from shared.contracts.orders import CouponState
from shared.platforms.answers import CancelledCoupon, Coupon, Outcome
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason
from tests.unit.redemption.builders import (
    ID,
    NOW,
    OTHER_ID,
    a_card,
    a_coupon,
    a_redemption,
    a_row,
)

RELEASED = a_row(state=LedgerState.RELEASED, released_at=NOW, released_because="taken back")
LATE = a_row(cancel_until=NOW)


@pytest.mark.parametrize(
    ("state", "rows", "reason"),
    [
        (RedemptionState.REDEEMED, [a_row()], None),
        (RedemptionState.REDEEMED, [a_row(), RELEASED], None),
        (RedemptionState.REDEEMED, [a_row(), LATE], None),
        (RedemptionState.PENDING, [a_row()], Reason.REDEMPTION_PENDING),
        (RedemptionState.REFUSED, [], Reason.NOT_REDEEMED),
        (RedemptionState.REDEEMED, [RELEASED], Reason.ALREADY_CANCELLED),
        (RedemptionState.REDEEMED, [LATE], Reason.CANCEL_WINDOW_CLOSED),
    ],
)
def test_only_what_is_redeemed_and_recent_is_taken_back(
    state: RedemptionState, rows: Sequence[Spent], reason: Reason | None
) -> None:
    refusal = refusal_to_cancel(a_redemption(state=state), rows, now=NOW)
    assert (refusal.reason if refusal else None) is reason


def test_another_redemption_or_cause_is_another_request() -> None:
    assert digest_of_cancel(ID, "a") == digest_of_cancel(ID, "a")
    assert len({digest_of_cancel(ID, "a"), digest_of_cancel(OTHER_ID, "a")}) == 2
    assert len({digest_of_cancel(ID, "a"), digest_of_cancel(ID, "b")}) == 2


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Outcome.DONE, Ending.SPENT),
        (Outcome.REFUSED, Ending.DOUBTFUL),
        (Outcome.UNKNOWN, Ending.UNKNOWN),
    ],
)
def test_a_no_to_a_cancel_is_looked_into(outcome: Outcome, ending: Ending) -> None:
    cancelled = CancelledCoupon("v1", outcome, Reason.NOT_REDEEMED, 1265, "")
    assert judge_cancelled("c1", cancelled, now=NOW).ending is ending


@pytest.mark.parametrize(
    ("failure", "repeated", "ending"),
    [
        (Refused("", reason=Reason.CANCEL_WINDOW_CLOSED), False, Ending.DOUBTFUL),
        (Refused("", reason=Reason.CANCEL_WINDOW_CLOSED), True, Ending.DOUBTFUL),
        (Retry("", reason=Reason.PLATFORM_BUSY), False, Ending.REFUSED),
        (Retry("", reason=Reason.PLATFORM_BUSY), True, Ending.UNKNOWN),
        (OutcomeUnknown("", reason=Reason.PLATFORM_BUSY), False, Ending.UNKNOWN),
    ],
)
def test_a_failed_cancel_settles_only_what_it_can(
    failure: Refused | Retry | OutcomeUnknown,
    repeated: bool,  # noqa: FBT001
    ending: Ending,
) -> None:
    assert judge_cancel_failure("c1", failure, repeated=repeated).ending is ending


DOUBT = Verdict("c1", Ending.DOUBTFUL, Reason.CANCEL_WINDOW_CLOSED)
SILENCE = Verdict("c1", Ending.UNKNOWN, Reason.PLATFORM_UNREACHABLE, answered=False)
RIDDLE = Verdict("c1", Ending.UNKNOWN, Reason.UNKNOWN_PLATFORM_ERROR)


@pytest.mark.parametrize("verdict", [DOUBT, SILENCE, RIDDLE])
@pytest.mark.parametrize(
    "state", [CouponState.AVAILABLE, CouponState.REFUNDED, CouponState.REFUNDING]
)
def test_a_coupon_that_is_not_redeemed_was_taken_back(verdict: Verdict, state: CouponState) -> None:
    (decided,) = after_cancel_look([verdict], [a_coupon(state=state)], patient=True)
    assert decided.ending is Ending.SPENT


@pytest.mark.parametrize(
    ("verdict", "patient", "ending"),
    [
        (DOUBT, True, Ending.REFUSED),
        (RIDDLE, True, Ending.UNKNOWN),
        (RIDDLE, False, Ending.REFUSED),
        (SILENCE, False, Ending.UNKNOWN),
    ],
)
@pytest.mark.parametrize(
    "coupon",
    [a_coupon(state=CouponState.REDEEMED), a_card(used=1, state=CouponState.AVAILABLE), None],
)
def test_a_redeemed_coupon_settles_a_plain_no(
    verdict: Verdict,
    patient: bool,  # noqa: FBT001
    ending: Ending,
    coupon: Coupon | None,
) -> None:
    coupons = [coupon] if coupon else []
    (decided,) = after_cancel_look([verdict], coupons, patient=patient)
    assert decided.ending is ending


def test_without_a_look_a_no_is_not_believed() -> None:
    decided = after_cancel_look([DOUBT, SILENCE], None, patient=False)
    assert [verdict.ending for verdict in decided] == [Ending.UNKNOWN, Ending.UNKNOWN]


def test_the_window_is_closed_to_the_second() -> None:
    row = a_row(cancel_until=NOW)
    just_before = NOW - timedelta(seconds=1)
    assert refusal_to_cancel(a_redemption(), [row], now=just_before) is None
    refusal = refusal_to_cancel(a_redemption(), [row], now=NOW)
    assert refusal is not None
    assert refusal.reason is Reason.CANCEL_WINDOW_CLOSED
