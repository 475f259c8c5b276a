"""The operator's side of products: the books, and what no merchant could do."""

from aiohttp import web

from services.simulator.domain import goods as domain
from services.simulator.domain import shapes
from services.simulator.domain.goods import Product
from services.simulator.handlers import goods
from services.simulator.http.keys import EDGE
from shared.web.body import json_response, read_raw
from shared.web.pages import page, read_cursor, read_limit
from shared.web.routes import Route

_BODY_BYTES_MAX = 64 * 1024


async def list_goods(request: web.Request) -> web.Response:
    """The books: drafts and what is online, side by side."""
    limit, cursor = read_limit(request, most=1000), read_cursor(request, length=1)
    found = await goods.page(
        request.app[EDGE].world,
        client_key=None,
        account_id=request.query.get("account_id") or None,
        after=int(cursor[0]) if cursor and cursor[0].isdecimal() else 0,
        limit=limit,
    )
    return json_response(
        page(
            found,
            limit=limit,
            cursor_of=lambda product: [str(product.product_id)],
            show=_shown,
        )
    )


def _shown(product: Product) -> shapes.Json:
    return {
        "product_id": str(product.product_id),
        "account_id": product.account_id,
        "out_id": product.out_id,
        "draft": domain.draft_shape(product),
        "online": None if product.online is None else domain.online_shape(product, product.online),
    }


async def post_drift(request: web.Request) -> web.Response:
    body = goods.DriftRequest.model_validate_json(await _raw(request))
    return json_response(_shown(await goods.drift(request.app[EDGE].world, body)))


async def post_ban(request: web.Request) -> web.Response:
    body = goods.BanRequest.model_validate_json(await _raw(request))
    return json_response(_shown(await goods.ban(request.app[EDGE].world, body)))


async def put_verdict(request: web.Request) -> web.Response:
    body = goods.VerdictRequest.model_validate_json(await _raw(request))
    await goods.set_verdict(request.app[EDGE].world, body)
    return json_response(body)


async def _raw(request: web.Request) -> bytes:
    return await read_raw(request, bytes_max=_BODY_BYTES_MAX)


GOODS_CONTROLS = (
    Route("GET", "/sim/v1/goods", list_goods),
    Route("POST", "/sim/v1/goods/drift", post_drift),
    Route("POST", "/sim/v1/goods/ban", post_ban),
    Route("PUT", "/sim/v1/goods/verdict", put_verdict),
)
