"""Mini-programs' servers: their orders, what is delivered of them, refunds, settlements."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from services.simulator.domain.after_sales import AfterSale, Cause, Settlement
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import (
    Channel,
    Coupon,
    CouponState,
    Order,
    OrderState,
    Verification,
)
from services.simulator.handlers import refunding
from services.simulator.handlers.life import settle_now
from services.simulator.handlers.moment import Moment, moment
from services.simulator.handlers.saving import find_orders, lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import after_sales, orders
from shared.clock import utc_now
from shared.ids import new_id
from shared.postgres.connection import Connection

# One redemption of each use of each coupon of an order.
_USES_MAX = 100


@dataclass(frozen=True, slots=True)
class Named:
    """An order by the platform's number, or by the merchant's own."""

    client_key: str
    order_id: int = 0
    out_order_no: str = ""


@dataclass(frozen=True, slots=True)
class WantedRefund:
    """Without items and amount: all that is left."""

    named: Named
    out_refund_no: str
    item_order_ids: Sequence[int] = ()
    amount_fen: int | None = None
    reason: str = ""
    cp_extra: str = ""


@dataclass(frozen=True, slots=True)
class WantedSettlement:
    named: Named
    out_settle_no: str
    item_order_id: int = 0
    detail: str = ""
    cp_extra: str = ""


async def find(world: World, named: Named) -> Order:
    """Raises PlatformError unless it is an order of this app's mini-program."""
    async with world.pool.acquire() as conn:
        found = await find_orders(conn, [await _order_id(conn, named)])
    return _own(found, named)


async def _order_id(conn: Connection, named: Named) -> int:
    found = await orders.find_order_of_app(
        conn, named.client_key, order_id=named.order_id, out_order_id=named.out_order_no
    )
    return found or 0


def _own(found: dict[int, Order], named: Named) -> Order:
    order = next(iter(found.values()), None)
    if order is None or order.client_key != named.client_key or order.channel is Channel.LIFE:
        raise PlatformError(Code.TRADE_REFUSED, "订单不存在")
    return order


@asynccontextmanager
async def _moving(world: World, named: Named) -> AsyncIterator[tuple[Moment, Order, Connection]]:
    """The order, locked; what was done with it is saved at the end."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        order = _own(await lock_orders(conn, [await _order_id(conn, named)]), named)
        at = await moment(world, conn, [order], now)
        yield at, order, conn
        await save(conn, at.changes, faults=world.faults, now=now)
    world.ring()


async def close(world: World, named: Named) -> None:
    async with _moving(world, named) as (at, order, _):
        if order.state is OrderState.CLOSED:
            return
        if order.state is not OrderState.UNPAID:
            raise PlatformError(Code.TRADE_REFUSED, "订单已支付，不可关闭")
        order.close()
        at.changes.changed(order, *order.coupons)


async def push_delivery(
    world: World, named: Named, *, item_order_ids: Sequence[int], use_all: bool, poi_id: str
) -> str:
    """The merchant says what was used. What was used before stays as it is."""
    async with _moving(world, named) as (at, order, conn):
        wanted = [one for one in order.coupons if use_all or one.certificate_id in item_order_ids]
        if not wanted or len(wanted) < len(set(item_order_ids)):
            raise PlatformError(Code.TRADE_REFUSED, "子订单不存在")
        gone = {CouponState.UNPAID, CouponState.REFUNDING, CouponState.REFUNDED, CouponState.CLOSED}
        if any(coupon.state in gone for coupon in wanted):
            raise PlatformError(Code.TRADE_REFUSED, "子订单状态不可核销")
        uses = sum(coupon.times_left for coupon in wanted)
        numbers = iter(await world.numbers.take(conn, min(uses, _USES_MAX)))
        at.numbers = numbers
        for coupon in wanted:
            _use_up(at, order, coupon, poi_id)
    return f"delivery{order.order_id}"


def _use_up(at: Moment, order: Order, coupon: Coupon, poi_id: str) -> None:
    settles_at = at.now + timedelta(seconds=at.world.pace.settle_seconds)
    while coupon.times_left and coupon.state is CouponState.AVAILABLE:
        found = Verification(
            verify_id=at.new_id(),
            certificate_id=coupon.certificate_id,
            order_id=order.order_id,
            account_id=order.account_id,
            poi_id=poi_id,
            verify_token=str(new_id()),
            verified_at=at.now,
            serial=coupon.free_serials()[0],
        )
        coupon.verify(found, settles_at=settles_at)
        at.changes.verified(order, coupon, found)


async def create_refund(world: World, wanted: WantedRefund) -> AfterSale:
    """The merchant's own wish is not put to him again. The same number is the same refund."""
    async with _moving(world, wanted.named) as (at, order, conn):
        known = await after_sales.find_after_sale_of_merchant(
            conn, wanted.named.client_key, wanted.out_refund_no
        )
        if known is not None:
            return known
        coupons = _to_refund(order, wanted)
        refund = refunding.open_refund(
            at, order, coupons, Cause.MERCHANT, reason=wanted.reason, at_once=True
        )
        if refund is None:
            raise PlatformError(Code.TRADE_REFUSED, "订单不可退款")
        refund.out_refund_no = wanted.out_refund_no
        refund.cp_extra = wanted.cp_extra
    return refund


