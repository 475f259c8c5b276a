"""Reads the bytes that a platform has signed, within limits of size, time and number."""

from aiohttp import web

from shared.errors import Rejection, Unavailable
from shared.web.body import BodyTooLarge, read_raw
from shared.web.connections import began_at

# What was compressed is not the bytes that were signed.
_ENCODING = "Content-Encoding"
# From the first byte of the head; whoever trickles is cut off before the platform would be.
_BODY_SECONDS = 4.0
# Bodies that are still coming in hold memory; those that came with their headers do not count.
_UNFINISHED_BODIES_MAX = 256


class _BodySlots:
    def __init__(self) -> None:
        self.taken = 0


_SLOTS = web.AppKey("_SLOTS", _BodySlots)
# Unknown applications and wrong signatures look alike.
REFUSALS = {
    401: ("signature_invalid",),
    408: ("body_too_slow",),
    415: ("body_encoded",),
}


class Encoded(Rejection):
    reason = "body_encoded"
    status = 415


async def read_signed(request: web.Request, bytes_max: int, *, began: float | None = None) -> bytes:
    """The body as it came. Raises BodyTooLarge, SlowBody, Encoded or Unavailable."""
    if _ENCODING in request.headers:
        raise Encoded("send the body as it is, not compressed")
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
        started = began_at(request) if began is None else began
        return await read_raw(request, bytes_max=bytes_max, until=started + _BODY_SECONDS)
    finally:
        slots.taken -= 1


def prepare_bodies(app: web.Application) -> None:
    app[_SLOTS] = _BodySlots()
