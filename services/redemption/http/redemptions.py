"""PUT and GET /v1/redemptions/{redemption_id}"""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import AfterValidator, BaseModel, Field

from services.redemption.domain import answers
from services.redemption.handlers.redeem import redeem
from services.redemption.handlers.requests import RedeemRequest
from services.redemption.http.desk import DESK, GROUPS, read_visitor, respond
from services.redemption.queries import cancellations
from services.redemption.queries.redemptions import find_redemption
from shared.errors import NotFound
from shared.platforms.reasons import Reason
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE
from shared.web.pages import read_uuid


def _each_once(coupon_ids: list[str]) -> list[str]:
    if len(set(coupon_ids)) != len(coupon_ids):
        message = "name each coupon once"
        raise ValueError(message)
    return coupon_ids


CouponId = Annotated[str, Field(min_length=1, max_length=128)]


class RedemptionRequest(BaseModel):
    preparation_id: UUID
    coupon_ids: Annotated[
        list[CouponId], Field(min_length=1, max_length=100), AfterValidator(_each_once)
    ]
    # How many uses of a card, where the code is ours.
    times: Annotated[int, Field(ge=1, le=100)] = 1


async def put(request: web.Request) -> web.Response:
    redemption_id = read_uuid(request.match_info["redemption_id"], "redemption_id")
    body = await read_body(request, RedemptionRequest)
    asked = RedeemRequest(redemption_id, body.preparation_id, sorted(body.coupon_ids), body.times)
    answer = await redeem(request.app[DESK], request.app[GROUPS], read_visitor(request), asked)
    return respond(request, answer)


async def get(request: web.Request) -> web.Response:
    """The redemption as it is now, which a cancellation changes."""
    redemption_id = read_uuid(request.match_info["redemption_id"], "redemption_id")
    visitor = read_visitor(request)
    async with request.app[DATABASE].pool.acquire() as conn:
        redemption = await find_redemption(conn, redemption_id)
        rows = await cancellations.find_rows(conn, redemption_id)
    if redemption is None or not visitor.may_enter(
        merchant=redemption.merchant, store_id=redemption.store_id
    ):
        message = "no such redemption in this store"
        raise NotFound(message, reason=Reason.REDEMPTION_UNKNOWN)
    return json_response(answers.shown(redemption, rows))
