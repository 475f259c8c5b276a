"""Every route of intake."""

from services.intake.http import apps, deliveries, operations, tokens, webhooks

ROUTES = (
    *webhooks.ROUTES,
    *apps.ROUTES,
    *deliveries.ROUTES,
    *tokens.ROUTES,
    *operations.ROUTES,
)
