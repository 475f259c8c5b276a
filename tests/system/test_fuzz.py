"""Every HTTP surface answers what its OpenAPI document says, whatever it is sent."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from schemathesis import Case

from tests.support.fuzzing import Target, fuzzing, surface
from tests.support.launched import running_qiao

ACCESS, ORDERS = surface("access"), surface("orders")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A system of its own: what is sent here may change anything."""
    async with running_qiao(tmp_path_factory.mktemp("fuzz") / "data") as qiao:
        yield Target(qiao)


@ORDERS.parametrize()
@fuzzing
def test_orders_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("orders", case)


@ACCESS.parametrize()
@fuzzing
def test_access_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("access", case)
