"""Reads what callers of the platform send; what cannot be read is an error of the platform."""

from collections.abc import Sequence
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.paging import Position, Window, read_position
from shared.clock import from_unix_seconds

_LAST_SECONDS = 4_102_444_800
_LAST_OF_SECOND = 0.999_999
_DIGITS_MAX = 19
Model = TypeVar("Model", bound=BaseModel)


def read_model(raw: bytes, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError:
        raise PlatformError(Code.BAD_PARAMETER) from None


def read_required(request: web.Request, name: str) -> str:
    value = request.query.get(name, "")
    if not value or "\x00" in value:
        raise PlatformError(Code.BAD_PARAMETER, f"缺少参数{name}")
    return value


def read_number(text: str | None, *, least: int = 0, most: int = 2**63 - 1) -> int | None:
    """None if nothing was sent."""
    if not text:
        return None
    readable = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    if not readable or not least <= int(text) <= most:
        raise PlatformError(Code.BAD_PARAMETER)
    return int(text)


def read_window(request: web.Request, start_name: str, end_name: str) -> Window | None:
    """Whole seconds; the last one is meant to its end."""
    start = read_number(request.query.get(start_name), most=_LAST_SECONDS)
    end = read_number(request.query.get(end_name), most=_LAST_SECONDS)
    if start is None and end is None:
        return None
    return Window(
        from_unix_seconds(start or 0), from_unix_seconds((end or _LAST_SECONDS) + _LAST_OF_SECOND)
    )


def read_list(request: web.Request, name: str) -> Sequence[str]:
    """Repeated, or joined by commas as the platform's own SDK does."""
    return [part for text in request.query.getall(name, []) for part in text.split(",") if part]


def read_place(parts: Sequence[str]) -> Position | None:
    """The cursor of a page before; none, or "0", is the beginning."""
    if not parts or list(parts) == ["0"]:
        return None
    place = read_position(list(parts))
    if place is None:
        raise PlatformError(Code.BAD_PARAMETER, "cursor无效")
    return place
