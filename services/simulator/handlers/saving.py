"""Loads orders with their coupons, and saves what happened to them with what is told of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.simulator.domain.coupons import Coupon, Order, Verification
from services.simulator.domain.faults import Faults
from services.simulator.domain.webhooks import Message, certificate_notify, plan
from services.simulator.queries import orders as order_queries
from services.simulator.queries import redemptions, webhooks
from shared.postgres.connection import Connection


@dataclass(slots=True)
class Changes:
    """What one transaction changed."""

    orders: dict[int, Order] = field(default_factory=dict)
    coupons: dict[int, Coupon] = field(default_factory=dict)
    verifications: list[Verification] = field(default_factory=list)
    cancelled_verify_ids: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def changed(self, order: Order, *coupons: Coupon) -> None:
        self.orders[order.order_id] = order
        for coupon in coupons:
            self.coupons[coupon.certificate_id] = coupon

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
    for coupon in await order_queries.find_coupons(conn, list(by_id)):
        by_id[coupon.order_id].coupons.append(coupon)
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
    if changes.messages:
        await webhooks.enqueue(conn, plan(changes.messages, faults, now), now)
