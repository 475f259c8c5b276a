"""A running intake beside a real access, and a platform's hand to send webhooks with."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.intake.support import IntakeUnderTest, running_intake
from tests.support.access import Access, running_access


@pytest_asyncio.fixture(loop_scope="session")
async def access(database: NewDatabase, nats_url: str) -> AsyncIterator[Access]:
    async with running_access(await database("access"), nats_url) as access:
        yield access


@pytest_asyncio.fixture(loop_scope="session")
async def intake(
    database: NewDatabase, nats_url: str, access: Access
) -> AsyncIterator[IntakeUnderTest]:
    """With one application `awdemo` of merchant `yihetang`, ready to take webhooks."""
    async with running_intake(await database("intake"), nats_url, access) as intake:
        await intake.add_app()
        yield intake
