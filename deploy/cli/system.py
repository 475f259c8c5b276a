"""Finds the running system and speaks to its services as the operator."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import aiohttp
import typer

from deploy.cli import problems
from deploy.embedded.data import DataFolder
from deploy.embedded.problems import Problem
from shared.errors import Rejection, Unavailable
from shared.web.client import Credentials, ServiceClient, client_session

SERVICES = ("intake", "orders", "redemption", "access", "catalog")
_ADDRESSES = (*SERVICES, "simulator", "nats")
_OPERATOR = "operator"
_INTERRUPTED_EXIT_CODE = 130

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        # What cannot be read is told in our own words.
        readable=False,
        help="qiao up 的数据目录 · data folder of qiao up [.qiao]",
    ),
]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class System:
    """Where everything is, and what the operator signs in with."""

    addresses: Mapping[str, str]
    operator_secret: str
    # Only a system that `qiao up` runs on this machine has one.
    data: DataFolder | None = None

    def address(self, name: str) -> str:
        """Raises Problem if nobody said where it is."""
        try:
            return self.addresses[name]
        except KeyError:
            if name == "simulator":
                raise problems.no_simulator() from None
            raise problems.no_address(name) from None


class Qiao:
    """One open session with every service, as the operator."""

    def __init__(self, system: System, session: aiohttp.ClientSession) -> None:
        self.system = system
        self.session = session
        self.credentials = Credentials(
            system.address("access"), client_id=_OPERATOR, client_secret=system.operator_secret
        )

    def service(self, name: str) -> ServiceClient:
        return ServiceClient(self.session, self.system.address(name), self.credentials)

    @property
    def access(self) -> ServiceClient:
        return self.service("access")

    @property
    def intake(self) -> ServiceClient:
        return self.service("intake")

    @property
    def orders(self) -> ServiceClient:
        return self.service("orders")

    @property
    def redemption(self) -> ServiceClient:
        return self.service("redemption")

    @property
    def catalog(self) -> ServiceClient:
        return self.service("catalog")


@asynccontextmanager
async def connected(system: System) -> AsyncIterator[Qiao]:
    async with client_session() as session:
        yield Qiao(system, session)


def ask(data: Path | None, work: Callable[[Qiao], Awaitable[Answer]]) -> Answer:
    """Do the work on the running system; what can be expected to fail ends the command."""

    async def main() -> Answer:
        async with connected(locate(data)) as qiao:
            return await work(qiao)

    return tell_problems(lambda: asyncio.run(main()))


def tell_problems(work: Callable[[], Answer]) -> Answer:
    """Turn expected failures into words and an exit status: no traceback for those."""
    try:
        return _without_group(work)
    except Problem as problem:
        fail(problem)
    except Rejection as rejection:
        fail(problems.refused(rejection))
    except Unavailable as outage:
        fail(problems.unavailable(outage))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(_INTERRUPTED_EXIT_CODE) from None


def _without_group(work: Callable[[], Answer]) -> Answer:
    """What several tasks were at fails with the first thing that can be expected to."""
    try:
        return work()
    except BaseExceptionGroup as group:
        expected = group.subgroup((Problem, Rejection, Unavailable))
        if expected is None:
            raise
        raise _first_leaf(expected) from group


def _first_leaf(error: BaseException) -> BaseException:
    return _first_leaf(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def fail(problem: Problem) -> NoReturn:
    """Say it and end the command."""
    print(problem, file=sys.stderr)
    raise typer.Exit(1)


def locate(data: Path | None) -> System:
    """`--data` wins, then the environment, then the folder that `qiao up` takes by default."""
    if data is None and os.environ.get("QIAO_OPERATOR_SECRET_FILE"):
        return _from_environment()
    return _from_run_file(DataFolder((data or default_data()).absolute()))


def default_data() -> Path:
    return Path(os.environ.get("QIAO_DATA") or ".qiao")


def _from_run_file(data: DataFolder) -> System:
    try:
        running = data.read_run_file()
    except (OSError, json.JSONDecodeError):
        raise problems.unreadable_file(data.run_file, expected="run.json of qiao up") from None
    if running is None:
        raise problems.not_running(data.root)
    addresses = {name: url for name, url in running["addresses"].items() if url}
    return System(addresses, _read_secret(Path(running["operator_secret_file"])), data)


def _from_environment() -> System:
    told = {name: os.environ.get(f"QIAO_{name.upper()}_URL", "") for name in _ADDRESSES}
    secret_file = Path(os.environ["QIAO_OPERATOR_SECRET_FILE"])
    return System({name: url for name, url in told.items() if url}, _read_secret(secret_file))


def _read_secret(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        expected = "the operator's secret, readable by you"
        raise problems.unreadable_file(file, expected=expected) from None


async def everything(
    service: ServiceClient,
    path: str,
    query: Mapping[str, str | None] | None = None,
    *,
    most: int | None = None,
) -> list[dict[str, Any]]:
    """All pages of a list, or the first `most` items. Any: items are JSON."""
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    items: list[dict[str, Any]] = []
    while True:
        answer = await service.call("GET", path, query=asked)
        items += answer["items"]
        cursor = answer.get("next_cursor")
        if cursor is None or (most is not None and len(items) >= most):
            return items if most is None else items[:most]
        asked["cursor"] = cursor
