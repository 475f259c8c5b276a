"""Alive, ready, measured. This service needs Postgres and nothing else."""

from aiohttp import web

from services.simulator.http.keys import EDGE
from services.simulator.http.shapes import Ready
from shared.postgres.pool import is_reachable
from shared.web.body import json_response
from shared.web.operations import Alive, get_healthz, get_metrics
from shared.web.routes import Media, Route


async def get_readyz(request: web.Request) -> web.Response:
    if not await is_reachable(request.app[EDGE].world.pool):
        return json_response({"status": "not ready", "missing": ["postgres"]}, status=503)
    return json_response({"status": "ok", "missing": []})


HEALTH_ROUTES = (
    Route(
        "GET",
        "/healthz",
        get_healthz,
        quiet=True,
        summary="Whether the process is alive",
        answers={200: Alive},
    ),
    Route(
        "GET",
        "/readyz",
        get_readyz,
        quiet=True,
        summary="Whether it can answer, and what is missing",
        answers={200: Ready, 503: Ready},
    ),
    Route(
        "GET",
        "/metrics",
        get_metrics,
        quiet=True,
        summary="Figures for Prometheus",
        answers={200: Media("text/plain")},
    ),
)
