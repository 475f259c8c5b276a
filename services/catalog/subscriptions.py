"""Which events this service hears, and what it does with them."""

from collections.abc import Sequence
from functools import partial
from zoneinfo import ZoneInfo

from services.catalog.handlers.noticing import GOODS_EVENTS, on_goods_events
from services.catalog.handlers.settling import on_orders_changed
from services.catalog.handlers.world import on_merchants_changed, on_stores_changed
from shared.messaging.subscription import Subscription


def subscriptions(*, zone: ZoneInfo) -> Sequence[Subscription]:
    """`zone`: by whose calendar the day of a ticket begins."""
    return (
        Subscription("order.>", partial(on_orders_changed, zone=zone)),
        Subscription("merchant.>", on_merchants_changed),
        Subscription("store.>", on_stores_changed),
        Subscription(GOODS_EVENTS, on_goods_events),
    )
