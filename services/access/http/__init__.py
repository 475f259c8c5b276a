"""Routes: request → handler → response; who may call stands beside each path."""

from collections.abc import Sequence

from services.access.http import merchants, stores, terminals, tokens
from shared.web.routes import Route

ROUTES: Sequence[Route] = (
    *tokens.ROUTES,
    *merchants.ROUTES,
    *stores.ROUTES,
    *terminals.ROUTES,
)
