"""Every route of catalog."""

from collections.abc import Sequence

from services.catalog.http import matching, products, reservations, sheets, stock, syncs
from services.catalog.http.reservations import QUESTIONS
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES
from shared.web.routes import Route

__all__ = ["QUESTIONS", "ROUTES"]

ROUTES: Sequence[Route] = (
    *HEALTH_ROUTES,
    *OPERATION_ROUTES,
    *sheets.ROUTES,
    *products.ROUTES,
    *stock.ROUTES,
    *reservations.ROUTES,
    *syncs.ROUTES,
    *matching.ROUTES,
)
