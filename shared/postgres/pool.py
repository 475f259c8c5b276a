"""A pool that can see one service's schema and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import structlog

from shared.postgres.connection import DELAYS, OUTAGES, Connection, Pool
from shared.postgres.patience import BACKGROUND_SECONDS, patience

_CONNECT_TIMEOUT_SECONDS = 5.0
# Waiting for a free connection, or for a new one.
_ACQUIRE_SECONDS = 3.0
# A server that is alive acknowledges in milliseconds that it stops working at a command.
_CANCEL_SECONDS = 1.0
_WAIT_FOR_SERVER_SECONDS = 60.0
_RETRY_SECONDS = 0.5
_PROBE_SECONDS = 1.9

# As asyncpg has it.
_QUERIES_MAX = 50_000
_IDLE_SECONDS = 300.0

Started = TypeVar("Started")
log = structlog.get_logger()


class _ImpatientConnection(asyncpg.Connection):
    """Ends by itself when the server does not even acknowledge that a command is given up.

    Otherwise all that follows, the rollback and the return to the pool above all, would wait
    for a server that hangs.
    """

    # Any: asyncpg passes its futures, how many depends on its version.
    def _cancel_current_command(self, *waiters: Any) -> None:
        super()._cancel_current_command(*waiters)  # type: ignore[misc]
        asyncio.get_running_loop().call_later(_CANCEL_SECONDS, self._end_if_hung)

    def _end_if_hung(self) -> None:
        protocol: Any = getattr(self, "_protocol", None)
        if not self.is_closed() and protocol._is_cancelling():  # noqa: SLF001 - asyncpg's
            log.warning("postgres_hangs")
            self.terminate()


class _ImpatientPool(asyncpg.Pool):
    """Waits for a connection and for its answers as long as the one who asks has patience."""

    # asyncpg's name and argument.
    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109
        # Any: asyncpg's proxy of a connection.
        seconds = _ACQUIRE_SECONDS if timeout is None else timeout
        proxy = await super()._acquire(seconds)  # type: ignore[misc]
        conn, patient = proxy._con, patience.get()  # noqa: SLF001 - there is no other way
        if conn._config.command_timeout != patient:  # noqa: SLF001
            conn._config = conn._config._replace(command_timeout=patient)  # noqa: SLF001
        return proxy


@asynccontextmanager
async def pooled(url: str, *, service: str, max_size: int = 10) -> AsyncIterator[Pool]:
    """Connect as role `qiao_<service>` with its schema as the search path.

    Waits up to a minute for a server that is still starting; raises the last error after that.
    """
    pool = await when_possible(lambda: _create(url, service=service, max_size=max_size))
    try:
        yield pool
    finally:
        # Whoever still holds a connection at this point is being cancelled already.
        try:
            await asyncio.wait_for(pool.close(), 2.0)
        except TimeoutError:
            pool.terminate()


async def when_possible(start: Callable[[], Awaitable[Started]]) -> Started:
    """Do what a start needs, as soon as the server answers and has room for it."""
    deadline = asyncio.get_running_loop().time() + _WAIT_FOR_SERVER_SECONDS
    while True:
        try:
            return await start()
        except DELAYS as delay:
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.warning("start_delayed", error=type(delay).__name__)
            await asyncio.sleep(_RETRY_SECONDS)


async def _create(url: str, *, service: str, max_size: int) -> Pool:
    return await _ImpatientPool(
        url,
        connection_class=_ImpatientConnection,
        record_class=asyncpg.Record,
        init_size=1,
        min_size=1,
        max_size=max_size,
        max_queries=_QUERIES_MAX,
        max_inactive_connection_lifetime=_IDLE_SECONDS,
        setup=None,
        connect=None,
        loop=None,
        timeout=_CONNECT_TIMEOUT_SECONDS,
        command_timeout=BACKGROUND_SECONDS,
        # JIT costs more than it gives on our short statements.
        server_settings={
            "role": f"qiao_{service}",
            "search_path": service,
            "application_name": f"qiao-{service}",
            "jit": "off",
            "timezone": "UTC",
        },
        init=_prepare_connection,
        reset=_keep_settings,
    )


async def _prepare_connection(conn: Connection) -> None:
    await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str, format="text")


async def _keep_settings(conn: Connection) -> None:
    """Skip asyncpg's RESET ALL round trip: no statement of ours changes a session setting."""


async def is_reachable(pool: Pool) -> bool:
    """Whether the server answers within two seconds: what readiness asks."""
    probe = asyncio.ensure_future(_probe(pool))
    # A connection that hangs is not waited for while it is given back.
    done, _ = await asyncio.wait({probe}, timeout=_PROBE_SECONDS)
    if not done:
        probe.cancel()
        return False
    return probe.result()


async def _probe(pool: Pool) -> bool:
    try:
        async with pool.acquire() as conn:
            await conn.fetchval("SELECT 1")
    except OUTAGES:
        return False
    return True
