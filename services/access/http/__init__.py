"""Routes: request → handler → response; who may call stands beside each path."""

from collections.abc import Sequence

from services.access.http import (
    audit,
    clients,
    merchants,
    sign_in,
    staff,
    stores,
    terminals,
    tokens,
)
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES
from shared.web.routes import Route

ROUTES: Sequence[Route] = (
    *HEALTH_ROUTES,
    *OPERATION_ROUTES,
    *tokens.ROUTES,
    *sign_in.ROUTES,
    *merchants.ROUTES,
    *stores.ROUTES,
    *staff.ROUTES,
    *terminals.ROUTES,
    *clients.ROUTES,
    *audit.ROUTES,
)
