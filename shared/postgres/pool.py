"""A pool that can see one service's schema and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog

from shared.postgres.connection import OUTAGES, Connection, Pool

_COMMAND_TIMEOUT_SECONDS = 30.0
_CONNECT_TIMEOUT_SECONDS = 5.0
_WAIT_FOR_SERVER_SECONDS = 60.0
_RETRY_SECONDS = 0.5
_PROBE_SECONDS = 2.0

log = structlog.get_logger()


@asynccontextmanager
async def pooled(url: str, *, service: str, max_size: int = 10) -> AsyncIterator[Pool]:
    """Connect as role `qiao_<service>` with its schema as the search path.

    Waits up to a minute for a server that is still starting; raises the last error after that.
    """
    pool = await _create_when_reachable(url, service=service, max_size=max_size)
    try:
        yield pool
    finally:
        # Whoever still holds a connection at this point is being cancelled already.
        try:
            await asyncio.wait_for(pool.close(), 2.0)
        except TimeoutError:
            pool.terminate()


async def _create_when_reachable(url: str, *, service: str, max_size: int) -> Pool:
    deadline = asyncio.get_running_loop().time() + _WAIT_FOR_SERVER_SECONDS
    while True:
        try:
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=max_size,
                timeout=_CONNECT_TIMEOUT_SECONDS,
                command_timeout=_COMMAND_TIMEOUT_SECONDS,
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
        except OUTAGES as outage:
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.warning("postgres_unreachable", error=type(outage).__name__)
            await asyncio.sleep(_RETRY_SECONDS)


async def _prepare_connection(conn: Connection) -> None:
    await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str, format="text")


async def _keep_settings(conn: Connection) -> None:
    """Skip asyncpg's RESET ALL round trip: no statement of ours changes a session setting."""


async def is_reachable(pool: Pool) -> bool:
    """Whether the server answers within two seconds: what readiness asks."""
    try:
        async with asyncio.timeout(_PROBE_SECONDS), pool.acquire() as conn:
            await conn.fetchval("SELECT 1")
    except OUTAGES:
        return False
    return True
