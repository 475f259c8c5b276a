"""What every service offers its operator: health, metrics, dead letters, rebuild."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel, Field
from typing_extensions import TypedDict

from shared.contracts.envelope import Event
from shared.errors import NotFound, Rejection
from shared.messaging import queries
from shared.messaging.apply import apply
from shared.messaging.queries import DeadLetter
from shared.messaging.subscription import Subscription
from shared.postgres.connection import is_outage
from shared.postgres.patience import BACKGROUND_SECONDS
from shared.postgres.pool import is_reachable
from shared.web.body import json_response, read_body
from shared.web.keys import BROKER, DATABASE, PRINCIPAL, VERIFIER
from shared.web.pages import Page, cursor_parts, page, read_uuid
from shared.web.query import PageQuery, query_of
from shared.web.routes import Media, Route
from shared.web.shapes import IdText, TimeText

SUBSCRIPTIONS = web.AppKey("SUBSCRIPTIONS", Sequence[Subscription])


class DeadLettersQuery(PageQuery):
    state: Literal["dead", "retried", "dropped"] = "dead"


class DropRequest(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


class RepublishRequest(BaseModel):
    since: AwareDatetime


class Alive(TypedDict):
    status: Literal["ok"]


class Ready(TypedDict):
    status: Literal["ok", "not ready"]
    missing: list[str]
    nats: str


class ShownDeadLetter(TypedDict):
    dead_letter_id: IdText
    event_id: IdText | None
    subject: str
    cause: str
    detail: str
    attempts: int
    died_at: TimeText | None
    state: str
    settled_at: TimeText | None
    settled_by: str | None
    settled_reason: str | None


class WholeDeadLetter(ShownDeadLetter):
    # Any: the event as it came, whatever that is.
    event: Any


class Settled(TypedDict):
    dead_letter_id: IdText
    settled: bool


class Queued(TypedDict):
    queued: int


async def get_healthz(_request: web.Request) -> web.Response:
    body: Alive = {"status": "ok"}
    return json_response(body)


async def get_readyz(request: web.Request) -> web.Response:
    """Ready means Postgres answers and tokens can be checked; NATS away only delays events."""
    missing = [] if await is_reachable(request.app[DATABASE].pool) else ["postgres"]
    if VERIFIER in request.app and not request.app[VERIFIER].ready:
        missing.append("access keys")
    nats = "connected" if request.app[BROKER].connected else "away: events wait"
    body: Ready = {"status": "not ready" if missing else "ok", "missing": missing, "nats": nats}
    return json_response(body, status=503 if missing else 200)


async def get_metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def list_dead_letters(request: web.Request) -> web.Response:
    query = query_of(request, DeadLettersQuery)
    cursor = cursor_parts(query.cursor, length=1)
    after = read_uuid(cursor[0], "cursor") if cursor else None
    async with request.app[DATABASE].pool.acquire() as conn:
        letters = await queries.list_dead_letters(
            conn, state=query.state, after=after, limit=query.limit + 1
        )
    return json_response(
        page(
            letters,
            limit=query.limit,
            cursor_of=lambda one: (str(one.dead_letter_id),),
            show=_show,
        )
    )


async def get_dead_letter(request: web.Request) -> web.Response:
    letter = await _find(request)
    body: WholeDeadLetter = {**_show(letter), "event": _payload(letter)}
    return json_response(body)


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
    answer: Queued = {"queued": queued}
    return json_response(answer)


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
    body: Settled = {"dead_letter_id": str(letter.dead_letter_id), "settled": settled}
    return json_response(body)


def _show(letter: DeadLetter) -> ShownDeadLetter:
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
    Route(
        "GET",
        "/healthz",
        get_healthz,
        quiet=True,
        summary="Whether the process is alive",
        answers={200: Alive},
    ),
    Route(
        "GET",
        "/readyz",
        get_readyz,
        quiet=True,
        summary="Whether it can answer, and what is missing",
        answers={200: Ready, 503: Ready},
    ),
    Route(
        "GET",
        "/metrics",
        get_metrics,
        quiet=True,
        summary="Figures for Prometheus",
        answers={200: Media("text/plain")},
    ),
)
OPERATION_ROUTES: Sequence[Route] = (
    Route(
        "GET",
        "/v1/dead-letters",
        list_dead_letters,
        "dead_letters:read",
        summary="Events that could not be applied",
        query=DeadLettersQuery,
        answers={200: Page[ShownDeadLetter]},
    ),
    Route(
        "GET",
        "/v1/dead-letters/{dead_letter_id}",
        get_dead_letter,
        "dead_letters:read",
        summary="One of them, with its event",
        path_types={"dead_letter_id": UUID},
        answers={200: WholeDeadLetter},
    ),
    Route(
        "POST",
        "/v1/dead-letters/{dead_letter_id}/retry",
        retry_dead_letter,
        "dead_letters:write",
        summary="Apply it once more",
        path_types={"dead_letter_id": UUID},
        answers={200: Settled},
        refusals={409: ("already_settled", "retry_failed")},
    ),
    Route(
        "POST",
        "/v1/dead-letters/{dead_letter_id}/drop",
        drop_dead_letter,
        "dead_letters:write",
        summary="Give it up",
        path_types={"dead_letter_id": UUID},
        body=DropRequest,
        answers={200: Settled},
        refusals={409: ("already_settled",)},
    ),
    Route(
        "POST",
        "/v1/outbox/republish",
        republish,
        "stream:rebuild",
        summary="Say once more what was said since then",
        body=RepublishRequest,
        answers={200: Queued},
        database_seconds=BACKGROUND_SECONDS,
    ),
)
