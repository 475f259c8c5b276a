"""Which events this service hears, and what it does with them."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from services.orders.handlers import deliveries
from shared.messaging.subscription import Subscription


def subscriptions(*, read_back_after: timedelta) -> Sequence[Subscription]:
    """`read_back_after`: how long an order may stay incomplete before the platform is asked."""
    platform = partial(deliveries.on_platform_deliveries, read_back_after=read_back_after)
    redeemed = partial(deliveries.on_coupons_redeemed, read_back_after=read_back_after)
    cancelled = partial(deliveries.on_coupons_cancelled, read_back_after=read_back_after)
    return (
        Subscription("platform.>", platform),
        Subscription("coupon.redeemed", redeemed),
        Subscription("coupon.cancelled", cancelled),
        Subscription("intake.delivery_conflicted", deliveries.on_deliveries_conflicted),
        Subscription("merchant.>", deliveries.on_merchants_changed),
    )
