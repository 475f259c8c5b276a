"""An access service of each test's own, and a look behind it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from shared.postgres.connection import Connection
from tests.conftest import NewDatabase
from tests.support.access import Access, running_access


@pytest_asyncio.fixture(loop_scope="session")
async def access_url(database: NewDatabase) -> str:
    return await database("access")


@pytest_asyncio.fixture(loop_scope="session")
async def access(access_url: str, nats_url: str) -> AsyncIterator[Access]:
    async with running_access(access_url, nats_url) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def postgres(access_url: str) -> AsyncIterator[Connection]:
    """The database behind the service, as its administrator."""
    conn = await asyncpg.connect(access_url, server_settings={"search_path": "access"})
    yield conn
    await conn.close()
