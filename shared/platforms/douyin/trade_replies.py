"""From trade callbacks to our own questions, and the acknowledgements: `err_no` and `data`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from shared.clock import utc_now
from shared.contracts.asks import LineValidity, OrderAnswer, OrderAsk, RefundAnswer, RefundAsk
from shared.errors import Unreadable
from shared.platforms.douyin import trade_models as models
from shared.platforms.douyin.events import as_model
from shared.platforms.douyin.fields import Shape
from shared.platforms.douyin.spi_asks import (
    buyer,
    not_negative,
    order_lines,
    reason_text,
    translated,
    who,
)
from shared.platforms.douyin.spi_replies import DESCRIPTIONS, ERROR_CODES, ORDER_REFUSALS
from shared.platforms.douyin.trade import event_of
from shared.platforms.questions import (
    Answer,
    Ask,
    Asker,
    Question,
    Reply,
    TradeEntry,
    Verdict,
    reply_with,
    reply_without_answer,
)

# The platform's own default; an order that is not paid by then is closed.
_PAY_SECONDS_DEFAULT = 300


def ask_of(question: Question, asker: Asker) -> Ask:
    """Raises Unreadable if the message is not what the documents show."""
    model, translate = _TRANSLATIONS[question.event]
    part = f"the message of {question.event}"
    ask = translated(translate, as_model(model, question.content, part=part), asker, part=part)
    # A refund's decision is told later, by a call that differs from form to form.
    return ask.model_copy(update={"channel": question.form}) if isinstance(ask, RefundAsk) else ask


def _order(wanted: Any, asker: Asker) -> OrderAsk:
    items = wanted.goods or wanted.sku_list
    if not items:
        raise Unreadable("it names no goods; expected goods or sku_list")
    total, discount = wanted.total_amount, wanted.discount_amount
    if discount != 0:
        # Whose discount it is, the product's or the platform's, is not said: neither is then what
        # the product's price should be.
        items = tuple(item.model_copy(update={"price": None}) for item in items)
    paid = None if total is None or discount is None else total - discount
    return OrderAsk(
        **who(asker),
        order_id=wanted.order_id,
        buyer=buyer(wanted.open_id, asker),
        lines=order_lines(items, count=None, price=None),
        pay_amount_fen=not_negative(paid),
        ordered_at=wanted.create_order_time or asker.asked_at,
    )


def _refund(wanted: Any, asker: Asker) -> RefundAsk:
    return RefundAsk(
        **who(asker),
        order_id=wanted.order_id,
        after_sale_id=wanted.refund_id,
        coupon_ids=tuple(dict.fromkeys(item.item_order_id for item in wanted.items)),
        amount_fen=not_negative(wanted.refund_total_amount),
        reason=reason_text(wanted.refund_reason),
        asked_at=asker.asked_at,
        answer_until=wanted.refund_audit_deadline,
    )


_TRANSLATIONS: Mapping[str, tuple[type[Shape], Callable[[Any, Asker], Ask]]] = MappingProxyType(
    {
        event_of("pre_create_order"): (models.OrderToCreate, _order),
        event_of("pre_create_refund"): (models.RefundToCreate, _refund),
    }
)


def reply(ask: Ask, answer: Answer, entry: TradeEntry) -> Reply:
    if isinstance(answer, OrderAnswer) and isinstance(ask, OrderAsk):
        return reply_with(_of_order(ask, answer, entry), answer)
    if isinstance(answer, RefundAnswer):
        return reply_with(_of_refund(answer, entry), answer)
    raise TypeError(f"no callback is answered with a {type(answer).__name__}")


def reply_without(verdict: Verdict, reason: str | None = None) -> Reply:
    body = acknowledgement(code=ERROR_CODES[verdict], tips=DESCRIPTIONS[verdict])
    return reply_without_answer(body, verdict, reason)


def acknowledgement(
    *, data: Mapping[str, Any] | None = None, code: int = 0, tips: str = "success"
) -> bytes:
    more = {} if data is None else {"data": data}
    return orjson.dumps({"err_no": code, "err_tips": tips, **more})


def _of_order(ask: OrderAsk, answer: OrderAnswer, entry: TradeEntry) -> bytes:
    if answer.refusal is not None:
        code, tips = ORDER_REFUSALS[answer.refusal]
        return acknowledgement(code=code, tips=tips)
    out_order_no = answer.out_order_id or answer.order_id
    data: dict[str, Any] = {
        "out_order_no": out_order_no,
        "pay_expire_seconds": _pay_seconds(answer.pay_until),
        "order_entry_schema": _schema(entry, {"out_order_no": out_order_no}),
        "order_valid_time": _validities(ask, answer),
    }
    if entry.pay_notify_url:
        data["pay_notify_url"] = entry.pay_notify_url
    return acknowledgement(data=data)


def _of_refund(answer: RefundAnswer, entry: TradeEntry) -> bytes:
    """That it was heard: the decision is told by a call of ours, and until then it is open."""
    out_refund_no = answer.out_refund_id or answer.after_sale_id
    schema = _schema(entry, {"out_refund_no": out_refund_no})
    return acknowledgement(data={"out_refund_no": out_refund_no, "order_entry_schema": schema})


def _schema(entry: TradeEntry, parameters: Mapping[str, str]) -> dict[str, str]:
    return {"path": entry.order_path, "params": orjson.dumps(parameters).decode()}


def _pay_seconds(pay_until: datetime | None) -> int:
    if pay_until is None:
        return _PAY_SECONDS_DEFAULT
    return max(1, int((pay_until - utc_now()).total_seconds()))


def _validities(ask: OrderAsk, answer: OrderAnswer) -> list[dict[str, Any]]:
    """By the ids that the platform asked with; in the order asked where we know only ours."""
    if len(answer.lines) == len(ask.lines):
        named = [
            (asked.platform_sku_id or line.third_sku_id, line)
            for asked, line in zip(ask.lines, answer.lines, strict=True)
        ]
    else:
        named = [(line.third_sku_id, line) for line in answer.lines]
    return [_validity(goods_id, line) for goods_id, line in named if _is_bounded(line)]


def _is_bounded(line: LineValidity) -> bool:
    return line.valid_from is not None and line.valid_to is not None


def _validity(goods_id: str, line: LineValidity) -> dict[str, Any]:
    return {
        "goods_id": goods_id,
        "valid_start_time": _milliseconds(line.valid_from),
        "valid_end_time": _milliseconds(line.valid_to),
    }


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
