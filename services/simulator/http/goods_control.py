"""The operator's side of products: the books, and what no merchant could do."""

from aiohttp import web

from services.simulator.domain import goods as domain
from services.simulator.domain import shapes
from services.simulator.domain.goods import Product
from services.simulator.handlers import goods
from services.simulator.http.keys import EDGE
from services.simulator.http.shapes import BookedProduct, GoodsQuery
from shared.web.body import json_response, read_body
from shared.web.pages import Page, cursor_parts, page
from shared.web.query import query_of
from shared.web.routes import Route


async def list_goods(request: web.Request) -> web.Response:
    """The books: drafts and what is online, side by side."""
    query = query_of(request, GoodsQuery)
    cursor = cursor_parts(query.cursor, length=1)
    found = await goods.page(
        request.app[EDGE].world,
        client_key=None,
        account_id=query.account_id,
        after=int(cursor[0]) if cursor and cursor[0].isdecimal() else 0,
        limit=query.limit,
    )
    return json_response(
        page(
            found,
            limit=query.limit,
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
    body = await read_body(request, goods.DriftRequest)
    return json_response(_shown(await goods.drift(request.app[EDGE].world, body)))


async def post_ban(request: web.Request) -> web.Response:
    body = await read_body(request, goods.BanRequest)
    return json_response(_shown(await goods.ban(request.app[EDGE].world, body)))


async def put_verdict(request: web.Request) -> web.Response:
    body = await read_body(request, goods.VerdictRequest)
    await goods.set_verdict(request.app[EDGE].world, body)
    return json_response(body)


GOODS_CONTROLS = (
    Route(
        "GET",
        "/sim/v1/goods",
        list_goods,
        summary="The books of products",
        query=GoodsQuery,
        answers={200: Page[BookedProduct]},
    ),
    Route(
        "POST",
        "/sim/v1/goods/drift",
        post_drift,
        summary="Change a product behind its merchant's back",
        body=goods.DriftRequest,
        answers={200: BookedProduct},
        refusals={404: ("not_found",)},
    ),
    Route(
        "POST",
        "/sim/v1/goods/ban",
        post_ban,
        summary="Ban a product",
        body=goods.BanRequest,
        answers={200: BookedProduct},
        refusals={404: ("not_found",)},
    ),
    Route(
        "PUT",
        "/sim/v1/goods/verdict",
        put_verdict,
        summary="Say how audits of a product end",
        body=goods.VerdictRequest,
        answers={200: goods.VerdictRequest},
        refusals={404: ("not_found",)},
    ),
)
