from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.redemption.support import Till, World, a_world


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: NewDatabase, nats_url: str) -> AsyncIterator[World]:
    async with a_world(database, nats_url) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def till(world: World) -> Till:
    return await world.till()
