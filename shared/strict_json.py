"""JSON read so that it can mean only one thing: what we judge is what was signed."""

import json
import math
from typing import Any

import orjson

from shared.errors import Unreadable

MAX_DEPTH = 32


def is_flat(raw: bytes) -> bool:
    """Not deep, and nor is any JSON inside its strings.

    Nothing but an escape hides a bracket, and too few brackets nest nothing deep.
    """
    return raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH and b"\\u" not in raw


def read_json(raw: bytes, *, part: str, flat: bool) -> Any:
    """Parse one whole document; refuse duplicate keys, NaN and deep nesting.

    `flat`: it is known not to be deep. A NUL is let through: no column takes it, but the sealed
    body does, and a signed delivery is not lost for one odd character.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{part} is not JSON: {error.msg} at {error.pos}") from None
    # What orjson writes back unchanged holds no duplicate key and no number it had to round.
    # The platform sends compact JSON, so the slow and thorough way is the rare one.
    if _written(value, part=part) != raw:
        value = _read_thoroughly(raw, part=part)
    if not flat:
        _refuse_deep(value, depth=1, part=part)
    return value


def _written(value: Any, *, part: str) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # It reads what is much deeper than it writes.
        raise Unreadable(f"{part} is nested more than {MAX_DEPTH} deep") from None


def _read_thoroughly(raw: bytes, *, part: str) -> Any:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise Unreadable(f"{part} names a member twice")
        return members

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise Unreadable(f"{part} holds a number that is too large")
        return number

    try:
        return json.loads(raw, object_pairs_hook=without_duplicates, parse_float=finite)
    except (ValueError, RecursionError):
        raise Unreadable(f"{part} is not JSON") from None


def _refuse_deep(value: Any, *, depth: int, part: str) -> None:
    if depth > MAX_DEPTH:
        raise Unreadable(f"{part} is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for member in value.values():
            _refuse_deep(member, depth=depth + 1, part=part)
    if isinstance(value, list):
        for member in value:
            _refuse_deep(member, depth=depth + 1, part=part)


def holds_nul(value: Any) -> bool:
    """Whether a text or a name in it has the one character that no column takes."""
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(holds_nul(name) or holds_nul(member) for name, member in value.items())
        case list():
            return any(map(holds_nul, value))
        case _:
            return False
