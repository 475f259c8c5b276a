"""Lists: bounded pages with an opaque cursor, and times in the query."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

import orjson
from aiohttp import web
from typing_extensions import TypedDict

from shared.errors import Unreadable

_LIMIT_DEFAULT = 50
_LIMIT_MAX = 500
Item = TypeVar("Item")
Shown = TypeVar("Shown")


class Page(TypedDict, Generic[Shown]):
    """`next_cursor` is null on the last page."""

    items: list[Shown]
    next_cursor: str | None


def read_limit(request: web.Request, *, most: int = _LIMIT_MAX) -> int:
    text = request.query.get("limit", str(min(_LIMIT_DEFAULT, most)))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
        message = f"limit: a whole number from 1 to {most}"
        raise Unreadable(message)
    return int(text)


def read_time(request: web.Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text.replace(" ", "+"))
        # Overflows where it is the year 1 here and the year 0 in Greenwich.
        utc = time.astimezone(UTC)
    except (ValueError, OverflowError):
        time = None
    if time is None or time.tzinfo is None:
        message = f"{name}: a time with its zone, such as 2026-11-21T18:00:00+08:00"
        raise Unreadable(message)
    return utc


def read_uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        message = f"{name}: a UUID"
        raise Unreadable(message) from None


def read_cursor(request: web.Request, *, length: int) -> list[str] | None:
    """The strings the cursor of the page before was made from."""
    return cursor_parts(request.query.get("cursor"), length=length)


def cursor_parts(text: str | None, *, length: int) -> list[str] | None:
    """The strings that a cursor was made from."""
    if text is None:
        return None
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(text.encode()))
    except (binascii.Error, ValueError):
        parts = None
    if (
        not isinstance(parts, list)
        or len(parts) != length
        or not all(isinstance(part, str) for part in parts)
    ):
        raise wrong_cursor()
    return parts


def wrong_cursor() -> Unreadable:
    return Unreadable("cursor: pass next_cursor of the page before as it is")


def page(
    items: Sequence[Item],
    *,
    limit: int,
    cursor_of: Callable[[Item], Sequence[str]],
    show: Callable[[Item], Shown],
) -> Page[Shown]:
    """A page of at most `limit` items out of `items`, of which one more was fetched."""
    more = len(items) > limit
    shown = items[:limit]
    cursor = (
        base64.urlsafe_b64encode(orjson.dumps(list(cursor_of(shown[-1])))).decode()
        if more
        else None
    )
    return {"items": [show(item) for item in shown], "next_cursor": cursor}
