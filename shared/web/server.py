"""Serves an application until the body ends; what is being answered is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from ssl import SSLContext
from typing import Any, Protocol, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler

from shared.messaging.background import background
from shared.web.connections import WatchedConnection, at_most, watch
from shared.web.errors import problem

# Platforms send small bodies; routes that take less say so themselves.
_BODY_BYTES_MAX = 1024 * 1024
_SHUTDOWN_SECONDS = 2.0
_KEEPALIVE_SECONDS = 75.0
_BACKLOG = 1024
Factory: TypeAlias = Callable[[], WatchedConnection]


class FrontFactory(Protocol):
    """Makes connections, and knows those that it has not passed on."""

    @property
    def connections(self) -> Collection[object]: ...

    def __call__(self) -> asyncio.Protocol: ...


Front: TypeAlias = Callable[[Factory], AbstractAsyncContextManager[FrontFactory]]


def new_application() -> web.Application:
    return web.Application(client_max_size=_BODY_BYTES_MAX, middlewares=[_off_the_table])


@web.middleware
async def _off_the_table(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Paths and methods that no route has are answered as every other refusal is."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refusal:
        allowed = ", ".join(sorted(refusal.allowed_methods))
        answer = problem(405, "method_not_allowed", f"this path takes {allowed}")
        answer.headers["Allow"] = allowed
        return answer
    except web.HTTPNotFound:
        return problem(404, "no_such_path", "no such path in this service")


@asynccontextmanager
async def serving(
    app: web.Application,
    *,
    host: str,
    port: int,
    tls: SSLContext | None = None,
    front: Front | None = None,
    connections_max: int = 2000,
) -> AsyncIterator[str]:
    """Yields the base URL. Port 0 takes a free one.

    `front` is given aiohttp's protocol factory and makes the one that connections start with.
    Connections beyond `connections_max` are told 503 and closed.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=_KEEPALIVE_SECONDS,
    )
    await runner.setup()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup if tls is None else partial(_abort_after, runner))
        manager = _manager(runner)
        await stack.enter_async_context(background(partial(watch, manager), name="connections"))
        factory: Callable[[], asyncio.Protocol]
        factory = aiohttp = partial(WatchedConnection, manager, **_handler_arguments(manager))
        others: Collection[object] = ()
        if front is not None:
            factory = made = await stack.enter_async_context(front(aiohttp))
            others = made.connections
        counted = at_most(connections_max, lambda: len(manager.connections) + len(others), factory)
        server = await asyncio.get_running_loop().create_server(
            counted, host, port, backlog=_BACKLOG, reuse_address=True, ssl=tls
        )
        stack.callback(server.close)
        bound_port = server.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        yield f"{'http' if tls is None else 'https'}://{name}:{bound_port}"


async def _abort_after(runner: web.AppRunner) -> None:
    """TLS is closed by two sides, and the other may be gone: its sockets would outlive the loop."""
    connections = [] if runner.server is None else runner.server.connections
    transports = [each.transport for each in connections]
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()
    # The loop closes what was aborted in its next turn.
    await asyncio.sleep(0)


# Any: what aiohttp makes its connections with.
def _handler_arguments(manager: web.Server) -> dict[str, Any]:
    return {"loop": asyncio.get_running_loop(), **manager._kwargs}  # noqa: SLF001 - or twice


def _manager(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        message = "set the runner up first"
        raise RuntimeError(message)
    return runner.server
