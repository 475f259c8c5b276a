"""Which events this service hears."""

from typing import Final

from services.redemption.handlers.heard import on_platform_delivery, on_store_changed
from services.redemption.handlers.heard_products import on_product_changed
from shared.messaging.subscription import Subscription

SUBSCRIPTIONS: Final = (
    Subscription("platform.>", on_platform_delivery),
    Subscription("store.>", on_store_changed),
    Subscription("product.>", on_product_changed),
)