def _to_refund(order: Order, wanted: WantedRefund) -> list[Coupon]:
    left = [one for one in order.coupons if one.state is CouponState.AVAILABLE]
    if wanted.item_order_ids:
        chosen = [one for one in left if one.certificate_id in wanted.item_order_ids]
        if len(chosen) < len(set(wanted.item_order_ids)):
            raise PlatformError(Code.TRADE_REFUSED, "子订单不可退款")
    else:
        chosen = _worth(left, wanted.amount_fen)
    if not chosen:
        raise PlatformError(Code.TRADE_REFUSED, "没有可退款的子订单")
    return chosen


def _worth(coupons: Sequence[Coupon], amount_fen: int | None) -> list[Coupon]:
    """The first ones that make up the amount; whole coupons only."""
    if amount_fen is None:
        return [*coupons]
    chosen: list[Coupon] = []
    for coupon in coupons:
        if amount_fen <= 0:
            break
        amount_fen -= coupon.pay_amount_fen - coupon.share_fen(coupon.times_used)
        chosen.append(coupon)
    if amount_fen != 0:
        raise PlatformError(Code.TRADE_REFUSED, "退款金额与子订单金额不符")
    return chosen


async def find_refunds(
    world: World, named: Named, *, refund_id: int, out_refund_no: str
) -> tuple[Order | None, list[AfterSale]]:
    """One refund, or all of an order."""
    async with world.pool.acquire() as conn:
        if refund_id:
            found = [*(await after_sales.find_after_sales(conn, [refund_id])).values()]
        elif out_refund_no:
            one = await after_sales.find_after_sale_of_merchant(
                conn, named.client_key, out_refund_no
            )
            found = [] if one is None else [one]
        else:
            order_id = await _order_id(conn, named)
            found = await after_sales.find_after_sales_of_orders(conn, [order_id])
        by_id = await find_orders(conn, [one.order_id for one in found])
    if not found:
        return None, []
    order = by_id[found[0].order_id]
    return (order, found) if order.client_key == named.client_key else (None, [])


async def create_settlement(world: World, wanted: WantedSettlement) -> Settlement:
    """What was used and not settled yet. The same number is the same settlement."""
    async with _moving(world, wanted.named) as (at, order, conn):
        for known in await after_sales.find_settlements(conn, order.order_id):
            if known.out_settle_no == wanted.out_settle_no:
                return known
        due = [
            coupon
            for coupon in order.coupons
            if coupon.state is CouponState.REDEEMED
            and coupon.settled_at is None
            and wanted.item_order_id in {0, coupon.certificate_id}
        ]
        found = settle_now(
            at,
            order,
            due,
            is_automatic=False,
            out_settle_no=wanted.out_settle_no,
            cp_extra=wanted.cp_extra,
            detail=wanted.detail,
        )
        if found is None:
            raise PlatformError(Code.TRADE_REFUSED, "没有可分账的子订单")
    return found


async def find_settlements(
    world: World, named: Named, *, settle_id: int, out_settle_no: str
) -> tuple[Order, list[Settlement]]:
    async with world.pool.acquire() as conn:
        order_id = named.order_id
        if settle_id or out_settle_no:
            order_id = (
                await after_sales.find_order_of_settlement(
                    conn, named.client_key, settle_id=settle_id, out_settle_no=out_settle_no
                )
                or 0
            )
        elif named.out_order_no:
            order_id = await _order_id(conn, named)
        order = _own(await find_orders(conn, [order_id]), named)
        found = await after_sales.find_settlements(conn, order_id)
    return order, found
