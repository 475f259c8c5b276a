"""Reading Douyin's webhooks: strictly, once, and without interpreting what is not needed.

This is the hot path: one parse of the body, one of the content, and no model.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.clock import from_unix_seconds
from shared.errors import Unreadable
from shared.platforms.platform import Webhook
from shared.strict_json import is_flat, read_json

MAX_BODY_BYTES = 1 << 20
MAX_ID_LENGTH = 128
MSG_ID_HEADER = "Msg-Id"
HANDSHAKE_EVENT = "verify_webhook"

_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
# 1973-03-03 in milliseconds is the year 5138 in seconds: which of the two is meant is clear.
_FIRST_MILLISECONDS = 10**11
_LAST_SECONDS = 4_102_444_800  # the year 2100: a time after it is a mistake


def read_webhook(raw: bytes, *, msg_id: str | None = None) -> Webhook:
    """Read one delivery; `msg_id` is the `Msg-Id` header, which goes before the body's own."""
    if len(raw) > MAX_BODY_BYTES:
        raise Unreadable(f"the body is larger than {MAX_BODY_BYTES} bytes")
    flat = is_flat(raw)
    body = read_json(raw, part="the body", flat=flat)
    if not isinstance(body, dict):
        raise Unreadable("the body is not a JSON object")
    event = body.get("event")
    # Any name is kept, however odd: a signed delivery is never lost for what it is called.
    if not isinstance(event, str) or not _checked_id(event, "event"):
        raise Unreadable("the body names no event; expected a member event with a name")
    return Webhook(
        event=event,
        client_key=_id(body, "client_key"),
        from_user_id=_id(body, "from_user_id"),
        msg_id=_checked_id(msg_id, "Msg-Id") or _id(body, "msg_id"),
        log_id=_id(body, "log_id"),
        content=_content(body.get("content"), flat=flat),
    )


def handshake_answer(webhook: Webhook) -> bytes | None:
    """`{"challenge": …}` with the challenge as it came, or None if this is no handshake."""
    if webhook.event != HANDSHAKE_EVENT:
        return None
    challenge = webhook.content.get("challenge") if isinstance(webhook.content, dict) else None
    if isinstance(challenge, bool) or not isinstance(challenge, int | float | str):
        raise Unreadable("the handshake holds no challenge; expected content.challenge")
    return json.dumps({"challenge": challenge}, separators=(",", ":")).encode()


def account_id(content: object) -> str | None:
    """The merchant, whether named at the top, in the order or in the certificate."""
    for holder in _holders(content):
        for name in ("account_id", "merchant_id"):
            found = _plain_id(holder.get(name))
            if found is not None:
                return found
    return None


def order_ids(content: object) -> tuple[str, ...]:
    """Every order that the content is about."""
    found: dict[str, None] = {}
    for holder in _holders(content):
        several = holder.get("order_ids")
        for value in (holder.get("order_id"), *(several if isinstance(several, list) else ())):
            order_id = _plain_id(value)
            if order_id is not None:
                found[order_id] = None
    return tuple(found)


def sent_at(content: object) -> datetime | None:
    """The platform's own time of the message, in whichever unit the event uses."""
    if not isinstance(content, dict):
        return None
    for name in ("msg_time", "event_time", "create_time", "action_time"):
        moment = read_time(content.get(name))
        if moment is not None:
            return moment
    return None


def read_time(value: object) -> datetime | None:
    """Seconds or milliseconds since 1970, as a number or its text; None if it is neither."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    seconds = value / 1000 if value >= _FIRST_MILLISECONDS else value
    return from_unix_seconds(seconds) if seconds < _LAST_SECONDS else None


def _plain_id(value: object) -> str | None:
    # First what most often is: asked of every delivery, and most members are not there.
    if not value or isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = str(value)
    return text if len(text) <= MAX_ID_LENGTH and text.isprintable() else None


def _holders(content: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(content, dict):
        return ()
    inner = (content.get("order"), content.get("certificate"))
    return (content, *[member for member in inner if isinstance(member, dict)])


def _content(content: Any, *, flat: bool) -> Any:
    """Life events send their content as JSON inside a string, others as an object."""
    if isinstance(content, str) and content.lstrip()[:1] in {"{", "["}:
        return read_json(content.encode(), part="the content", flat=flat)
    return content


def _id(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unreadable(f"{name} is not a string")
    return _checked_id(value, name)


def _checked_id(value: str | None, name: str) -> str | None:
    if value is not None and not (len(value) <= MAX_ID_LENGTH and value.isprintable()):
        raise Unreadable(f"{name} is not up to {MAX_ID_LENGTH} printable characters")
    return value or None
