"""/v1/poi-matches: stores of ours, found among a platform's own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Self

from aiohttp import web
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from typing_extensions import TypedDict

from services.catalog.domain.matching import Match, MatchStage
from services.catalog.domain.products import Id, PlatformId, Strict, Title
from services.catalog.http.shapes import read_key
from services.catalog.queries import matching as queries
from services.catalog.queries import world
from shared.errors import NotFound
from shared.platforms.goods import StoreToMatch
from shared.platforms.registry import PLATFORMS
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.query import PageQuery, Text, query_of
from shared.web.routes import Route

_STORES_MAX: Final = 100


class StoreDraft(Strict):
    """As the platform's people would look for it. `poi_id` is a guess."""

    store_id: Id
    name: Title
    province: Title
    city: Title
    address: Title
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    poi_id: PlatformId | None = None


def _is_platform(name: str) -> str:
    if name not in PLATFORMS:
        message = f"one of {', '.join(PLATFORMS)}"
        raise ValueError(message)
    return name


class MatchRequest(Strict):
    merchant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,38}$")]
    platform: Annotated[str, AfterValidator(_is_platform)] = "douyin"
    stores: Annotated[tuple[StoreDraft, ...], Field(min_length=1, max_length=_STORES_MAX)]

    @model_validator(mode="after")
    def _stores_differ(self) -> Self:
        if len({store.store_id for store in self.stores}) < len(self.stores):
            message = "stores: one is named twice"
            raise ValueError(message)
        return self


class MatchQuery(PageQuery):
    merchant: Text | None = None
    state: MatchStage | None = None


class ShownMatch(TypedDict):
    """`poi_id` is a proposal until `confirmed`: then access has it for the store."""

    match_id: str
    merchant: str
    platform: str
    store_id: str
    name: str
    address: str
    state: MatchStage
    poi_id: str | None
    current_poi_id: str | None
    confirmed: bool
    result: int | None
    reason: str | None
    detail: str | None
    attempts: int
    asked_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    next_at: datetime | None


class ShownMatches(TypedDict):
    items: Sequence[ShownMatch]


async def post_matches(request: web.Request) -> web.Response:
    body = await read_body(request, MatchRequest)
    request[PRINCIPAL].require_merchant(body.merchant)
    stores = [
        StoreToMatch(
            ext_id=store.store_id,
            name=store.name,
            province=store.province,
            city=store.city,
            address=store.address,
            latitude=store.latitude,
            longitude=store.longitude,
            poi_id=store.poi_id,
        )
        for store in body.stores
    ]
    async with request.app[DATABASE].transaction() as tx:
        if await world.find_merchant(tx.conn, body.merchant, body.platform) is None:
            message = f"no merchant {body.merchant} at {body.platform}, or not known here yet"
            raise NotFound(message, reason="merchant_unknown")
        await queries.add(tx.conn, body.merchant, body.platform, stores)
        ids = [store.ext_id for store in stores]
        found = await queries.find_open(tx.conn, body.merchant, body.platform, ids)
    answer: ShownMatches = {"items": [_show(match) for match in found]}
    return json_response(answer, status=202)


async def list_matches(request: web.Request) -> web.Response:
    query = query_of(request, MatchQuery)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_matches(
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
            cursor_of=lambda match: (str(match.match_key),),
            show=_show,
        )
    )


def _show(match: Match) -> ShownMatch:
    return {
        "match_id": str(match.match_key),
        "merchant": match.merchant,
        "platform": match.platform,
        "store_id": match.store.ext_id,
        "name": match.store.name,
        "address": match.store.address,
        "state": match.stage,
        "poi_id": match.poi_id,
        "current_poi_id": match.current_poi_id,
        "confirmed": match.confirmed,
        "result": match.result,
        "reason": match.reason,
        "detail": match.detail,
        "attempts": match.attempts,
        "asked_at": match.asked_at,
        "submitted_at": match.submitted_at,
        "finished_at": match.finished_at,
        "next_at": None if match.finished_at else match.next_at,
    }


ROUTES: Final = (
    Route(
        "POST",
        "/v1/poi-matches",
        post_matches,
        "stores:write",
        summary="Ask the platform to find these stores among its own",
        body=MatchRequest,
        answers={202: ShownMatches},
        refusals={404: ("merchant_unknown",)},
    ),
    Route(
        "GET",
        "/v1/poi-matches",
        list_matches,
        "stores:read",
        summary="What the platform found: proposals, newest first",
        query=MatchQuery,
        answers={200: Page[ShownMatch]},
    ),
)
