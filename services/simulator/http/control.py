"""The controls of tests and of `qiao simulate`: what Douyin itself would never let us do."""

from typing import Any, Final

from aiohttp import web

from services.simulator.domain.coupons import Coupon, Order
from services.simulator.domain.faults import PRESETS, Faults
from services.simulator.domain.pace import Pace
from services.simulator.domain.scenarios import Scenario
from services.simulator.domain.statuses import order_status
from services.simulator.handlers import (
    apps,
    books,
    controls,
    events,
    life,
    placing,
    purchasing,
)
from services.simulator.handlers.platform_key import public_key
from services.simulator.http import shapes
from services.simulator.http.keys import EDGE
from services.simulator.http.links import short_link
from services.simulator.queries.books import WebhookLine
from services.simulator.queries.questions import QuestionLine
from shared.errors import NotFound
from shared.web.body import json_response, read_body
from shared.web.pages import Page, cursor_parts, page, wrong_cursor
from shared.web.query import query_of
from shared.web.routes import Route

_BODY_BYTES_MAX: Final = 4 * 1024 * 1024


async def post_app(request: web.Request) -> web.Response:
    edge = request.app[EDGE]
    app = await apps.register_app(
        edge.world,
        await read_body(request, apps.AppRequest, bytes_max=_BODY_BYTES_MAX),
        edge.poster,
    )
    return json_response(
        {
            "client_key": app.client_key,
            "webhook_url": app.webhook_url,
            "webhook_verified_at": app.webhook_verified_at,
        }
    )


async def post_orders(request: web.Request) -> web.Response:
    body = await read_body(request, placing.OrdersRequest, bytes_max=_BODY_BYTES_MAX)
    edge = request.app[EDGE]
    orders, refused = await purchasing.purchase(edge.world, edge.questions, body.orders)
    return json_response(
        {"orders": [_placed(request, order) for order in orders], "refused": refused}, status=201
    )


def _placed(request: web.Request, order: Order) -> dict[str, Any]:
    return {
        "order_id": str(order.order_id),
        "account_id": order.account_id,
        "reference": order.reference,
        "order_status": order_status(order),
        "pay_amount_fen": order.pay_amount_fen,
        "coupons": [_scannable(request, coupon) for coupon in order.coupons],
    }


def _scannable(request: web.Request, coupon: Coupon) -> dict[str, Any]:
    return {
        "certificate_id": coupon.public_id,
        "code": coupon.third_code or coupon.code,
        "short_link": short_link(request, coupon.short_id),
        "expires_at": coupon.expires_at,
    }


async def post_payments(request: web.Request) -> web.Response:
    body = await read_body(request, placing.OrderIdsRequest, bytes_max=_BODY_BYTES_MAX)
    paid = await placing.pay_orders(request.app[EDGE].world, body.order_ids)
    return json_response({"paid": [str(order.order_id) for order in paid]})


async def post_refunds(request: web.Request) -> web.Response:
    body = await read_body(request, life.RefundRequest, bytes_max=_BODY_BYTES_MAX)
    accepted, refused = await life.apply_refunds(
        request.app[EDGE].world, body.certificate_ids, reason=body.reason
    )
    return json_response(
        {
            "accepted": accepted,
            "refused": [
                {"certificate_id": certificate_id, "state": state}
                for certificate_id, state in refused
            ],
        }
    )


async def post_events(request: web.Request) -> web.Response:
    body = await read_body(request, events.EventsRequest, bytes_max=_BODY_BYTES_MAX)
    msg_ids = await events.announce(request.app[EDGE].world, body.events)
    return json_response({"msg_ids": msg_ids}, status=201)


async def put_faults(request: web.Request) -> web.Response:
    body = await read_body(request, shapes.FaultsRequest, bytes_max=_BODY_BYTES_MAX)
    faults = Faults.model_validate(body.model_dump(exclude={"preset"}))
    if body.preset is not None:
        faults = PRESETS[body.preset].model_copy(update={"seed": body.seed})
    await controls.set_faults(request.app[EDGE].world, faults)
    return json_response(faults)


async def get_faults(request: web.Request) -> web.Response:
    return json_response(request.app[EDGE].world.faults)


async def put_pace(request: web.Request) -> web.Response:
    """Members that are left out stay as they are."""
    world = request.app[EDGE].world
    change = await read_body(request, shapes.PaceChange)
    pace = Pace.model_validate(world.pace.model_dump() | change.model_dump(exclude_unset=True))
    await controls.set_pace(world, pace)
    return json_response(pace)


async def get_pace(request: web.Request) -> web.Response:
    return json_response(request.app[EDGE].world.pace)


async def get_stats(request: web.Request) -> web.Response:
    return json_response(await books.statistics(request.app[EDGE].world))


async def get_books(request: web.Request) -> web.Response:
    query = query_of(request, shapes.BooksQuery)
    orders = await books.order_book(
        request.app[EDGE].world, after=_after(query), limit=query.limit + 1
    )
    return json_response(
        page(
            orders,
            limit=query.limit,
            cursor_of=lambda order: [str(order["order_id"])],
            show=lambda order: order,
        )
    )


async def get_webhooks(request: web.Request) -> web.Response:
    query = query_of(request, shapes.WebhooksQuery)
    lines = await books.webhook_lines(
        request.app[EDGE].world,
        state="acknowledged" if query.acknowledged else query.state,
        genuine=not query.forged,
        after=_after(query),
        limit=query.limit + 1,
    )
    return json_response(
        page(
            lines,
            limit=query.limit,
            cursor_of=lambda line: [str(line.webhook_id)],
            show=lambda line: line,
        )
    )


