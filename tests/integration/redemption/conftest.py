from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.nats import Nats
from tests.integration.redemption.support import Till, World, a_world
from tests.support.servers import Databases, remove_streams


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(databases: Databases, nats_server: Nats) -> AsyncIterator[World]:
    """One for all tests here: each orders coupons of its own and looks at nothing else."""
    await remove_streams(nats_server.url)
    async with a_world(databases.create, nats_server.url) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def till(world: World) -> Till:
    """A terminal of its own for every test."""
    return await world.till()
