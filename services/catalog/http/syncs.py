"""/v1/sync, /v1/products/{product_id}/sync and /listing"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from services.catalog.domain.products import Strict, Wanted
from services.catalog.domain.syncing import Difference, SyncState
from services.catalog.handlers import resolving
from services.catalog.http.shapes import read_key
from services.catalog.queries import products, syncs
from services.catalog.queries.syncs import Listing, Shown
from shared.errors import NotFound
from shared.platforms.goods import AuditState, Shelf
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.query import PageQuery, Text, query_of
from shared.web.routes import Route

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
# What the platform's template asks is often JSON inside a text.
Value = Annotated[str, StringConstraints(max_length=20_000)]
Attributes = Annotated[dict[Key, Value], Field(max_length=100)]
_LISTING_BYTES_MAX: Final = 1 << 20


class SyncQuery(PageQuery):
    merchant: Text | None = None
    state: SyncState | None = None


class Whose(StrEnum):
    PUSH = "push"
    ACCEPT = "accept"


class SyncRequest(Strict):
    """`push`: ours, now. `accept`: the platform's version becomes the catalog's."""

    action: Whose = Whose.PUSH


class ListingRequest(Strict):
    """By the platform's own keys, as its template names them."""

    category_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,32}$")] | None = None
    attributes: Attributes = Field(default_factory=dict)
    sku_attributes: Attributes = Field(default_factory=dict)


class ShownSync(TypedDict):
    """`reason` and `detail` of the last failure, `next_at` when it is tried again."""

    product_id: str
    merchant: str
    platform: str
    platform_product_id: str | None
    title: str
    wanted: Wanted
    state: SyncState
    shelf: Shelf | None
    audit: AuditState | None
    audit_reason: str | None
    reason: str | None
    detail: str | None
    attempts: int
    failed_at: datetime | None
    next_at: datetime
    looked_at: datetime | None
    synced_at: datetime | None
    drifted_at: datetime | None
    drift: Sequence[Difference] | None


class ShownListing(TypedDict):
    category_id: str | None
    attributes: dict[str, str]
    sku_attributes: dict[str, str]


async def list_syncs(request: web.Request) -> web.Response:
    query = query_of(request, SyncQuery)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await syncs.list_syncs(
            conn,
            merchant=request[PRINCIPAL].narrowed(query.merchant),
            state=query.state,
            before=read_key(query),
            limit=query.limit + 1,
        )
    return json_response(
        page(
            found,
            limit=query.limit,
            cursor_of=lambda one: (str(one.sync.product_key),),
            show=show_sync,
        )
    )


async def get_sync(request: web.Request) -> web.Response:
    only = request[PRINCIPAL].narrowed(None)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await syncs.find(conn, request.match_info["product_id"])
    if found is None or only not in (None, found.sync.merchant):
        message = "no such product, or it was never published"
        raise NotFound(message, reason="not_synced")
    return json_response(show_sync(found))


async def post_sync(request: web.Request) -> web.Response:
    body = await read_body(request, SyncRequest)
    resolve = resolving.push_again if body.action is Whose.PUSH else resolving.accept_theirs
    async with request.app[DATABASE].transaction() as tx:
        found = await resolve(
            tx, request.match_info["product_id"], only=request[PRINCIPAL].narrowed(None)
        )
    return json_response(show_sync(found), status=202)


async def get_listing(request: web.Request) -> web.Response:
    only = request[PRINCIPAL].narrowed(None)
    async with request.app[DATABASE].pool.acquire() as conn:
        product = await products.find_product(conn, request.match_info["product_id"])
        if product is None or only not in (None, product.content.merchant):
            message = "no such product"
            raise NotFound(message, reason="product_unknown")
        listing = await syncs.find_listing(conn, product.product_key)
    return json_response(listing)


async def put_listing(request: web.Request) -> web.Response:
    body = await read_body(request, ListingRequest, bytes_max=_LISTING_BYTES_MAX)
    listing = Listing(body.category_id, body.attributes, body.sku_attributes)
    async with request.app[DATABASE].transaction() as tx:
        kept = await resolving.keep_listing(
            tx,
            request.match_info["product_id"],
            listing,
            only=request[PRINCIPAL].narrowed(None),
        )
    return json_response(kept)


def show_sync(found: Shown) -> ShownSync:
    sync = found.sync
    return {
        "product_id": sync.product_id,
        "merchant": sync.merchant,
        "platform": sync.platform,
        "platform_product_id": sync.platform_product_id,
        "title": found.title,
        "wanted": sync.wanted,
        "state": found.state,
        "shelf": sync.shelf,
        "audit": sync.audit,
        "audit_reason": sync.audit_reason or None,
        "reason": sync.reason,
        "detail": sync.detail,
        "attempts": sync.attempts,
        "failed_at": found.failed_at,
        "next_at": found.next_at,
        "looked_at": sync.looked_at,
        "synced_at": found.synced_at,
        "drifted_at": found.drifted_at,
        "drift": sync.drift,
    }


ROUTES: Final = (
    Route(
        "GET",
        "/v1/sync",
        list_syncs,
        "products:read",
        summary="How far platforms have what the catalog wants, newest products first",
        query=SyncQuery,
        answers={200: Page[ShownSync]},
    ),
    Route(
        "GET",
        "/v1/products/{product_id}/sync",
        get_sync,
        "products:read",
        summary="How far the platform has this product",
        answers={200: ShownSync},
        refusals={404: ("not_synced",)},
    ),
    Route(
        "POST",
        "/v1/products/{product_id}/sync",
        post_sync,
        "products:write",
        summary="Push it again now, or accept what the platform shows instead",
        body=SyncRequest,
        answers={202: ShownSync},
        refusals={
            404: ("not_synced", "product_unknown"),
            409: ("not_drifted", "drift_not_acceptable"),
            422: ("product_contradictory",),
        },
    ),
    Route(
        "GET",
        "/v1/products/{product_id}/listing",
        get_listing,
        "products:read",
        summary="What only its platform wants to know of it",
        answers={200: ShownListing},
        refusals={404: ("product_unknown",)},
    ),
    Route(
        "PUT",
        "/v1/products/{product_id}/listing",
        put_listing,
        "products:write",
        summary="Say what only its platform wants to know of it",
        body=ListingRequest,
        answers={200: ShownListing},
        refusals={404: ("product_unknown",)},
    ),
)
