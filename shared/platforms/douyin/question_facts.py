"""What Douyin's questions and callbacks say about orders, as observations.

Only what the platform itself states counts: that a refund was asked for, that money moved. What
we answer is ours to remember, and an order that is merely asked about does not exist yet.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.platforms.douyin import spi, spi_models, trade, trade_models
from shared.platforms.douyin.events import as_model
from shared.platforms.douyin.fields import Shape

# traffic.order.refund_notify: that 1 means granted is inferred; anything else says nothing.
AUDIT_RESULTS: Mapping[int, ObservationKind] = MappingProxyType(
    {1: ObservationKind.COUPON_REFUNDED, 2: ObservationKind.COUPON_REFUND_REJECTED}
)
_PAYMENTS: Mapping[str, ObservationKind] = MappingProxyType(
    {"SUCCESS": ObservationKind.ORDER_PAID, "CANCEL": ObservationKind.ORDER_CLOSED}
)


class _Kinds:
    """What a refund's fact says of the order, and of a piece of it."""

    ASKED = (ObservationKind.ORDER_REFUNDING, ObservationKind.COUPON_REFUNDING)
    DONE = (ObservationKind.ORDER_REFUNDED, ObservationKind.COUPON_REFUNDED)
    REJECTED = (ObservationKind.ORDER_REFUND_REJECTED, ObservationKind.COUPON_REFUND_REJECTED)


_REFUNDS: Mapping[str, tuple[ObservationKind, ObservationKind]] = MappingProxyType(
    {"SUCCESS": _Kinds.DONE, "FAIL": _Kinds.REJECTED}
)


def of_delivery(delivery: PlatformDelivery) -> tuple[Observation, ...]:
    """Raises Unreadable if the content is not what its event should be."""
    telling = _TELLING.get(delivery.event)
    if telling is None:
        return ()
    model, tell = telling
    content = as_model(model, delivery.content, part=f"the content of {delivery.event}")
    return tuple(tell(content, delivery))


def tells(event: str) -> bool:
    return event in _TELLING


def _of_coupons(
    kind: ObservationKind, content: Any, coupon_ids: Iterator[str], delivery: PlatformDelivery
) -> Iterator[Observation]:
    for coupon_id in dict.fromkeys(coupon_ids):
        yield Observation(
            kind=kind,
            source=Source.WEBHOOK,
            order_id=content.order_id,
            coupon_id=coupon_id,
            occurred_at=delivery.received_at,
            account_id=delivery.account_id,
        )


def _refund_apply(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    coupon_ids = (one.certificate_id for one in content.certificates)
    return _of_coupons(ObservationKind.COUPON_REFUNDING, content, coupon_ids, delivery)


def _catering_refund_apply(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    yield Observation(
        kind=ObservationKind.ORDER_REFUNDING,
        source=Source.WEBHOOK,
        order_id=content.order_id,
        refund_id=content.after_sale_id,
        occurred_at=delivery.received_at,
        account_id=delivery.account_id,
        refund_amount_fen=content.refund_fee,
    )


def _refund_notice(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    coupon_ids = (one.certificate_id for one in content.notice_list)
    return _of_coupons(ObservationKind.COUPON_REFUNDED, content, coupon_ids, delivery)


def _refund_decision(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    for one in content.notice_list:
        kind = AUDIT_RESULTS.get(one.audit_result)
        if kind is not None:
            yield Observation(
                kind=kind,
                source=Source.WEBHOOK,
                order_id=content.order_id,
                coupon_id=one.certificate_id,
                occurred_at=one.audit_time or delivery.received_at,
                account_id=delivery.account_id,
            )


def _payment(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    kind = _PAYMENTS.get(content.status)
    if kind is None:
        return
    paid = kind is ObservationKind.ORDER_PAID
    total, moment = content.total_amount, content.event_time or delivery.received_at
    yield Observation(
        kind=kind,
        source=Source.WEBHOOK,
        order_id=content.order_id,
        occurred_at=moment,
        account_id=delivery.account_id,
        original_amount_fen=total,
        pay_amount_fen=None if total is None else total - (content.discount_amount or 0),
        paid_at=moment if paid else None,
    )


def _pre_create_refund(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    return _of_refund(_Kinds.ASKED, content, delivery)


def _refund(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    kinds = _REFUNDS.get(content.status)
    # Some name only the refund; whose it is, its application has said.
    if kinds is not None and content.order_id is not None:
        yield from _of_refund(kinds, content, delivery)


def _of_refund(
    kinds: tuple[ObservationKind, ObservationKind], content: Any, delivery: PlatformDelivery
) -> Iterator[Observation]:
    """Of the order with its amount, and of each piece that is named; the money is the same."""
    of_order, of_coupon = kinds
    fact = Observation(
        kind=of_order,
        source=Source.WEBHOOK,
        order_id=content.order_id,
        refund_id=content.refund_id,
        occurred_at=content.event_time or delivery.received_at,
        account_id=delivery.account_id,
        refund_amount_fen=content.refund_total_amount,
    )
    yield fact
    for item in {each.item_order_id: each for each in content.items}.values():
        of_item = {
            "kind": of_coupon,
            "coupon_id": item.item_order_id,
            "refund_amount_fen": item.refund_amount,
        }
        yield fact.model_copy(update=of_item)


def _settle(content: Any, delivery: PlatformDelivery) -> Iterator[Observation]:
    if content.status != "SUCCESS" or content.order_id is None:
        return
    yield Observation(
        kind=ObservationKind.ORDER_SETTLED,
        source=Source.WEBHOOK,
        order_id=content.order_id,
        occurred_at=content.event_time or delivery.received_at,
        account_id=delivery.account_id,
    )


_Tell = Callable[[Any, PlatformDelivery], Iterator[Observation]]
_TELLING: Mapping[str, tuple[type[Shape], _Tell]] = MappingProxyType(
    {
        spi.event_of("fulfilment.order.refund_apply"): (spi_models.RefundWanted, _refund_apply),
        spi.event_of("catering.order.refund_apply"): (
            spi_models.CateringRefundWanted,
            _catering_refund_apply,
        ),
        spi.event_of("fulfilment.order.refund_notice"): (spi_models.RefundNotice, _refund_notice),
        spi.event_of("traffic.order.refund_notify"): (spi_models.RefundDecision, _refund_decision),
        trade.event_of("payment"): (trade_models.Payment, _payment),
        trade.event_of("pre_create_refund"): (trade_models.RefundToCreate, _pre_create_refund),
        trade.event_of("refund"): (trade_models.Refund, _refund),
        trade.event_of("settle"): (trade_models.Settlement, _settle),
    }
)
