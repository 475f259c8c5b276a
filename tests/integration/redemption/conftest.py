from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.redemption.support import Till, World, a_world
from tests.support.servers import Databases, temporary_nats


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One for all tests here: each orders coupons of its own and looks at nothing else."""
    async with (
        temporary_nats(tmp_path_factory.mktemp("redemption")) as nats,
        a_world(databases.create, nats.url) as running,
    ):
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def till(world: World) -> Till:
    """A terminal of its own for every test."""
    return await world.till()
