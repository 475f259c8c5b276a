"""Every route of orders."""

from collections.abc import Sequence

from services.orders.http import after_sales, orders
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES
from shared.web.routes import Route

ROUTES: Sequence[Route] = (
    *HEALTH_ROUTES,
    *OPERATION_ROUTES,
    *orders.ROUTES,
    *after_sales.ROUTES,
)