def _after(query: shapes.BooksQuery) -> int:
    cursor = cursor_parts(query.cursor, length=1)
    if cursor is None:
        return 0
    if not (cursor[0].isascii() and cursor[0].isdecimal()):
        raise wrong_cursor()
    return int(cursor[0])


async def get_idle(request: web.Request) -> web.Response:
    return json_response(await books.pending(request.app[EDGE].world))


async def get_scenarios(_request: web.Request) -> web.Response:
    return json_response({"items": sorted(controls.scenario_names()), "next_cursor": None})


async def get_scenario(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in controls.scenario_names():
        message = f"no scenario {name}; there are {', '.join(sorted(controls.scenario_names()))}"
        raise NotFound(message)
    return json_response(controls.read_scenario(name))


async def post_reset(request: web.Request) -> web.Response:
    await read_body(request, shapes.ResetRequest)
    await controls.reset(request.app[EDGE].world)
    return json_response({"status": "forgotten"})


async def get_platform_key(request: web.Request) -> web.Response:
    """What checks the signatures of trade callbacks."""
    return json_response({"public_key": await public_key(request.app[EDGE].world)})


async def get_questions(request: web.Request) -> web.Response:
    query = query_of(request, shapes.QuestionsQuery)
    lines = await books.question_lines(
        request.app[EDGE].world,
        state=query.state,
        action=query.action,
        after=_after(query),
        limit=query.limit + 1,
    )
    return json_response(
        page(
            lines,
            limit=query.limit,
            cursor_of=lambda line: [str(line.question_id)],
            show=lambda line: line,
        )
    )


async def post_status_checks(request: web.Request) -> web.Response:
    """Ask merchants for the state of some of their orders now."""
    await life.ask_about_orders(request.app[EDGE].world)
    return json_response({"status": "asked"}, status=202)


CONTROL_ROUTES = (
    Route(
        "POST",
        "/sim/v1/apps",
        post_app,
        summary="Register an app, its merchants, and where it is to be told",
        body=apps.AppRequest,
        answers={200: shapes.ShownApp},
        refusals={409: ("handshake_failed",)},
    ),
    Route(
        "POST",
        "/sim/v1/orders",
        post_orders,
        summary="Customers order",
        body=placing.OrdersRequest,
        answers={201: shapes.Placed},
        refusals={404: ("not_found",)},
    ),
    Route(
        "POST",
        "/sim/v1/payments",
        post_payments,
        summary="Customers pay",
        body=placing.OrderIdsRequest,
        answers={200: shapes.Paid},
    ),
    Route(
        "POST",
        "/sim/v1/refunds",
        post_refunds,
        summary="Customers want their money back",
        body=life.RefundRequest,
        answers={200: shapes.RefundsTaken},
    ),
    Route(
        "POST",
        "/sim/v1/events",
        post_events,
        summary="Send webhooks of one's own",
        body=events.EventsRequest,
        answers={201: shapes.Announced},
        refusals={404: ("not_found",)},
    ),
    Route(
        "PUT",
        "/sim/v1/faults",
        put_faults,
        summary="Switch faults on and off",
        body=shapes.FaultsRequest,
        answers={200: Faults},
    ),
    Route(
        "GET",
        "/sim/v1/faults",
        get_faults,
        summary="The faults as they are",
        answers={200: Faults},
    ),
    Route(
        "PUT",
        "/sim/v1/pace",
        put_pace,
        summary="Change how fast things happen, and how much is taken",
        body=shapes.PaceChange,
        answers={200: Pace},
    ),
    Route("GET", "/sim/v1/pace", get_pace, summary="The pace as it is", answers={200: Pace}),
    Route(
        "GET",
        "/sim/v1/stats",
        get_stats,
        summary="How many of everything",
        answers={200: shapes.Statistics},
    ),
    Route(
        "GET",
        "/sim/v1/books",
        get_books,
        summary="The simulator's own books, order by order",
        query=shapes.BooksQuery,
        answers={200: Page[shapes.BookedOrder]},
    ),
    Route(
        "GET",
        "/sim/v1/webhooks",
        get_webhooks,
        summary="What was sent, and what became of it",
        query=shapes.WebhooksQuery,
        answers={200: Page[WebhookLine]},
    ),
    Route(
        "GET",
        "/sim/v1/platform-key",
        get_platform_key,
        summary="The platform's public key",
        answers={200: shapes.PlatformKey},
    ),
    Route(
        "GET",
        "/sim/v1/questions",
        get_questions,
        summary="What merchants were asked, and what they answered",
        query=shapes.QuestionsQuery,
        answers={200: Page[QuestionLine]},
    ),
    Route(
        "POST",
        "/sim/v1/status-checks",
        post_status_checks,
        summary="Compare some orders with their merchants",
        answers={202: shapes.Status},
    ),
    Route(
        "GET",
        "/sim/v1/idle",
        get_idle,
        quiet=True,
        summary="Whether anything is still to be sent or to happen",
        answers={200: shapes.Idle},
    ),
    Route(
        "GET",
        "/sim/v1/scenarios",
        get_scenarios,
        summary="The scenarios there are",
        answers={200: Page[str]},
    ),
    Route(
        "GET",
        "/sim/v1/scenarios/{name}",
        get_scenario,
        summary="One scenario",
        answers={200: Scenario},
    ),
    Route(
        "POST",
        "/sim/v1/reset",
        post_reset,
        summary="Forget everything that happened",
        body=shapes.ResetRequest,
        answers={200: shapes.Status},
    ),
)
