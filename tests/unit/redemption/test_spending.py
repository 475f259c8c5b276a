"""What speaks against a redemption before the platform is asked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.redemption.domain.records import Claim, Fact, FactKind, Preparation, Refusal
from services.redemption.domain.spending import (
    chosen,
    digest_of_request,
    known_to_be_spent,
    refusal_before_asking,
)
from services.redemption.domain.states import LedgerState
from shared.platforms.answers import CouponKind
from shared.platforms.reasons import Reason
from tests.unit.redemption.builders import (
    ID,
    NOW,
    OTHER_ID,
    a_claim,
    a_preparation,
    an_offer,
)


def refusal(
    preparation: Preparation,
    coupon_ids: Sequence[str] = ("c1",),
    *,
    claims: Sequence[Claim] = (),
    facts: Sequence[Fact] = (),
    **changes: Any,
) -> Refusal | None:
    others: dict[str, Any] = {"claimed": False, "now": NOW, "coupons_per_call": 20}
    return refusal_before_asking(
        preparation, coupon_ids, claims=claims, facts=facts, **others | changes
    )


def reason(preparation: Preparation, *arguments: Any, **changes: Any) -> Reason | None:
    found = refusal(preparation, *arguments, **changes)
    return found.reason if found else None


def a_fact(kind: FactKind, *, seconds_after_scan: int = 0) -> Fact:
    scanned_at = a_preparation().prepared_at
    return Fact("c1", kind, scanned_at + timedelta(seconds=seconds_after_scan))


def test_a_fresh_scan_of_a_usable_coupon_may_be_spent() -> None:
    assert reason(a_preparation()) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"coupon_ids": ["c9"]}, Reason.COUPON_NOT_IN_PREPARATION),
        ({"coupons_per_call": 0}, Reason.TOO_MANY_COUPONS),
        ({"claimed": True}, Reason.PREPARATION_USED),
        ({"now": NOW + timedelta(minutes=10)}, Reason.PREPARATION_EXPIRED),
        ({"claims": [a_claim()]}, Reason.ALREADY_REDEEMED),
        ({"claims": [a_claim(state=LedgerState.HELD)]}, Reason.REDEEMING_ELSEWHERE),
        ({"claims": [a_claim(use_no=2)]}, None),
        ({"facts": [a_fact(FactKind.REFUNDED)]}, Reason.ALREADY_REFUNDED),
        ({"facts": [a_fact(FactKind.REDEEMED)]}, Reason.ALREADY_REDEEMED),
        ({"facts": [a_fact(FactKind.AVAILABLE)]}, None),
        # The platform offered it after that: what it said last counts.
        ({"facts": [a_fact(FactKind.REDEEMED, seconds_after_scan=-1)]}, None),
        ({"facts": [a_fact(FactKind.REFUNDED, seconds_after_scan=-1)]}, None),
        # Who was faster is more telling than that the scan is used or old.
        ({"claimed": True, "claims": [a_claim()]}, Reason.ALREADY_REDEEMED),
        ({"now": NOW + timedelta(hours=1), "claims": [a_claim()]}, Reason.ALREADY_REDEEMED),
    ],
)
def test_the_most_telling_reason_is_given(changes: Any, expected: Reason | None) -> None:
    assert reason(a_preparation(), **changes) is expected


def test_what_the_platform_had_against_a_coupon_still_counts() -> None:
    preparation = a_preparation(an_offer(reason=Reason.NOT_TODAY))
    assert reason(preparation) is Reason.NOT_TODAY


def test_a_scan_whose_secrets_are_gone_has_expired() -> None:
    assert reason(a_preparation(sealed=None)) is Reason.PREPARATION_EXPIRED


def test_a_use_of_a_card_that_is_spent_asks_for_a_new_scan() -> None:
    preparation = a_preparation(an_offer(kind=CouponKind.TIMES_CARD, use_no=3))
    assert reason(preparation, claims=[a_claim(use_no=3)]) is Reason.PREPARATION_USED
    assert reason(preparation, claims=[a_claim(use_no=2)]) is None


def test_a_card_that_was_used_elsewhere_may_have_uses_left() -> None:
    preparation = a_preparation(an_offer(kind=CouponKind.TIMES_CARD))
    assert reason(preparation, facts=[a_fact(FactKind.REDEEMED)]) is None
    assert reason(preparation, facts=[a_fact(FactKind.REFUNDED)]) is Reason.ALREADY_REFUNDED


def test_the_refusal_says_who_was_faster() -> None:
    claim = a_claim()
    found = refusal(a_preparation(), claims=[claim])
    assert found is not None
    assert found.claim == claim


def test_coupons_are_locked_in_one_order_whoever_asks() -> None:
    preparation = a_preparation(an_offer("c2"), an_offer("c1"), an_offer("c3"))
    assert [offer.coupon_id for offer in chosen(preparation, ["c3", "c1"])] == ["c1", "c3"]


def test_the_order_of_coupons_is_no_part_of_the_request() -> None:
    assert digest_of_request("s-1", ID, ["a", "b"]) == digest_of_request("s-1", ID, ["b", "a"])


@pytest.mark.parametrize(
    "other",
    [
        digest_of_request("s-2", ID, ["a"]),
        digest_of_request("s-1", OTHER_ID, ["a"]),
        digest_of_request("s-1", ID, ["b"]),
        digest_of_request("s-1", ID, ["a", "b"]),
    ],
)
def test_another_store_scan_or_coupon_is_another_request(other: bytes) -> None:
    assert digest_of_request("s-1", ID, ["a"]) != other


def test_a_code_is_known_to_be_spent_once_all_it_stood_for_is() -> None:
    early, late = a_claim("c1"), a_claim("c2", claimed_at=NOW)
    both = (an_offer("c1"), an_offer("c2"))
    assert known_to_be_spent(both, [early, late]) == late
    assert known_to_be_spent(both, [early]) is None
    assert known_to_be_spent((), []) is None


def test_what_is_only_held_is_not_known_to_be_spent() -> None:
    held = a_claim(state=LedgerState.HELD, redeemed_at=None)
    assert known_to_be_spent([an_offer()], [held]) is None


def test_a_card_is_never_known_to_be_spent() -> None:
    assert known_to_be_spent([an_offer(kind=CouponKind.TIMES_CARD)], [a_claim()]) is None
