"""Routes about stores."""

from aiohttp import web

from services.access.domain.records import Store
from services.access.handlers import stores as handlers
from services.access.http.fields import (
    Body,
    Name,
    PlatformId,
    PlatformName,
    Slug,
    TimeZone,
    iso,
    read_after,
    read_path,
)
from services.access.http.parts import act_of
from services.access.http.shapes import OfMerchant, ShownStore
from services.access.queries import stores as queries
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.query import query_of
from shared.web.routes import Route


class NewStore(Body):
    merchant: Slug
    store_id: Slug | None = None
    name: Name
    platform: PlatformName | None = None
    poi_id: PlatformId
    time_zone: TimeZone = "Asia/Shanghai"
    open: bool = True


class StoreChange(Body):
    name: Name | None = None
    poi_id: PlatformId | None = None
    time_zone: TimeZone | None = None
    open: bool | None = None


async def post_store(request: web.Request) -> web.Response:
    body = await read_body(request, NewStore)
    new = handlers.NewStore(
        store_id=body.store_id,
        merchant=body.merchant,
        name=body.name,
        platform=body.platform,
        poi_id=body.poi_id,
        time_zone=body.time_zone,
        is_open=body.open,
    )
    async with act_of(request) as act:
        store, is_new = await handlers.add_store(act, request[PRINCIPAL], new)
    return json_response(show_store(store), status=201 if is_new else 200)


async def patch_store(request: web.Request) -> web.Response:
    body = await read_body(request, StoreChange)
    async with act_of(request) as act:
        store = await handlers.change_store(
            act,
            request[PRINCIPAL],
            read_path(request, "store_id"),
            name=body.name,
            poi_id=body.poi_id,
            time_zone=body.time_zone,
            is_open=body.open,
        )
    return json_response(show_store(store))


async def list_stores(request: web.Request) -> web.Response:
    principal, query = request[PRINCIPAL], query_of(request, OfMerchant)
    merchant, after = principal.narrowed(query.merchant), read_after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_stores(
            conn, merchant=merchant, only=principal.stores, after=after, limit=query.limit + 1
        )
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (one.store_id,), show=show_store)
    )


async def get_store(request: web.Request) -> web.Response:
    async with request.app[DATABASE].pool.acquire() as conn:
        store = await handlers.find_store(conn, request[PRINCIPAL], read_path(request, "store_id"))
    return json_response(show_store(store))


def show_store(store: Store) -> ShownStore:
    return {
        "store_id": store.store_id,
        "merchant": store.merchant,
        "name": store.name,
        "platform": store.platform,
        "poi_id": store.poi_id,
        "time_zone": store.time_zone,
        "open": store.open,
        "version": store.version,
        "created_at": iso(store.created_at),
        "updated_at": iso(store.updated_at),
    }


ROUTES = (
    Route(
        "POST",
        "/v1/stores",
        post_store,
        "stores:write",
        summary="Add a store; the same again is no second one",
        body=NewStore,
        answers={200: ShownStore, 201: ShownStore},
        refusals={
            403: ("every_store_needed",),
            404: ("not_found",),
            409: ("store_exists", "poi_taken"),
        },
    ),
    Route(
        "GET",
        "/v1/stores",
        list_stores,
        "stores:read",
        summary="The stores this token reaches",
        query=OfMerchant,
        answers={200: Page[ShownStore]},
    ),
    Route(
        "GET",
        "/v1/stores/{store_id}",
        get_store,
        "stores:read",
        summary="One store",
        answers={200: ShownStore},
    ),
    Route(
        "PATCH",
        "/v1/stores/{store_id}",
        patch_store,
        "stores:write",
        summary="Change a store; what is left out stays",
        body=StoreChange,
        answers={200: ShownStore},
        refusals={403: ("every_store_needed",), 409: ("poi_taken",)},
    ),
)
