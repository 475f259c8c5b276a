"""Looking up what platforms delivered: metadata, and on an audited request the body itself."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from services.intake.domain.deliveries import trace_parent
from services.intake.handlers import records
from services.intake.http.keys import INTAKE
from services.intake.queries import counts
from services.intake.queries import records as queries
from services.intake.queries.counts import AppCounts
from services.intake.queries.records import ConflictRow, DeliveryRow
from shared.clock import utc_now
from shared.errors import NotFound
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import page, read_cursor, read_limit, read_time, read_uuid
from shared.web.principal import EVERY_MERCHANT
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
    limit, cursor = read_limit(request), read_cursor(request, length=1)
    since, until = read_time(request, "from"), read_time(request, "to")
    newest = records.first_id(until) if until else _NEWEST
    if cursor:
        newest = min(newest, read_uuid(cursor[0], "cursor"))
    async with request.app[DATABASE].pool.acquire() as conn:
        rows = await queries.list_deliveries(
            conn,
            merchant=request[PRINCIPAL].narrowed(request.query.get("merchant")),
            client_key=request.query.get("client_key"),
            event=request.query.get("event"),
            newest=newest,
            oldest=records.first_id(since) if since else _OLDEST,
            limit=limit + 1,
        )
    return json_response(
        page(rows, limit=limit, cursor_of=lambda row: (str(row.delivery_id),), show=_show)
    )


async def get_delivery(request: web.Request) -> web.Response:
    delivery_id = read_uuid(request.match_info["delivery_id"], "delivery_id")
    row = await records.find(request.app[DATABASE], request[PRINCIPAL], delivery_id)
    return json_response(_show(row) if isinstance(row, DeliveryRow) else _show_conflict(row))


async def reveal_delivery(request: web.Request) -> web.Response:
    delivery_id = read_uuid(request.match_info["delivery_id"], "delivery_id")
    raw = await records.reveal(
        request.app[DATABASE], request.app[INTAKE].keyring, request[PRINCIPAL], delivery_id
    )
    response = json_response({"delivery_id": str(delivery_id), "body": raw.decode()})
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
    return json_response({"missing": missing})


async def list_conflicts(request: web.Request) -> web.Response:
    limit, cursor = read_limit(request), read_cursor(request, length=1)
    async with request.app[DATABASE].pool.acquire() as conn:
        rows = await queries.list_conflicts(
            conn,
            merchant=request[PRINCIPAL].narrowed(request.query.get("merchant")),
            client_key=request.query.get("client_key"),
            before=read_uuid(cursor[0], "cursor") if cursor else None,
            limit=limit + 1,
        )
    return json_response(
        page(rows, limit=limit, cursor_of=lambda row: (str(row.conflict_id),), show=_show_conflict)
    )


async def list_counts(request: web.Request) -> web.Response:
    """Per application, over whole hours; the last 24 hours unless told otherwise."""
    until = read_time(request, "to") or utc_now() + timedelta(hours=1)
    since = read_time(request, "from") or until - timedelta(hours=25)
    # Whoever asks wants what has been answered up to now, not up to a second ago.
    await request.app[INTAKE].counts.write()
    async with request.app[DATABASE].pool.acquire() as conn:
        rows = await counts.sum_counts(
            conn,
            merchant=request[PRINCIPAL].narrowed(request.query.get("merchant")),
            since=since,
            until=until,
        )
    return json_response({"items": [_show_counts(row) for row in rows], "next_cursor": None})


def _show(row: DeliveryRow) -> dict[str, Any]:
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
        "trace": trace_parent(row.delivery_id)[3:35],
    }


def _show_conflict(row: ConflictRow) -> dict[str, Any]:
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


def _show_counts(row: AppCounts) -> dict[str, Any]:
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


ROUTES = (
    Route("GET", "/v1/deliveries", list_deliveries, "deliveries:read"),
    Route("POST", "/v1/deliveries/missing", find_missing, "deliveries:read"),
    Route("GET", "/v1/deliveries/conflicts", list_conflicts, "deliveries:read"),
    Route("GET", "/v1/deliveries/counts", list_counts, "deliveries:read"),
    Route("GET", "/v1/deliveries/{delivery_id}", get_delivery, "deliveries:read"),
    Route("POST", "/v1/deliveries/{delivery_id}/reveal", reveal_delivery, "deliveries:reveal"),
)
