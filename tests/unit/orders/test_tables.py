"""The tables are whole, and mean what they say."""

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import product
from pathlib import Path

import pytest

import services.orders
from services.orders.domain.coupons import (
    CONTRADICTED_COUPON,
    COUPON_KINDS,
    COUPON_TRANSITIONS,
    STATE_OF,
    CouponPhase,
    Why,
)
from services.orders.domain.facts import SAME_SECOND_ORDER
from services.orders.domain.orders import RULES, Question, Tally
from services.orders.domain.phases import (
    CONTRADICTED_ORDER,
    EVIDENCE,
    ORDER_TRANSITIONS,
    UNPAID,
    Evidence,
    OrderPhase,
)
from services.orders.domain.words import CONTRADICTIONS, QUESTIONS, WHY
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.observations import ObservationKind, Source
from shared.contracts.orders import CouponState, OrderState

MIGRATIONS = Path(services.orders.__file__).parent / "migrations"


def test_every_phase_of_a_coupon_takes_every_kind_of_fact_about_it() -> None:
    kinds = {kind for kind in ObservationKind if kind.startswith("coupon_")}
    assert kinds == COUPON_KINDS
    assert set(COUPON_TRANSITIONS) == set(product(CouponPhase, kinds))
    assert set(STATE_OF) == set(CouponPhase) - {CouponPhase.UNHEARD}


def test_every_phase_of_an_order_takes_every_evidence() -> None:
    telling = set(Evidence) - {Evidence.NOTHING}
    assert set(ORDER_TRANSITIONS) == set(product(OrderPhase, telling))
    assert set(EVIDENCE) == set(ObservationKind)


def test_every_phase_is_reached_and_none_leads_back_to_unheard() -> None:
    assert set(COUPON_TRANSITIONS.values()) == set(CouponPhase) - {CouponPhase.UNHEARD}
    assert set(ORDER_TRANSITIONS.values()) == set(OrderPhase) - {OrderPhase.UNHEARD}


def test_saying_a_thing_twice_is_saying_it_once() -> None:
    for (_, kind), reached in COUPON_TRANSITIONS.items():
        assert COUPON_TRANSITIONS[reached, kind] is reached
    for (_, evidence), phase in ORDER_TRANSITIONS.items():
        assert ORDER_TRANSITIONS[phase, evidence] is phase


def test_money_that_went_back_stays_back() -> None:
    refunded = {CouponPhase.REFUNDED, CONTRADICTED_COUPON}
    for phase, kind in product(refunded, COUPON_KINDS):
        assert COUPON_TRANSITIONS[phase, kind] in refunded


def test_an_order_that_was_paid_never_counts_as_unpaid_again() -> None:
    for (phase, _), reached in ORDER_TRANSITIONS.items():
        assert phase in UNPAID or reached not in UNPAID


def test_one_order_within_a_second_for_every_kind() -> None:
    assert sorted(SAME_SECOND_ORDER) == sorted(ObservationKind)


def test_some_rule_holds_whatever_the_coupons_and_each_rule_decides_something() -> None:
    subsets = [
        frozenset(state for state, chosen in zip(CouponState, mask, strict=True) if chosen)
        for mask in product((False, True), repeat=len(CouponState))
    ]
    deciding = {
        next(rule for rule in RULES if rule.holds(Tally(phase, states, whole=whole)))
        for phase, states, whole in product(OrderPhase, subsets, (False, True))
        if states or not whole
    }
    assert deciding == set(RULES)
    assert {rule.state for rule in RULES} == set(OrderState)


def test_nothing_is_claimed_of_the_whole_while_the_count_is_unknown() -> None:
    for state in CouponState:
        tally = Tally(OrderPhase.PAID, frozenset({state}), whole=False)
        rule = next(rule for rule in RULES if rule.holds(tally))
        assert rule.state not in {OrderState.REDEEMED, OrderState.REFUNDED, OrderState.CLOSED}


def test_everything_that_is_explained_has_words() -> None:
    assert set(WHY) == set(Why)
    assert set(QUESTIONS) == set(Question)
    assert set(CONTRADICTIONS) == {STATE_OF[CONTRADICTED_COUPON], *CONTRADICTED_ORDER}


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("order_state_is_known", OrderState),
        ("coupon_state_is_known", CouponState),
        ("observation_kind_is_known", ObservationKind),
        ("observation_source_is_known", Source),
        ("after_sale_state_is_known", AfterSaleState),
    ],
)
def test_the_schema_knows_the_same_values(constraint: str, values: Iterable[StrEnum]) -> None:
    sql = "".join(file.read_text() for file in sorted(MIGRATIONS.iterdir()))
    # A later migration replaces the constraint of an earlier one.
    *_, found = re.findall(rf"CONSTRAINT {constraint} CHECK \(\s*\w+ IN \(([^)]*)\)", sql)
    assert set(re.findall(r"'(\w+)'", found)) == set(values)
