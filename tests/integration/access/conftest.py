"""One access service for the tests that only ask it; others start their own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.support.access import Access, running_access


@pytest_asyncio.fixture(loop_scope="session")
async def access(database: NewDatabase, nats_url: str) -> AsyncIterator[Access]:
    async with running_access(await database("access"), nats_url) as running:
        yield running
