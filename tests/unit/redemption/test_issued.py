"""Coupons of ours as they stand: what is offered, what speaks against it, what a use is worth."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redemption.domain.issued import (
    Issued,
    Place,
    free_uses,
    known_to_be_spent,
    offer_of,
    read_slot,
    refusal_of_state,
    share_of,
)
from services.redemption.domain.usage import Slot, Term
from shared.contracts.products import Hours, UsageRules
from shared.platforms.reasons import Reason
from tests.unit.redemption.builders import NOW, a_claim

PLACE = Place("s-1", "Asia/Shanghai")


def an_issued(**changes: Any) -> Issued:
    plain = Issued(
        platform="douyin",
        coupon_id="c1",
        merchant="yihetang",
        order_id="o1",
        title="双人餐",
        kind="meal",
        usage=UsageRules(),
        term=Term(),
        original_amount_fen=10_000,
        pay_amount_fen=8_800,
        times_total=1,
        times_used=0,
        version=1,
        refund_lock=None,
        refunded_at=None,
        claims=(),
    )
    return replace(plain, **changes)


def test_a_coupon_that_nothing_speaks_against_is_usable() -> None:
    offer = offer_of(an_issued(), PLACE, now=NOW)
    assert (offer.reason, offer.use_no, offer.times_left) == (None, 1, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"refunded_at": NOW}, Reason.ALREADY_REFUNDED),
        ({"times_used": 1, "claims": (a_claim(),)}, Reason.ALREADY_REDEEMED),
        ({"times_total": 3, "times_used": 3}, Reason.TIMES_USED_UP),
        ({"refund_lock": "a1"}, Reason.REFUND_IN_PROGRESS),
        ({"refunded_at": NOW, "refund_lock": "a1"}, Reason.ALREADY_REFUNDED),
    ],
)
def test_what_has_become_of_it_is_told(changes: dict[str, Any], reason: Reason) -> None:
    refusal = refusal_of_state(an_issued(**changes))
    assert refusal is not None
    assert refusal.reason is reason


def test_a_coupon_of_one_use_that_is_spent_names_who_spent_it() -> None:
    assert known_to_be_spent(an_issued(times_used=1, claims=(a_claim(),))) == a_claim()
    assert known_to_be_spent(an_issued(times_total=2, times_used=2, claims=(a_claim(),))) is None


def test_a_gap_that_was_taken_back_is_filled_first() -> None:
    claims = (a_claim(use_no=1), a_claim(use_no=3))
    card = an_issued(times_total=5, times_used=2, claims=claims)
    assert free_uses(card, 2) == (2, 4)
    assert free_uses(card, 9) == (2, 4, 5)


@given(st.integers(0, 10**9), st.integers(1, 200))
def test_shares_add_up_to_the_fen_and_differ_by_one_at_most(amount: int, parts: int) -> None:
    shares = [share_of(amount, part, parts) or 0 for part in range(1, parts + 1)]
    assert sum(shares) == amount
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize(
    ("slot", "hours"),
    [
        ("10:00-12:00", Hours(start=time(10), end=time(12))),
        (" 09:30 - 11:00 ", Hours(start=time(9, 30), end=time(11))),
        ("上午场", None),
        ("10:00", None),
        (None, None),
    ],
)
def test_a_slot_is_its_hours_or_else_the_day(slot: str | None, hours: Hours | None) -> None:
    day = date(2026, 11, 22)
    assert read_slot(day, slot) == Slot(day, hours)
    assert read_slot(None, slot) is None


def test_earlier_uses_count_against_the_limits_of_the_rules() -> None:
    rules = UsageRules(uses_per_day=1)
    earlier = a_claim(redeemed_at=NOW - timedelta(minutes=5))
    card = an_issued(times_total=5, times_used=1, usage=rules, claims=(earlier,))
    assert offer_of(card, PLACE, now=NOW).reason is Reason.USED_UP_TODAY
    assert offer_of(card, PLACE, now=NOW + timedelta(days=1)).reason is None
