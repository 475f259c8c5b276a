"""Who sends slowly, or opens more connections than there is room for, holds up nobody."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from pydantic import BaseModel

from shared.web.body import json_response, read_body
from shared.web.routes import Route, add_routes
from shared.web.server import new_application, serving


class Said(BaseModel):
    word: str


async def say(request: web.Request) -> web.Response:
    said = await read_body(request, Said)
    return json_response({"word": said.word})


@asynccontextmanager
async def an_edge(*, connections_max: int = 100) -> AsyncIterator[int]:
    app = new_application()
    add_routes(app, [Route("POST", "/say", say)])
    async with serving(app, host="127.0.0.1", port=0, connections_max=connections_max) as url:
        yield int(url.rpartition(":")[2])


_BODY = b'{"word":"tea"}'
_HEAD = b"POST /say HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
_WHOLE = _HEAD % len(_BODY) + _BODY


async def answered(port: int, sent: bytes) -> tuple[int, float]:
    """The status, and after how many seconds it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.monotonic()
    writer.write(sent)
    try:
        async with asyncio.timeout(30):
            line = await reader.readline()
    finally:
        writer.close()
    return int(line.split()[1]), time.monotonic() - started


async def test_half_a_head_and_half_a_body_are_timed_out_and_a_quiet_connection_is_not() -> None:
    async with an_edge() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_WHOLE)
        assert b" 200 " in await reader.readline()
        await reader.readuntil(_BODY)
        (head, head_seconds), (body, body_seconds) = await asyncio.gather(
            answered(port, b"POST /say HTTP/1.1\r\nHost: x\r\nConte"),
            answered(port, _HEAD % 100 + b"{"),
        )
        assert (head, body) == (408, 408)
        assert head_seconds < 7
        assert body_seconds < 9
        writer.write(_WHOLE)
        assert b" 200 " in await reader.readline()
        writer.close()


async def test_connections_beyond_the_limit_are_told_so_until_others_leave() -> None:
    async with an_edge(connections_max=2) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in held:
            writer.write(_WHOLE)
            assert b" 200 " in await reader.readline()
            await reader.readuntil(_BODY)
        assert (await answered(port, _WHOLE))[0] == 503
        held[0][1].close()
        await held[0][1].wait_closed()
        statuses = set()
        while 200 not in statuses:
            statuses.add((await answered(port, _WHOLE))[0])
        held[1][1].close()
