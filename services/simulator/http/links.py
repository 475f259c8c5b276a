"""Short links, as printed in QR codes: they redirect to a long one that names the coupon."""

from urllib.parse import quote

from aiohttp import web

from services.simulator.domain.faults import CallFault, CallKind
from services.simulator.http.calling import drop, strike
from services.simulator.http.keys import EDGE
from services.simulator.queries.orders import find_certificate_of_link
from shared.errors import NotFound
from shared.web.routes import Route

_LONG_PATH = "/share/commerce/coupon/"


async def get_short_link(request: web.Request) -> web.StreamResponse:
    world = request.app[EDGE].world
    faults = await strike(world, CallKind.SHORT_LINK, request, b"")
    if faults & {CallFault.DROPPED_BEFORE, CallFault.DROPPED_AFTER}:
        return drop(request)
    if CallFault.ERROR in faults:
        return web.Response(status=502, text="Bad Gateway")
    async with world.pool.acquire() as conn:
        certificate_id = await find_certificate_of_link(conn, request.match_info["short_id"])
    if certificate_id is None:
        message = "this link leads nowhere"
        raise NotFound(message)
    object_id = quote(world.cipher.scan_code(certificate_id), safe="")
    location = f"{origin(request)}{_LONG_PATH}?schema_type=13&object_id={object_id}"
    return web.Response(status=302, headers={"Location": location})


async def get_long_link(_request: web.Request) -> web.Response:
    """What a customer's browser would show; scanners never ask for it."""
    return web.Response(text="打开抖音查看券码", content_type="text/plain")


def short_link(request: web.Request, short_id: str) -> str:
    return f"{origin(request)}/{short_id}/"


def origin(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


LINK_ROUTES = (
    Route("GET", _LONG_PATH, get_long_link, quiet=True),
    *(
        Route("GET", path, get_short_link, quiet=True)
        for path in (
            "/s/{short_id:[0-9A-Za-z]{7}}/",
            "/s/{short_id:[0-9A-Za-z]{7}}",
            "/{short_id:[0-9A-Za-z]{7}}/",
            "/{short_id:[0-9A-Za-z]{7}}",
        )
    ),
)
