"""One access service for the tests of a module, or a fresh one, and a look behind it.

Tests of a shared service use merchants of their own: `await access.new_merchant()`.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from deploy.embedded.nats import Nats
from shared.postgres.connection import Connection
from tests.conftest import NewDatabase
from tests.support.access import Access, running_access
from tests.support.servers import Databases, remove_streams


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def access(databases: Databases, nats_server: Nats) -> AsyncIterator[Access]:
    """Shared by the tests of a module."""
    await remove_streams(nats_server.url)
    url = await databases.create("access")
    async with running_access(url, nats_server.url) as running:
        yield running
    await databases.drop(url)


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_access(database: NewDatabase, nats_url: str) -> AsyncIterator[Access]:
    """For a test that needs to be alone."""
    async with running_access(await database("access"), nats_url) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def postgres(access: Access) -> AsyncIterator[Connection]:
    """The database behind the service, as its administrator."""
    conn = await asyncpg.connect(access.postgres_url, server_settings={"search_path": "access"})
    yield conn
    await conn.close()
