"""The mini-programs' paths: one function a call, each under all of its addresses."""

from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.simulator.domain import trade_shapes as shapes
from services.simulator.domain.asked import AskedCode, VerifyPart, VerifyRequest
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import Channel
from services.simulator.domain.encryption import Purpose
from services.simulator.domain.faults import CallKind
from services.simulator.domain.fields import own_id
from services.simulator.domain.shapes import milliseconds
from services.simulator.handlers import apps, auditing, cancelling, placing, trading
from services.simulator.handlers.cancelling import AskedCancel, CancelRequest
from services.simulator.handlers.preparing import PrepareRequest
from services.simulator.handlers.trading import Named, WantedRefund, WantedSettlement
from services.simulator.http.calling import guarded
from services.simulator.http.keys import Edge
from services.simulator.http.trade_bodies import (
    CreateOrderBody,
    CreateRefundBody,
    CreateSettleBody,
    DeliveryVerifyBody,
    OrderBody,
    PrepareBody,
    PushDeliveryBody,
    PushStatusBody,
    QueryRefundBody,
    QuerySettleBody,
    RefundAuditBody,
    TokenBody,
    VerifyCancelBody,
)
from services.simulator.http.trade_calling import Style, TradeCall, refused, trade_routes
from services.simulator.queries.apps import find_account_of_app
from services.simulator.queries.redemptions import find_verifications
from shared.web.body import json_response
from shared.web.routes import Route

_ITEMS_MAX = 1000
_USED = frozenset({"fulfilled", "fulfill_done", "fulfilldone", "done"})
_STATUSES = _USED | {"fulfilling", "fulfill_wait"}
Model = TypeVar("Model", bound=BaseModel)


def _read(call: TradeCall, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(call.raw or b"{}")
    except ValidationError:
        raise refused() from None


def _named(call: TradeCall, body: OrderBody) -> Named:
    order_id = own_id(body.order_id)
    if not order_id and not body.out_order_no:
        raise refused()
    return Named(call.client_key, order_id, body.out_order_no)


async def create_order(call: TradeCall) -> dict[str, Any]:
    body = _read(call, CreateOrderBody)
    async with call.world.pool.acquire() as conn:
        account_id = await find_account_of_app(conn, call.client_key)
    if account_id is None:
        raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)
    goods = body.goods_list[0]
    total = goods.price * goods.quantity
    if body.total_amount not in {None, total} or body.discount_amount > total:
        raise refused()
    sku = placing.SkuRequest(
        title=goods.goods_title or goods.goods_id or "商品",
        price_fen=goods.price,
        sku_id=goods.goods_id or None,
        third_sku_id=goods.out_sku_id,
    )
    wanted = placing.OrderRequest(
        account_id=account_id,
        sku=sku,
        count=goods.quantity,
        reference=f"{call.client_key}:{body.out_order_no}",
        pay_amount_fen=total - body.discount_amount,
        paid=False,
        open_id=body.open_id or None,
        channel=Channel.V2,
        out_order_no=body.out_order_no,
        cp_extra=body.cp_extra,
    )
    placed = await placing.place_orders(call.world, [wanted])
    return shapes.created(placed[0])


async def query_order(call: TradeCall) -> dict[str, Any]:
    order = await trading.find(call.world, _named(call, _read(call, OrderBody)))
    basic = call.style is Style.BASIC
    return shapes.basic_order_facts(order) if basic else shapes.order_facts(order)


async def query_items(call: TradeCall) -> dict[str, Any] | list[dict[str, Any]]:
    body = _read(call, OrderBody)
    order = await trading.find(call.world, _named(call, body))
    wanted = {own_id(one) for one in body.item_order_id_list}
    items = [
        shapes.item(coupon)
        for coupon in order.coupons
        if not wanted or coupon.certificate_id in wanted
    ]
    return {"item_list": items} if call.style is Style.LIFE else items


async def close_order(call: TradeCall) -> dict[str, Any]:
    await trading.close(call.world, _named(call, _read(call, OrderBody)))
    return {}


async def delivery_prepare(call: TradeCall) -> dict[str, Any]:
    body = _read(call, PrepareBody)
    if not body.code and not body.encrypted_data:
        raise refused()
    opened = call.world.cipher.open(body.encrypted_data, Purpose.SCAN)
    if body.encrypted_data and opened is None:
        raise PlatformError(Code.TRADE_REFUSED, "二维码无效")
    code = None if body.encrypted_data else body.code
    prepared = await call.edge.preparing.ask(PrepareRequest(call.client_key, None, opened, code))
    order_id = own_id(prepared["order_id"])
    order = await trading.find(call.world, Named(call.client_key, order_id))
    ids = {coupon.public_id: shapes.item_id(coupon) for coupon in order.coupons}
    return {
        "verify_token": prepared["verify_token"],
        "order_id": prepared["order_id"],
        "out_order_no": order.out_order_id or "",
        "certificates": [
            {
                "certificate_id": one["certificate_id"],
                "encrypted_code": one["encrypted_code"],
                "item_order_id": ids[one["certificate_id"]],
            }
            for one in prepared["certificates"]
        ],
    }


