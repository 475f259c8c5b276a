"""A running catalog beside a real access."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.catalog.support import CatalogUnderTest, running_catalog
from tests.support.access import Access, running_access


@pytest_asyncio.fixture(loop_scope="session")
async def access(database: NewDatabase, nats_url: str) -> AsyncIterator[Access]:
    async with running_access(await database("access"), nats_url) as access:
        yield access


@pytest_asyncio.fixture(loop_scope="session")
async def catalog(
    database: NewDatabase, nats_url: str, access: Access
) -> AsyncIterator[CatalogUnderTest]:
    async with running_catalog(await database("catalog"), nats_url, access) as catalog:
        yield catalog
