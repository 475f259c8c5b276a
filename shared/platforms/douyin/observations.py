"""From what Douyin says to observations: facts about orders and coupons in our own words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.platforms.douyin.event_models import CertificateNotify, OrderNotify
from shared.platforms.douyin.events import read_content
from shared.platforms.douyin.responses import Certificate, Order, OrderItem
from shared.platforms.douyin.statuses import CERTIFICATE_STATUSES, ITEM_STATUSES, ORDER_STATUSES

# The platform's clock has whole seconds, and what it answers was read a moment before.
QUERY_AGE = timedelta(seconds=1)

# The events that say something about an order or a coupon.
TELLING_EVENTS = frozenset({"life_trade_order_notify", "life_trade_certificate_notify"})

CERTIFICATE_ACTIONS: Mapping[str, ObservationKind] = MappingProxyType(
    {
        "verify": ObservationKind.COUPON_REDEEMED,
        "verify_cancel": ObservationKind.COUPON_REDEMPTION_CANCELLED,
        "refund_success": ObservationKind.COUPON_REFUNDED,
    }
)


def of_delivery(delivery: PlatformDelivery) -> tuple[Observation, ...]:
    """Translate one delivery. An event or an action that we do not know says nothing."""
    if delivery.event not in TELLING_EVENTS:
        return ()
    content = read_content(delivery.event, delivery.content)
    if isinstance(content, OrderNotify):
        return tuple(_of_order_notify(content, delivery))
    if isinstance(content, CertificateNotify):
        return tuple(_of_certificate_notify(content, delivery))
    return ()


def _of_order_notify(content: OrderNotify, delivery: PlatformDelivery) -> Iterator[Observation]:
    if content.action != "pay_success":
        return
    order = content.order
    yield Observation(
        kind=ObservationKind.ORDER_PAID,
        source=Source.WEBHOOK,
        order_id=order.order_id,
        occurred_at=order.pay_time or content.msg_time or delivery.received_at,
        account_id=order.account_id or delivery.account_id,
        original_amount_fen=order.original_amount,
        pay_amount_fen=order.pay_amount,
        created_at=order.create_time,
        paid_at=order.pay_time or content.msg_time,
    )


def _of_certificate_notify(
    content: CertificateNotify, delivery: PlatformDelivery
) -> Iterator[Observation]:
    kind = CERTIFICATE_ACTIONS.get(content.action)
    if kind is None:
        return
    yield Observation(
        kind=kind,
        source=Source.WEBHOOK,
        order_id=content.certificate.order_id,
        coupon_id=content.certificate.certificate_id,
        occurred_at=content.msg_time or delivery.received_at,
        account_id=content.certificate.account_id or delivery.account_id,
    )


def of_order(order: Order, *, account_id: str, now: datetime) -> tuple[Observation, ...]:
    """Translate one order of an order query that the platform answered at `now`, its own clock."""
    return (
        *_of_order_status(order, account_id=account_id, occurred_at=now - QUERY_AGE),
        *_of_items(order, account_id=account_id, occurred_at=now - QUERY_AGE),
    )


def _of_order_status(
    order: Order, *, account_id: str, occurred_at: datetime
) -> Iterator[Observation]:
    status = ORDER_STATUSES.get(order.order_status)
    if status is None:
        return
    fact = Observation(
        kind=status.kind,
        source=Source.QUERY,
        order_id=order.order_id,
        occurred_at=occurred_at,
        since=order.update_order_time,
        account_id=account_id,
        coupon_count=order.coupon_count,
        platform_sku_id=order.sku_id,
        title=order.sku_name,
        original_amount_fen=order.original_amount,
        pay_amount_fen=order.pay_amount,
        created_at=order.create_order_time,
        paid_at=order.pay_time if status.paid else None,
    )
    if status.paid and status.kind is not ObservationKind.ORDER_PAID:
        yield fact.model_copy(update={"kind": ObservationKind.ORDER_PAID})
    yield fact


def _of_items(order: Order, *, account_id: str, occurred_at: datetime) -> Iterator[Observation]:
    status = ORDER_STATUSES.get(order.order_status)
    unpaid = status is not None and not status.paid
    for item in order.certificate:
        kind = _kind_of_item(item)
        # While the order is not paid its items are only announced.
        if kind is None or (unpaid and kind is ObservationKind.COUPON_AVAILABLE):
            continue
        yield Observation(
            kind=kind,
            source=Source.QUERY,
            order_id=order.order_id,
            coupon_id=item.certificate_id,
            occurred_at=occurred_at,
            since=_later(item.item_update_time, order.update_order_time),
            account_id=account_id,
            refund_amount_fen=(
                item.refund_amount if kind is ObservationKind.COUPON_REFUNDED else None
            ),
        )


def _later(*moments: datetime | None) -> datetime | None:
    """The samples disagree on which of the two moves when a coupon changes."""
    return max((moment for moment in moments if moment is not None), default=None)


def _kind_of_item(item: OrderItem) -> ObservationKind | None:
    """What an item says of its coupon; nothing while no coupon was issued for it."""
    status = ITEM_STATUSES.get(item.item_status)
    return None if status is None or item.certificate_id is None else status.kind


def of_certificates(
    certificates: Sequence[Certificate], *, order_id: str, account_id: str | None, now: datetime
) -> tuple[Observation, ...]:
    """Translate what a certificate query says of the coupons of one order."""
    return tuple(
        Observation(
            kind=status.kind,
            source=Source.QUERY,
            order_id=order_id,
            coupon_id=certificate.id,
            occurred_at=now - QUERY_AGE,
            account_id=account_id,
            title=certificate.sku.title if certificate.sku else None,
        )
        for certificate in certificates
        if (status := CERTIFICATE_STATUSES.get(certificate.status))
        and status.kind is not None
        and certificate.id is not None
    )
