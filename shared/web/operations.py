"""What every service offers its operator: health, metrics, dead letters, rebuild."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel, Field

from shared.contracts.envelope import Event
from shared.errors import NotFound, Rejection, Unreadable
from shared.messaging import queries
from shared.messaging.apply import apply
from shared.messaging.queries import DeadLetter
from shared.messaging.subscription import Subscription
from shared.postgres.connection import is_outage
from shared.postgres.pool import is_reachable
from shared.web.body import json_response, read_body
from shared.web.keys import BROKER, DATABASE, PRINCIPAL, VERIFIER
from shared.web.pages import page, read_cursor, read_limit, read_uuid
from shared.web.routes import Route

SUBSCRIPTIONS = web.AppKey("SUBSCRIPTIONS", Sequence[Subscription])
_STATES = ("dead", "retried", "dropped")


class DropRequest(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


class RepublishRequest(BaseModel):
    since: AwareDatetime


async def get_healthz(_request: web.Request) -> web.Response:
    return json_response({"status": "ok"})


async def get_readyz(request: web.Request) -> web.Response:
    """Ready means Postgres answers and tokens can be checked; NATS away only delays events."""
    missing = [] if await is_reachable(request.app[DATABASE].pool) else ["postgres"]
    if VERIFIER in request.app and not request.app[VERIFIER].ready:
        missing.append("access keys")
    nats = "connected" if request.app[BROKER].connected else "away: events wait"
    return json_response(
        {"status": "ok" if not missing else "not ready", "missing": missing, "nats": nats},
        status=200 if not missing else 503,
    )


async def get_metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def list_dead_letters(request: web.Request) -> web.Response:
    state = request.query.get("state", "dead")
    if state not in _STATES:
        message = f"state: one of {', '.join(_STATES)}"
        raise Unreadable(message)
    limit, cursor = read_limit(request), read_cursor(request, length=1)
    after = read_uuid(cursor[0], "cursor") if cursor else None
    async with request.app[DATABASE].pool.acquire() as conn:
        letters = await queries.list_dead_letters(conn, state=state, after=after, limit=limit + 1)
    return json_response(
        page(letters, limit=limit, cursor_of=lambda one: (str(one.dead_letter_id),), show=_show)
    )


async def get_dead_letter(request: web.Request) -> web.Response:
    letter = await _find(request)
    return json_response({**_show(letter), "event": _payload(letter)})


async def retry_dead_letter(request: web.Request) -> web.Response:
    """Apply the event once more; only if that works is the letter settled."""
    letter = await _find(request)
    _must_be_dead(letter)
    event = Event.model_validate_json(letter.payload)
    try:
        await apply(request.app[DATABASE], request.app.get(SUBSCRIPTIONS, ()), [event])
    except Exception as error:
        if is_outage(error) or isinstance(error, Rejection):
            raise
        message = f"it failed again: {type(error).__name__}"
        raise Rejection(message, reason="retry_failed") from error
    return await _settle(request, letter, state="retried", reason="retried by hand")


async def drop_dead_letter(request: web.Request) -> web.Response:
    body = await read_body(request, DropRequest)
    letter = await _find(request)
    _must_be_dead(letter)
    return await _settle(request, letter, state="dropped", reason=body.reason)


async def republish(request: web.Request) -> web.Response:
    """Queue what was said since then once more, to rebuild the stream."""
    body = await read_body(request, RepublishRequest)
    database = request.app[DATABASE]
    async with database.transaction() as transaction:
        queued = await queries.republish_since(transaction.conn, body.since)
    database.published.ring()
    return json_response({"queued": queued})


async def _find(request: web.Request) -> DeadLetter:
    dead_letter_id = read_uuid(request.match_info["dead_letter_id"], "dead_letter_id")
    async with request.app[DATABASE].pool.acquire() as conn:
        letter = await queries.find_dead_letter(conn, dead_letter_id)
    if letter is None:
        message = "no such dead letter in this service"
        raise NotFound(message)
    return letter


def _must_be_dead(letter: DeadLetter) -> None:
    if letter.state != "dead":
        message = f"already {letter.state} at {letter.settled_at}"
        raise Rejection(message, reason="already_settled")


async def _settle(
    request: web.Request, letter: DeadLetter, *, state: str, reason: str
) -> web.Response:
    async with request.app[DATABASE].pool.acquire() as conn:
        settled = await queries.settle_dead_letter(
            conn, letter.dead_letter_id, state=state, by=request[PRINCIPAL].subject, reason=reason
        )
    return json_response({"dead_letter_id": str(letter.dead_letter_id), "settled": settled})


def _show(letter: DeadLetter) -> dict[str, Any]:
    def iso(time: datetime | None) -> str | None:
        return time.isoformat() if time else None

    return {
        "dead_letter_id": str(letter.dead_letter_id),
        "event_id": str(letter.event_id) if letter.event_id else None,
        "subject": letter.subject,
        "cause": letter.cause,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "died_at": iso(letter.died_at),
        "state": letter.state,
        "settled_at": iso(letter.settled_at),
        "settled_by": letter.settled_by,
        "settled_reason": letter.settled_reason,
    }


def _payload(letter: DeadLetter) -> Any:
    try:
        return orjson.loads(letter.payload)
    except orjson.JSONDecodeError:
        return None


HEALTH_ROUTES: Sequence[Route] = (
    Route("GET", "/healthz", get_healthz, quiet=True),
    Route("GET", "/readyz", get_readyz, quiet=True),
    Route("GET", "/metrics", get_metrics, quiet=True),
)
OPERATION_ROUTES: Sequence[Route] = (
    Route("GET", "/v1/dead-letters", list_dead_letters, "dead_letters:read"),
    Route("GET", "/v1/dead-letters/{dead_letter_id}", get_dead_letter, "dead_letters:read"),
    Route(
        "POST", "/v1/dead-letters/{dead_letter_id}/retry", retry_dead_letter, "dead_letters:write"
    ),
    Route("POST", "/v1/dead-letters/{dead_letter_id}/drop", drop_dead_letter, "dead_letters:write"),
    Route("POST", "/v1/outbox/republish", republish, "stream:rebuild"),
)
