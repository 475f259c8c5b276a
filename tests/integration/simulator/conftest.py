from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.simulator.support import Client, Receiver, receiving, settings, simulating


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def simulator(database: NewDatabase, receiver: Receiver) -> AsyncIterator[Client]:
    """A simulator with one app, subscribed and signed in."""
    async with simulating(settings(await database("simulator"))) as client:
        await client.register(receiver.url)
        await client.sign_in()
        yield client
