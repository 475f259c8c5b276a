from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.simulator.merchant import Merchant, quick, selling
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


@pytest_asyncio.fixture(loop_scope="session")
async def merchant(simulator: Client, receiver: Receiver) -> AsyncIterator[Merchant]:
    """Registered as the owner of the app's questions; the platform repeats itself at once."""
    async with selling() as playing:
        await playing.register(simulator, receiver.url)
        await quick(simulator)
        yield playing
