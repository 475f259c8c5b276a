"""A bare aiohttp POST to compare with: reads the body, answers, does nothing else."""

import asyncio
import sys

import uvloop
from aiohttp import web

from tests.benchmarks.generator import SUCCESS


async def post(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=SUCCESS, content_type="application/json")


async def serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/webhooks/{platform}/{client_key}", post)
    app.router.add_post("/v1/reservations", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
