"""Where platforms deliver; `front` has a short way for most of it. Its commits log for it."""

from aiohttp import web

from services.intake.http.bodies import REFUSALS, read_signed
from services.intake.http.keys import INTAKE, Intake
from services.intake.http.shapes import PlatformAnswer, SignedBody
from shared.errors import Rejection, Unavailable
from shared.platforms.registry import PLATFORMS
from shared.web.connections import began_at
from shared.web.query import AnyQuery
from shared.web.routes import Route

ROUTE = "/webhooks/{platform}/{client_key}"
SUCCESS = b'{"data":{"error_code":0,"description":"success"}}'
_JSON = "application/json"


async def post_webhook(request: web.Request) -> web.StreamResponse:
    intake = request.app[INTAKE]
    client_key = request.match_info["client_key"]
    try:
        return await _receive(request, intake, client_key)
    except (Rejection, Unavailable) as refusal:
        known = intake.directory.app(client_key) is not None
        intake.counts.refuse(client_key if known else None, refusal.reason)
        raise


async def _receive(request: web.Request, intake: Intake, client_key: str) -> web.StreamResponse:
    platform = PLATFORMS.get(request.match_info["platform"])
    if platform is None:
        raise web.HTTPNotFound
    began = began_at(request)
    raw = await read_signed(request, intake.body_bytes_max, began=began)
    received = intake.receiver.receive(platform, client_key, request.headers, raw)
    if isinstance(received, bytes):
        return web.Response(body=received, content_type=_JSON)
    refusal = await intake.queue.put(received, began=began)
    if refusal is not None:
        raise refusal
    return web.Response(body=SUCCESS, content_type=_JSON)


ROUTES = (
    Route(
        "POST",
        ROUTE,
        post_webhook,
        quiet=True,
        summary="Where a platform delivers: kept for good, then acknowledged",
        query=AnyQuery,
        body=SignedBody,
        answers={200: PlatformAnswer},
        refusals=REFUSALS,
    ),
)