async def delivery_verify(call: TradeCall) -> dict[str, Any]:
    body = _read(call, DeliveryVerifyBody)
    codes = [
        AskedCode(one.encrypted_code, call.world.cipher.open(one.encrypted_code, Purpose.VERIFY))
        for one in body.certificates
    ]
    part = VerifyPart(body.verify_token, codes, body.order_id or None)
    answer = await call.edge.verifying.ask(
        VerifyRequest(call.client_key, _poi_id(body.poi_info), [part])
    )
    call.world.ring()
    results = answer["verify_results"]
    verify_ids = [int(one["verify_id"]) for one in results if "verify_id" in one]
    async with call.world.pool.acquire() as conn:
        found = await find_verifications(conn, verify_ids)
    shown = []
    for asked, one in zip(codes, results, strict=True):
        verification = found.get(int(one.get("verify_id", 0)))
        shown.append(
            {
                "item_order_id": str(asked.certificate_id or ""),
                "certificate_code": one.get("origin_code", ""),
                "result_code": one["result"],
                "result_msg": one["msg"],
                "verify_id": one.get("verify_id", ""),
                "verify_time": milliseconds(verification.verified_at if verification else None),
            }
        )
    return {"verify_results": shown}


def _poi_id(poi_info: str) -> str:
    try:
        found = orjson.loads(poi_info or "{}")
    except orjson.JSONDecodeError:
        raise refused() from None
    poi_id = found.get("valid_poi_id_str") if isinstance(found, dict) else None
    return poi_id if isinstance(poi_id, str) and "\x00" not in poi_id else ""


async def verify_cancel(call: TradeCall) -> dict[str, Any]:
    body = _read(call, VerifyCancelBody)
    asked = [AskedCancel(body.verify_id, certificate_id=body.certificate_id or None)]
    request = CancelRequest(call.client_key, body.cancel_token or None, asked)
    async with call.world.pool.acquire() as conn, conn.transaction():
        answer = await cancelling.cancel(call.world, conn, request)
    call.world.ring()
    return answer


async def push_delivery(call: TradeCall) -> dict[str, Any]:
    body = _read(call, PushDeliveryBody)
    delivery_id = await trading.push_delivery(
        call.world,
        _named(call, body),
        item_order_ids=[own_id(one.item_order_id) for one in body.item_order_list],
        use_all=body.use_all,
        poi_id=_poi_id(body.poi_info),
    )
    return {"delivery_id": delivery_id}


async def fulfill_push_status(call: TradeCall) -> dict[str, Any]:
    body = _read(call, PushStatusBody)
    named = _named(call, body)
    if body.to_status.lower() not in _STATUSES:
        raise refused()
    if body.to_status.lower() in _USED:
        ids = [own_id(one) for one in body.item_order_id_list]
        await trading.push_delivery(
            call.world, named, item_order_ids=ids, use_all=not ids, poi_id=""
        )
    else:
        await trading.find(call.world, named)
    return {}


async def create_refund(call: TradeCall) -> dict[str, Any]:
    body = _read(call, CreateRefundBody)
    refund = await trading.create_refund(
        call.world,
        WantedRefund(
            _named(call, body),
            body.out_refund_no,
            item_order_ids=[own_id(one.item_order_id) for one in body.item_order_detail],
            amount_fen=None if body.refund_all else body.refund_total_amount,
            cp_extra=body.cp_extra,
        ),
    )
    answer: dict[str, Any] = {"refund_id": str(refund.after_sale_id)}
    if call.style is not Style.LIFE:
        answer["refund_audit_deadline"] = milliseconds(refund.decides_at)
    return answer


async def query_refund(call: TradeCall) -> dict[str, Any]:
    body = _read(call, QueryRefundBody)
    named = Named(call.client_key, own_id(body.order_id), body.out_order_no)
    order, found = await trading.find_refunds(
        call.world, named, refund_id=own_id(body.refund_id), out_refund_no=body.out_refund_no
    )
    if order is None:
        raise PlatformError(Code.TRADE_REFUSED, "退款单不存在")
    return {"refund_list": [shapes.refund_facts(order, one) for one in found]}


