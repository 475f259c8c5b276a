"""`make bench`: prints the figures; asserts only that every question has its answer on record."""

import logging

import pytest
import structlog

from tests.benchmarks.questions import Plan, measure, show


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_every_question_is_answered_and_every_answer_is_on_record() -> None:
    # The servers' own lines would stand between the figures.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = await measure(Plan.of_environment())
    show(report)
    given = sum(each.codes.get("0", 0) for each in report.rounds)
    assert report.answered >= given
