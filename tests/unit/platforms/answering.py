"""A hand-held platform: a real HTTP server on loopback that answers what a test tells it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from shared.platforms.douyin.client import DouyinClient
from shared.platforms.douyin.transport import TimeLimits

NOW = 1651113600
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def envelope(data: dict[str, Any] | None = None, **extra: Any) -> web.Response:
    """An answer as the life services write it; `error_code` goes where they put it."""
    code = extra.pop("error_code", 0)
    members = {"error_code": code, "description": extra.pop("description", "success")}
    return web.json_response(
        {"data": {**members, **(data or {})}, "extra": {**members, "now": NOW, **extra}}
    )


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Platform:
    """Answers each request with the next answer; the last one repeats."""

    answers: list[Answer]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                {name.lower(): value for name, value in request.headers.items()},
                json.loads(raw) if raw else None,
            )
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@dataclass
class Tokens:
    """Hands out token-0, and the next one whenever one is turned away."""

    rejected: list[str] = field(default_factory=list)

    async def token(self, *, rejected: str | None = None) -> str:
        if rejected is not None:
            self.rejected.append(rejected)
        return f"token-{len(self.rejected)}"


@asynccontextmanager
async def answering(*answers: Answer | web.Response) -> AsyncIterator[Platform]:
    def as_answer(given: Answer | web.Response) -> Answer:
        if not isinstance(given, web.Response):
            return given

        async def same(_: web.Request) -> web.Response:
            return web.Response(body=given.body, status=given.status, headers=given.headers)

        return same

    platform = Platform([as_answer(answer) for answer in answers])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", platform.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        platform.url = f"http://{host}:{port}"
        yield platform
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(
    url: str, *, tokens: Tokens | None = None, total_seconds: float = 3.0
) -> AsyncIterator[DouyinClient]:
    async with aiohttp.ClientSession() as session:
        yield DouyinClient(
            session,
            tokens=tokens or Tokens(),
            base_url=url,
            limits=TimeLimits(connect_seconds=1.0, total_seconds=total_seconds),
            short_link_origins=(url,),
        )
