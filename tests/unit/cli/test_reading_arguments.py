"""What people type: times, and types of events."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.cli.tail import subjects_of
from deploy.cli.times import read_time
from deploy.embedded.problems import Problem
from shared.clock import utc_now


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        (" 3d ", timedelta(days=3)),
    ],
)
def test_a_length_of_time_means_that_long_ago(text: str, ago: timedelta) -> None:
    assert abs(utc_now() - ago - read_time(text, option="--since")) < timedelta(seconds=5)


def test_a_time_with_its_zone_is_taken_as_it_is() -> None:
    time = read_time("2026-11-21T18:00:00+08:00", option="--since")
    assert time == datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2 h", "2026-11-21T18:00:00", "", "99999999h"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Problem, match="--since") as refused:
        read_time(text, option="--since")
    assert "2h" in refused.value.remedy.en


@pytest.mark.parametrize(
    ("types", "subjects"),
    [
        ([], ["qiao.v1.*.>"]),
        (["order.*"], ["qiao.v1.*.order.>"]),
        (["order.paid", "coupon.*"], ["qiao.v1.*.coupon.>", "qiao.v1.*.order.paid"]),
        (["order.paid", "order.paid"], ["qiao.v1.*.order.paid"]),
        # The server refuses filters that overlap.
        (["order.paid", "order.*"], ["qiao.v1.*.order.>"]),
        (["order.*", "*"], ["qiao.v1.*.>"]),
    ],
)
def test_types_become_filters_that_do_not_overlap(types: list[str], subjects: list[str]) -> None:
    assert subjects_of(types, merchant="*") == subjects


def test_one_merchant_is_one_token_of_the_subject() -> None:
    assert subjects_of(["order.*"], merchant="yihetang") == ["qiao.v1.yihetang.order.>"]
