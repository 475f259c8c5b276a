"""Serves an application until the body ends; what is being answered is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web

# Platforms send small bodies; routes that take less say so themselves.
_BODY_BYTES_MAX = 1024 * 1024
_SHUTDOWN_SECONDS = 2.0
_KEEPALIVE_SECONDS = 75.0
_BACKLOG = 1024


def new_application() -> web.Application:
    return web.Application(client_max_size=_BODY_BYTES_MAX)


@asynccontextmanager
async def serving(
    app: web.Application, *, host: str, port: int, tls: SSLContext | None = None
) -> AsyncIterator[str]:
    """Yields the base URL. Port 0 takes a free one."""
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=_KEEPALIVE_SECONDS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, host, port, backlog=_BACKLOG, reuse_address=True, ssl_context=tls
        )
        await site.start()
        bound_port = runner.addresses[0][1]
        name = f"[{host}]" if ":" in host else host
        yield f"{'http' if tls is None else 'https'}://{name}:{bound_port}"
    finally:
        await runner.cleanup()
