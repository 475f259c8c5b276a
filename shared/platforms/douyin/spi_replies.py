"""The envelope of an answer to the life services, and the numbers in it.

`error_code` is a number in [0, 999999]; 100 means "please retry", others are not asked again.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from shared.contracts.asks import (
    CodesAnswer,
    OrderAnswer,
    OrderRefusal,
    OrderStatus,
    RefundAnswer,
    RefundAsk,
    RefundOutcome,
    StatusAnswer,
)
from shared.contracts.orders import OrderState
from shared.platforms.questions import Answer, Ask, Reply, Verdict, reply_with, reply_without_answer

ERROR_CODES: Mapping[Verdict, int] = MappingProxyType(
    {
        Verdict.NOTED: 0,
        Verdict.RETRY: 100,
        # Ours: the documents leave the numbers to whoever answers.
        Verdict.UNREADABLE: 400,
        Verdict.CONFLICTED: 409,
        Verdict.UNSUPPORTED: 501,
    }
)
DESCRIPTIONS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.NOTED: "success",
        Verdict.RETRY: "please retry",
        Verdict.UNREADABLE: "the body is not as documented",
        Verdict.CONFLICTED: "this id was used with other content",
        Verdict.UNSUPPORTED: "not supported",
    }
)
# 预下单: the numbers of the older confirmation.
ORDER_REFUSALS: Mapping[OrderRefusal, tuple[int, str]] = MappingProxyType(
    {
        OrderRefusal.PRODUCT_UNKNOWN: (1, "商品不存在"),
        OrderRefusal.OFF_SHELF: (2, "商品已下线"),
        OrderRefusal.NOT_YET_ON_SALE: (3, "未到开始售卖时间"),
        OrderRefusal.SALE_ENDED: (4, "已过结束售卖时间"),
        OrderRefusal.SOLD_OUT: (5, "商品已售罄"),
        OrderRefusal.OVER_LIMIT: (6, "超过限购数量"),
        OrderRefusal.PRICE_CHANGED: (7, "价格校验失败"),
        OrderRefusal.OTHER: (20, "其他原因"),
    }
)
# 发券: still issuing, to be reported by a call of ours; issued; never to be.
ISSUING, ISSUED, NOT_ISSUED = 0, 1, 2
# 退款申请: the words are official, the numbers are from one project.
REFUND_RESULTS: Mapping[RefundOutcome, int] = MappingProxyType(
    {RefundOutcome.PENDING: 0, RefundOutcome.ALLOWED: 1, RefundOutcome.REFUSED: 2}
)
# No official table; the reverse of how we read the same numbers in `statuses`.
STATUS_NUMBERS: Mapping[OrderState, int] = MappingProxyType(
    {
        OrderState.CREATED: 100,
        OrderState.CLOSED: 101,
        OrderState.PAID: 200,
        OrderState.PARTLY_REDEEMED: 201,
        OrderState.REDEEMED: 201,
        OrderState.REFUNDING: 300,
        OrderState.PARTLY_REFUNDED: 300,
        OrderState.REFUNDED: 301,
        OrderState.SETTLED: 1,
    }
)
_REFUND_REFUSED = "不符合退款规则"
_NOT_ISSUED = "发券失败"


def reply(ask: Ask, answer: Answer) -> Reply:
    if isinstance(answer, OrderAnswer):
        return reply_with(_of_order(answer), answer)
    if isinstance(answer, CodesAnswer):
        return reply_with(_of_codes(answer), answer)
    if isinstance(answer, RefundAnswer):
        return _of_refund(ask, answer)
    return reply_with(_of_statuses(answer), answer)


def reply_without(verdict: Verdict, reason: str | None = None) -> Reply:
    body = envelope({}, code=ERROR_CODES[verdict], description=DESCRIPTIONS[verdict])
    return reply_without_answer(body, verdict, reason)


def envelope(data: Mapping[str, Any], *, code: int = 0, description: str = "success") -> bytes:
    return orjson.dumps({"data": {"error_code": code, "description": description, **data}})


def _of_order(answer: OrderAnswer) -> bytes:
    if answer.refusal is not None:
        code, description = ORDER_REFUSALS[answer.refusal]
        return envelope({}, code=code, description=description)
    return envelope({"ext_order_id": answer.out_order_id or answer.order_id})


def _of_codes(answer: CodesAnswer) -> bytes:
    if answer.refusal is not None:
        return envelope({"result": NOT_ISSUED, "fail_reason": _NOT_ISSUED})
    if answer.pending:
        return envelope({"result": ISSUING})
    certificates = [{"certificate_id": one.coupon_id, "code": one.code} for one in answer.codes]
    return envelope({"result": ISSUED, "certificates": certificates})


def _of_refund(ask: Ask, answer: RefundAnswer) -> Reply:
    refused = answer.outcome is RefundOutcome.REFUSED
    if refused and isinstance(ask, RefundAsk) and ask.without_code:
        # To refuse a coupon that has no code yet means to hand the code over: whoever asked for
        # codes has that answer; until then this is undecided.
        answer = answer.model_copy(update={"outcome": RefundOutcome.PENDING})
        refused = False
    data: dict[str, Any] = {"result": REFUND_RESULTS[answer.outcome]}
    if refused:
        data["reason"] = _REFUND_REFUSED
    return reply_with(envelope(data), answer)


def _of_statuses(answer: StatusAnswer) -> bytes:
    return envelope({"result": {one.order_id: _status(one) for one in answer.orders}})


def _status(order: OrderStatus) -> dict[str, Any]:
    """Codes are not shown here: the platform has them, and who asks may not."""
    state = OrderState(order.state)
    return {
        "order_id": order.order_id,
        "out_order_id": order.order_id,
        "order_status": STATUS_NUMBERS[state],
        "order_items": [{"certificate_id": coupon_id} for coupon_id in order.coupon_ids],
        "codes": [],
        "total_quantity": order.counts.total,
        "used_quantity": order.counts.redeemed,
        "refund_quantity": order.counts.refunded,
        "vouchers": [],
    }
