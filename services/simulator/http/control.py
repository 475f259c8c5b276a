"""The controls of tests and of `qiao simulate`: what Douyin itself would never let us do."""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain.coupons import Coupon, Order
from services.simulator.domain.faults import PRESETS, Faults
from services.simulator.domain.pace import Pace
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
from services.simulator.http.keys import EDGE
from services.simulator.http.links import short_link
from shared.errors import NotFound, Unreadable
from shared.web.body import json_response, read_raw
from shared.web.pages import page, read_cursor, read_limit
from shared.web.routes import Route

_BODY_BYTES_MAX = 4 * 1024 * 1024
_PAGE_MAX = 1000
_STATES = ("queued", "acknowledged", "failed", "lost")
Model = TypeVar("Model", bound=BaseModel)


class ResetRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    confirm: str


class FaultsRequest(Faults):
    """Switches by name; or a preset, with a seed of one's own."""

    preset: str | None = Field(default=None)


async def _read(request: web.Request, model: type[Model]) -> Model:
    return model.model_validate_json(await read_raw(request, bytes_max=_BODY_BYTES_MAX))


async def post_app(request: web.Request) -> web.Response:
    edge = request.app[EDGE]
    app = await apps.register_app(edge.world, await _read(request, apps.AppRequest), edge.poster)
    return json_response(
        {
            "client_key": app.client_key,
            "webhook_url": app.webhook_url,
            "webhook_verified_at": app.webhook_verified_at,
        }
    )


async def post_orders(request: web.Request) -> web.Response:
    body = await _read(request, placing.OrdersRequest)
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
    body = await _read(request, placing.OrderIdsRequest)
    paid = await placing.pay_orders(request.app[EDGE].world, body.order_ids)
    return json_response({"paid": [str(order.order_id) for order in paid]})


async def post_refunds(request: web.Request) -> web.Response:
    body = await _read(request, life.RefundRequest)
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
    body = await _read(request, events.EventsRequest)
    msg_ids = await events.announce(request.app[EDGE].world, body.events)
    return json_response({"msg_ids": msg_ids}, status=201)


async def put_faults(request: web.Request) -> web.Response:
    body = await _read(request, FaultsRequest)
    faults = Faults.model_validate(body.model_dump(exclude={"preset"}))
    if body.preset is not None:
        if body.preset not in PRESETS:
            message = f"preset: one of {', '.join(PRESETS)}"
            raise Unreadable(message)
        faults = PRESETS[body.preset].model_copy(update={"seed": body.seed})
    await controls.set_faults(request.app[EDGE].world, faults)
    return json_response(faults)


async def get_faults(request: web.Request) -> web.Response:
    return json_response(request.app[EDGE].world.faults)


async def put_pace(request: web.Request) -> web.Response:
    """Members that are left out stay as they are."""
    world = request.app[EDGE].world
    raw = await read_raw(request, bytes_max=_BODY_BYTES_MAX)
    pace = Pace.model_validate(world.pace.model_dump() | controls.read_object(raw))
    await controls.set_pace(world, pace)
    return json_response(pace)


async def get_pace(request: web.Request) -> web.Response:
    return json_response(request.app[EDGE].world.pace)


async def get_stats(request: web.Request) -> web.Response:
    return json_response(await books.statistics(request.app[EDGE].world))


async def get_books(request: web.Request) -> web.Response:
    limit, after = read_limit(request, most=_PAGE_MAX), _read_after(request)
    orders = await books.order_book(request.app[EDGE].world, after=after, limit=limit + 1)
    return json_response(
        page(
            orders,
            limit=limit,
            cursor_of=lambda order: [str(order["order_id"])],
            show=lambda order: order,
        )
    )


async def get_webhooks(request: web.Request) -> web.Response:
    """The platform's own ones; copies of forgers only with forged=true."""
    limit, after = read_limit(request, most=_PAGE_MAX), _read_after(request)
    state = request.query.get("state")
    if request.query.get("acknowledged") == "true":
        state = "acknowledged"
    if state not in {None, *_STATES}:
        message = f"state: one of {', '.join(_STATES)}"
        raise Unreadable(message)
    lines = await books.webhook_lines(
        request.app[EDGE].world,
        state=state,
        genuine=request.query.get("forged") != "true",
        after=after,
        limit=limit + 1,
    )
    return json_response(
        page(
            lines,
            limit=limit,
            cursor_of=lambda line: [str(line.webhook_id)],
            show=lambda line: line,
        )
    )


def _read_after(request: web.Request) -> int:
    cursor = read_cursor(request, length=1)
    if cursor is None:
        return 0
    if not (cursor[0].isascii() and cursor[0].isdecimal()):
        message = "cursor: pass next_cursor of the page before as it is"
        raise Unreadable(message)
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
    body = await _read(request, ResetRequest)
    if body.confirm != controls.RESET_WORD:
        message = f'confirm: "{controls.RESET_WORD}"'
        raise Unreadable(message)
    await controls.reset(request.app[EDGE].world)
    return json_response({"status": "forgotten"})


async def get_platform_key(request: web.Request) -> web.Response:
    """What checks the signatures of trade callbacks."""
    return json_response({"public_key": await public_key(request.app[EDGE].world)})


async def get_questions(request: web.Request) -> web.Response:
    limit, after = read_limit(request, most=_PAGE_MAX), _read_after(request)
    lines = await books.question_lines(
        request.app[EDGE].world,
        state=request.query.get("state"),
        action=request.query.get("action"),
        after=after,
        limit=limit + 1,
    )
    return json_response(
        page(
            lines,
            limit=limit,
            cursor_of=lambda line: [str(line.question_id)],
            show=lambda line: line,
        )
    )


async def post_status_checks(request: web.Request) -> web.Response:
    """Ask merchants for the state of some of their orders now."""
    await life.ask_about_orders(request.app[EDGE].world)
    return json_response({"status": "asked"}, status=202)


CONTROL_ROUTES = (
    Route("POST", "/sim/v1/apps", post_app),
    Route("POST", "/sim/v1/orders", post_orders),
    Route("POST", "/sim/v1/payments", post_payments),
    Route("POST", "/sim/v1/refunds", post_refunds),
    Route("POST", "/sim/v1/events", post_events),
    Route("PUT", "/sim/v1/faults", put_faults),
    Route("GET", "/sim/v1/faults", get_faults),
    Route("PUT", "/sim/v1/pace", put_pace),
    Route("GET", "/sim/v1/pace", get_pace),
    Route("GET", "/sim/v1/stats", get_stats),
    Route("GET", "/sim/v1/books", get_books),
    Route("GET", "/sim/v1/webhooks", get_webhooks),
    Route("GET", "/sim/v1/platform-key", get_platform_key),
    Route("GET", "/sim/v1/questions", get_questions),
    Route("POST", "/sim/v1/status-checks", post_status_checks),
    Route("GET", "/sim/v1/idle", get_idle, quiet=True),
    Route("GET", "/sim/v1/scenarios", get_scenarios),
    Route("GET", "/sim/v1/scenarios/{name}", get_scenario),
    Route("POST", "/sim/v1/reset", post_reset),
)
