"""Routes as a table: method, path, handler, and the action a token must allow."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, TypeAlias

import structlog
from aiohttp import web
from prometheus_client import Counter
from pydantic import BaseModel

from shared.errors import Unauthorized
from shared.ids import new_trace_parent
from shared.metrics import REFUSALS, REQUEST_SECONDS, REQUESTS
from shared.postgres.patience import CLERK_SECONDS, waiting_at_most
from shared.web.body import BODY
from shared.web.errors import answer_failure
from shared.web.keys import LOGGED, PRINCIPAL, TRACEPARENT, VERIFIER
from shared.web.principal import Principal
from shared.web.query import QUERY, Query, read_query

Handle: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BEARER = "Bearer "
_TRACEPARENT_CHARACTERS = 55

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Route:
    """`action` None means that the handler itself decides who may call.

    A quiet route logs no line of its own and starts no trace: its batches do.

    What follows is what docs/openapi says. `query` and `body` are what is read; `answers` is
    the type of each body, `Media` where it is no JSON; `refusals` are the reasons beyond those
    of every route with an action, a body, a query or an id.
    """

    method: str
    path: str
    handle: Handle
    action: str | None = None
    quiet: bool = False
    summary: str = ""
    # Path parameters that are more than a text.
    path_types: Mapping[str, Any] = field(default_factory=dict)
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    # Any: whatever pydantic makes a schema of.
    answers: Mapping[int, Any] = field(default_factory=dict)
    refusals: Mapping[int, Sequence[str]] = field(default_factory=dict)
    # How long it waits for one command of the database before it answers 503.
    database_seconds: float = CLERK_SECONDS


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is not JSON; `others` where the caller chooses its form."""

    content_type: str
    others: tuple[str, ...] = ()


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    for route in routes:
        app.router.add_route(route.method, route.path, _edge(route))


def _edge(route: Route) -> Handle:
    """Authenticate, measure, log, and turn failures into answers, around one handler."""
    seconds = REQUEST_SECONDS.labels(route.path)
    # Looking labels up takes longer than counting.
    answered: dict[int, Counter] = {}

    async def edge(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        if not route.quiet:
            request[TRACEPARENT] = _traceparent(request)
        reason = None
        try:
            if route.action is not None:
                request[PRINCIPAL] = principal = _authenticate(request)
                principal.require(route.action)
            _read_declared(request, route)
            with waiting_at_most(route.database_seconds):
                response = await route.handle(request)
        except Exception as failure:  # noqa: BLE001 - the one place where failures become answers
            response, reason = answer_failure(failure, request)
        elapsed = time.perf_counter() - started
        seconds.observe(elapsed)
        status = response.status
        if status not in answered:
            answered[status] = REQUESTS.labels(route.method, route.path, status)
        answered[status].inc()
        if reason is not None:
            REFUSALS.labels(route.path, reason).inc()
        if not route.quiet:
            if not response.prepared:
                response.headers["traceparent"] = request[TRACEPARENT]
            _log_request(request, route, status, reason, elapsed)
        return response

    return edge


def _read_declared(request: web.Request, route: Route) -> None:
    if not route.answers:
        # Nothing is said about this route.
        return
    request[QUERY] = read_query(request, route.query)
    request[BODY] = route.body or NoneType


def _authenticate(request: web.Request) -> Principal:
    header = request.headers.get("Authorization", "")
    if not header.startswith(_BEARER):
        message = "send a token: Authorization: Bearer …"
        raise Unauthorized(message, reason="token_missing")
    return request.app[VERIFIER].verify(header[len(_BEARER) :])


def _traceparent(request: web.Request) -> str:
    """The caller's, so that one trace covers both, or a new one."""
    given = request.headers.get("traceparent", "")
    if len(given) == _TRACEPARENT_CHARACTERS and given.startswith("00-") and given.isascii():
        return given
    return new_trace_parent()


def _log_request(
    request: web.Request, route: Route, status: int, reason: str | None, elapsed: float
) -> None:
    principal = request.get(PRINCIPAL)
    fields = {
        "method": route.method,
        "route": route.path,
        # Path parameters are ids; the query may hold anything and is left out.
        **{name: value for name, value in request.match_info.items() if name != "code"},
        "status": status,
        "reason": reason,
        "principal": principal.subject if principal else None,
        "trace": request[TRACEPARENT][3:35],
        "milliseconds": round(elapsed * 1000, 1),
    }
    log.info("request_answered", **fields | dict(request.get(LOGGED, {})))
