"""Fixtures that every level of the tests may use; only what a test asks for is started."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from deploy.embedded.nats import Nats
from deploy.embedded.postgres import Postgres
from tests.support.servers import (
    Databases,
    remove_streams,
    temporary_nats,
    temporary_postgres,
)

NewDatabase = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """One PostgreSQL for the session. Fsync is off: no test here survives a power cut."""
    async with temporary_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nats_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nats]:
    """One nats-server with JetStream for the session."""
    async with temporary_nats(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def databases(postgres_server: Postgres) -> Databases:
    """The migrated templates, one a service, made when first asked for."""
    return Databases(postgres_server)


@pytest_asyncio.fixture(loop_scope="session")
async def database(databases: Databases) -> AsyncIterator[NewDatabase]:
    """`url = await database("orders")`: a database of this test's own, dropped after it."""
    created: list[str] = []

    async def create(service: str | None = None) -> str:
        created.append(await databases.create(service))
        return created[-1]

    yield create
    for url in created:
        await databases.drop(url)


@pytest_asyncio.fixture(loop_scope="session")
async def nats_url(nats_server: Nats) -> str:
    """The session's NATS without any stream: what an earlier test left is gone."""
    await remove_streams(nats_server.url)
    return nats_server.url
