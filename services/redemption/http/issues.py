"""POST /v1/issues"""

from aiohttp import web

from services.redemption.handlers.issue import IssueRequest
from services.redemption.http.desk import GROUPS
from shared.contracts.asks import CodesAsk
from shared.web.body import json_response, read_body
from shared.web.keys import LOGGED, PRINCIPAL, TRACEPARENT


async def post(request: web.Request) -> web.Response:
    """The codes in clear: only a service that answers a platform may ask."""
    ask = await read_body(request, CodesAsk)
    request[PRINCIPAL].require_merchant(ask.merchant)
    answer = await request.app[GROUPS].issues.ask(IssueRequest(ask, request[TRACEPARENT]))
    request[LOGGED] = {
        "order_id": ask.order_id,
        "coupon_ids": [each.coupon_id for each in answer.codes[:50]],
        "pending": answer.pending,
    }
    return json_response(answer)
