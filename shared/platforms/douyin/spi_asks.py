"""From the life services' questions to the bodies that our own services read."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from shared.contracts.asks import CodesAsk, OrderAsk, OrderLine, RefundAsk, StatusAsk
from shared.contracts.products import ProductKind
from shared.errors import Unreadable
from shared.platforms.douyin import spi_models as models
from shared.platforms.douyin.events import as_model
from shared.platforms.douyin.fields import Shape
from shared.platforms.douyin.spi import event_of
from shared.platforms.questions import Ask, Asker, Question

# Any: each takes the one shape that stands beside it in the table.
Translate = Callable[[Any, Asker], Ask]
_REASON_CHARACTERS_MAX = 500
GROUPON_TYPES: Mapping[int, ProductKind] = MappingProxyType(
    {1: ProductKind.MEAL, 2: ProductKind.VOUCHER, 3: ProductKind.TIMES_CARD}
)


def ask_of(question: Question, asker: Asker) -> Ask:
    """Raises Unreadable if the content is not what the documents show."""
    model, translate = _TRANSLATIONS[question.event]
    part = f"the body of {question.event}"
    return translated(translate, as_model(model, question.content, part=part), asker, part=part)


def translated(translate: Translate, shape: Shape, asker: Asker, *, part: str) -> Ask:
    """What the platform's shape lets through and our own limits do not is unreadable too."""
    try:
        return translate(shape, asker)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise Unreadable(f"{part}: {where}: {first['msg']}") from None


def who(asker: Asker) -> dict[str, Any]:
    """The members that every ask begins with."""
    return {
        "merchant": asker.merchant,
        "platform": asker.platform,
        "client_key": asker.client_key,
        "account_id": asker.account_id,
    }


def buyer(open_id: object, asker: Asker) -> str | None:
    return asker.index_buyer(str(open_id)) if open_id not in (None, "", 0) else None


def order_lines(
    items: Sequence[models.Item], *, count: int | None, price: int | None
) -> tuple[OrderLine, ...]:
    """What the order as a whole says of count and price is said of its only line."""
    if any(item.sku_id is None and item.third_sku_id is None for item in items):
        raise Unreadable("it does not say what is wanted; expected a SKU's id")
    alone = len(items) == 1
    return tuple(
        OrderLine(
            platform_sku_id=item.sku_id,
            third_sku_id=item.third_sku_id,
            count=item.count or (count if alone and count else 1),
            price_fen=not_negative(item.price if item.price is not None or not alone else price),
        )
        for item in items
    )


def not_negative(amount: int | None) -> int | None:
    return amount if amount is not None and amount >= 0 else None


def reason_text(reason: object) -> str | None:
    """The words, wherever they stand; codes alone say nothing to a person."""
    if isinstance(reason, Mapping):
        shown = reason.get("show_reason")
        listed = shown if isinstance(shown, list) else []
        words = [each.get("msg") for each in listed if isinstance(each, Mapping)]
        reason = reason.get("desc") or "; ".join(word for word in words if isinstance(word, str))
    text = reason if isinstance(reason, str) else ""
    return text[:_REASON_CHARACTERS_MAX] or None


def _order(wanted: Any, asker: Asker) -> OrderAsk:
    items = (
        wanted.sku_list
        or ((wanted.sku,) if wanted.sku else ())
        or wanted.product_snap_shot
        or (models.Item(sku_id=wanted.sku_id, third_sku_id=wanted.third_sku_id),)
    )
    return OrderAsk(
        **who(asker),
        order_id=wanted.order_id,
        buyer=buyer(wanted.open_id, asker),
        lines=order_lines(items, count=wanted.total_coupon_count, price=wanted.each_coupon_amount),
        pay_amount_fen=not_negative(wanted.pay_amount),
        ordered_at=wanted.create_order_time_unix or asker.asked_at,
    )


def _codes(wanted: Any, asker: Asker) -> CodesAsk:
    amount = wanted.amount
    whole = amount if isinstance(amount, models.Amount) else models.Amount(pay_amount=amount)
    sku = wanted.sku
    return CodesAsk(
        **who(asker),
        order_id=wanted.order_id,
        count=wanted.count,
        platform_sku_id=sku.sku_id,
        third_sku_id=sku.third_sku_id,
        kind=GROUPON_TYPES.get(sku.groupon_type),
        title=sku.sku_name[:_REASON_CHARACTERS_MAX] if sku.sku_name else None,
        buyer=buyer(wanted.open_id, asker),
        valid_from=wanted.start_time,
        valid_to=wanted.expire_time,
        original_amount_fen=not_negative(whole.original_amount),
        pay_amount_fen=not_negative(whole.pay_amount),
    )


def _refund(wanted: Any, asker: Asker) -> RefundAsk:
    return RefundAsk(
        **who(asker),
        order_id=wanted.order_id,
        after_sale_id=wanted.after_sale_id,
        coupon_ids=tuple(dict.fromkeys(one.certificate_id for one in wanted.certificates)),
        without_code=sum(not one.has_code for one in wanted.certificates),
        amount_fen=not_negative(wanted.refund_amount),
        reason=reason_text(wanted.refund_reason),
        asked_at=asker.asked_at,
    )


def _catering_refund(wanted: Any, asker: Asker) -> RefundAsk:
    return RefundAsk(
        **who(asker),
        order_id=wanted.order_id,
        after_sale_id=wanted.after_sale_id,
        amount_fen=not_negative(wanted.refund_fee),
        reason=reason_text(wanted.refund_reason),
        asked_at=asker.asked_at,
    )


def _statuses(wanted: Any, asker: Asker) -> StatusAsk:
    return StatusAsk(**who(asker), order_ids=tuple(dict.fromkeys(wanted.order_ids)))


_TRANSLATIONS: Mapping[str, tuple[type[Shape], Translate]] = MappingProxyType(
    {
        event_of("trade.order.pre_create_order"): (models.OrderWanted, _order),
        event_of("fulfilment.order.tripartite_code"): (models.CodesWanted, _codes),
        event_of("fulfilment.order.refund_apply"): (models.RefundWanted, _refund),
        event_of("catering.order.refund_apply"): (models.CateringRefundWanted, _catering_refund),
        event_of("fulfilment.order.query"): (models.StatusesWanted, _statuses),
    }
)
