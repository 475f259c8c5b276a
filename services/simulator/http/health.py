"""Alive, ready, measured. This service needs Postgres and nothing else."""

import asyncio

from aiohttp import web

from services.simulator.http.keys import EDGE
from shared.postgres.connection import OUTAGES
from shared.web.body import json_response
from shared.web.operations import get_healthz, get_metrics
from shared.web.routes import Route

_PROBE_SECONDS = 2.0


async def get_readyz(request: web.Request) -> web.Response:
    try:
        async with (
            asyncio.timeout(_PROBE_SECONDS),
            request.app[EDGE].world.pool.acquire() as conn,
        ):
            await conn.fetchval("SELECT 1")
    except OUTAGES:
        return json_response({"status": "not ready", "missing": ["postgres"]}, status=503)
    return json_response({"status": "ok", "missing": []})


HEALTH_ROUTES = (
    Route("GET", "/healthz", get_healthz, quiet=True),
    Route("GET", "/readyz", get_readyz, quiet=True),
    Route("GET", "/metrics", get_metrics, quiet=True),
)
