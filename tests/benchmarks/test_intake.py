"""`make bench`: prints the figures; asserts only that nothing acknowledged is missing."""

import logging

import pytest
import structlog

from tests.benchmarks.intake import Plan, measure
from tests.benchmarks.report import show


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_intake_loses_nothing_at_full_speed() -> None:
    # The servers' own lines would stand between the figures.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = await measure(Plan.of_environment())
    show(report)
    assert report.missing == 0
