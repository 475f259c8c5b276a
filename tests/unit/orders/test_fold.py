"""Named cases: what an order is, given what was said."""

import pytest

from services.orders.domain.coupons import Why
from services.orders.domain.facts import Fact
from services.orders.domain.orders import OrderView, Question, fold
from services.orders.domain.words import contradictions, moments
from shared.contracts.observations import ObservationKind, Source
from shared.contracts.orders import CouponState, OrderState
from tests.unit.orders.histories import a_fact, at

_K, _S = ObservationKind, OrderState


def paid(seconds: float = 0, *, pay_amount_fen: int | None = None) -> Fact:
    return a_fact(_K.ORDER_PAID, seconds=seconds, pay_amount_fen=pay_amount_fen)


def asked(kind: ObservationKind, coupon_id: str | None = None, *, seconds: float) -> Fact:
    return a_fact(kind, coupon_id, seconds=seconds, source=Source.QUERY)


def counted(count: int, seconds: float = 1) -> Fact:
    """An answer of the order query: paid, with so many coupons."""
    return a_fact(_K.ORDER_PAID, seconds=seconds, source=Source.QUERY, coupon_count=count)


def redeemed(coupon_id: str = "c1", seconds: float = 10) -> Fact:
    return a_fact(_K.COUPON_REDEEMED, coupon_id, seconds=seconds)


def cancelled(coupon_id: str = "c1", seconds: float = 20) -> Fact:
    return a_fact(_K.COUPON_REDEMPTION_CANCELLED, coupon_id, seconds=seconds)


def refunded(
    coupon_id: str = "c1", seconds: float = 30, *, refund_amount_fen: int | None = None
) -> Fact:
    return a_fact(
        _K.COUPON_REFUNDED, coupon_id, seconds=seconds, refund_amount_fen=refund_amount_fen
    )


def coupons(view: OrderView) -> dict[str, CouponState]:
    return {coupon.coupon_id: coupon.state for coupon in view.coupons}


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([a_fact(_K.ORDER_CREATED)], _S.CREATED),
        ([paid()], _S.PAID),
        ([a_fact(_K.ORDER_CREATED), a_fact(_K.ORDER_CLOSED, seconds=9)], _S.CLOSED),
        # Verified before anything else was heard of the order.
        ([redeemed()], _S.PARTLY_REDEEMED),
        ([redeemed(), counted(1)], _S.REDEEMED),
        ([redeemed(), counted(2)], _S.PARTLY_REDEEMED),
        ([redeemed("c1"), redeemed("c2"), counted(2)], _S.REDEEMED),
        # More coupons than the platform counted: all that were heard of count.
        ([redeemed("c1"), redeemed("c2"), counted(1)], _S.REDEEMED),
        ([redeemed(), cancelled(), counted(1)], _S.PAID),
        ([redeemed(), cancelled(), redeemed(seconds=21), counted(1)], _S.REDEEMED),
        # Refunded before the payment was heard of.
        ([refunded()], _S.PARTLY_REFUNDED),
        ([refunded(), counted(1)], _S.REFUNDED),
        ([refunded("c1"), redeemed("c2"), counted(2)], _S.PARTLY_REFUNDED),
        ([asked(_K.COUPON_REFUNDING, "c1", seconds=9), redeemed("c2"), counted(2)], _S.REFUNDING),
        ([redeemed(), counted(1), a_fact(_K.ORDER_SETTLED, seconds=90)], _S.SETTLED),
        # A refund after the settlement takes the money back from the merchant.
        ([counted(1), a_fact(_K.ORDER_SETTLED, seconds=20), refunded()], _S.REFUNDED),
        ([counted(1), asked(_K.COUPON_CLOSED, "c1", seconds=9)], _S.CLOSED),
        ([a_fact(_K.ORDER_CLOSED), asked(_K.COUPON_CLOSED, "c1", seconds=9)], _S.CLOSED),
        ([asked(_K.COUPON_CLOSED, "c1", seconds=9)], _S.CREATED),
        # The refund was refused: the coupon is what it was before.
        (
            [
                counted(1),
                asked(_K.COUPON_REFUNDING, "c1", seconds=9),
                asked(_K.COUPON_REFUND_REJECTED, "c1", seconds=10),
            ],
            _S.PAID,
        ),
        (
            [
                counted(1),
                redeemed(seconds=8),
                asked(_K.COUPON_REFUNDING, "c1", seconds=9),
                asked(_K.COUPON_REFUND_REJECTED, "c1", seconds=10),
            ],
            _S.REDEEMED,
        ),
        # A reading of "created" after the payment comes from a replica that lags behind.
        ([paid(), asked(_K.ORDER_CREATED, seconds=5)], _S.PAID),
    ],
)
def test_the_state_follows_from_what_was_said(facts: list[Fact], state: OrderState) -> None:
    assert fold(facts).snapshot.state is state
    assert fold(reversed(facts)).snapshot.state is state
    assert not fold(facts).snapshot.contradicted


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        # Redeemed and refunded: the money went back, and somebody ate all the same.
        ([counted(1), redeemed(), refunded()], _S.REFUNDED),
        ([counted(1), refunded(seconds=5), redeemed()], _S.REFUNDED),
        # Taken back after the settlement, which the platform does not allow.
        (
            [counted(1), redeemed(), a_fact(_K.ORDER_SETTLED, seconds=15), cancelled()],
            _S.SETTLED,
        ),
        ([a_fact(_K.ORDER_CLOSED), paid(5)], _S.PAID),
        ([a_fact(_K.ORDER_CLOSED, seconds=9), redeemed(seconds=5)], _S.PARTLY_REDEEMED),
    ],
)
def test_a_contradiction_has_a_rule_and_is_raised(facts: list[Fact], state: OrderState) -> None:
    view = fold(facts)
    assert view.snapshot.state is state
    assert view.snapshot.contradicted
    assert len(contradictions(view)) == 1
    assert Question.CONTRADICTED in view.questions


