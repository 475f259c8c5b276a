"""The rules of usage against the vectors that terminals evaluate too, and what must always hold."""

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.redemption.domain.usage import Term, Use, why_not
from shared.contracts.products import Days, Hours, UsageRules
from shared.platforms.reasons import Reason

FILE = Path(__file__).parent.parent.parent.parent / "docs" / "vectors" / "usage-rules.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())["vectors"]
_TERM, _USE = TypeAdapter(Term), TypeAdapter(Use)

moments = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis wants it naive and adds the zone
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/London", "Asia/Kolkata"])
clocks = st.times()


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_is_answered_as_it_says(vector: dict[str, Any]) -> None:
    rules = UsageRules.model_validate(vector["rules"])
    term = _TERM.validate_python(vector["term"])
    use = _USE.validate_python(vector["use"])
    assert why_not(rules, term, use) == vector["reason"]


def test_the_vectors_know_every_reason_often_enough() -> None:
    told = Counter(vector["reason"] for vector in VECTORS)
    assert len(VECTORS) >= 80
    assert set(told) == {
        None,
        Reason.WRONG_STORE,
        Reason.EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.NOT_TODAY,
        Reason.NOT_THIS_HOUR,
        Reason.WRONG_SLOT,
        Reason.USED_UP_TODAY,
        Reason.USED_UP_IN_PERIOD,
    }
    assert all(number >= 3 for number in told.values()), told


@given(moments, zones, st.lists(moments, max_size=5))
def test_rules_that_say_nothing_forbid_nothing(
    moment: datetime, zone: str, earlier: list[datetime]
) -> None:
    assert why_not(UsageRules(), Term(), Use(moment, "s", zone, earlier)) is None


@given(moments, zones, clocks, clocks)
def test_hours_and_the_rest_of_the_day_share_every_moment(
    moment: datetime, zone: str, start: time, end: time
) -> None:
    """What is outside of some hours is inside of those from their end to their start."""
    if start == end:
        return
    inside = UsageRules(hours=(Hours(start=start, end=end),))
    outside = UsageRules(hours=(Hours(start=end, end=start),))
    answers = {
        why_not(rules, Term(), Use(moment, "s", zone)) is None for rules in (inside, outside)
    }
    assert answers == {True, False}


@given(moments, zones, st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 40))
def test_a_blackout_forbids_exactly_what_the_same_dates_allow(
    moment: datetime, zone: str, first: date, length: int
) -> None:
    days = Days(first=first, last=first + timedelta(days=length))
    allowed = why_not(UsageRules(dates=days), Term(), Use(moment, "s", zone)) is None
    forbidden = why_not(UsageRules(blackouts=(days,)), Term(), Use(moment, "s", zone)) is not None
    assert allowed == forbidden


@given(moments, zones, st.lists(moments, max_size=6), st.integers(1, 4), st.integers(1, 4))
def test_one_more_earlier_use_never_makes_a_card_usable(
    moment: datetime, zone: str, earlier: list[datetime], limit: int, times: int
) -> None:
    rules = UsageRules(uses_per_day=limit, period_days=7, uses_per_period=2 * limit)
    fewer = why_not(rules, Term(), Use(moment, "s", zone, earlier, times))
    more = why_not(rules, Term(), Use(moment, "s", zone, [*earlier, moment], times))
    assert fewer is None or more is not None
