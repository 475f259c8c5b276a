"""Token buckets: bounded, forgiving over time, and fair."""

import pytest

from services.access.handlers import limits
from services.access.handlers.limits import Buckets
from shared.errors import TooManyRequests


def test_the_burst_is_free_and_then_the_wait_is_told() -> None:
    buckets = Buckets(burst=3, per_minute=6)
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(TooManyRequests) as refused:
        buckets.take("a")
    assert 9 <= refused.value.retry_after_seconds <= 10


def test_one_caller_does_not_empty_the_bucket_of_another() -> None:
    buckets = Buckets(burst=1, per_minute=1)
    buckets.take("a")
    buckets.take("b")
    with pytest.raises(TooManyRequests):
        buckets.take("a")


def test_a_look_costs_nothing() -> None:
    buckets = Buckets(burst=1, per_minute=1)
    for _ in range(100):
        buckets.check("a")
    buckets.take("a")
    with pytest.raises(TooManyRequests):
        buckets.check("a")


def test_who_is_charged_unasked_owes_a_second_burst_at_most() -> None:
    buckets = Buckets(burst=2, per_minute=6)
    for _ in range(100):
        buckets.charge("a")
    with pytest.raises(TooManyRequests) as refused:
        buckets.check("a")
    assert 29 <= refused.value.retry_after_seconds <= 30


def test_memory_is_bounded_however_many_callers_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CALLERS_MAX", 100)
    buckets = Buckets(burst=1, per_minute=1)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets._levels) == 100
