"""Where platforms deliver; `front` has a short way for most of it. Its commits log for it."""

import asyncio

from aiohttp import web

from services.intake.http.keys import INTAKE, Intake
from shared.errors import Rejection, Unavailable
from shared.platforms.registry import PLATFORMS
from shared.web.body import BodyTooLarge, read_raw
from shared.web.routes import Route

ROUTE = "/webhooks/{platform}/{client_key}"
SUCCESS = b'{"data":{"error_code":0,"description":"success"}}'
_JSON = "application/json"
# What was compressed is not the bytes that were signed.
_ENCODING = "Content-Encoding"
# The platform sends a body at once; whoever trickles it is cut off when the platform would be.
_BODY_SECONDS = 4.0
# Bodies that are still coming in hold memory; those that came with their headers do not count.
_UNFINISHED_BODIES_MAX = 256


class _BodySlots:
    def __init__(self) -> None:
        self.taken = 0


_SLOTS = web.AppKey("_SLOTS", _BodySlots)


class SlowBody(Rejection):
    reason = "body_too_slow"
    status = 408


class Encoded(Rejection):
    reason = "body_encoded"
    status = 415


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
    if _ENCODING in request.headers:
        raise Encoded("send the body as it is, not compressed")
    raw = await _read(request, intake.body_bytes_max)
    received = intake.receiver.receive(platform, client_key, request.headers, raw)
    if isinstance(received, bytes):
        return web.Response(body=received, content_type=_JSON)
    refusal = await intake.queue.put(received)
    if refusal is not None:
        raise refusal
    return web.Response(body=SUCCESS, content_type=_JSON)


async def _read(request: web.Request, bytes_max: int) -> bytes:
    if request.content.is_eof():
        # It came whole with its headers: no limit of time or of number to watch.
        raw: bytes = request.content.read_nowait()
        if len(raw) > bytes_max:
            raise BodyTooLarge(f"the body may have {bytes_max} bytes at most")
        return raw
    slots = request.app[_SLOTS]
    if slots.taken >= _UNFINISHED_BODIES_MAX:
        raise Unavailable("too many bodies are being sent at once")
    slots.taken += 1
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await read_raw(request, bytes_max=bytes_max)
    except TimeoutError:
        raise SlowBody(f"the body did not come within {_BODY_SECONDS} s") from None
    finally:
        slots.taken -= 1


def prepare_webhooks(app: web.Application) -> None:
    app[_SLOTS] = _BodySlots()


ROUTES = (Route("POST", ROUTE, post_webhook, quiet=True),)
