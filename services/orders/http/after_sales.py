"""Routes about refunds that are asked of us, and about what has become of orders."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from services.orders.domain.refunds import REASON_WORDS, RefundReason
from services.orders.handlers.after_sales import asked, deciding, showing
from services.orders.handlers.after_sales.deciding import Decision
from services.orders.handlers.after_sales.desk import Desk
from services.orders.handlers.after_sales.showing import Explained
from services.orders.http.shapes import OfMerchant, ShownWords
from services.orders.queries.after_sale_lists import AfterSaleFilter, StepRow
from services.orders.queries.after_sales import AfterSale
from services.orders.queries.locks import Lock
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.asks import RefundAnswer, RefundAsk, StatusAnswer, StatusAsk
from shared.web.body import json_response, read_body
from shared.web.keys import PRINCIPAL, TRACEPARENT
from shared.web.pages import Page, cursor_parts, page, wrong_cursor
from shared.web.query import PageQuery, Text, Time, query_of
from shared.web.routes import Route
from shared.web.shapes import IdText

DESK = web.AppKey("AFTER_SALES", Desk)
_READ, _WRITE = "after_sales:read", "after_sales:write"
CouponId = Annotated[str, Field(min_length=1, max_length=128)]


class AfterSalesQuery(PageQuery):
    """`due_before`: only those still unanswered that the platform passes before then."""

    merchant: Text | None = None
    state: AfterSaleState | None = None
    order_id: Text | None = None
    due_before: Time | None = None


class DecisionBody(BaseModel):
    """`coupon_ids` allow some of the coupons; left out, all that can be refunded."""

    decision: Literal["allow", "refuse"]
    coupon_ids: Annotated[list[CouponId], Field(min_length=1, max_length=1000)] | None = None
    reason: str | None = Field(default=None, max_length=500)


class ShownAfterSale(TypedDict):
    after_sale_id: str
    merchant: str
    platform: str
    order_id: str
    out_refund_id: IdText
    channel: str | None
    state: str
    version: int
    outcome: str | None
    reason: str | None
    because: ShownWords | None
    coupon_ids: Sequence[str]
    without_code: int
    refundable_coupon_ids: Sequence[str]
    granted_coupon_ids: Sequence[str]
    partial: bool
    amount_fen: int | None
    decided_by: str | None
    asked_at: datetime
    answer_until: datetime
    decided_at: datetime | None
    changed_at: datetime
    attempts: int
    last_failure: str | None


class ShownLock(TypedDict):
    lock_id: str
    state: str
    coupon_ids: Sequence[str]
    # What redemption knew of the coupons.
    answer: dict[str, Any] | None
    changed_at: datetime


class ShownStep(TypedDict):
    version: int
    step: str
    from_state: str | None
    to_state: str
    done_by: str
    reason: str | None
    words: str | None
    event_id: IdText | None
    at: datetime


class ExplainedAfterSale(ShownAfterSale):
    buyer_reason: str | None
    # What the rules saw, and what they made of each coupon.
    judgement: dict[str, Any] | None
    locks: Sequence[ShownLock]
    steps: Sequence[ShownStep]


async def ask_refund(request: web.Request) -> web.Response:
    ask = await read_body(request, RefundAsk)
    request[PRINCIPAL].require_merchant(ask.merchant)
    answer = await asked.answer_refund(request.app[DESK], ask, traceparent=request[TRACEPARENT])
    return json_response(answer)


async def ask_statuses(request: web.Request) -> web.Response:
    ask = await read_body(request, StatusAsk)
    request[PRINCIPAL].require_merchant(ask.merchant)
    return json_response(await showing.statuses(request.app[DESK], ask))


async def list_after_sales(request: web.Request) -> web.Response:
    query = query_of(request, AfterSalesQuery)
    wanted = AfterSaleFilter(
        merchant=request[PRINCIPAL].narrowed(query.merchant),
        state=query.state,
        order_id=query.order_id,
        due_before=query.due_before,
        after=_after(query),
    )
    found = await showing.list_after_sales(request.app[DESK], wanted, limit=query.limit + 1)
    return json_response(
        page(
            found,
            limit=query.limit,
            cursor_of=lambda one: (one.created_at.isoformat(), one.after_sale_id),
            show=_show,
        )
    )


async def get_after_sale(request: web.Request) -> web.Response:
    explained = await showing.explain(
        request.app[DESK], request.match_info["after_sale_id"], merchant=_merchant(request)
    )
    return json_response(_show_explained(explained))


async def decide(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    body = await read_body(request, DecisionBody)
    matter = await showing.find_after_sale(
        desk, request.match_info["after_sale_id"], merchant=_merchant(request)
    )
    decision = Decision(
        allow=body.decision == "allow",
        coupon_ids=None if body.coupon_ids is None else tuple(body.coupon_ids),
        words=body.reason,
        by=request[PRINCIPAL].subject,
    )
    return json_response(_show(await deciding.decide(desk, matter, decision)))


def _merchant(request: web.Request) -> str | None:
    return request[PRINCIPAL].narrowed(query_of(request, OfMerchant).merchant)


def _after(query: PageQuery) -> tuple[datetime, str] | None:
    parts = cursor_parts(query.cursor, length=2)
    if parts is None:
        return None
    try:
        return datetime.fromisoformat(parts[0]).astimezone(UTC), parts[1]
    except (ValueError, OverflowError):
        raise wrong_cursor() from None


def _show(matter: AfterSale) -> ShownAfterSale:
    judged = () if matter.judgement is None else matter.judgement["coupons"]
    return {
        "after_sale_id": matter.after_sale_id,
        "merchant": matter.merchant,
        "platform": matter.platform,
        "order_id": matter.order_id,
        "out_refund_id": str(matter.out_refund_id),
        "channel": matter.channel,
        "state": matter.state,
        "version": matter.version,
        "outcome": matter.outcome,
        "reason": matter.reason,
        "because": _words(matter.reason),
        "coupon_ids": matter.coupon_ids,
        "without_code": matter.without_code,
        "refundable_coupon_ids": [
            one["coupon_id"] for one in judged if one["ruling"] in ("allow", "ask")
        ],
        "granted_coupon_ids": matter.granted_coupon_ids,
        "partial": matter.partial,
        "amount_fen": matter.amount_fen,
        "decided_by": matter.decided_by,
        "asked_at": matter.asked_at,
        "answer_until": matter.answer_until,
        "decided_at": matter.decided_at,
        "changed_at": matter.changed_at,
        "attempts": matter.attempts,
        "last_failure": matter.last_failure,
    }


def _words(reason: str | None) -> ShownWords | None:
    if reason is None:
        return None
    zh, en = REASON_WORDS[RefundReason(reason)]
    return {"zh": zh, "en": en}


def _show_explained(explained: Explained) -> ExplainedAfterSale:
    return {
        **_show(explained.matter),
        "buyer_reason": explained.buyer_reason,
        "judgement": explained.matter.judgement,
        "locks": [_show_lock(lock) for lock in explained.locks],
        "steps": [_show_step(step, words) for step, words in explained.steps],
    }


def _show_lock(lock: Lock) -> ShownLock:
    return {
        "lock_id": lock.lock_id,
        "state": lock.state,
        "coupon_ids": lock.coupon_ids,
        "answer": lock.answer,
        "changed_at": lock.changed_at,
    }


def _show_step(step: StepRow, words: str | None) -> ShownStep:
    return {
        "version": step.version,
        "step": step.step,
        "from_state": step.from_state,
        "to_state": step.to_state,
        "done_by": step.done_by,
        "reason": step.reason,
        "words": words,
        "event_id": str(step.event_id) if step.event_id else None,
        "at": step.at,
    }


_SEVERAL = ("ambiguous_after_sale",)
ROUTES: Sequence[Route] = (
    Route(
        "POST",
        "/v1/after-sales",
        ask_refund,
        _WRITE,
        summary="May this refund be given? The same answer for ever",
        body=RefundAsk,
        answers={200: RefundAnswer},
        refusals={404: ("not_found",), 409: ("ask_conflicted",), 503: ("unavailable",)},
    ),
    Route(
        "GET",
        "/v1/after-sales",
        list_after_sales,
        _READ,
        summary="Refunds that were asked of us, newest first",
        query=AfterSalesQuery,
        answers={200: Page[ShownAfterSale]},
    ),
    Route(
        "GET",
        "/v1/after-sales/{after_sale_id}",
        get_after_sale,
        _READ,
        summary="What was asked, what the rules saw, the locks, and each step",
        query=OfMerchant,
        answers={200: ExplainedAfterSale},
        refusals={404: ("not_found",), 409: _SEVERAL},
    ),
    Route(
        "POST",
        "/v1/after-sales/{after_sale_id}/decision",
        decide,
        _WRITE,
        summary="A person allows or refuses; said again it is the same decision",
        query=OfMerchant,
        body=DecisionBody,
        answers={200: ShownAfterSale},
        refusals={
            404: ("not_found",),
            409: (
                *_SEVERAL,
                "not_pending",
                "coupon_not_refundable",
                "not_divisible",
                "code_missing",
            ),
            503: ("unavailable",),
        },
    ),
    Route(
        "POST",
        "/v1/orders/statuses",
        ask_statuses,
        "orders:read",
        summary="What has become of these orders; those never heard of are left out",
        body=StatusAsk,
        answers={200: StatusAnswer},
    ),
)
