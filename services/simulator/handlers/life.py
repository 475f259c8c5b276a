"""What time does to orders: refunds arrive, coupons expire, redemptions settle, carts close.

Each step takes some orders that nobody else is working on, in one transaction: a killed process
leaves them as they were, for whoever comes next.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import structlog
from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain import spi, trade
from services.simulator.domain.after_sales import Cause, Settlement
from services.simulator.domain.coupons import Channel, Coupon, CouponState, Order, OrderState
from services.simulator.domain.fields import Text, TextOrEmpty
from services.simulator.handlers import refunding
from services.simulator.handlers.moment import Moment, moment
from services.simulator.handlers.saving import lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import after_sales, due, questions
from services.simulator.queries.orders import find_orders_of_public_ids
from shared.clock import utc_now
from shared.postgres.connection import Connection

CERTIFICATES_MAX = 1000
_BATCH_MAX = 200
_STATUSES_MAX = 100
_WANTED_BACK = frozenset({CouponState.AVAILABLE, CouponState.ISSUING})

log = structlog.get_logger()

FindDue = Callable[[Connection, datetime, int], Awaitable[Sequence[int]]]


class RefundRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # As the platform calls them.
    certificate_ids: list[Text] = Field(min_length=1, max_length=CERTIFICATES_MAX)
    reason: TextOrEmpty = ""


async def apply_refunds(
    world: World, certificate_ids: Sequence[str], *, reason: str = ""
) -> tuple[list[str], list[tuple[str, CouponState | None]]]:
    """Customers want their money back: for which coupons they may, and for which they may not.

    Coupons of one order that are named together are one refund.
    """
    now = utc_now()
    accepted: list[str] = []
    refused: list[tuple[str, CouponState | None]] = []
    async with world.pool.acquire() as conn, conn.transaction():
        places = await find_orders_of_public_ids(conn, certificate_ids)
        orders = await lock_orders(conn, [order_id for order_id, _ in places.values()])
        at = await moment(world, conn, orders.values(), now)
        wanted: dict[int, list[Coupon]] = {}
        for certificate_id in dict.fromkeys(certificate_ids):
            order_id, own_id = places.get(certificate_id, (0, 0))
            order = orders.get(order_id)
            coupon = None if order is None else order.coupon(own_id)
            if coupon is None or coupon.state not in _WANTED_BACK:
                refused.append((certificate_id, coupon.state if coupon else None))
                continue
            accepted.append(certificate_id)
            wanted.setdefault(order_id, []).append(coupon)
        for order_id, coupons in wanted.items():
            refunding.open_refund(at, orders[order_id], coupons, Cause.BUYER, reason=reason)
        await save(conn, at.changes, faults=world.faults, now=now)
    world.ring()
    return accepted, refused


async def finish_refunds(world: World) -> int:
    return await _step(world, due.find_orders_to_refund, refunding.finish)


async def expire_coupons(world: World) -> int:
    """What was not used in time is refunded without being asked for."""

    def expire(at: Moment, order: Order) -> None:
        expired = [
            coupon
            for coupon in order.coupons
            if coupon.state is CouponState.AVAILABLE
            and coupon.expires_at <= at.now
            and coupon.refund_rejected_at is None
        ]
        if expired:
            refunding.open_refund(at, order, expired, Cause.EXPIRY, reason="过期自动退")

    return await _step(world, due.find_orders_to_expire, expire)


async def settle_coupons(world: World) -> int:
    """From now on the redemption cannot be taken back."""

    def settle(at: Moment, order: Order) -> None:
        settled = [
            coupon
            for coupon in order.coupons
            if coupon.state is CouponState.REDEEMED
            and coupon.settled_at is None
            and coupon.settles_at
            and coupon.settles_at <= at.now
        ]
        settle_now(at, order, settled, is_automatic=True)

    return await _step(world, due.find_orders_to_settle, settle)


def settle_now(
    at: Moment,
    order: Order,
    coupons: Sequence[Coupon],
    *,
    is_automatic: bool,
    out_settle_no: str | None = None,
    cp_extra: str = "",
    detail: str = "",
) -> Settlement | None:
    """The merchant gets his money; of the life services he reads it in the bills."""
    for coupon in coupons:
        coupon.settle(at.now)
    order.complete_if_final()
    at.changes.changed(order, *coupons)
    if order.channel is Channel.LIFE or not coupons:
        return None
    settlement = Settlement(
        settle_id=at.new_id(),
        order_id=order.order_id,
        certificate_ids=[coupon.certificate_id for coupon in coupons],
        amount_fen=sum(coupon.pay_amount_fen for coupon in coupons),
        is_automatic=is_automatic,
        settled_at=at.now,
        out_settle_no=out_settle_no,
        detail=detail,
        cp_extra=cp_extra,
    )
    at.changes.settlements.append(settlement)
    at.changes.questions.append(trade.settle(order, settlement))
    return settlement


async def close_unpaid(world: World) -> int:
    def close(at: Moment, order: Order) -> None:
        if order.state is OrderState.UNPAID:
            order.close()
            at.changes.changed(order, *order.coupons)
            if order.channel is not Channel.LIFE:
                at.changes.questions.append(trade.payment(order, at.now))

    return await _step(world, due.find_orders_to_close, close)


async def open_unissued(world: World) -> int:
    return await _step(world, due.find_orders_to_issue, refunding.open_unissued)


async def pass_undecided(world: World) -> int:
    return await _step(world, after_sales.find_orders_to_decide, refunding.pass_undecided)


async def _step(world: World, find_due: FindDue, happen: Callable[[Moment, Order], None]) -> int:
    """How many orders were taken; fewer than a batch means that nothing is left for now."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        order_ids = await find_due(conn, now, _BATCH_MAX)
        if not order_ids:
            return 0
        orders = await lock_orders(conn, order_ids)
        at = await moment(world, conn, orders.values(), now)
        for order in orders.values():
            happen(at, order)
        await save(conn, at.changes, faults=world.faults, now=now)
    if at.changes.orders:
        log.info("orders_moved", step=happen.__name__, orders=len(at.changes.orders))
    if at.changes.messages or at.changes.questions:
        world.ring()
    return len(order_ids)


async def ask_about_orders(world: World) -> None:
    """The platform compares its books with the merchant's, now and then."""
    async with world.pool.acquire() as conn, conn.transaction():
        found = sorted(await due.find_orders_to_ask_about(conn, _STATUSES_MAX))
        asked = [
            spi.order_status(client_key, [order_id for _, order_id in pairs])
            for client_key, pairs in groupby(found, key=itemgetter(0))
        ]
        now = utc_now()
        if asked:
            await questions.enqueue(conn, asked, now, due_at=now)
    world.questions_queued.ring()


STEP_MAX = _BATCH_MAX
STEPS: Sequence[Callable[[World], Awaitable[int]]] = (
    finish_refunds,
    expire_coupons,
    settle_coupons,
    close_unpaid,
    open_unissued,
    pass_undecided,
)
