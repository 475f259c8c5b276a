"""Which events this service hears: those that the audit keeps."""

from services.access.handlers.audit import on_audited
from shared.messaging.subscription import Subscription

SUBSCRIPTIONS = (
    Subscription("coupon.cancelled", on_audited),
    Subscription("coupon.revealed", on_audited),
    Subscription("intake.delivery_revealed", on_audited),
)
