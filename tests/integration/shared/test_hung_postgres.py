"""A PostgreSQL that hangs: it takes connections and commands, and answers nothing."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest_asyncio
from aiohttp import web

from deploy.embedded.postgres import prepare_postgres
from deploy.embedded.running import running
from services.redemption.handlers.grouping import Grouped
from shared.messaging.background import background
from shared.messaging.outbox import Database
from shared.postgres.connection import Pool
from shared.postgres.pool import is_reachable, pooled
from shared.web.body import json_response
from shared.web.keys import DATABASE
from shared.web.routes import Route, add_routes
from shared.web.server import new_application, serving
from tests.support.access import running_access
from tests.support.servers import apply_init
from tests.support.waiting import eventually

_PATIENCE_OF_A_CLERK_SECONDS = 6.0


@dataclass
class Hanging:
    url: str
    pid: int

    @contextmanager
    def hung(self) -> Iterator[None]:
        everybody = [*_children(self.pid), self.pid]
        for pid in everybody:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in everybody:
                _signal(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(descriptor := os.pidfd_open(pid), number)
    except ProcessLookupError:
        return
    os.close(descriptor)


@pytest_asyncio.fixture(loop_scope="session")
async def postgres(tmp_path: Path) -> AsyncIterator[Hanging]:
    server = await prepare_postgres(tmp_path / "postgres" / "data", durable=False)
    async with running(server.program, log=tmp_path / "postgres.log") as process:
        await apply_init(server.url("postgres"))
        yield Hanging(server.url("postgres"), process.pid)


async def count(request: web.Request) -> web.Response:
    async with request.app[DATABASE].pool.acquire() as conn:
        return json_response({"count": await conn.fetchval("SELECT 1")})


async def change(request: web.Request) -> web.Response:
    async with request.app[DATABASE].transaction() as transaction:
        await transaction.conn.execute("SELECT 1")
    return json_response({})


@asynccontextmanager
async def an_edge(pool: Pool) -> AsyncIterator[str]:
    app = new_application()
    app[DATABASE] = Database(pool)
    add_routes(app, [Route("GET", "/count", count), Route("POST", "/change", change)])
    async with serving(app, host="127.0.0.1", port=0) as url:
        yield url


async def test_every_request_is_answered_503_in_time_and_goes_on_afterwards(
    postgres: Hanging,
) -> None:
    async with (
        pooled(postgres.url, service="orders", max_size=3) as pool,
        an_edge(pool) as url,
        aiohttp.ClientSession() as session,
    ):

        async def ask(method: str, path: str) -> tuple[int, str | None]:
            async with session.request(method, url + path) as answer:
                return answer.status, answer.headers.get("Retry-After")

        assert await ask("POST", "/change") == (200, None)
        with postgres.hung():
            started = time.monotonic()
            asked = [ask("GET", "/count") for _ in range(5)] + [ask("POST", "/change")]
            answers = await asyncio.gather(*asked)
            assert answers == [(503, "1")] * 6
            assert time.monotonic() - started < _PATIENCE_OF_A_CLERK_SECONDS
            started = time.monotonic()
            assert not await is_reachable(pool)
            assert time.monotonic() - started < 2.5
        await eventually(lambda: is_reachable(pool))
        assert await ask("GET", "/count") == (200, None)
        assert await ask("POST", "/change") == (200, None)


async def test_what_shares_a_commit_is_answered_in_time_too(postgres: Hanging) -> None:
    async with pooled(postgres.url, service="orders", max_size=3) as pool:

        async def handle(asked: Sequence[int]) -> Sequence[int]:
            async with pool.acquire() as conn, conn.transaction():
                return [await conn.fetchval("SELECT $1::int", one) for one in asked]

        grouped: Grouped[int, int] = Grouped("numbers", handle)
        async with background(grouped.run, name="numbers"):
            assert await grouped.ask(1) == 1
            with postgres.hung():
                started = time.monotonic()
                asked = [asyncio.create_task(grouped.ask(2))]
                await asyncio.sleep(0)
                asked.append(asyncio.create_task(grouped.ask(3)))
                failures = await asyncio.gather(*asked, return_exceptions=True)
                assert [type(one).__name__ for one in failures] == ["Unavailable"] * 2
                assert time.monotonic() - started < _PATIENCE_OF_A_CLERK_SECONDS

            async def answered() -> bool:
                return await grouped.ask(4) == 4

            await eventually(answered)


async def test_sign_in_answers_503_and_readyz_in_two_seconds(
    postgres: Hanging, nats_url: str
) -> None:
    asked = {"merchant": "acme", "login": "anna", "password": "a long password"}
    async with AsyncExitStack() as stack:
        access = await stack.enter_async_context(running_access(postgres.url, nats_url))
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def sign_in() -> int:
            async with session.post(f"{access.url}/v1/sign-in", json=asked) as answer:
                return answer.status

        assert await sign_in() == 401
        with postgres.hung():
            started = time.monotonic()
            assert await sign_in() == 503
            assert time.monotonic() - started < _PATIENCE_OF_A_CLERK_SECONDS
            started = time.monotonic()
            async with session.get(f"{access.url}/readyz") as answer:
                assert answer.status == 503
            assert time.monotonic() - started < 2.5

        async def signs_in_again() -> bool:
            return await sign_in() == 401

        await eventually(signs_in_again)
