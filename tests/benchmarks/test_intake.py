"""`make bench`: prints the figures; asserts only that nothing acknowledged is missing."""

import pytest

from tests.benchmarks.intake import Plan, measure
from tests.benchmarks.report import show


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_intake_loses_nothing_at_full_speed() -> None:
    report = await measure(Plan.of_environment())
    show(report)
    assert report.missing == 0
