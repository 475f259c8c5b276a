"""Merchants decide refunds that were left to them."""

from collections.abc import Collection, Mapping

from services.simulator.domain.after_sales import AfterSale, AfterSaleState, DecidedBy
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.handlers import refunding
from services.simulator.handlers.moment import moment
from services.simulator.handlers.saving import lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import after_sales
from shared.clock import utc_now

ALLOWED, REJECTED = 1, 2
_ALLOWED_STATES = frozenset({AfterSaleState.ALLOWED, AfterSaleState.REFUNDED})


async def audit(
    world: World,
    client_key: str,
    *,
    after_sale_id: int,
    result: int,
    reason: str,
    codes: Mapping[str, str],
    named: Collection[str] = (),
) -> AfterSale:
    """The same decision again changes nothing; another one is an error. Raises PlatformError.

    `named` coupons alone are decided, where they are not all of the refund.
    """
    if result not in {ALLOWED, REJECTED}:
        raise PlatformError(Code.BAD_PARAMETER, "result只能是1或2")
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        found = (await after_sales.find_after_sales(conn, [after_sale_id])).get(after_sale_id)
        if found is None:
            raise PlatformError(Code.BAD_PARAMETER, "售后单不存在")
        order = (await lock_orders(conn, [found.order_id]))[found.order_id]
        if order.client_key != client_key:
            raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)
        # Once more, now that nobody else decides it.
        found = (await after_sales.find_after_sales(conn, [after_sale_id]))[after_sale_id]
        if named and set(named) != {order.coupon(one).public_id for one in found.certificate_ids}:
            at = await moment(world, conn, [order], now)
            refunding.decide_part(at, order, found, named, allow=result == ALLOWED)
            await save(conn, at.changes, faults=world.faults, now=now)
            world.ring()
            return found
        if not found.is_open:
            if (found.state in _ALLOWED_STATES) != (result == ALLOWED):
                raise PlatformError(Code.BAD_PARAMETER, "售后单已完结")
            return found
        at = await moment(world, conn, [order], now)
        if result == ALLOWED:
            refunding.allow(at, order, found, DecidedBy.MERCHANT)
        elif refunding.can_reject(order, found, codes):
            refunding.reject(at, order, found, reason=reason, codes=codes)
        else:
            raise PlatformError(Code.BAD_PARAMETER, "拒绝退款需补发券码")
        await save(conn, at.changes, faults=world.faults, now=now)
    world.ring()
    return found
