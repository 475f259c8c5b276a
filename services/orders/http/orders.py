"""Routes about orders and coupons, and about what was missed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web

from services.orders.domain.facts import Fact
from services.orders.domain.words import QUESTIONS, WHY, Moment, Words, contradictions
from services.orders.handlers import asking
from services.orders.handlers.asking import Explanation, OrderAnswer, Reconciliation
from services.orders.http.shapes import (
    CouponWithOrder,
    OfMerchant,
    OrdersQuery,
    ReconciliationQuery,
    ShownCoupon,
    ShownExplanation,
    ShownObservation,
    ShownOrder,
    ShownReconciliation,
    ShownWords,
)
from services.orders.queries.reading import CouponRow, Filter, SeenFact
from shared.clock import utc_now
from shared.errors import Unreadable
from shared.postgres.connection import Connection
from shared.web.body import json_response
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, cursor_parts, page, wrong_cursor
from shared.web.query import PageQuery, query_of
from shared.web.routes import Route

_READ = "orders:read"
_MISSED_SINCE = timedelta(hours=1)
_MISSED_SINCE_MAX = timedelta(days=7)


async def list_orders(request: web.Request) -> web.Response:
    query = query_of(request, OrdersQuery)
    wanted = Filter(
        merchant=_merchant(request, query.merchant),
        state=query.state,
        account_id=query.account,
        coupon_id=query.coupon_id,
        contradicted=query.contradicted,
        since=query.since,
        until=query.until,
        after=_after(query),
    )
    async with _reading(request) as conn:
        answers = await asking.list_orders(conn, wanted, limit=query.limit + 1)
    return json_response(
        page(
            answers,
            limit=query.limit,
            cursor_of=lambda one: (one.order.ordered_at.isoformat(), str(one.order.order_key)),
            show=_show_order,
        )
    )


async def get_order(request: web.Request) -> web.Response:
    async with _reading(request) as conn:
        answer = await asking.find_order(
            conn, _id(request, "order_id"), merchant=_merchant_named(request)
        )
    return json_response(_show_order(answer))


async def explain_order(request: web.Request) -> web.Response:
    async with _reading(request) as conn:
        explanation = await asking.explain(
            conn, _id(request, "order_id"), merchant=_merchant_named(request)
        )
    return json_response(_show_explanation(explanation))


async def get_coupon(request: web.Request) -> web.Response:
    async with _reading(request) as conn:
        coupon, answer = await asking.find_coupon(
            conn, _id(request, "coupon_id"), merchant=_merchant_named(request)
        )
    body: CouponWithOrder = {**_show_coupon(coupon), "order": _show_order(answer)}
    return json_response(body)


async def get_reconciliation(request: web.Request) -> web.Response:
    now = utc_now()
    query = query_of(request, ReconciliationQuery)
    since = query.since or now - _MISSED_SINCE
    if since < now - _MISSED_SINCE_MAX:
        raise Unreadable(f"since: at most {_MISSED_SINCE_MAX.days} days ago")
    async with _reading(request) as conn:
        answer = await asking.reconciliation_of(
            conn, merchant=_merchant(request, query.merchant), since=since
        )
    return json_response(_show_reconciliation(answer))


@asynccontextmanager
async def _reading(request: web.Request) -> AsyncIterator[Connection]:
    """One snapshot for all statements of an answer: an order and its coupons belong together."""
    async with (
        request.app[DATABASE].pool.acquire() as conn,
        conn.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield conn


def _merchant(request: web.Request, named: str | None) -> str | None:
    """The merchant to look for: a token for one merchant sees no other's orders."""
    return request[PRINCIPAL].narrowed(named)


def _merchant_named(request: web.Request) -> str | None:
    return _merchant(request, query_of(request, OfMerchant).merchant)


def _id(request: web.Request, name: str) -> str:
    return request.match_info[name]


def _after(query: PageQuery) -> tuple[datetime, int] | None:
    cursor = cursor_parts(query.cursor, length=2)
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(cursor[0]).astimezone(UTC), int(cursor[1])
    except (ValueError, OverflowError):
        raise wrong_cursor() from None


