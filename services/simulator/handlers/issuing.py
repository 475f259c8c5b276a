"""Codes that merchants issue, at once or by a later call."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.simulator.domain.after_sales import Cause
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import Coupon, CouponState, Order
from services.simulator.domain.fields import own_id
from services.simulator.handlers import refunding
from services.simulator.handlers.moment import Moment, moment
from services.simulator.handlers.saving import lock_orders, save
from services.simulator.handlers.world import World
from shared.clock import utc_now

_CODE_CHARACTERS_MAX = 200
_FAILED = 2

Issued = Sequence[tuple[str, str | None]]


def read_certificates(given: object) -> Issued | None:
    """Codes, each with the merchant's own name of the coupon if he has one; None if unreadable."""
    if not isinstance(given, list):
        return None
    found = []
    for one in given:
        if not isinstance(one, Mapping) or not _is_code(one.get("code")):
            return None
        name = one.get("certificate_id")
        found.append((one["code"], name if isinstance(name, str) and name else None))
    return found


def _is_code(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _CODE_CHARACTERS_MAX and "\x00" not in text


def owed(order: Order) -> list[Coupon]:
    return [coupon for coupon in order.coupons if coupon.state is CouponState.ISSUING]


def issue(at: Moment, order: Order, issued: Issued) -> bool:
    """False unless there is one code for each coupon, and none twice."""
    coupons = owed(order)
    if len(issued) != len(coupons) or len({code for code, _ in issued}) < len(issued):
        return False
    for coupon, (code, name) in zip(coupons, issued, strict=True):
        coupon.issue(code, name)
    order.issue_until = None
    at.changes.changed(order, *coupons)
    return True


def fail(at: Moment, order: Order) -> None:
    """The merchant said so himself: the buyer gets his money without another question."""
    coupons = owed(order)
    order.issue_until = None
    at.changes.changed(order)
    if coupons:
        refunding.open_refund(at, order, coupons, Cause.NOT_ISSUED, reason="发券失败", at_once=True)


async def report(
    world: World,
    client_key: str,
    *,
    order_id: str,
    codes: Sequence[str],
    result: int,
    third_order_id: str,
) -> dict[str, Any]:
    """The later call. The same codes again get the same answer. Raises PlatformError."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        orders = await lock_orders(conn, [own_id(order_id)])
        order = next(iter(orders.values()), None)
        if order is None:
            raise PlatformError(Code.UNKNOWN_ORDER)
        if order.client_key != client_key:
            raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)
        if not order.is_merchant_coded:
            raise PlatformError(Code.BAD_PARAMETER, "该订单不是三方码订单")
        at = await moment(world, conn, [order], now)
        _report(at, order, codes, result, third_order_id)
        await save(conn, at.changes, faults=world.faults, now=now)
    world.ring()
    return {"certificate_info_list": _listed(order) if result != _FAILED else []}


def _report(
    at: Moment, order: Order, codes: Sequence[str], result: int, third_order_id: str
) -> None:
    if not owed(order):
        kept = [coupon.third_code for coupon in order.coupons]
        if result == _FAILED or kept != list(codes):
            raise PlatformError(Code.BAD_PARAMETER, "订单已发券或已退款")
        return
    if third_order_id:
        order.out_order_id = third_order_id
    if result == _FAILED:
        fail(at, order)
    elif not all(map(_is_code, codes)) or not issue(at, order, [(code, None) for code in codes]):
        raise PlatformError(Code.BAD_PARAMETER, "券码数量与购买份数不符")


def _listed(order: Order) -> list[dict[str, str]]:
    return [
        {"certificate_id": coupon.public_id, "code": coupon.third_code or ""}
        for coupon in order.coupons
    ]
