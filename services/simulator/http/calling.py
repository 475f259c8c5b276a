"""Around every call of the platform: its faults, its token, its limit, its envelope."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from services.simulator.domain import shapes
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.faults import CallFault, CallKind, call_faults
from services.simulator.domain.limits import TokenBucket
from services.simulator.handlers.apps import authorise
from services.simulator.handlers.world import World
from services.simulator.http.keys import EDGE, Edge
from services.simulator.queries.controls import claim_fault
from shared.clock import utc_now
from shared.web.body import json_response, read_raw
from shared.web.routes import Route

_GATEWAY_ERROR = 502


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was let in. `client_key` is empty where no token is asked for."""

    request: web.Request
    edge: Edge
    client_key: str
    raw: bytes

    @property
    def world(self) -> World:
        return self.edge.world


Handle = Callable[[Call], Awaitable[shapes.Json]]
# Which setting of the pace limits the call, and the code of who is over it.
_LIMITS = {
    CallKind.PREPARE: ("prepare_per_second", Code.TOO_FREQUENT),
    CallKind.VERIFY_RECORD: ("verify_record_per_second", Code.TOO_FREQUENT),
    CallKind.ORDER_QUERY: ("order_query_per_second", Code.GATEWAY_TOO_FREQUENT),
}


def platform_routes(
    kind: CallKind, method: str, path: str, handle: Handle, *, with_token: bool = True
) -> tuple[Route, Route]:
    """The documentation writes each path with and without its last slash."""
    edge = _around(kind, handle, with_token=with_token)
    bare = path.rstrip("/")
    return Route(method, f"{bare}/", edge, quiet=True), Route(method, bare, edge, quiet=True)


def _around(
    kind: CallKind, handle: Handle, *, with_token: bool
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    return guarded(kind, partial(_answer, kind, handle, with_token))


def guarded(
    kind: CallKind, respond: Callable[[web.Request, Edge, bytes], Awaitable[web.Response]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Whatever answers, the faults of its kind strike it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        edge = request.app[EDGE]
        raw = await read_raw(request)
        faults = await strike(edge.world, kind, request, raw)
        if CallFault.SLOW in faults:
            switches = edge.world.faults.of_call(kind)
            await asyncio.sleep(switches.slow_seconds if switches else 0)
        if CallFault.DROPPED_BEFORE in faults:
            return drop(request)
        if CallFault.ERROR in faults:
            return web.Response(status=_GATEWAY_ERROR, text="Bad Gateway")
        response = await respond(request, edge, raw)
        return drop(request) if CallFault.DROPPED_AFTER in faults else response

    return answer


async def strike(
    world: World, kind: CallKind, request: web.Request, raw: bytes
) -> frozenset[CallFault]:
    """The faults of this call. A call that is repeated unchanged is struck once by each."""
    if not world.faults.calls:
        return frozenset()
    text = f"{request.method} {request.path_qs}".encode() + b"\n" + raw
    entity = hashlib.blake2b(text, digest_size=16).hexdigest()
    wanted = call_faults(world.faults, kind, entity)
    if not wanted:
        return frozenset()
    async with world.pool.acquire() as conn:
        return frozenset(
            [fault for fault in wanted if await claim_fault(conn, f"{kind}:{fault}", entity)]
        )


def drop(request: web.Request) -> web.Response:
    """Cut the connection; nothing of the answer leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _answer(
    kind: CallKind,
    handle: Handle,
    with_token: bool,  # noqa: FBT001 - filled in once for each path
    request: web.Request,
    edge: Edge,
    raw: bytes,
) -> web.Response:
    code, description = Code.OK, "success"
    try:
        client_key = ""
        if with_token:
            client_key = await authorise(edge.world, request.headers.get("access-token"))
            _limit(edge, kind, client_key)
        data = await handle(Call(request, edge, client_key, raw))
    except PlatformError as error:
        data, code, description = dict(error.data), error.code, error.description
    edge.world.count_call(kind, code)
    body = shapes.envelope(data, code=code, description=description, now=utc_now())
    if not with_token:
        # As the token endpoint is documented.
        body["message"] = "success" if code is Code.OK else "error"
    return json_response(body)


def _limit(edge: Edge, kind: CallKind, client_key: str) -> None:
    limit = _LIMITS.get(kind)
    if limit is None:
        return
    setting, code = limit
    per_second: int = getattr(edge.world.pace, setting)
    bucket = edge.buckets.get((kind, client_key))
    if bucket is None or bucket.per_second != per_second:
        bucket = edge.buckets[kind, client_key] = TokenBucket(per_second)
    if not bucket.take(asyncio.get_running_loop().time()):
        raise PlatformError(code)
