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
from shared.web.routes import Route

ROUTES: Sequence[Route] = (
    *tokens.ROUTES,
    *sign_in.ROUTES,
    *merchants.ROUTES,
    *stores.ROUTES,
    *staff.ROUTES,
    *terminals.ROUTES,
    *clients.ROUTES,
    *audit.ROUTES,
)
