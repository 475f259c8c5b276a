"""Every route of intake."""

from services.intake.http import (
    apps,
    deliveries,
    operations,
    questions,
    tokens,
    trade_keys,
    webhooks,
)

ROUTES = (
    *webhooks.ROUTES,
    *questions.ROUTES,
    *apps.ROUTES,
    *trade_keys.ROUTES,
    *deliveries.ROUTES,
    *tokens.ROUTES,
    *operations.ROUTES,
)
