"""Which events this service hears."""

from typing import Final

from shared.messaging.subscription import Subscription

SUBSCRIPTIONS: Final[tuple[Subscription, ...]] = ()
