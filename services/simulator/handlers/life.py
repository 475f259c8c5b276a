"""What time does to orders: refunds arrive, coupons expire, redemptions settle, carts close.

Each step takes some orders that nobody else is working on, in one transaction: a killed process
leaves them as they were, for whoever comes next.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain.coupons import Coupon, CouponState, Order, OrderState
from services.simulator.domain.fields import Int64
from services.simulator.handlers.saving import Changes, lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import due
from services.simulator.queries.orders import find_orders_of_coupons
from shared.clock import utc_now
from shared.postgres.connection import Connection

CERTIFICATES_MAX = 1000
_BATCH_MAX = 200
_REFUND_ACTION = "refund_success"

log = structlog.get_logger()

FindDue = Callable[[Connection, datetime, int], Awaitable[Sequence[int]]]


class RefundRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    certificate_ids: list[Int64] = Field(min_length=1, max_length=CERTIFICATES_MAX)


async def apply_refunds(
    world: World, certificate_ids: Sequence[int]
) -> tuple[list[int], list[tuple[int, CouponState | None]]]:
    """Customers want their money back: which coupons are now refunding, and which cannot be."""
    now = utc_now()
    changes = Changes()
    accepted: list[int] = []
    refused: list[tuple[int, CouponState | None]] = []
    async with world.pool.acquire() as conn, conn.transaction():
        order_of = await find_orders_of_coupons(conn, certificate_ids)
        orders = await lock_orders(conn, order_of.values())
        for certificate_id in dict.fromkeys(certificate_ids):
            order = orders.get(order_of.get(certificate_id, 0))
            coupon = order and _coupon(order, certificate_id)
            if order is None or coupon is None or coupon.state is not CouponState.AVAILABLE:
                refused.append((certificate_id, coupon.state if coupon else None))
                continue
            _apply(world, order, coupon, changes, now)
            accepted.append(certificate_id)
        await save(conn, changes, faults=world.faults, now=now)
    return accepted, refused


def _coupon(order: Order, certificate_id: int) -> Coupon:
    return next(one for one in order.coupons if one.certificate_id == certificate_id)


def _apply(world: World, order: Order, coupon: Coupon, changes: Changes, now: datetime) -> None:
    coupon.apply_refund(due_at=now + timedelta(seconds=world.pace.refund_seconds))
    changes.changed(order, coupon)


async def finish_refunds(world: World) -> int:
    def finish(order: Order, changes: Changes, now: datetime) -> None:
        for coupon in order.coupons:
            if coupon.refund_due_at is not None and coupon.refund_due_at <= now:
                if coupon.state is not CouponState.REFUNDING:
                    continue
                coupon.refund(now)
                order.complete_if_final()
                changes.changed(order, coupon)
                changes.told(order, coupon, _REFUND_ACTION, now)

    return await _step(world, due.find_orders_to_refund, finish)


async def expire_coupons(world: World) -> int:
    """What was not used in time is refunded without being asked for."""

    def expire(order: Order, changes: Changes, now: datetime) -> None:
        for coupon in order.coupons:
            if coupon.state is CouponState.AVAILABLE and coupon.expires_at <= now:
                _apply(world, order, coupon, changes, now)

    return await _step(world, due.find_orders_to_expire, expire)


async def settle_coupons(world: World) -> int:
    """From now on the redemption cannot be taken back."""

    def settle(order: Order, changes: Changes, now: datetime) -> None:
        for coupon in order.coupons:
            if coupon.settled_at is None and coupon.settles_at and coupon.settles_at <= now:
                coupon.settle(now)
                order.complete_if_final()
                changes.changed(order, coupon)

    return await _step(world, due.find_orders_to_settle, settle)


async def close_unpaid(world: World) -> int:
    def close(order: Order, changes: Changes, _now: datetime) -> None:
        if order.state is OrderState.UNPAID:
            order.close()
            changes.changed(order, *order.coupons)

    return await _step(world, due.find_orders_to_close, close)


async def _step(
    world: World, find_due: FindDue, happen: Callable[[Order, Changes, datetime], None]
) -> int:
    """How many orders were taken; fewer than a batch means that nothing is left for now."""
    now = utc_now()
    changes = Changes()
    async with world.pool.acquire() as conn, conn.transaction():
        order_ids = await find_due(conn, now, _BATCH_MAX)
        for order in (await lock_orders(conn, order_ids)).values():
            happen(order, changes, now)
        await save(conn, changes, faults=world.faults, now=now)
    if changes.orders:
        log.info("orders_moved", step=happen.__name__, orders=len(changes.orders))
    if changes.messages:
        world.webhooks_queued.ring()
    return len(order_ids)


STEP_MAX = _BATCH_MAX
STEPS: Sequence[Callable[[World], Awaitable[int]]] = (
    finish_refunds,
    expire_coupons,
    settle_coupons,
    close_unpaid,
)
