"""Refunds that name the order and the amount, and no coupon."""

from itertools import permutations, product

import pytest

from services.orders.domain.facts import Fact
from services.orders.domain.order_refunds import REFUND_KINDS, REFUND_TRANSITIONS, RefundPhase
from services.orders.domain.orders import fold
from shared.contracts.observations import ObservationKind
from shared.contracts.orders import OrderState
from tests.unit.orders.histories import a_fact

_K, _S = ObservationKind, OrderState


def paid(amount_fen: int | None = 1000) -> Fact:
    return a_fact(_K.ORDER_PAID, pay_amount_fen=amount_fen)


def refund(
    kind: ObservationKind, amount_fen: int | None, *, refund_id: str = "r1", seconds: float = 10
) -> Fact:
    return a_fact(kind, seconds=seconds, refund_amount_fen=amount_fen, refund_id=refund_id)


def test_every_phase_of_a_refund_takes_every_kind_of_fact_about_it() -> None:
    kinds = {kind for kind in ObservationKind if kind.startswith("order_refund")}
    assert kinds == REFUND_KINDS
    assert set(REFUND_TRANSITIONS) == set(product(RefundPhase, kinds))
    for (_, kind), reached in REFUND_TRANSITIONS.items():
        assert REFUND_TRANSITIONS[reached, kind] is reached


@pytest.mark.parametrize(
    ("facts", "state", "refunded_fen"),
    [
        ([paid(), refund(_K.ORDER_REFUNDING, 400)], _S.REFUNDING, 0),
        ([paid(), refund(_K.ORDER_REFUND_REJECTED, 400)], _S.PAID, 0),
        ([paid(), refund(_K.ORDER_REFUNDED, 400)], _S.PARTLY_REFUNDED, 400),
        ([paid(), refund(_K.ORDER_REFUNDED, 1000)], _S.REFUNDED, 1000),
        # Nobody said how much: that all of it went back is not claimed.
        ([paid(), refund(_K.ORDER_REFUNDED, None)], _S.PARTLY_REFUNDED, 0),
        ([paid(None), refund(_K.ORDER_REFUNDED, 1000)], _S.PARTLY_REFUNDED, 1000),
        # Heard before anything else: whoever is refunded has paid.
        ([refund(_K.ORDER_REFUNDED, 400)], _S.PARTLY_REFUNDED, 400),
    ],
)
def test_money_says_what_coupons_do_not(
    facts: list[Fact], state: OrderState, refunded_fen: int
) -> None:
    for arrival in permutations(facts):
        snapshot = fold(arrival).snapshot
        assert (snapshot.state, snapshot.refunded_amount_fen) == (state, refunded_fen)
        assert snapshot.paid


def test_two_refunds_of_the_same_amount_are_two_and_one_told_twice_is_one() -> None:
    first = refund(_K.ORDER_REFUNDED, 500)
    again = refund(_K.ORDER_REFUNDED, 500, seconds=99)
    second = refund(_K.ORDER_REFUNDED, 500, refund_id="r2")
    assert fold([paid(), first, again]).snapshot.refunded_amount_fen == 500
    assert fold([paid(), first, second]).snapshot.state is _S.REFUNDED


def test_an_open_refund_beside_a_done_one_is_still_open() -> None:
    done = refund(_K.ORDER_REFUNDED, 500)
    open_ = refund(_K.ORDER_REFUNDING, 500, refund_id="r2", seconds=20)
    assert fold([paid(), done, open_]).snapshot.state is _S.REFUNDING
    rejected = refund(_K.ORDER_REFUND_REJECTED, 500, refund_id="r2", seconds=30)
    assert fold([paid(), done, open_, rejected]).snapshot.state is _S.PARTLY_REFUNDED


def test_a_refund_named_by_coupon_and_by_order_counts_once() -> None:
    by_coupon = a_fact(_K.COUPON_REFUNDED, "c1", seconds=10, refund_amount_fen=400)
    by_order = refund(_K.ORDER_REFUNDED, 400)
    assert fold([paid(), by_coupon, by_order]).snapshot.refunded_amount_fen == 400


def test_a_refund_of_an_order_that_was_closed_unpaid_is_a_contradiction() -> None:
    closed = a_fact(_K.ORDER_CLOSED, seconds=5)
    assert fold([closed, refund(_K.ORDER_REFUNDED, 400)]).snapshot.contradicted
