"""A running orders beside a real access."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.orders.support import OrdersUnderTest, running_orders
from tests.support.access import Access, running_access


@pytest_asyncio.fixture(loop_scope="session")
async def access(database: NewDatabase, nats_url: str) -> AsyncIterator[Access]:
    async with running_access(await database("access"), nats_url) as access:
        yield access


@pytest_asyncio.fixture(loop_scope="session")
async def orders(
    database: NewDatabase, nats_url: str, access: Access
) -> AsyncIterator[OrdersUnderTest]:
    async with running_orders(await database("orders"), nats_url, access) as orders:
        yield orders
