"""Every HTTP surface answers what its OpenAPI document says, whatever it is sent."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from schemathesis import Case

from tests.support.documented import read_document
from tests.support.fuzzing import CALLS_OUT, Target, fuzzing, surface
from tests.support.launched import running_qiao

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


SERVICES = ("intake", "orders", "redemption", "catalog", "access", "simulator")
# Each of them has stopped some service somewhere.
HOSTILE = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"not JSON",
    b"{",
    b'{"merchant":"a-1","merchant":"b-2"}',
    b'{"name":"\\u0000"}',
    b'{"name":"\\ud800"}',
    b'{"name":"\xff"}',
    b'{"limit":1e400}',
    b'{"limit":NaN}',
    b'{"limit":' + b"9" * 400 + b"}",
    b"[" * 2000 + b"]" * 2000,
    b'{"since":"0000-01-01T00:00:00Z","confirm":1.5,"reason":0.1}',
    b"a=1&b=2",
)


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


@pytest.mark.parametrize("service", SERVICES)
def test_a_hostile_body_is_refused_in_words_of_the_document(target: Target, service: str) -> None:
    for path, operations in read_document(service)["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation and path != CALLS_OUT:
                there = re.sub(r"\{(\w+)\}", lambda name: filled(name[1]), path)
                for body in HOSTILE:
                    target.send(service, method.upper(), there, body, "application/json")
                target.send(service, method.upper(), there, b"<a/>", "text/xml")
                target.send(service, method.upper(), there, b"--x\r\n", "multipart/form-data")


def filled(parameter: str) -> str:
    return str(UUID(int=7)) if parameter.endswith("_id") else "nothing"
