"""One whole system for the tests that do not break it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.launched import Launched, running_qiao


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def qiao(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Launched]:
    """`qiao up` with its demo: real processes, customers coming all the time."""
    async with running_qiao(tmp_path_factory.mktemp("qiao") / "data") as launched:
        yield launched
