"""May a refund be given? The table for one coupon, and what several make together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain.refunds import (
    COUPON_RULES,
    REASON_WORDS,
    Judgement,
    RefundReason,
    Ruling,
    Use,
    UseState,
    judge,
)
from shared.contracts.orders import CouponState
from shared.contracts.products import RefundDecision, RefundRules

ALLOW, ASK, REFUSE = RefundDecision.ALLOW, RefundDecision.ASK, RefundDecision.REFUSE
DEFAULT = RefundRules()


def judged(
    *uses: Use, rules: RefundRules = DEFAULT, locked: bool = True, without_code: int = 0
) -> Judgement:
    known = any(use.order_known for use in uses)
    return judge(uses, rules, locked=locked, without_code=without_code, order_known=known)


def a_coupon(state: UseState = UseState.AVAILABLE, number: int = 1, **more: Any) -> Use:
    return Use(f"c{number}", state, **more)


@pytest.mark.parametrize(
    ("use", "rules", "ruling", "reason"),
    [
        (a_coupon(), DEFAULT, Ruling.ALLOW, None),
        (a_coupon(), RefundRules(before_use=ASK), Ruling.ASK, RefundReason.POLICY_ASKS),
        (a_coupon(), RefundRules(before_use=REFUSE), Ruling.REFUSE, RefundReason.NOT_BY_POLICY),
        (a_coupon(expired=True), RefundRules(before_use=REFUSE), Ruling.ALLOW, None),
        (
            a_coupon(expired=True),
            RefundRules(after_expiry=REFUSE),
            Ruling.REFUSE,
            RefundReason.NOT_BY_POLICY,
        ),
        (
            a_coupon(times_total=5, times_used=2),
            DEFAULT,
            Ruling.ASK,
            RefundReason.POLICY_ASKS,
        ),
        (
            a_coupon(times_total=5, times_used=2),
            RefundRules(partly_used=ALLOW),
            Ruling.ALLOW,
            None,
        ),
        (
            a_coupon(times_total=5, times_used=2, expired=True),
            RefundRules(partly_used=ALLOW, after_expiry=REFUSE),
            Ruling.REFUSE,
            RefundReason.NOT_BY_POLICY,
        ),
        (a_coupon(UseState.SPENT), DEFAULT, Ruling.REFUSE, RefundReason.ALREADY_REDEEMED),
        (a_coupon(UseState.REFUNDED), DEFAULT, Ruling.REFUSE, RefundReason.ALREADY_REFUNDED),
        (a_coupon(UseState.HELD), DEFAULT, Ruling.WAIT, RefundReason.BEING_REDEEMED),
        (
            a_coupon(UseState.UNKNOWN, order_known=False),
            DEFAULT,
            Ruling.ASK,
            RefundReason.NOTHING_KNOWN,
        ),
        (a_coupon(UseState.UNKNOWN), DEFAULT, Ruling.ALLOW, None),
        (
            a_coupon(UseState.UNKNOWN, said=CouponState.REDEEMED),
            DEFAULT,
            Ruling.REFUSE,
            RefundReason.ALREADY_REDEEMED,
        ),
        # What redemption knows goes before what the order has heard.
        (a_coupon(said=CouponState.REDEEMED), DEFAULT, Ruling.ALLOW, None),
    ],
)
def test_one_coupon_is_ruled_by_its_use_and_the_products_rules(
    use: Use, rules: RefundRules, ruling: Ruling, reason: RefundReason | None
) -> None:
    judgement = judged(use, rules=rules)
    assert (judgement.ruling, judgement.reason) == (ruling, reason)


def test_coupons_that_differ_are_left_to_a_person_who_may_allow_the_unspent() -> None:
    spent, free = a_coupon(UseState.SPENT), a_coupon(number=2)
    judgement = judged(spent, free, locked=False)
    assert (judgement.ruling, judgement.reason) == (Ruling.ASK, RefundReason.COUPONS_DIFFER)
    assert judgement.refundable == ("c2",)


def test_while_one_is_being_redeemed_nothing_is_decided() -> None:
    judgement = judged(a_coupon(UseState.HELD), a_coupon(UseState.SPENT, 2), locked=False)
    assert judgement.ruling is Ruling.WAIT


def test_what_was_never_issued_goes_by_the_policy_where_the_order_is_known() -> None:
    known = judge((), DEFAULT, locked=True, without_code=2, order_known=True)
    assert known.ruling is Ruling.ALLOW
    for locked, without_code, order_known in ((True, 2, False), (True, 0, True), (False, 2, True)):
        other = judge(
            (), DEFAULT, locked=locked, without_code=without_code, order_known=order_known
        )
        assert (other.ruling, other.reason) == (Ruling.ASK, RefundReason.NOTHING_KNOWN)


USES = st.builds(
    Use,
    coupon_id=st.sampled_from(["c1", "c2", "c3"]),
    state=st.sampled_from(UseState),
    times_total=st.integers(1, 3),
    times_used=st.integers(0, 3),
    expired=st.booleans(),
    said=st.none() | st.sampled_from(CouponState),
    order_known=st.booleans(),
)
RULES = st.builds(
    RefundRules,
    before_use=st.sampled_from(RefundDecision),
    after_expiry=st.sampled_from(RefundDecision),
    partly_used=st.sampled_from(RefundDecision),
)


@given(st.lists(USES, max_size=4), RULES, st.booleans(), st.integers(0, 2), st.booleans())
def test_nothing_is_allowed_that_is_not_locked_or_that_anybody_has_spent(
    uses: list[Use],
    rules: RefundRules,
    locked: bool,  # noqa: FBT001 - drawn
    without_code: int,
    known: bool,  # noqa: FBT001 - drawn
) -> None:
    judgement = judge(uses, rules, locked=locked, without_code=without_code, order_known=known)
    if judgement.ruling is Ruling.ALLOW:
        assert locked
        taken = {UseState.SPENT, UseState.HELD, UseState.REFUNDED}
        assert not taken & {use.state for use in uses}
    refused = {each.coupon_id for each in judgement.coupons if each.ruling is Ruling.REFUSE}
    if judgement.ruling in (Ruling.REFUSE, Ruling.ASK) and judgement.reason is None:
        raise AssertionError(judgement)
    assert not refused or judgement.ruling is not Ruling.ALLOW


def test_every_reason_has_words_and_the_last_row_takes_every_coupon() -> None:
    assert set(REASON_WORDS) == set(RefundReason)
    assert COUPON_RULES[-1].holds(a_coupon())
