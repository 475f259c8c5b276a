"""Serves an application until the body ends; what is being answered is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from ssl import SSLContext
from typing import TypeAlias

from aiohttp import web

# Platforms send small bodies; routes that take less say so themselves.
_BODY_BYTES_MAX = 1024 * 1024
_SHUTDOWN_SECONDS = 2.0
_KEEPALIVE_SECONDS = 75.0
_BACKLOG = 1024
Factory: TypeAlias = Callable[[], asyncio.Protocol]
Front: TypeAlias = Callable[[Factory], AbstractAsyncContextManager[Factory]]


def new_application() -> web.Application:
    return web.Application(client_max_size=_BODY_BYTES_MAX)


@asynccontextmanager
async def serving(
    app: web.Application,
    *,
    host: str,
    port: int,
    tls: SSLContext | None = None,
    front: Front | None = None,
) -> AsyncIterator[str]:
    """Yields the base URL. Port 0 takes a free one.

    `front` is given aiohttp's protocol factory and makes the one that connections start with.
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
        stack.push_async_callback(runner.cleanup)
        factory = _factory(runner)
        if front is not None:
            factory = await stack.enter_async_context(front(factory))
        server = await asyncio.get_running_loop().create_server(
            factory, host, port, backlog=_BACKLOG, reuse_address=True, ssl=tls
        )
        stack.callback(server.close)
        bound_port = server.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        yield f"{'http' if tls is None else 'https'}://{name}:{bound_port}"


def _factory(runner: web.AppRunner) -> Factory:
    if runner.server is None:
        message = "set the runner up first"
        raise RuntimeError(message)
    return runner.server
