"""PUT and DELETE /v1/refund-locks/{after_sale_id}"""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.redemption.handlers import locks
from services.redemption.http.desk import DESK
from shared.contracts.asks import LockAsk
from shared.errors import Unreadable
from shared.web.body import json_response, read_body
from shared.web.keys import PRINCIPAL
from shared.web.query import Query, query_of

_ID_CHARACTERS_MAX = 128


class LockQuery(Query):
    merchant: Annotated[str, Field(min_length=1, max_length=128)]
    platform: Annotated[str, Field(min_length=1, max_length=128)]


async def put(request: web.Request) -> web.Response:
    ask = await read_body(request, LockAsk)
    request[PRINCIPAL].require_merchant(ask.merchant)
    return json_response(await locks.lock(request.app[DESK], _read_id(request), ask))


async def delete(request: web.Request) -> web.Response:
    query = query_of(request, LockQuery)
    request[PRINCIPAL].require_merchant(query.merchant)
    answer = await locks.release(
        request.app[DESK],
        _read_id(request),
        merchant=query.merchant,
        platform=query.platform,
    )
    return json_response(answer)


def _read_id(request: web.Request) -> str:
    after_sale_id = request.match_info["after_sale_id"]
    if len(after_sale_id) > _ID_CHARACTERS_MAX or "\x00" in after_sale_id:
        message = f"after_sale_id: {_ID_CHARACTERS_MAX} characters at most"
        raise Unreadable(message)
    return after_sale_id
