"""The only place that turns failures into HTTP: always `{"reason", "detail"}`."""

from collections.abc import Mapping
from typing import Any, NotRequired

import structlog
from aiohttp import web
from pydantic import ValidationError
from typing_extensions import TypedDict

from shared.errors import Rejection, TooManyRequests, Unavailable, Unreadable
from shared.platforms.reasons import Guidance
from shared.postgres.connection import is_outage, is_unstorable
from shared.web.body import json_response
from shared.web.verifier import TokenRevoked

log = structlog.get_logger()


class Said(TypedDict):
    zh: str
    en: str


class Problem(TypedDict):
    """`reason` is for programs and stays; `detail` is for people.

    `title` and `action` are for a clerk, where a clerk may meet it.
    """

    reason: str
    detail: str
    title: NotRequired[Said]
    action: NotRequired[Said]


def answer_failure(failure: Exception, request: web.Request) -> tuple[web.Response, str]:
    """The answer, and the reason by which it is counted."""
    failure = _from_database(failure)
    match failure:
        case TooManyRequests() | Unavailable():
            return _later(failure), failure.reason
        case TokenRevoked(guidance=Guidance() as guidance):
            return _to_clerk(failure, guidance), failure.reason
        case Rejection():
            return problem(failure.status, failure.reason, str(failure)), failure.reason
        case ValidationError():
            return problem(422, "unreadable", _explain(failure)), "unreadable"
        case web.HTTPException():
            reason = failure.reason.lower().replace(" ", "_")
            return problem(failure.status, reason, failure.reason), reason
        case _:
            log.error("request_failed", route=request.path, exc_info=failure)
            detail = "this is our fault; the log line request_failed says more"
            return problem(500, "internal_error", detail), "internal_error"


def _from_database(failure: Exception) -> Exception:
    """What a database error means to the caller; its text repeats what was sent and is left out."""
    if is_unstorable(failure):
        log.warning("request_unstorable", error=type(failure).__name__)
        return Unreadable("a value is out of range, or a text holds a NUL")
    if is_outage(failure):
        log.warning("request_delayed", error=type(failure).__name__)
        return Unavailable("the database is away: try again in a moment")
    return failure


def problem(status: int, reason: str, detail: str) -> web.Response:
    body: Problem = {"reason": reason, "detail": detail}
    return json_response(body, status=status)


def _to_clerk(failure: Rejection, guidance: Guidance) -> web.Response:
    body: Problem = {
        "reason": failure.reason,
        "detail": str(failure),
        "title": {"zh": guidance.title.zh, "en": guidance.title.en},
        "action": {"zh": guidance.action.zh, "en": guidance.action.en},
    }
    return json_response(body, status=failure.status)


def _later(failure: TooManyRequests | Unavailable) -> web.Response:
    response = problem(failure.status, failure.reason, str(failure))
    response.headers["Retry-After"] = str(failure.retry_after_seconds)
    return response


def _explain(error: ValidationError) -> str:
    """Which member is wrong and why, without repeating what was sent."""
    places = (
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {_said(item)}"
        for item in error.errors(include_input=False, include_url=False)
    )
    return "; ".join(places)[:1000]


def _said(item: Mapping[str, Any]) -> str:
    """Pydantic counts the characters of a secret as items."""
    said = str(item["msg"])
    if item.get("ctx", {}).get("field_type") == "Value":
        return said.replace(" items ", " characters ").replace(" item ", " character ")
    return said
