import pytest

from shared.platforms.douyin.errors import (
    CODES,
    Disposition,
    meaning_of_envelope,
    meaning_of_result,
)
from shared.platforms.reasons import Reason

# Every code that the platform's documents list, as far as we have them.
DOCUMENTED = {
    *(2100001, 2100004, 2100005, 2100007, 2190001, 2190002, 2190004, 2190008),
    *(2119001, 2119002, 2119003, 2119005, 2119006, 2119007, 2119008, 2119010),
    *(3000001, 3000002, 3100101, 4000001, 4000002, 5000001, 45005117, 200002),
    *(1208, 1212, 1221, 1229, 1241, 1250, 1263, 1265, 1502, 1508),
    *(28001003, 28001005, 28001006, 28001007, 28001008, 28003017, 28003018),
    *(10002, 10003, 10013, 10020),
}


def test_every_documented_code_has_a_meaning() -> None:
    assert set(CODES) >= DOCUMENTED


@pytest.mark.parametrize("code", [2100001, 2100004, 2119002, 3000001, 5000001, 28001005, 424242])
def test_what_may_have_worked_is_unknown_with_effect_and_harmless_without(code: int) -> None:
    with_effect = meaning_of_envelope(code, has_effect=True)
    assert with_effect.disposition is Disposition.UNKNOWN_OUTCOME
    without = meaning_of_envelope(code, has_effect=False)
    assert without.disposition in {Disposition.RETRY, Disposition.REFUSED}


@pytest.mark.parametrize("code", [2119003, 2190001, 28003017, 28003018])
def test_a_quota_is_checked_before_any_work_so_the_call_may_be_repeated(code: int) -> None:
    assert meaning_of_envelope(code, has_effect=True).disposition is Disposition.RETRY


@pytest.mark.parametrize("code", [2190002, 2190008, 28001003, 28001008])
def test_a_dead_token_asks_for_another(code: int) -> None:
    assert meaning_of_envelope(code, has_effect=True).disposition is Disposition.TOKEN


def test_the_sub_code_names_the_cause_where_the_code_only_says_try_again() -> None:
    meaning = meaning_of_envelope(3000001, sub_code=2034000910, has_effect=True)
    assert meaning.disposition is Disposition.REFUSED
    assert meaning.reason is Reason.CANCEL_WINDOW_CLOSED
    unknown_sub = meaning_of_envelope(2190004, sub_code=99, has_effect=True)
    assert unknown_sub.reason is Reason.APP_NOT_AUTHORISED


def test_success_is_success_whatever_the_sub_code() -> None:
    assert meaning_of_envelope(0, sub_code=1208, has_effect=True).disposition is Disposition.OK
    # A result of one coupon is no code of an envelope.
    assert meaning_of_envelope(2, has_effect=True).disposition is Disposition.UNKNOWN_OUTCOME


def test_an_unknown_code_refuses_a_lookup_and_leaves_a_spend_open() -> None:
    assert meaning_of_envelope(77, has_effect=False).reason is Reason.UNKNOWN_PLATFORM_ERROR
    assert meaning_of_envelope(77, has_effect=False).disposition is Disposition.REFUSED
    assert meaning_of_result(77).disposition is Disposition.UNKNOWN_OUTCOME


@pytest.mark.parametrize("code", sorted(CODES))
def test_what_is_refused_or_busy_has_a_reason_a_clerk_can_read(code: int) -> None:
    assert CODES[code].note
    assert CODES[code].reason in Reason
