"""POST /v1/preparations"""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from services.redemption.handlers.prepare import prepare
from services.redemption.http.desk import DESK, GROUPS, choose_store, read_visitor, respond
from shared.web.body import read_body


class PreparationRequest(BaseModel):
    # Longer texts are refused with a reason a clerk can read, up to where nobody scans any more.
    scan: Annotated[str, Field(max_length=10_000)]
    store_id: str | None = None


async def post(request: web.Request) -> web.Response:
    body = await read_body(request, PreparationRequest)
    visitor = read_visitor(request)
    store_id = choose_store(visitor, body.store_id)
    answer = await prepare(request.app[DESK], request.app[GROUPS], visitor, store_id, body.scan)
    return respond(request, answer)
