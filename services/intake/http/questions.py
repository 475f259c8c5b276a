"""Where platforms ask and wait: what is signed is answered, in the platform's words, in time."""

from aiohttp import web

from services.intake.http.bodies import REFUSALS, read_signed
from services.intake.http.keys import INTAKE, Intake
from services.intake.http.shapes import PlatformAnswer, SignedBody
from shared.errors import Rejection, Unavailable
from shared.platforms.platform import Platform
from shared.platforms.registry import PLATFORMS
from shared.web.query import AnyQuery
from shared.web.routes import Route

_JSON = "application/json"


async def post_spi(request: web.Request) -> web.StreamResponse:
    intake, platform = request.app[INTAKE], _platform(request)
    query = list(request.query.items())
    action = request.match_info["action"]
    try:
        raw = await read_signed(request, intake.body_bytes_max)
        asked = intake.questions.read_spi(platform, action, query, request.headers, raw)
    except (Rejection, Unavailable) as refusal:
        _count(intake, platform.spi_client_key(action, query), refusal.reason)
        raise
    return web.Response(body=(await intake.answerer.answer(asked)).body, content_type=_JSON)


async def post_trade(request: web.Request) -> web.StreamResponse:
    intake, platform = request.app[INTAKE], _platform(request)
    app_id = request.match_info["app_id"]
    try:
        raw = await read_signed(request, intake.body_bytes_max)
        asked = intake.questions.read_trade(platform, app_id, request.headers, raw)
    except (Rejection, Unavailable) as refusal:
        app = intake.directory.trade_app(platform.name, app_id)
        _count(intake, None if app is None else app.client_key, refusal.reason)
        raise
    return web.Response(body=(await intake.answerer.answer(asked)).body, content_type=_JSON)


def _platform(request: web.Request) -> Platform:
    platform = PLATFORMS.get(request.match_info["platform"])
    if platform is None:
        raise web.HTTPNotFound
    return platform


def _count(intake: Intake, client_key: str | None, reason: str) -> None:
    known = client_key is not None and intake.directory.app(client_key) is not None
    intake.counts.refuse(client_key if known else None, reason)


# They take any query: what it may hold is the platform's to say, and all of it is signed.
ROUTES = (
    Route(
        "POST",
        "/spi/{platform}/{action}",
        post_spi,
        quiet=True,
        summary="Where a platform asks, and waits for the answer",
        query=AnyQuery,
        body=SignedBody,
        answers={200: PlatformAnswer},
        refusals=REFUSALS,
    ),
    Route(
        "POST",
        "/trade/{platform}/{app_id}",
        post_trade,
        quiet=True,
        summary="Where a mini-program's trading system calls back",
        query=AnyQuery,
        body=SignedBody,
        answers={200: PlatformAnswer},
        refusals=REFUSALS,
    ),
)
