"""The bodies that terminals get."""

import pytest

from services.redemption.domain import answers
from services.redemption.domain.records import Refusal
from services.redemption.domain.settling import Ending, Verdict
from services.redemption.domain.states import LedgerState
from shared.platforms.answers import CouponKind
from shared.platforms.reasons import GUIDANCE, Reason
from tests.unit.redemption.builders import (
    NOW,
    a_claim,
    a_preparation,
    a_redemption,
    a_row,
    an_offer,
)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_says_what_happened_and_what_to_do_in_both_languages(
    reason: Reason,
) -> None:
    body = answers.refused(Refusal(reason, "detail"), store_id="s-1")
    assert body["outcome"] == "refused"
    assert body["reason"] == reason
    assert body["title"] == {"zh": GUIDANCE[reason].title.zh, "en": GUIDANCE[reason].title.en}
    assert body["action"]["zh"]
    assert body["store_id"] == "s-1"
    assert "claim" not in body


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("券码 102539929601 已核销", "券码 … 已核销"),
        ("CgwIARDhJxjLLyABKAESLgosRSH/ is dead", "… is dead"),
        ("the preparation is too long ago", "the preparation is too long ago"),
        ("it was possible until 2026-11-21 12:00:00+00:00", None),
        ("风险核销,48小时内", None),
    ],
)
def test_a_code_in_the_platforms_words_is_left_out(said: str, kept: str | None) -> None:
    assert answers.without_codes(said) == (said if kept is None else kept)


def test_who_was_faster_is_named_with_store_and_time() -> None:
    body = answers.refused(Refusal(Reason.ALREADY_REDEEMED, "", a_claim()))
    assert body["claim"]["store_name"] == "人民广场店"
    assert body["claim"]["redeemed_at"] == "2026-11-21T11:55:00+00:00"


def test_a_scan_shows_what_is_usable_and_why_the_rest_is_not() -> None:
    preparation = a_preparation(an_offer("c1"), an_offer("c2", reason=Reason.EXPIRED))
    usable, expired = answers.prepared(preparation)["coupons"]
    assert (usable["usable"], usable["reason"], usable["guidance"]) == (True, None, None)
    assert (expired["usable"], expired["reason"]) == (False, "expired")
    assert expired["guidance"]["title"]["zh"]


def test_of_several_coupons_each_says_its_own_outcome() -> None:
    verdicts = [
        Verdict("c1", Ending.SPENT, at=NOW),
        Verdict("c2", Ending.REFUSED, Reason.RISK_HOLD),
    ]
    body = answers.redeemed(
        a_redemption(),
        [an_offer("c1"), an_offer("c2")],
        verdicts,
        redeemed_at=NOW,
        cancel_until=NOW,
    )
    assert body["outcome"] == "redeemed"
    assert [one["outcome"] for one in body["coupons"]] == ["redeemed", "refused"]
    assert [one["reason"] for one in body["coupons"]] == [None, "risk_hold"]


def test_a_card_shows_the_uses_left_after_this_one() -> None:
    offer = an_offer(kind=CouponKind.TIMES_CARD, times_left=3)
    spent, refused = Verdict("c1", Ending.SPENT, at=NOW), Verdict("c1", Ending.REFUSED)
    assert answers.ended([offer], [spent])[0]["times_left"] == 2
    assert answers.ended([offer], [refused])[0]["times_left"] == 3


def test_cancel_until_counts_only_what_is_still_spent() -> None:
    released = a_row(state=LedgerState.RELEASED, released_at=NOW, released_because="taken back")
    assert answers.cancel_until([released]) is None
    assert answers.cancel_until([released, a_row("c2")]) == "2026-11-21T13:00:00+00:00"


@pytest.mark.parametrize(
    ("reason", "lookup", "request_status"),
    [
        (Reason.CODE_UNKNOWN, 409, 409),
        (Reason.TOO_MANY_ATTEMPTS, 429, 409),
        (Reason.PLATFORM_BUSY, 503, 409),
        (Reason.PLATFORM_UNREACHABLE, 503, 409),
        (Reason.PREPARATION_UNKNOWN, 404, 404),
        (Reason.REDEMPTION_UNKNOWN, 404, 404),
    ],
)
def test_a_scan_may_be_tried_again_and_a_redemption_is_final(
    reason: Reason, lookup: int, request_status: int
) -> None:
    assert answers.status_of_lookup(reason) == lookup
    assert answers.status_of_request(reason) == request_status
