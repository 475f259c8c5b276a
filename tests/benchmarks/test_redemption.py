"""`make bench`: prints the figures; asserts only that what was answered is in the ledger."""

import logging

import pytest
import structlog

from tests.benchmarks.redemption import Plan, measure, show


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_every_redemption_that_was_answered_is_in_the_ledger() -> None:
    # The servers' own lines would stand between the figures.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = await measure(Plan.of_environment())
    show(report)
    for each in (*report.full, *report.steady):
        assert each.spent == each.result.redeemed == sum(each.result.outcomes.values())