def test_a_late_cancellation_resolves_redeemed_and_refunded() -> None:
    before, after = fold([redeemed(), refunded()]), fold([redeemed(), refunded(), cancelled()])
    assert (before.snapshot.contradicted, after.snapshot.contradicted) == (True, False)
    assert coupons(after) == {"c1": CouponState.REFUNDED}


def test_the_platform_asked_later_may_unsettle_an_order() -> None:
    said = [counted(1), redeemed(), a_fact(_K.ORDER_SETTLED, seconds=15), cancelled()]
    view = fold([*said, counted(1, seconds=60)])
    assert (view.snapshot.state, view.snapshot.contradicted) == (_S.PAID, False)
    # The payment's webhook, however late, says nothing about that.
    assert fold([*said[:3], paid(70)]).snapshot.state is _S.SETTLED


def test_redeemed_and_taken_back_in_one_second_counts_as_taken_back_and_is_asked_about() -> None:
    view = fold([redeemed(seconds=10), cancelled(seconds=10)])
    assert coupons(view) == {"c1": CouponState.AVAILABLE}
    assert Question.SAME_SECOND in view.questions
    answered = fold(
        [redeemed(), cancelled(seconds=10), asked(_K.COUPON_REDEEMED, "c1", seconds=11)]
    )
    assert coupons(answered) == {"c1": CouponState.REDEEMED}
    assert Question.SAME_SECOND not in answered.questions


def test_amounts_are_what_was_said_last_and_refunds_what_was_named() -> None:
    said = [paid(pay_amount_fen=3000), counted(2)]
    one = [*said, refunded("c1", refund_amount_fen=1500)]
    assert fold(one).snapshot.refunded_amount_fen == 1500
    both = [*one, refunded("c2", refund_amount_fen=1400)]
    assert fold(both).snapshot.refunded_amount_fen == 2900
    unnamed = [*said, refunded("c1"), refunded("c2")]
    assert fold(unnamed).snapshot.refunded_amount_fen == 3000
    assert Question.REFUND_AMOUNT in fold(unnamed).questions


def test_a_coupon_changed_when_its_state_did_and_not_when_it_was_confirmed() -> None:
    (coupon,) = fold([redeemed(seconds=10), redeemed(seconds=11)]).coupons
    assert (coupon.changed_at, coupon.why) == (at(10), Why.CONFIRMED)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([redeemed()], Why.ONLY),
        ([redeemed(), cancelled()], Why.LATEST),
        ([redeemed(), cancelled(seconds=10)], Why.SAME_SECOND),
        ([refunded(seconds=5), asked(_K.COUPON_AVAILABLE, "c1", seconds=9)], Why.REFUND_STANDS),
        ([redeemed(), asked(_K.COUPON_CLOSED, "c1", seconds=60)], Why.USE_OUTLIVES_CLOSING),
    ],
)
def test_each_coupon_says_why(facts: list[Fact], why: Why) -> None:
    assert fold(facts).coupons[0].why is why


def test_each_observation_says_what_it_changed_when_it_was_seen() -> None:
    told = moments([redeemed(), paid(), counted(1), refunded()])
    assert [(one.state_before, one.state_after) for one in told] == [
        (None, _S.PARTLY_REDEEMED),
        (_S.PARTLY_REDEEMED, _S.PARTLY_REDEEMED),
        (_S.PARTLY_REDEEMED, _S.REDEEMED),
        (_S.REDEEMED, _S.REFUNDED),
    ]
    assert [one.contradicted for one in told] == [False, False, False, True]
