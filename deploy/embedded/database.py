"""Makes a server ready for the services: the database, one role and one schema for each."""

from pathlib import Path
from typing import Any

import asyncpg
from asyncpg import Connection

from deploy.embedded import problems
from deploy.embedded.postgres import DATABASE, Postgres

INIT_SQL = Path(__file__).parent.parent / "postgres" / "init.sql"
_CONNECT_SECONDS = 10.0


async def create_database(server: Postgres) -> None:
    """Create the database at the first start of an embedded server."""
    conn: Connection[Any] = await asyncpg.connect(server.url("postgres"), timeout=_CONNECT_SECONDS)
    try:
        known = await conn.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE)
        if not known:
            await conn.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await conn.close()


async def initialise(url: str) -> str:
    """Apply init.sql through `url`, which may be anybody's server, and return the URL."""
    try:
        conn: Connection[Any] = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
        try:
            await conn.execute(INIT_SQL.read_text())
        finally:
            await conn.close()
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as failure:
        raise problems.server_unreachable(
            "PostgreSQL", variable="QIAO_POSTGRES_URL", reason=str(failure) or repr(failure)
        ) from failure
    return url