def _show_order(answer: OrderAnswer) -> ShownOrder:
    order = answer.order
    return {
        "order_id": order.order_id,
        "merchant": order.merchant,
        "platform": order.platform,
        "account_id": order.account_id,
        "version": order.version,
        "state": order.state,
        "contradicted": order.contradicted,
        "platform_sku_id": order.platform_sku_id,
        "title": order.title,
        "original_amount_fen": order.original_amount_fen,
        "pay_amount_fen": order.pay_amount_fen,
        "refunded_amount_fen": order.refunded_amount_fen,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "ordered_at": order.ordered_at,
        "first_seen_at": order.first_seen_at,
        "changed_at": order.changed_at,
        "read_back_at": order.read_back_at,
        "coupon_count": order.coupon_count,
        "coupons": [_show_coupon(coupon) for coupon in answer.coupons],
    }


def _show_coupon(coupon: CouponRow) -> ShownCoupon:
    return {
        "coupon_id": coupon.coupon_id,
        "state": coupon.state,
        "changed_at": coupon.changed_at,
        "refund_amount_fen": coupon.refund_amount_fen,
    }


def _show_explanation(explanation: Explanation) -> ShownExplanation:
    view = explanation.view
    return {
        **_show_order(explanation.answer),
        "because": {
            "rule": _show_words(Words(view.rule.zh, view.rule.en)),
            "phase": view.phase,
            "contradictions": [_show_words(words) for words in contradictions(view)],
            "open_questions": [
                {"question": question, **_show_words(QUESTIONS[question])}
                for question in sorted(view.questions)
            ],
            "coupons": [
                {
                    "coupon_id": coupon.coupon_id,
                    "state": coupon.state,
                    "phase": coupon.phase,
                    "decided_by": str(coupon.decided_by.observation_id),
                    "why": coupon.why,
                    **_show_words(WHY[coupon.why]),
                }
                for coupon in view.coupons
            ],
        },
        "observations": [_show_observation(seen, moment) for seen, moment in explanation.seen],
        "more_observations": explanation.more_seen,
        "versions": [
            {
                "version": change.version,
                "event_id": str(change.event_id),
                "event_type": change.event_type,
                "from_state": change.from_state,
                "to_state": change.to_state,
                "observations": [str(one) for one in change.observation_ids],
                "changed_at": change.changed_at,
            }
            for change in explanation.changes
        ],
    }


def _show_observation(seen: SeenFact, moment: Moment) -> ShownObservation:
    fact: Fact = seen.fact
    return {
        "observation_id": str(fact.observation_id),
        "kind": fact.kind,
        "source": fact.source,
        "coupon_id": fact.coupon_id,
        "occurred_at": fact.occurred_at,
        "since": fact.began_at,
        "seen_at": seen.seen_at,
        "event_id": str(seen.event_id) if seen.event_id else None,
        "delivery_id": str(seen.delivery_id) if seen.delivery_id else None,
        "changed": {
            "order": [moment.state_before, moment.state_after],
            "coupon": [moment.coupon_before, moment.coupon_after],
            "contradicted": moment.contradicted,
        },
    }


def _show_reconciliation(answer: Reconciliation) -> ShownReconciliation:
    return {
        "since": answer.since,
        "items": list(answer.readings),
        "missed": list(answer.missed),
        "waiting_to_be_read_back": answer.waiting,
    }


def _show_words(words: Words) -> ShownWords:
    return {"zh": words.zh, "en": words.en}


_SEVERAL = {409: ("ambiguous_order",)}
ROUTES: Sequence[Route] = (
    Route(
        "GET",
        "/v1/orders",
        list_orders,
        _READ,
        summary="Orders, newest first",
        query=OrdersQuery,
        answers={200: Page[ShownOrder]},
    ),
    Route(
        "GET",
        "/v1/orders/{order_id}",
        get_order,
        _READ,
        summary="One order by the platform's id",
        query=OfMerchant,
        answers={200: ShownOrder},
        refusals=_SEVERAL,
    ),
    Route(
        "GET",
        "/v1/orders/{order_id}/explain",
        explain_order,
        _READ,
        summary="Every observation of an order, and why its state is what it is",
        query=OfMerchant,
        answers={200: ShownExplanation},
        refusals=_SEVERAL,
    ),
    Route(
        "GET",
        "/v1/coupons/{coupon_id}",
        get_coupon,
        _READ,
        summary="One coupon by the platform's id, and its order",
        query=OfMerchant,
        answers={200: CouponWithOrder},
        refusals=_SEVERAL,
    ),
    Route(
        "GET",
        "/v1/reconciliation",
        get_reconciliation,
        _READ,
        summary="Whether anything was missed: what only reading back has told",
        query=ReconciliationQuery,
        answers={200: ShownReconciliation},
    ),
)
