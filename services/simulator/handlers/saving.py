"""Loads orders with their coupons, and saves what happened to them with what is told of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.simulator.domain import spi, trade
from services.simulator.domain.after_sales import AfterSale, Settlement
from services.simulator.domain.coupons import Channel, Coupon, Move, Order, Verification
from services.simulator.domain.faults import Faults
from services.simulator.domain.questions import Question
from services.simulator.domain.webhooks import Message, certificate_notify, pay_success, plan
from services.simulator.queries import after_sales, questions, redemptions, webhooks
from services.simulator.queries import orders as order_queries
from shared.postgres.connection import Connection


@dataclass(slots=True)
class Changes:
    """What one transaction changed."""

    orders: dict[int, Order] = field(default_factory=dict)
    coupons: dict[int, Coupon] = field(default_factory=dict)
    verifications: list[Verification] = field(default_factory=list)
    cancelled_verify_ids: list[int] = field(default_factory=list)
    after_sales: dict[int, AfterSale] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def changed(self, order: Order, *coupons: Coupon) -> None:
        self.orders[order.order_id] = order
        for coupon in coupons:
            self.coupons[coupon.certificate_id] = coupon

    def paid(self, order: Order, now: datetime) -> None:
        """Tell the merchant, and ask for the codes where he makes them."""
        if order.channel is not Channel.LIFE:
            self.questions.append(trade.payment(order, now))
            return
        self.messages.append(pay_success(order, now))
        if order.is_merchant_coded:
            self.questions.append(spi.issue_codes(order))

    def verified(self, order: Order, coupon: Coupon, found: Verification) -> None:
        self.changed(order, coupon)
        self.verifications.append(found)
        if order.channel is Channel.LIFE:
            self.told(order, coupon, Move.VERIFY, found.verified_at)
        else:
            self.questions.append(trade.coupon_verify(order, coupon, found))

    def taken_back(self, order: Order, coupon: Coupon, verify_id: int, now: datetime) -> None:
        self.changed(order, coupon)
        self.cancelled_verify_ids.append(verify_id)
        if order.channel is Channel.LIFE:
            self.told(order, coupon, Move.VERIFY_CANCEL, now)
        else:
            self.questions.append(trade.coupon_verify_cancel(order, coupon, verify_id, now))

    def told(self, order: Order, coupon: Coupon, action: str, now: datetime) -> None:
        self.messages.append(certificate_notify(order, coupon, action, now))


async def lock_orders(conn: Connection, order_ids: Iterable[int]) -> dict[int, Order]:
    """The orders with all their coupons; nobody else changes them until we commit."""
    return await _with_coupons(conn, await order_queries.lock_orders(conn, sorted(set(order_ids))))


async def find_orders(conn: Connection, order_ids: Iterable[int]) -> dict[int, Order]:
    return await _with_coupons(conn, await order_queries.find_orders(conn, sorted(set(order_ids))))


async def _with_coupons(conn: Connection, orders: Sequence[Order]) -> dict[int, Order]:
    by_id = {order.order_id: order for order in orders}
    # A second statement, so that it sees what the holder of the lock before us committed.
    cards: dict[int, Coupon] = {}
    for coupon in await order_queries.find_coupons(conn, list(by_id)):
        by_id[coupon.order_id].coupons.append(coupon)
        if coupon.times_count > 1 and coupon.times_used:
            coupon.verifications.clear()
            cards[coupon.certificate_id] = coupon
    if cards:
        for use in await order_queries.find_uses(conn, list(cards)):
            cards[use.certificate_id].verifications.append(use)
    return by_id


async def save(conn: Connection, changes: Changes, *, faults: Faults, now: datetime) -> None:
    if changes.cancelled_verify_ids:
        await redemptions.cancel_verifications(conn, changes.cancelled_verify_ids, now)
    if changes.verifications:
        await redemptions.add_verifications(conn, changes.verifications)
    if changes.coupons:
        await order_queries.save_coupons(conn, list(changes.coupons.values()), now)
    if changes.orders:
        await order_queries.save_orders(conn, list(changes.orders.values()), now)
    if changes.after_sales:
        await after_sales.save_after_sales(conn, list(changes.after_sales.values()))
    if changes.settlements:
        await after_sales.add_settlements(conn, changes.settlements)
    if changes.messages:
        await webhooks.enqueue(conn, plan(changes.messages, faults, now), now)
    if changes.questions:
        await questions.enqueue(conn, changes.questions, now, due_at=now)
