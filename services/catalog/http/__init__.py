"""The routes of this service: parse, call, answer."""

from typing import Final

from shared.web.routes import Route

ROUTES: Final[tuple[Route, ...]] = ()
