"""Every HTTP surface answers what its OpenAPI document says, whatever it is sent."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from schemathesis import Case

from tests.support.fuzzing import Target, fuzzing, surface
from tests.support.launched import running_qiao

pytestmark = pytest.mark.timeout(1800)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A system of its own: what is sent here may change anything."""
    async with running_qiao(tmp_path_factory.mktemp("fuzz") / "data") as qiao:
        yield Target(qiao)


@surface("intake").parametrize()
@fuzzing
def test_intake_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("intake", case)


@surface("orders", whole=True).parametrize()
@fuzzing
def test_orders_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("orders", case)


@surface("redemption").parametrize()
@fuzzing
def test_redemption_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("redemption", case)


@surface("catalog").parametrize()
@fuzzing
def test_catalog_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("catalog", case)


@surface("access").parametrize()
@fuzzing
def test_access_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("access", case)


@surface("simulator").parametrize()
@fuzzing
def test_the_simulator_answers_as_its_document_says(case: Case[Any], target: Target) -> None:
    target.hold("simulator", case)