async def audit_refund(call: TradeCall) -> dict[str, Any]:
    body = _read(call, RefundAuditBody)
    after_sale_id = own_id(body.refund_id)
    if not after_sale_id:
        _, found = await trading.find_refunds(
            call.world, Named(call.client_key), refund_id=0, out_refund_no=body.out_refund_no
        )
        after_sale_id = found[0].after_sale_id if found else 0
    await auditing.audit(
        call.world,
        call.client_key,
        after_sale_id=after_sale_id,
        result=body.refund_audit_status,
        reason=body.deny_message,
        codes={},
    )
    return {}


async def create_settle(call: TradeCall) -> dict[str, Any]:
    body = _read(call, CreateSettleBody)
    wanted = WantedSettlement(
        _named(call, body),
        body.out_settle_no,
        item_order_id=own_id(body.item_order_id),
        detail=body.settle_desc,
        cp_extra=body.cp_extra,
    )
    found = await trading.create_settlement(call.world, wanted)
    inner = "wallet_settle_id" if call.style is Style.BASIC else "inner_settle_id"
    return {"settle_id": str(found.settle_id), inner: str(found.settle_id)}


async def query_settle(call: TradeCall) -> list[dict[str, Any]]:
    body = _read(call, QuerySettleBody)
    order, found = await trading.find_settlements(
        call.world,
        Named(call.client_key, own_id(body.order_id), body.out_order_no),
        settle_id=own_id(body.settle_id),
        out_settle_no=body.out_settle_no,
    )
    return shapes.settlement_facts(order, found)


_TOKEN_ERRORS = {
    Code.UNKNOWN_CLIENT_KEY: (40015, "bad appid"),
    Code.WRONG_SECRET: (40017, "bad secret"),
}


async def _token(_request: web.Request, edge: Edge, raw: bytes) -> web.Response:
    try:
        body = TokenBody.model_validate_json(raw or b"{}")
    except ValidationError:
        return json_response({"err_no": 40020, "err_tips": "bad grant_type", "data": {}})
    if body.grant_type != "client_credential":
        return json_response({"err_no": 40020, "err_tips": "bad grant_type", "data": {}})
    try:
        token, seconds = await apps.issue_token(
            edge.world, client_key=body.appid, client_secret=body.secret, stable=False
        )
    except PlatformError as error:
        number, words = _TOKEN_ERRORS.get(error.code, (-1, "system error"))
        return json_response({"err_no": number, "err_tips": words, "data": {}})
    data = {"access_token": token, "expires_in": seconds}
    return json_response({"err_no": 0, "err_tips": "success", "data": data})


_V2, _BASIC = "/api/apps/trade/v2", "/api/trade_basic/v1/developer"
_CALLS = (
    ("order/create_order", "create_order", None, create_order),
    ("order/query_order", "query_order", "order_query", query_order),
    ("order/query_item_order_info", "query_item_order_info", None, query_items),
    ("order/close_order", "close_order", None, close_order),
    ("fulfillment/delivery_prepare", "delivery_prepare", None, delivery_prepare),
    ("fulfillment/delivery_verify", "delivery_verify", None, delivery_verify),
    ("fulfillment/push_delivery", "push_delivery", None, push_delivery),
    (None, None, "fulfill_push_status", fulfill_push_status),
    ("refund/create_refund", "create_refund", "refund_create", create_refund),
    ("refund/query_refund", "query_refund", "refund_query", query_refund),
    (
        "refund/merchant_audit_callback",
        "merchant_audit_callback",
        "refund_audit_callback",
        audit_refund,
    ),
    ("settle/create_settle", "create_settle", "settle_create", create_settle),
    ("settle/query_settle", "query_settle", "settle_query", query_settle),
)


def _all_routes() -> list[Route]:
    routes: list[Route] = []
    for nested, older, basic, handle in _CALLS:
        for prefix, name, style in (
            (_V2, nested, Style.LIFE),
            (_V2, older, Style.SIGNED),
            (_BASIC, basic, Style.BASIC),
        ):
            if name is not None:
                routes += trade_routes(CallKind.TRADE, f"{prefix}/{name}", handle, style)
    routes += trade_routes(
        CallKind.TRADE, "/api/trade/v2/fulfillment/verify_cancel", verify_cancel, Style.LIFE
    )
    token = guarded(CallKind.TOKEN, _token)
    routes += [Route("POST", f"/api/apps/v2/token{end}", token, quiet=True) for end in ("", "/")]
    return routes


TRADE_ROUTES = tuple(_all_routes())
