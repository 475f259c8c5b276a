"""The envelope around every answer of the OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.platforms.douyin.webhooks import read_time


@dataclass(frozen=True, slots=True)
class Envelope:
    code: int
    sub_code: int
    description: str
    data: Mapping[str, Any]
    now: datetime | None


def read_envelope(raw: bytes) -> Envelope | None:
    """None if this is no envelope: then nothing can be said of what happened."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    data, extra = _member(body, "data"), _member(body, "extra")
    # The trade APIs and the token endpoint write the code elsewhere than the life services.
    codes = [
        _code(holder.get(name))
        for holder, name in (
            (data, "error_code"),
            (extra, "error_code"),
            (body, "error_code"),
            (body, "err_no"),
        )
        if name in holder
    ]
    if not codes or None in codes:
        return None
    return Envelope(
        code=next((code for code in codes if code), 0),
        sub_code=_code(extra.get("sub_error_code")) or 0,
        description=_description(data, extra, body),
        data=data,
        now=read_time(extra.get("now")),
    )


def _member(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _code(value: object) -> int | None:
    """A code as a number or its text; None if it is neither."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _description(*holders: Mapping[str, Any]) -> str:
    """The most telling words, cut short: they may end up on a screen."""
    for name in ("sub_description", "description", "err_msg", "err_tips", "message"):
        for holder in holders:
            value = holder.get(name)
            if isinstance(value, str) and value:
                return value[:300]
    return ""
