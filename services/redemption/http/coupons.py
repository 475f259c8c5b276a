"""GET /v1/coupons/{coupon_id}/qr"""

import io
from typing import Literal

import segno
from aiohttp import web

from services.redemption.handlers.reveal import Viewer, reveal
from services.redemption.http.desk import DESK
from shared.errors import Unreadable
from shared.web.keys import PRINCIPAL, TRACEPARENT
from shared.web.principal import EVERY_MERCHANT
from shared.web.query import Query, query_of

_ID_CHARACTERS_MAX = 128
_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
# Pixels of one module: 29 modules and the quiet zone make a picture of about 300 pixels.
_SCALE = 8


class QrQuery(Query):
    format: Literal["svg", "png"] = "svg"


async def get_qr(request: web.Request) -> web.Response:
    """Scanned, it reads as the code itself."""
    query = query_of(request, QrQuery)
    coupon_id = request.match_info["coupon_id"]
    if len(coupon_id) > _ID_CHARACTERS_MAX or "\x00" in coupon_id:
        message = f"coupon_id: {_ID_CHARACTERS_MAX} characters at most"
        raise Unreadable(message)
    principal = request[PRINCIPAL]
    viewer = Viewer(
        subject=principal.subject,
        merchant=None if principal.merchant == EVERY_MERCHANT else principal.merchant,
        traceparent=request[TRACEPARENT],
    )
    code = await reveal(request.app[DESK], viewer, coupon_id)
    picture = io.BytesIO()
    segno.make(code.value, error="m", micro=False).save(
        picture, kind=query.format, scale=_SCALE, **_options(query.format)
    )
    return web.Response(
        body=picture.getvalue(),
        content_type=_TYPES[query.format],
        headers={"Cache-Control": "no-store"},
    )


def _options(form: str) -> dict[str, bool | str]:
    """A picture alone says nothing to who cannot see it, so the SVG has no title: it would
    be the code in clear wherever the picture is embedded.
    """
    return {"xmldecl": False} if form == "svg" else {}
