"""JSON read so that it can mean only one thing: what we judge is what was signed."""

import json
import math
from typing import Any

import orjson

from shared.errors import Unreadable

MAX_DEPTH = 32


def is_flat(raw: bytes) -> bool:
    """Neither deep nor with a NUL, and nor is any JSON inside its strings.

    Nothing but an escape hides a bracket or a NUL, and too few brackets nest nothing deep.
    """
    return raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH and b"\\u" not in raw


def read_json(raw: bytes, *, part: str, flat: bool) -> Any:
    """Parse one whole document; refuse duplicate keys, NaN, NUL and deep nesting.

    `flat`: it is known to be neither deep nor with a NUL.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{part} is not JSON: {error.msg} at {error.pos}") from None
    # What orjson writes back unchanged holds no duplicate key and no number it had to round.
    # The platform sends compact JSON, so the slow and thorough way is the rare one.
    if orjson.dumps(value) != raw:
        value = _read_thoroughly(raw, part=part)
    if not flat:
        _refuse_deep_and_nul(value, depth=1, part=part)
    return value


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


def _refuse_deep_and_nul(value: Any, *, depth: int, part: str) -> None:
    if depth > MAX_DEPTH:
        raise Unreadable(f"{part} is nested more than {MAX_DEPTH} deep")
    if isinstance(value, str) and "\0" in value:
        raise Unreadable(f"{part} holds a NUL character")
    if isinstance(value, dict):
        for key, member in value.items():
            _refuse_deep_and_nul(key, depth=depth, part=part)
            _refuse_deep_and_nul(member, depth=depth + 1, part=part)
    if isinstance(value, list):
        for member in value:
            _refuse_deep_and_nul(member, depth=depth + 1, part=part)
