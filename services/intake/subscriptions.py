"""Which events intake hears, and what it does with them."""

from services.intake.handlers import hearing
from shared.messaging.subscription import Subscription

SUBSCRIPTIONS = (Subscription("merchant.>", hearing.on_merchants_changed),)
# What intake itself says is heard only from the dead letters, when somebody asks for a retry.
RETRIES = (*SUBSCRIPTIONS, Subscription("platform.>", hearing.on_retry))
