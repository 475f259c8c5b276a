"""/v1/reservations"""

from typing import Final

from aiohttp import web

from services.catalog.domain.deciding import digest_of
from services.catalog.domain.settling import ReservationState
from services.catalog.handlers.questions import Questions
from services.catalog.http.shapes import ReservationsQuery, ShownReservation
from services.catalog.queries import settling as queries
from services.catalog.queries.settling import Filter, ReservationView
from shared.contracts.asks import OrderAnswer, OrderAsk, OrderRefusal
from shared.ids import new_trace_parent
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, cursor_parts, page, read_uuid
from shared.web.query import query_of
from shared.web.routes import Route

QUESTIONS = web.AppKey("QUESTIONS", Questions)


async def post_reservation(request: web.Request) -> web.Response:
    """200 whether it is granted or refused, and the same answer for ever."""
    ask = await read_body(request, OrderAsk)
    request[PRINCIPAL].require_merchant(ask.merchant)
    traceparent = request.headers.get("traceparent") or new_trace_parent()
    answer = await request.app[QUESTIONS].answer(
        ask, digest=digest_of(ask), traceparent=traceparent
    )
    return web.Response(body=answer, content_type="application/json")


async def list_reservations(request: web.Request) -> web.Response:
    query = query_of(request, ReservationsQuery)
    cursor = cursor_parts(query.cursor, length=1)
    wanted = Filter(
        merchant=request[PRINCIPAL].narrowed(query.merchant),
        platform=query.platform,
        order_id=query.order_id,
        state=query.state,
        after=None if cursor is None else read_uuid(cursor[0], "cursor"),
    )
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_reservations(conn, wanted, limit=query.limit + 1)
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (str(one.out_order_id),), show=_show)
    )


def _show(one: ReservationView) -> ShownReservation:
    return {
        "out_order_id": str(one.out_order_id),
        "merchant": one.merchant,
        "platform": one.platform,
        "order_id": one.order_id,
        "state": ReservationState(one.state),
        "refusal": None if one.refusal is None else OrderRefusal(one.refusal),
        "detail": one.detail,
        "pay_until": one.pay_until,
        "decided_at": one.decided_at,
        "changed_at": one.changed_at,
        "lines": one.lines,
    }


ROUTES: Final = (
    Route(
        "POST",
        "/v1/reservations",
        post_reservation,
        "reservations:write",
        # The batch it is decided with logs it.
        quiet=True,
        summary="Decide an order before it is made, and hold its stock",
        body=OrderAsk,
        answers={200: OrderAnswer},
        refusals={409: ("ask_conflicted",)},
    ),
    Route(
        "GET",
        "/v1/reservations",
        list_reservations,
        "products:read",
        summary="Decided orders, newest first; state=oversold are those to look after",
        query=ReservationsQuery,
        answers={200: Page[ShownReservation]},
    ),
)
