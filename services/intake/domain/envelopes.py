"""The event that a delivery becomes. Written by hand, because it is made for every delivery.

A test compares it with what the contract's own models write.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.intake.domain.deliveries import Delivery, trace_parent
from shared.contracts.envelope import SUBJECT_PREFIX, Event
from shared.contracts.intake import PlatformDelivery
from shared.platforms.platform import Path
from shared.sealing.keyring import Keyring

UNKNOWN_EVENT = "unknown"
# NATS allows more in a token; what is easy to read and to filter is enough.
_SUBJECT_TOKENS = re.compile(r"[A-Za-z0-9_:-]{1,80}(?:\.[A-Za-z0-9_:-]{1,80}){0,3}", re.ASCII)


class StoredDelivery(NamedTuple):
    """A delivery as it stands in the record, its body sealed."""

    delivery_id: UUID
    client_key: str
    platform: str
    merchant: str
    account_id: str | None
    event: str
    msg_id: str | None
    received_at: datetime
    late: bool
    body: bytes
    dedupe_key: str


@lru_cache(maxsize=1024)
def event_type(platform: str, event: str) -> str:
    """`platform.<platform>.<event>`; a name that is no subject stands in the data only."""
    name = event if _SUBJECT_TOKENS.fullmatch(event) else UNKNOWN_EVENT
    return f"platform.{platform}.{name}"


def platform_event(delivery: Delivery | StoredDelivery, content: Any) -> tuple[str, bytes]:
    """The NATS subject and the event as JSON. Any: whatever JSON the platform sent."""
    kind = event_type(delivery.platform, delivery.event)
    # As text: asyncpg's UUID is a class of its own, which orjson does not know.
    delivery_id = str(delivery.delivery_id)
    event = {
        "specversion": "1.0",
        "id": delivery_id,
        "source": PlatformDelivery.SOURCE,
        "type": kind,
        "subject": delivery_id,
        "time": delivery.received_at,
        "datacontenttype": "application/json",
        "merchant": delivery.merchant,
        "version": 1,
        "traceparent": trace_parent(delivery.delivery_id),
        "data": {
            "delivery_id": delivery_id,
            "platform": delivery.platform,
            "client_key": delivery.client_key,
            "account_id": delivery.account_id,
            "event": delivery.event,
            "msg_id": delivery.msg_id,
            "received_at": delivery.received_at,
            "late": delivery.late,
            "content": content,
        },
    }
    return f"{SUBJECT_PREFIX}.{delivery.merchant}.{kind}", _dump(event)


def _dump(event: Any) -> bytes:
    try:
        return orjson.dumps(event, option=orjson.OPT_UTC_Z)
    except TypeError:
        # A whole number of more than 64 bits, which orjson cannot write.
        return json.dumps(event, default=_write, ensure_ascii=False).encode()


def _write(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"not JSON: {type(value).__name__}")
    return value.isoformat().replace("+00:00", "Z")


def seal_personal(
    keyring: Keyring,
    delivery: Delivery | StoredDelivery,
    content: Any,
    paths: Sequence[Path],
) -> Any:
    """Replace the leaves at these paths, in place, by `sealed:v1:…`; returns the content."""
    for path in paths:
        holder = content
        for step in path[:-1]:
            holder = holder[step]
        if not path:
            return _seal(keyring, delivery, content, path)
        holder[path[-1]] = _seal(keyring, delivery, holder[path[-1]], path)
    return content


def _seal(keyring: Keyring, delivery: Delivery | StoredDelivery, value: Any, path: Path) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    context = "/".join((str(delivery.delivery_id), *map(str, path)))
    return keyring.seal_text(delivery.merchant, text, context=context)


def unpublishable(delivery: Delivery | StoredDelivery) -> Event:
    """What lies among the dead letters: the event that would have been, without its content."""
    return Event(
        id=delivery.delivery_id,
        source=PlatformDelivery.SOURCE,
        type=event_type(delivery.platform, delivery.event),
        subject=str(delivery.delivery_id),
        time=delivery.received_at,
        merchant=delivery.merchant,
        version=1,
        traceparent=trace_parent(delivery.delivery_id),
        data={"delivery_id": str(delivery.delivery_id)},
    )
