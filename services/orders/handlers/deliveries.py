"""One function per kind of event that the service hears."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from services.orders.domain import identities
from services.orders.handlers.applying import Said, apply_observations
from services.orders.queries import applying, reconciling, refund_rules
from services.orders.queries.applying import OrderName
from services.orders.queries.reconciling import Merchant
from services.orders.queries.refund_rules import SkuRules
from shared.contracts.access import MerchantChanged
from shared.contracts.envelope import Event
from shared.contracts.intake import DeliveryConflicted, PlatformDelivery
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.contracts.products import ProductChanged
from shared.contracts.redemption import CouponCancelled, CouponRedeemed
from shared.platforms.registry import platform_named
from shared.postgres.connection import Connection


async def on_orders_spoken_of(
    conn: Connection, events: Sequence[Event], *, read_back_after: timedelta
) -> Sequence[Event]:
    """Apply what platforms and our own counters say about orders.

    What a platform says about other things passes by. Raises Unreadable if a delivery is not what
    its event should be.
    """
    said = [one for event in events for one in _said(event)]
    return await apply_observations(conn, said, read_back_after=read_back_after)


async def on_deliveries_conflicted(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """One message id, two bodies: only the platform can say which is true, so ask it."""
    names = sorted({name for event in events for name in _conflicting_orders(event)})
    if names:
        await applying.insert_orders(conn, names)
        await reconciling.read_back_now(conn, names)
    return ()


async def on_merchants_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """Learn whose orders to read back, and from which account."""
    newest = {
        (merchant.merchant, merchant.platform): merchant
        for merchant in sorted(map(_merchant, events), key=lambda one: one.version)
    }
    merchants = [newest[key] for key in sorted(newest)]
    await reconciling.upsert_merchants(conn, merchants)
    await reconciling.insert_reconciliations(conn, merchants)
    return ()


async def on_products_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """Learn what each product allows to be refunded."""
    newest: dict[tuple[str, str], SkuRules] = {}
    for event in sorted(events, key=lambda one: one.version):
        for sku in _sku_rules(event):
            newest[sku.merchant, sku.sku_id] = sku
    if newest:
        await refund_rules.keep_rules(conn, [newest[key] for key in sorted(newest)])
    return ()


def _sku_rules(event: Event) -> Iterator[SkuRules]:
    product = ProductChanged.model_validate(event.data)
    for sku in product.skus:
        yield SkuRules(
            merchant=event.merchant,
            platform=product.platform,
            product_id=product.product_id,
            sku_id=sku.sku_id,
            platform_sku_id=sku.platform_sku_id,
            third_sku_id=sku.third_sku_id,
            title=sku.title,
            rules=product.refund,
            version=event.version,
        )


def _said(event: Event) -> Iterator[Said]:
    if event.type == CouponRedeemed.TYPE:
        yield _of_redemption(event)
    elif event.type == CouponCancelled.TYPE:
        yield _of_cancellation(event)
    else:
        yield from _of_delivery(event)


def _of_delivery(event: Event) -> Iterator[Said]:
    delivery = PlatformDelivery.model_validate(event.data)
    for observation in platform_named(delivery.platform).observations(delivery):
        yield Said(
            merchant=event.merchant,
            platform=delivery.platform,
            observation_id=identities.of_event(event.id, observation),
            observation=observation,
            traceparent=event.traceparent,
            event_id=event.id,
            delivery_id=delivery.delivery_id,
        )


def _of_redemption(event: Event) -> Said:
    redeemed = CouponRedeemed.model_validate(event.data)
    return Said(
        merchant=event.merchant,
        platform=redeemed.platform,
        observation_id=identities.of_redemption(redeemed.redemption_id, redeemed.coupon_id),
        observation=Observation(
            kind=ObservationKind.COUPON_REDEEMED,
            source=Source.REDEMPTION,
            order_id=redeemed.order_id,
            coupon_id=redeemed.coupon_id,
            occurred_at=redeemed.redeemed_at,
            title=redeemed.title,
        ),
        traceparent=event.traceparent,
        event_id=event.id,
    )


def _of_cancellation(event: Event) -> Said:
    cancelled = CouponCancelled.model_validate(event.data)
    return Said(
        merchant=event.merchant,
        platform=cancelled.platform,
        observation_id=identities.of_cancellation(cancelled.cancel_id, cancelled.coupon_id),
        observation=Observation(
            kind=ObservationKind.COUPON_REDEMPTION_CANCELLED,
            source=Source.REDEMPTION,
            order_id=cancelled.order_id,
            coupon_id=cancelled.coupon_id,
            occurred_at=cancelled.cancelled_at,
        ),
        traceparent=event.traceparent,
        event_id=event.id,
    )


def _conflicting_orders(event: Event) -> Iterator[OrderName]:
    conflict = DeliveryConflicted.model_validate(event.data)
    for order_id in conflict.order_ids:
        yield OrderName(event.merchant, conflict.platform, order_id)


def _merchant(event: Event) -> Merchant:
    merchant = MerchantChanged.model_validate(event.data)
    return Merchant(
        merchant=merchant.merchant,
        platform=merchant.platform,
        account_id=merchant.account_id,
        name=merchant.name,
        version=event.version,
    )
