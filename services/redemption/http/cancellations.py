"""POST /v1/redemptions/{redemption_id}/cancel"""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from services.redemption.handlers.cancel import CancelRequest, cancel
from services.redemption.http.desk import DESK, read_visitor, respond
from shared.web.body import read_body
from shared.web.pages import read_uuid


class CancellationRequest(BaseModel):
    cancel_id: UUID
    reason: Annotated[str, Field(min_length=1, max_length=200)]


async def post(request: web.Request) -> web.Response:
    redemption_id = read_uuid(request.match_info["redemption_id"], "redemption_id")
    body = await read_body(request, CancellationRequest)
    asked = CancelRequest(redemption_id, body.cancel_id, body.reason)
    return respond(request, await cancel(request.app[DESK], read_visitor(request), asked))
