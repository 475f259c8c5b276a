"""Looking up what platforms delivered: metadata, and on an audited request the body itself."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from services.intake.domain.deliveries import trace_parent
from services.intake.handlers import records
from services.intake.http.keys import INTAKE
from services.intake.http.shapes import (
    ConflictsQuery,
    CountsQuery,
    DeliveriesQuery,
    Missing,
    RevealedDelivery,
    ShownConflict,
    ShownCounts,
    ShownDelivery,
    ShownQuestionAnswer,
)
from services.intake.queries import counts
from services.intake.queries import records as queries
from services.intake.queries.counts import AppCounts
from services.intake.queries.records import ConflictRow, DeliveryRow
from shared.clock import utc_now
from shared.errors import NotFound
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, cursor_parts, page, read_uuid
from shared.web.principal import EVERY_MERCHANT
from shared.web.query import query_of
from shared.web.routes import Route

_MSG_IDS_MAX = 1000
_NEWEST = UUID(int=2**128 - 1)
_OLDEST = UUID(int=0)


class MissingRequest(BaseModel):
    client_key: str = Field(min_length=1, max_length=64)
    msg_ids: list[Annotated[str, StringConstraints(min_length=1, max_length=128)]] = Field(
        max_length=_MSG_IDS_MAX
    )


async def list_deliveries(request: web.Request) -> web.Response:
    query = query_of(request, DeliveriesQuery)
    cursor = cursor_parts(query.cursor, length=1)
    newest = records.first_id(query.until) if query.until else _NEWEST
    if cursor:
        newest = min(newest, read_uuid(cursor[0], "cursor"))
    async with request.app[DATABASE].pool.acquire() as conn:
        rows = await queries.list_deliveries(
            conn,
            merchant=request[PRINCIPAL].narrowed(query.merchant),
            client_key=query.client_key,
            event=query.event,
            newest=newest,
            oldest=records.first_id(query.since) if query.since else _OLDEST,
            limit=query.limit + 1,
        )
    return json_response(
        page(rows, limit=query.limit, cursor_of=lambda row: (str(row.delivery_id),), show=_show)
    )


async def get_delivery(request: web.Request) -> web.Response:
    delivery_id = read_uuid(request.match_info["delivery_id"], "delivery_id")
    row = await records.find(request.app[DATABASE], request[PRINCIPAL], delivery_id)
    return json_response(_show(row) if isinstance(row, DeliveryRow) else _show_conflict(row))


async def reveal_delivery(request: web.Request) -> web.Response:
    delivery_id = read_uuid(request.match_info["delivery_id"], "delivery_id")
    revealed = await records.reveal(
        request.app[DATABASE], request.app[INTAKE].keyring, request[PRINCIPAL], delivery_id
    )
    answer = None if revealed.answer is None else revealed.answer.decode()
    shown: RevealedDelivery = {
        "delivery_id": str(delivery_id),
        "body": revealed.body.decode(),
        "answer": answer,
    }
    response = json_response(shown)
    response.headers["Cache-Control"] = "no-store"
    return response


async def find_missing(request: web.Request) -> web.Response:
    """Which of these message ids never came: what a platform says it sent, checked."""
    body = await read_body(request, MissingRequest)
    app = request.app[INTAKE].directory.app(body.client_key)
    if app is None or request[PRINCIPAL].merchant not in (EVERY_MERCHANT, app.merchant):
        raise NotFound("no such application")
    async with request.app[DATABASE].pool.acquire() as conn:
        missing = await queries.find_missing(conn, client_key=body.client_key, msg_ids=body.msg_ids)
    answer: Missing = {"missing": missing}
    return json_response(answer)


async def list_conflicts(request: web.Request) -> web.Response:
    query = query_of(request, ConflictsQuery)
    cursor = cursor_parts(query.cursor, length=1)
    async with request.app[DATABASE].pool.acquire() as conn:
        rows = await queries.list_conflicts(
            conn,
            merchant=request[PRINCIPAL].narrowed(query.merchant),
            client_key=query.client_key,
            before=read_uuid(cursor[0], "cursor") if cursor else None,
            limit=query.limit + 1,
        )
    return json_response(
        page(
            rows,
            limit=query.limit,
            cursor_of=lambda row: (str(row.conflict_id),),
            show=_show_conflict,
        )
    )


async def list_counts(request: web.Request) -> web.Response:
    """Per application, over whole hours; the last 24 hours unless told otherwise."""
    query = query_of(request, CountsQuery)
    until = query.until or utc_now() + timedelta(hours=1)
    since = query.since or until - timedelta(hours=25)
    # Whoever asks wants what has been answered up to now, not up to a second ago.
    await request.app[INTAKE].counts.write()
    async with request.app[DATABASE].pool.acquire() as conn:
        rows = await counts.sum_counts(
            conn,
            merchant=request[PRINCIPAL].narrowed(query.merchant),
            since=since,
            until=until,
        )
    body: Page[ShownCounts] = {"items": [_show_counts(row) for row in rows], "next_cursor": None}
    return json_response(body)


def _show(row: DeliveryRow) -> ShownDelivery:
    return {
        "delivery_id": str(row.delivery_id),
        "client_key": row.client_key,
        "platform": row.platform,
        "merchant": row.merchant,
        "account_id": row.account_id,
        "event": row.event,
        "msg_id": row.msg_id,
        "digest": row.digest.hex(),
        "body_bytes": row.body_bytes,
        "received_at": row.received_at,
        "sent_at": row.sent_at,
        "late": row.late,
        "repeats": row.repeats,
        "last_repeat_at": row.last_repeat_at,
        "published": row.published,
        "answer": _show_answer(row),
        "trace": trace_parent(row.delivery_id)[3:35],
    }


def _show_answer(row: DeliveryRow) -> ShownQuestionAnswer | None:
    if row.answer_outcome is None:
        return None
    return {
        "outcome": row.answer_outcome,
        "reason": row.answer_reason,
        "milliseconds": row.answer_milliseconds,
        "answered_at": row.answered_at,
    }


def _show_conflict(row: ConflictRow) -> ShownConflict:
    return {
        "delivery_id": str(row.conflict_id),
        "first_delivery_id": str(row.first_delivery_id),
        "client_key": row.client_key,
        "platform": row.platform,
        "merchant": row.merchant,
        "account_id": row.account_id,
        "event": row.event,
        "msg_id": row.msg_id,
        "digest": row.digest.hex(),
        "received_at": row.received_at,
        "times": row.times,
        "trace": trace_parent(row.conflict_id)[3:35],
    }


def _show_counts(row: AppCounts) -> ShownCounts:
    silence = (utc_now() - row.last_accepted_at).total_seconds() if row.last_accepted_at else None
    return {
        "client_key": row.client_key,
        "merchant": row.merchant,
        "accepted": row.accepted,
        "duplicates": row.duplicates,
        "conflicts": row.conflicts,
        "refused": row.refused,
        "last_accepted_at": row.last_accepted_at,
        "silence_seconds": None if silence is None else round(silence, 1),
    }


_ONE = {"delivery_id": UUID}
ROUTES = (
    Route(
        "GET",
        "/v1/deliveries",
        list_deliveries,
        "deliveries:read",
        summary="What platforms delivered, newest first",
        query=DeliveriesQuery,
        answers={200: Page[ShownDelivery]},
    ),
    Route(
        "POST",
        "/v1/deliveries/missing",
        find_missing,
        "deliveries:read",
        summary="Which of these message ids never came",
        body=MissingRequest,
        answers={200: Missing},
        refusals={404: ("not_found",)},
    ),
    Route(
        "GET",
        "/v1/deliveries/conflicts",
        list_conflicts,
        "deliveries:read",
        summary="Deliveries under an id that had come with another body",
        query=ConflictsQuery,
        answers={200: Page[ShownConflict]},
    ),
    Route(
        "GET",
        "/v1/deliveries/counts",
        list_counts,
        "deliveries:read",
        summary="How many came, per application",
        query=CountsQuery,
        answers={200: Page[ShownCounts]},
    ),
    Route(
        "GET",
        "/v1/deliveries/{delivery_id}",
        get_delivery,
        "deliveries:read",
        summary="One delivery, without its body",
        path_types=_ONE,
        answers={200: ShownDelivery | ShownConflict},
    ),
    Route(
        "POST",
        "/v1/deliveries/{delivery_id}/reveal",
        reveal_delivery,
        "deliveries:reveal",
        summary="Its body, as it came; each look is on record",
        path_types=_ONE,
        answers={200: RevealedDelivery},
        refusals={409: ("cannot_open",)},
    ),
)
