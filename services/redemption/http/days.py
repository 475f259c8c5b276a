"""GET /v1/redemptions, /v1/refusals and /v1/reasons"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from services.redemption.domain import answers
from services.redemption.http.desk import choose_store, read_visitor
from services.redemption.http.shapes import DayQuery
from services.redemption.queries import days, refusals
from services.redemption.queries.days import DayItem, StoreDay
from services.redemption.queries.refusals import KeptRefusal
from shared.errors import NotFound
from shared.platforms.reasons import GUIDANCE, Reason
from shared.postgres.connection import Connection
from shared.web.body import json_response
from shared.web.keys import DATABASE
from shared.web.pages import cursor_parts, page, read_uuid, wrong_cursor
from shared.web.query import query_of


async def list_redemptions(request: web.Request) -> web.Response:
    """The store's day with its totals, newest first."""
    query = query_of(request, DayQuery)
    after = _after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        at = await _store_day(request, conn, query)
        day = query.date or at.today
        store_id = at.store.store_id
        items = await days.list_day(
            conn, store_id=store_id, day=day, after=after, limit=query.limit + 1
        )
        totals = await days.total_day(conn, store_id=store_id, day=day)
    return json_response(
        {
            **page(
                items,
                limit=query.limit,
                cursor_of=lambda one: _cursor(one.created_at, one.redemption_id),
                show=_show_item,
            ),
            **_show_day(at, day),
            "totals": asdict(totals),
        }
    )


async def list_refusals(request: web.Request) -> web.Response:
    query = query_of(request, DayQuery)
    after = _after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        at = await _store_day(request, conn, query)
        day = query.date or at.today
        items = await refusals.list_refusals(
            conn, store_id=at.store.store_id, day=day, after=after, limit=query.limit + 1
        )
    return json_response(
        {
            **page(
                items,
                limit=query.limit,
                cursor_of=lambda one: _cursor(one.created_at, one.refusal_id),
                show=_show_refusal,
            ),
            **_show_day(at, day),
        }
    )


async def list_reasons(_request: web.Request) -> web.Response:
    return json_response(answers.reasons())


async def _store_day(request: web.Request, conn: Connection, query: DayQuery) -> StoreDay:
    visitor = read_visitor(request)
    found = await days.find_store_day(conn, choose_store(visitor, query.store_id))
    if found is None or not visitor.may_enter(
        merchant=found.store.merchant, store_id=found.store.store_id
    ):
        message = "no such store here, or not known yet"
        raise NotFound(message, reason=Reason.UNKNOWN_STORE)
    return found


def _after(query: DayQuery) -> tuple[datetime, UUID] | None:
    cursor = cursor_parts(query.cursor, length=2)
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(cursor[0]), read_uuid(cursor[1], "cursor")
    except ValueError:
        raise wrong_cursor() from None


def _cursor(created_at: datetime, name: UUID) -> Sequence[str]:
    return created_at.isoformat(), str(name)


# Any: JSON.
def _show_day(at: StoreDay, day: date) -> dict[str, Any]:
    return {
        "store_id": at.store.store_id,
        "store_name": at.store.name,
        "date": day.isoformat(),
        "time_zone": at.store.time_zone,
    }


def _show_item(item: DayItem) -> dict[str, Any]:
    return {
        "redemption_id": str(item.redemption_id),
        "order_id": item.order_id,
        "terminal_id": item.terminal_id,
        "outcome": item.state,
        "requested_at": item.created_at.isoformat(),
        "cancel_until": answers.cancel_until(item.rows),
        "coupons": [answers.shown_row(row) for row in item.rows],
    }


def _show_refusal(item: KeptRefusal) -> dict[str, Any]:
    return {
        "refusal_id": str(item.refusal_id),
        "step": item.step,
        "terminal_id": item.terminal_id,
        "reason": item.reason,
        "redemption_id": str(item.redemption_id) if item.redemption_id else None,
        "order_id": item.order_id,
        "coupon_ids": item.coupon_ids,
        "refused_at": item.created_at.isoformat(),
        **answers.words(GUIDANCE[Reason(item.reason)]),
    }
