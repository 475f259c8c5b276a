"""Verify with codes that the merchant issued: order, code, and a token of the merchant's own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.simulator.domain.asked import AskedCode, VerifyPart, VerifyRequest
from services.simulator.domain.codes import Code
from services.simulator.domain.coupons import Order
from services.simulator.domain.fields import own_id
from services.simulator.handlers.saving import find_orders
from services.simulator.queries import redemptions
from services.simulator.queries.redemptions import Preparation
from shared.postgres.connection import Connection

# The same token has the same answer for ever: a redemption may be reported days later.
_TOKEN_LIFE = timedelta(days=3650)


async def resolved(
    conn: Connection, requests: Sequence[VerifyRequest], now: datetime
) -> list[VerifyRequest]:
    """The requests with the coupons behind such codes, and a preparation for each of their tokens.

    The preparation is what keeps the answer; it is found again if the token comes again.
    """
    order_ids = {_order_id(part) for one in requests for part in one.parts if _is_ours(part)}
    if not order_ids:
        return list(requests)
    orders = await find_orders(conn, order_ids)
    found = [
        replace(one, parts=[_resolve(one.client_key, part, orders) for part in one.parts])
        for one in requests
    ]
    preparations = {
        part.verify_token: _preparation(one, part, orders[_order_id(part)], now)
        for one in found
        for part in one.parts
        if _is_ours(part) and part.problem is None
    }
    if preparations:
        await redemptions.add_preparations(conn, list(preparations.values()))
    return found


def _is_ours(part: VerifyPart) -> bool:
    return part.is_merchant_coded


def _order_id(part: VerifyPart) -> int:
    return own_id(part.order_id)


def _resolve(client_key: str, part: VerifyPart, orders: Mapping[int, Order]) -> VerifyPart:
    if not _is_ours(part):
        return part
    token = f"{client_key}:{part.verify_token}"
    order = orders.get(_order_id(part))
    if order is None:
        return replace(part, problem=Code.UNKNOWN_ORDER)
    if order.client_key != client_key:
        return replace(part, problem=Code.MERCHANT_NOT_AUTHORISED)
    by_code = {
        coupon.third_code: coupon.certificate_id for coupon in order.coupons if coupon.third_code
    }
    codes = [AskedCode(one.given, by_code.get(one.given), one.serial) for one in part.codes]
    return replace(part, verify_token=token, codes=codes)


def _preparation(
    request: VerifyRequest, part: VerifyPart, order: Order, now: datetime
) -> Preparation:
    return Preparation(
        verify_token=part.verify_token,
        client_key=request.client_key,
        order_id=order.order_id,
        poi_id=request.poi_id,
        certificate_ids=[one.certificate_id for one in order.coupons if one.third_code],
        created_at=now,
        expires_at=now + _TOKEN_LIFE,
    )
