"""What becomes of stock: every state and every news, in any order, twice."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.settling import (
    FATES,
    Count,
    Fate,
    News,
    ReservationState,
    settle,
)
from shared.contracts.orders import OrderState
from shared.contracts.products import Restock
from tests.unit.catalog.builders import TODAY, a_line, a_reservation

_HELD, _SOLD = ReservationState.HELD, ReservationState.SOLD
_REFUNDED, _RELEASED = ReservationState.REFUNDED, ReservationState.RELEASED
_REFUSED, _OVERSOLD = ReservationState.REFUSED, ReservationState.OVERSOLD
_PAID, _CLOSED, _BACK = News(Fate.PAID), News(Fate.CLOSED), News(Fate.REFUNDED)


@pytest.mark.parametrize(
    ("state", "news", "after", "counts", "buyer"),
    [
        (_HELD, _PAID, _SOLD, (0, 2), 0),
        (_HELD, _CLOSED, _RELEASED, (0, 0), -2),
        (_HELD, _BACK, _REFUNDED, (0, 0), -2),
        (_SOLD, _PAID, _SOLD, (0, 2), 0),
        (_SOLD, _CLOSED, _RELEASED, (0, 0), -2),
        (_SOLD, _BACK, _REFUNDED, (0, 0), -2),
        (_REFUNDED, _PAID, _REFUNDED, (0, 0), 0),
        (_REFUNDED, _CLOSED, _REFUNDED, (0, 0), 0),
        (_RELEASED, _PAID, _SOLD, (0, 2), 2),
        (_RELEASED, _CLOSED, _RELEASED, (0, 0), 0),
        (_RELEASED, _BACK, _RELEASED, (0, 0), 0),
        (_OVERSOLD, _PAID, _SOLD, (0, 2), 2),
        (_OVERSOLD, _BACK, _RELEASED, (0, 0), 0),
        (_REFUSED, _PAID, _REFUSED, (0, 0), 0),
    ],
)
def test_each_state_meets_each_news(
    state: ReservationState,
    news: News,
    after: ReservationState,
    counts: tuple[int, int],
    buyer: int,
) -> None:
    held, sold = {_HELD: (2, 0), _SOLD: (0, 2)}.get(state, (0, 0))
    stock = {1: Count(total=5, held=held, sold=sold)}
    move = settle(a_reservation(state), news, stock, today=TODAY)
    assert (move.after.state, (stock[1].held, stock[1].sold)) == (after, counts)
    assert move.buyer_delta.get(1, 0) == buyer


def test_paid_too_late_and_nothing_left_is_oversold_and_takes_nothing() -> None:
    stock = {1: Count(total=2, held=1, sold=0)}
    move = settle(a_reservation(_RELEASED), _PAID, stock, today=TODAY)
    assert (move.after.state, stock[1]) == (_OVERSOLD, Count(2, 1, 0))


@pytest.mark.parametrize(
    ("restock", "days_ahead", "back"),
    [
        (Restock.NEVER, 3, 0),
        (Restock.ALWAYS, -3, 2),
        (Restock.BEFORE_DAY, 1, 2),
        (Restock.BEFORE_DAY, 0, 0),
        (Restock.BEFORE_DAY, None, 2),
    ],
)
def test_a_refund_goes_back_as_the_product_says(
    restock: Restock, days_ahead: int | None, back: int
) -> None:
    day = None if days_ahead is None else TODAY + timedelta(days=days_ahead)
    stock = {1: Count(total=2, held=0, sold=2)}
    reservation = a_reservation(_SOLD, a_line(restock=restock, day=day))
    settle(reservation, _BACK, stock, today=TODAY)
    assert stock[1].sold == 2 - back


def test_of_several_lines_nothing_goes_back_before_all_of_it_does() -> None:
    stock = {1: Count(4, 0, 2), 2: Count(4, 0, 2)}
    reservation = a_reservation(_SOLD, a_line(0), a_line(1))
    partly = settle(reservation, News(Fate.PAID, refunded=3, coupons=4), stock, today=TODAY)
    assert [count.sold for count in stock.values()] == [2, 2]
    settle(partly.after, _BACK, stock, today=TODAY)
    assert [count.sold for count in stock.values()] == [0, 0]


def test_every_state_of_an_order_means_something_for_its_stock() -> None:
    assert set(FATES) == set(OrderState)


_NEWS = st.sampled_from([_PAID, _CLOSED, _BACK, News(Fate.PAID, refunded=1, coupons=2)])


@given(
    total=st.integers(0, 6),
    said=st.lists(st.tuples(st.integers(0, 2), _NEWS), max_size=25),
    restock=st.sampled_from(Restock),
)
def test_whatever_is_said_stock_stays_between_nothing_and_all(
    total: int, said: list[tuple[int, News]], restock: Restock
) -> None:
    stock = {1: Count(total=total, held=0, sold=0)}
    orders = []
    for _ in range(3):
        granted = stock[1].has(2)
        stock[1].held += 2 if granted else 0
        state = _HELD if granted else _REFUSED
        orders.append(a_reservation(state, *([a_line(restock=restock)] if granted else [])))
    for place, news in said:
        orders[place] = settle(orders[place], news, stock, today=TODAY).after
        count = stock[1]
        assert count.held >= 0
        assert count.sold >= 0
        assert count.held + count.sold <= total
        again = settle(orders[place], news, stock, today=TODAY).after
        assert (again, stock[1]) == (orders[place], count)
    never_given_back = sum(2 for one in orders if one.state is _SOLD)
    assert stock[1].held == sum(2 for one in orders if one.state is _HELD)
    if restock is Restock.NEVER:
        refunded = sum(2 for one in orders if one.state is _REFUNDED)
        assert stock[1].sold == never_given_back + refunded
