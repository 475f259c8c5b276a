"""/v1/products"""

from typing import Final

from aiohttp import web
from pydantic import Field

from services.catalog.domain.products import Id, Product, ProductDraft, Wanted
from services.catalog.handlers import products as handlers
from services.catalog.http.shapes import ProductsQuery, ShownProduct, read_key
from services.catalog.queries import products as queries
from services.catalog.queries.products import Filter
from shared.contracts.envelope import MERCHANT_PATTERN
from shared.errors import NotFound, Unreadable
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.query import query_of
from shared.web.routes import Route

# A hundred SKUs, thousands of stores.
_BODY_BYTES_MAX: Final = 512 * 1024
_VERSION_DIGITS_MAX: Final = 9


class NewProduct(ProductDraft):
    """The same again under its `product_id` changes nothing."""

    merchant: str = Field(pattern=MERCHANT_PATTERN.pattern)
    product_id: Id | None = None


class Replacement(ProductDraft):
    """`version`, here or in If-Match: the one that is replaced."""

    version: int | None = Field(default=None, ge=1, le=2**31 - 1)


async def post_product(request: web.Request) -> web.Response:
    body = await read_body(request, NewProduct, bytes_max=_BODY_BYTES_MAX)
    request[PRINCIPAL].require_merchant(body.merchant)
    async with request.app[DATABASE].transaction() as transaction:
        product, is_new = await handlers.add_product(
            transaction, body, merchant=body.merchant, product_id=body.product_id
        )
    return _respond(product, status=201 if is_new else 200)


async def put_product(request: web.Request) -> web.Response:
    body = await read_body(request, Replacement, bytes_max=_BODY_BYTES_MAX)
    version = _read_version(request, body)
    async with request.app[DATABASE].transaction() as transaction:
        product = await handlers.replace_product(
            transaction,
            request.match_info["product_id"],
            body,
            only=request[PRINCIPAL].narrowed(None),
            version=version,
        )
    return _respond(product)


async def publish_product(request: web.Request) -> web.Response:
    return await _set_wanted(request, Wanted.ON_SHELF)


async def withdraw_product(request: web.Request) -> web.Response:
    return await _set_wanted(request, Wanted.OFF_SHELF)


async def get_product(request: web.Request) -> web.Response:
    only = request[PRINCIPAL].narrowed(None)
    async with request.app[DATABASE].pool.acquire() as conn:
        product = await queries.find_product(conn, request.match_info["product_id"])
    if product is None or only not in (None, product.content.merchant):
        message = "no such product"
        raise NotFound(message, reason="product_unknown")
    return _respond(product)


async def list_products(request: web.Request) -> web.Response:
    query = query_of(request, ProductsQuery)
    wanted = Filter(
        merchant=request[PRINCIPAL].narrowed(query.merchant),
        platform=query.platform,
        kind=query.kind,
        state=query.state,
        text=query.text,
        after=read_key(query),
    )
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_products(conn, wanted, limit=query.limit + 1)
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (str(one.product_key),), show=_show)
    )


async def _set_wanted(request: web.Request, wanted: Wanted) -> web.Response:
    async with request.app[DATABASE].transaction() as transaction:
        product = await handlers.set_wanted(
            transaction,
            request.match_info["product_id"],
            wanted,
            only=request[PRINCIPAL].narrowed(None),
        )
    return _respond(product)


def _read_version(request: web.Request, body: Replacement) -> int:
    text = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if text and not (text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS_MAX):
        message = "If-Match: the version in quotes, as ETag said it"
        raise Unreadable(message)
    given = {int(text)} if text else set()
    given |= {body.version} if body.version is not None else set()
    if len(given) != 1:
        message = "version: say which version you replace, here or in If-Match"
        raise Unreadable(message)
    return given.pop()


def _respond(product: Product, *, status: int = 200) -> web.Response:
    response = json_response(_show(product), status=status)
    response.headers["ETag"] = f'"{product.version}"'
    return response


def _show(product: Product) -> ShownProduct:
    content = product.content
    return {
        "merchant": content.merchant,
        "product_id": content.product_id,
        "platform": content.platform,
        "account_id": content.account_id,
        "platform_product_id": content.platform_product_id,
        "kind": content.kind,
        "title": content.title,
        "state": product.state,
        "wanted": product.wanted,
        "code_origin": content.code_origin,
        "sale_from": content.sale_from,
        "sale_to": content.sale_to,
        "per_buyer_max": content.per_buyer_max,
        "usage": content.usage,
        "refund": content.refund,
        "restock_on_refund": content.restock_on_refund,
        "skus": content.skus,
        "version": product.version,
        "created_at": product.created_at,
        "changed_at": product.changed_at,
    }


_CONTRADICTORY: Final = {422: ("product_contradictory",)}
ROUTES: Final = (
    Route(
        "POST",
        "/v1/products",
        post_product,
        "products:write",
        summary="Add a product with its SKUs; the same again is no second one",
        body=NewProduct,
        answers={200: ShownProduct, 201: ShownProduct},
        refusals={
            404: ("merchant_unknown",),
            409: ("id_taken", "product_exists"),
            **_CONTRADICTORY,
        },
    ),
    Route(
        "GET",
        "/v1/products",
        list_products,
        "products:read",
        summary="Products, newest first",
        query=ProductsQuery,
        answers={200: Page[ShownProduct]},
    ),
    Route(
        "GET",
        "/v1/products/{product_id}",
        get_product,
        "products:read",
        summary="One product with its SKUs; ETag is its version",
        answers={200: ShownProduct},
        refusals={404: ("product_unknown",)},
    ),
    Route(
        "PUT",
        "/v1/products/{product_id}",
        put_product,
        "products:write",
        summary="Replace what a merchant says of a product, if it is still at that version",
        body=Replacement,
        answers={200: ShownProduct},
        refusals={
            404: ("product_unknown", "merchant_unknown"),
            409: ("id_taken", "version_conflict"),
            **_CONTRADICTORY,
        },
    ),
    Route(
        "POST",
        "/v1/products/{product_id}/publish",
        publish_product,
        "products:write",
        summary="Put it on the shelf",
        answers={200: ShownProduct},
        refusals={404: ("product_unknown",), 409: ("product_banned",)},
    ),
    Route(
        "POST",
        "/v1/products/{product_id}/withdraw",
        withdraw_product,
        "products:write",
        summary="Take it off the shelf: its orders are refused at once",
        answers={200: ShownProduct},
        refusals={404: ("product_unknown",)},
    ),
)
