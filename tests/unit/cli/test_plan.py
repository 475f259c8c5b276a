"""A day is decided by its seed, and has the shape of its scenario."""

from pathlib import Path
from random import Random

import pytest

from deploy.cli.simulation.plan import Customer, Sold, plan_customers
from deploy.cli.simulation.scenario import Curve, Scenario, Stretch

SCENARIOS = Path(__file__).parents[3] / "services" / "simulator" / "scenarios"
NAMES = sorted(file.stem for file in SCENARIOS.glob("*.json"))
SOLD = (Sold("a", 3), Sold("b", 1))
every_scenario = pytest.mark.parametrize("name", NAMES)


def scenario_named(name: str) -> Scenario:
    return Scenario.model_validate_json((SCENARIOS / f"{name}.json").read_bytes())


def a_day(name: str, *, orders: int = 2000, seed: int = 1) -> list[Customer]:
    scenario = scenario_named(name)
    return plan_customers(scenario, SOLD, orders=orders, duration_seconds=100, seed=seed, run="run")


@every_scenario
def test_the_same_seed_is_the_same_day_and_another_is_not(name: str) -> None:
    assert a_day(name) == a_day(name)
    assert a_day(name) != a_day(name, seed=2)


@every_scenario
def test_everybody_comes_in_turn_within_the_day_and_with_a_name_of_their_own(name: str) -> None:
    customers = a_day(name)
    moments = [customer.at_seconds for customer in customers]
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < 100
    assert len({customer.reference for customer in customers}) == len(customers)


@every_scenario
def test_nothing_happens_to_a_coupon_before_it_is_paid(name: str) -> None:
    for customer in a_day(name):
        paid_at = customer.pays_late_at_seconds or customer.at_seconds
        later = [visit.at_seconds for visit in customer.visits]
        later += [moment for moment, _ in customer.refunds]
        assert all(moment > paid_at for moment in later)
        never_paid = not customer.order["paid"] and customer.pays_late_at_seconds is None
        assert not (never_paid and later)


@every_scenario
def test_shares_are_those_of_the_scenario(name: str) -> None:
    scenario, customers = scenario_named(name), a_day(name)
    coupons = sum(customer.order["count"] for customer in customers)
    used = sum(len(visit.places) for customer in customers for visit in customer.visits)
    unpaid = sum(not customer.order["paid"] for customer in customers)
    assert used / coupons == pytest.approx(scenario.redemptions.share_of_coupons, abs=0.05)
    assert unpaid / len(customers) == pytest.approx(scenario.unpaid_share, abs=0.02)


def test_a_live_show_meets_everything_that_can_go_wrong_at_a_counter() -> None:
    visits = [visit for customer in a_day("live-show") for visit in customer.visits]
    assert any(visit.races for visit in visits)
    assert any(visit.rescans and not visit.races for visit in visits)
    assert any(visit.cancels and visit.comes_again for visit in visits)
    assert any(visit.refund_meanwhile for visit in visits)
    assert {visit.form for visit in visits} == {0, 1, 2}
    assert any(customer.pays_late_at_seconds for customer in a_day("live-show"))
    assert any(customer.refunds for customer in a_day("live-show"))


def test_a_curve_is_dense_where_it_is_high() -> None:
    curve = Curve(
        [
            Stretch(name="calm", duration_share=0.9, relative_rate=1),
            Stretch(name="peak", duration_share=0.1, relative_rate=9),
        ]
    )
    random = Random(1)
    moments = [curve.moment(random) for _ in range(4000)]
    assert all(0 <= moment < 1 for moment in moments)
    in_peak = sum(moment >= 0.9 for moment in moments) / len(moments)
    assert in_peak == pytest.approx(0.5, abs=0.03)
