"""What a scan offers, once our own ledger has been asked."""

from datetime import timedelta

import pytest

from services.redemption.domain.offers import (
    next_use,
    offers_of,
    taken_back_elsewhere,
    with_claims,
)
from services.redemption.domain.records import Claim, Offer
from services.redemption.domain.states import LedgerState
from shared.platforms.answers import Coupon
from shared.platforms.reasons import Reason
from tests.unit.redemption.builders import NOW, a_card, a_claim, a_coupon


def shown(coupon: Coupon, *claims: Claim) -> Offer:
    (offer,) = with_claims(offers_of([coupon], claims), claims)
    return offer


def test_a_coupon_that_nobody_claims_is_offered_as_the_platform_has_it() -> None:
    (offer,) = offers_of([a_coupon(expires_at=NOW)], [])
    assert (offer.coupon_id, offer.use_no, offer.reason) == ("c1", 1, None)
    assert (offer.pay_amount_fen, offer.expires_at) == (8800, NOW)


def test_what_the_platform_has_against_a_coupon_goes_first() -> None:
    assert shown(a_coupon(reason=Reason.EXPIRED), a_claim()).reason is Reason.EXPIRED


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (LedgerState.SPENT, Reason.ALREADY_REDEEMED),
        (LedgerState.HELD, Reason.REDEEMING_ELSEWHERE),
    ],
)
def test_a_coupon_that_we_hold_or_spent_is_not_usable(state: LedgerState, reason: Reason) -> None:
    assert shown(a_coupon(), a_claim(state=state)).reason is reason


def test_claims_of_other_coupons_do_not_count() -> None:
    assert shown(a_coupon(), a_claim("c2")).reason is None


@pytest.mark.parametrize(
    ("used", "taken", "expected"),
    [
        (0, set(), 1),
        (3, set(), 4),
        # Spent here, and the platform's count is not there yet.
        (0, {1}, 2),
        # Uses 1 and 2 spent, the first taken back: its gap is filled.
        (1, {2}, 1),
        (2, {1, 2}, 3),
        (2, {1, 2, 3}, 4),
    ],
)
def test_the_next_use_of_a_card_is_one_that_nobody_has(
    used: int, taken: set[int], expected: int
) -> None:
    assert next_use(a_card(used=used), taken) == expected


def test_a_card_with_spent_uses_is_usable_and_its_next_use_is_another() -> None:
    offer = shown(a_card(used=2), a_claim(use_no=1), a_claim(use_no=3))
    assert (offer.use_no, offer.reason) == (2, None)


def test_two_tills_that_scan_a_card_together_get_the_same_use() -> None:
    assert next_use(a_card(used=4), set()) == next_use(a_card(used=4), set())


def test_the_uses_left_of_a_card_are_shown() -> None:
    (offer,) = offers_of([a_card(used=3, total=10)], [])
    assert offer.times_left == 7


def test_a_coupon_offered_long_after_we_spent_it_was_taken_back_elsewhere() -> None:
    claim = a_claim(redeemed_at=NOW - timedelta(minutes=2))
    assert taken_back_elsewhere([a_coupon()], [claim], now=NOW) == (claim,)


@pytest.mark.parametrize(
    "claim",
    [
        a_claim(redeemed_at=NOW - timedelta(seconds=10)),
        a_claim(state=LedgerState.HELD, redeemed_at=None),
        a_claim("c2", redeemed_at=NOW - timedelta(hours=1)),
    ],
)
def test_what_is_fresh_or_under_way_or_not_offered_stays_ours(claim: object) -> None:
    assert taken_back_elsewhere([a_coupon()], [claim], now=NOW) == ()  # type: ignore[list-item]


def test_a_card_with_uses_left_proves_nothing() -> None:
    claim = a_claim(redeemed_at=NOW - timedelta(hours=1))
    assert taken_back_elsewhere([a_card(used=1)], [claim], now=NOW) == ()
