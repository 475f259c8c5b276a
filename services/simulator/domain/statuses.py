"""Which of the platform's status numbers an order or a coupon shows."""

from collections.abc import Mapping
from types import MappingProxyType

from services.simulator.domain.coupons import CouponState, Order, OrderState
from shared.contracts import orders as contract

CERTIFICATE_STATUS: Mapping[CouponState, int] = MappingProxyType(
    {
        CouponState.UNPAID: 0,
        CouponState.ISSUING: 0,
        CouponState.AVAILABLE: 1,
        CouponState.REDEEMED: 2,
        CouponState.REFUNDING: 6,
        CouponState.REFUNDED: 4,
        CouponState.CLOSED: 0,
    }
)
ITEM_STATUS: Mapping[CouponState, int] = MappingProxyType(
    {
        CouponState.UNPAID: 100,
        CouponState.ISSUING: 200,
        CouponState.AVAILABLE: 200,
        CouponState.REDEEMED: 401,
        CouponState.REFUNDING: 300,
        CouponState.REFUNDED: 301,
        CouponState.CLOSED: 101,
    }
)


def order_status(order: Order) -> int:
    """As the order query shows it."""
    if order.state is OrderState.UNPAID:
        return 100
    if order.state is OrderState.CLOSED:
        return 101
    if order.state is OrderState.COMPLETED:
        return 1
    states = {coupon.state for coupon in order.coupons}
    if states == {CouponState.REFUNDED}:
        return 301
    if CouponState.REFUNDING in states:
        return 300
    return 201 if any(coupon.times_used for coupon in order.coupons) else 200


def order_word(order: Order) -> contract.OrderState:
    """The state in the words of our own order events, for comparing with what they say."""
    word = contract.OrderState
    states = {coupon.state for coupon in order.coupons}
    rules = (
        (word.CLOSED, order.state is OrderState.CLOSED),
        (word.CREATED, order.state is OrderState.UNPAID),
        (word.REFUNDED, states == {CouponState.REFUNDED}),
        (word.SETTLED, order.state is OrderState.COMPLETED),
        (word.REFUNDING, CouponState.REFUNDING in states),
        (word.PARTLY_REFUNDED, CouponState.REFUNDED in states),
        (word.REDEEMED, states == {CouponState.REDEEMED}),
        (word.PARTLY_REDEEMED, any(coupon.times_used for coupon in order.coupons)),
        (word.PAID, True),
    )
    return next(state for state, holds in rules if holds)
