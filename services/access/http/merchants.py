"""Routes about merchants."""

from aiohttp import web

from services.access.domain.grants import missing, require_every_merchant
from services.access.domain.records import Merchant
from services.access.handlers import merchants as handlers
from services.access.http.fields import (
    Body,
    Name,
    NewSlug,
    PlatformId,
    PlatformName,
    iso,
    read_after,
    read_path,
)
from services.access.http.parts import act_of
from services.access.http.shapes import OfMerchant, ShownMerchant
from services.access.queries import merchants as queries
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.query import query_of
from shared.web.routes import Route


class NewMerchant(Body):
    merchant: NewSlug
    name: Name
    platform: PlatformName
    account_id: PlatformId | None = None


class MerchantChange(Body):
    name: Name | None = None
    account_id: PlatformId | None = None


async def post_merchant(request: web.Request) -> web.Response:
    require_every_merchant(request[PRINCIPAL])
    body = await read_body(request, NewMerchant)
    async with act_of(request) as act:
        merchant, is_new = await handlers.add_merchant(
            act,
            merchant=body.merchant,
            name=body.name,
            platform=body.platform,
            account_id=body.account_id,
        )
    return json_response(_show(merchant), status=201 if is_new else 200)


async def patch_merchant(request: web.Request) -> web.Response:
    require_every_merchant(request[PRINCIPAL])
    body = await read_body(request, MerchantChange)
    async with act_of(request) as act:
        merchant = await handlers.change_merchant(
            act, read_path(request, "merchant"), name=body.name, account_id=body.account_id
        )
    return json_response(_show(merchant))


async def list_merchants(request: web.Request) -> web.Response:
    query = query_of(request, OfMerchant)
    only, after = request[PRINCIPAL].narrowed(query.merchant), read_after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_merchants(conn, only=only, after=after, limit=query.limit + 1)
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (one.merchant,), show=_show)
    )


async def get_merchant(request: web.Request) -> web.Response:
    merchant = read_path(request, "merchant")
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.find_merchant(conn, merchant)
    if found is None or request[PRINCIPAL].merchant not in ("*", merchant):
        raise missing("merchant")
    return json_response(_show(found))


def _show(merchant: Merchant) -> ShownMerchant:
    return {
        "merchant": merchant.merchant,
        "name": merchant.name,
        "platform": merchant.platform,
        "account_id": merchant.account_id,
        "version": merchant.version,
        "created_at": iso(merchant.created_at),
        "updated_at": iso(merchant.updated_at),
    }


ROUTES = (
    Route(
        "POST",
        "/v1/merchants",
        post_merchant,
        "merchants:write",
        summary="Add a merchant; the same again is no second one",
        body=NewMerchant,
        answers={200: ShownMerchant, 201: ShownMerchant},
        refusals={403: ("operator_only",), 409: ("merchant_exists", "account_taken")},
    ),
    Route(
        "GET",
        "/v1/merchants",
        list_merchants,
        "merchants:read",
        summary="The merchants this token reaches",
        query=OfMerchant,
        answers={200: Page[ShownMerchant]},
    ),
    Route(
        "GET",
        "/v1/merchants/{merchant}",
        get_merchant,
        "merchants:read",
        summary="One merchant",
        answers={200: ShownMerchant},
    ),
    Route(
        "PATCH",
        "/v1/merchants/{merchant}",
        patch_merchant,
        "merchants:write",
        summary="Change a merchant; what is left out stays",
        body=MerchantChange,
        answers={200: ShownMerchant},
        refusals={403: ("operator_only",), 409: ("account_taken",)},
    ),
)
