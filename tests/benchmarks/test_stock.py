"""`make bench`: prints the figures; asserts only that exactly what there was is sold."""

import logging

import pytest
import structlog

from tests.benchmarks.stock import STOCK, Plan, measure, show


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_hot_sku_is_sold_to_the_last_piece_and_no_further() -> None:
    # The servers' own lines would stand between the figures.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = await measure(Plan.of_environment())
    show(report)
    for each in report.scarce:
        assert each.result.outcomes == {"held": STOCK, "sold_out": report.plan.buyers - STOCK}
        assert each.counted == (STOCK, STOCK, 0)
    for each in report.plenty:
        assert each.counted == (report.plan.buyers, report.plan.buyers, 0)
