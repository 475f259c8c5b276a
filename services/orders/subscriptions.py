"""Which events this service hears, and what it does with them."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from services.orders.handlers import deliveries
from shared.messaging.subscription import Subscription


def subscriptions(*, read_back_after: timedelta) -> Sequence[Subscription]:
    """`read_back_after`: how long an order may stay incomplete before the platform is asked.

    Whoever speaks of orders is heard by one handler: a batch locks its orders once, in key order.
    """
    heard = partial(deliveries.on_orders_spoken_of, read_back_after=read_back_after)
    return (
        Subscription(("platform.>", "coupon.redeemed", "coupon.cancelled"), heard),
        Subscription("intake.delivery_conflicted", deliveries.on_deliveries_conflicted),
        Subscription("merchant.>", deliveries.on_merchants_changed),
        Subscription("product.>", deliveries.on_products_changed),
    )
