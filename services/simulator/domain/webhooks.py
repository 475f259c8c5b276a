"""What the platform tells an app, and in which copies, at which times, it will arrive."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from services.simulator.domain.coupons import Coupon, Order
from services.simulator.domain.faults import Faults, fraction, strikes
from services.simulator.domain.numbers import log_id

ORDER_NOTIFY = "life_trade_order_notify"
CERTIFICATE_NOTIFY = "life_trade_certificate_notify"
_NAMESPACE = uuid.UUID("8f3d2f0e-6a57-4c3b-9a4e-2f6f4f0f6c11")


class Copy(StrEnum):
    TRUE = "true"
    DOUBLE = "double"
    CONFLICT = "conflict"
    FORGED = "forged"


class WebhookState(StrEnum):
    QUEUED = "queued"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Message:
    """`key` names what happened in words that two runs share: faults are decided by it."""

    msg_id: str
    client_key: str
    event: str
    from_user_id: str
    content: Mapping[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One copy of a message, to be sent at a time; a lost one is kept for the books only."""

    msg_id: str
    client_key: str
    event: str
    copy: Copy
    body: str
    state: WebhookState
    due_at: datetime


def pay_success(order: Order, now: datetime) -> Message:
    content = {
        "action": "pay_success",
        "msg_time": _seconds(now),
        "order": {
            "order_id": str(order.order_id),
            "account_id": order.account_id,
            "pay_amount": order.pay_amount_fen,
            "original_amount": order.original_amount_fen,
            "create_time": _seconds(order.created_at),
            "pay_time": _seconds(order.paid_at or now),
        },
    }
    return _message(order, ORDER_NOTIFY, content, key=f"{order.reference}:pay_success")


def certificate_notify(order: Order, coupon: Coupon, action: str, now: datetime) -> Message:
    content = {
        "action": action,
        "msg_time": _seconds(now),
        "certificate": {
            "certificate_id": coupon.public_id,
            "order_id": str(order.order_id),
            "account_id": order.account_id,
        },
    }
    key = f"{order.reference}:{coupon.place}:{action}:{coupon.version}"
    return _message(order, CERTIFICATE_NOTIFY, content, key=key)


def other_event(
    *, client_key: str, event: str, from_user_id: str, content: Mapping[str, Any], key: str
) -> Message:
    return Message(_msg_id(client_key, event, key), client_key, event, from_user_id, content, key)


def _message(order: Order, event: str, content: Mapping[str, Any], *, key: str) -> Message:
    entity = f"{order.order_id}:{key}"
    return Message(
        _msg_id(order.client_key, event, entity),
        order.client_key,
        event,
        order.open_id,
        content,
        key,
    )


def _msg_id(client_key: str, event: str, entity: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{client_key}:{event}:{entity}"))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def plan(messages: Sequence[Message], faults: Faults, now: datetime) -> list[Planned]:
    return [copy for message in messages for copy in _copies(message, faults, now)]


def _copies(message: Message, faults: Faults, now: datetime) -> Iterator[Planned]:
    switches = faults.webhooks

    def struck(fault: str) -> bool:
        per_mille: int = getattr(switches, fault)
        return strikes(per_mille, seed=faults.seed, fault=f"webhook:{fault}", entity=message.key)

    def share(fault: str) -> float:
        return fraction(faults.seed, f"webhook:{fault}:share", message.key)

    due_at, body = now, write_body(message, now)
    if struck("lost"):
        yield _planned(message, Copy.TRUE, body, due_at, WebhookState.LOST)
        return
    if struck("late"):
        due_at += timedelta(seconds=switches.late_seconds)
    if struck("reordered"):
        due_at += timedelta(seconds=switches.reordered_seconds * share("reordered"))
    if struck("conflicting"):
        # Before or after: far enough apart that the queue does not mix them.
        gap = timedelta(seconds=1)
        early = share("conflicting") < 0.5  # noqa: PLR2004 - a coin
        yield _planned(
            message, Copy.CONFLICT, write_conflict(message, now), due_at + gap * (not early)
        )
        due_at += gap * early
    yield _planned(message, Copy.TRUE, body, due_at)
    if struck("doubled"):
        yield _planned(message, Copy.DOUBLE, body, due_at + timedelta(seconds=share("doubled")))
    if struck("forged"):
        yield _planned(message, Copy.FORGED, write_forgery(message, now), due_at)


def _planned(
    message: Message,
    copy: Copy,
    body: str,
    due_at: datetime,
    state: WebhookState = WebhookState.QUEUED,
) -> Planned:
    return Planned(message.msg_id, message.client_key, message.event, copy, body, state, due_at)


def write_body(message: Message, now: datetime, *, content: Mapping[str, Any] | None = None) -> str:
    """The content is JSON inside a string, as in all events of the life services."""
    body = {
        "client_key": message.client_key,
        "content": orjson.dumps(content or message.content).decode(),
        "event": message.event,
        "from_user_id": message.from_user_id,
        "log_id": log_id(now),
        "msg_id": message.msg_id,
    }
    return orjson.dumps(body).decode()


def write_conflict(message: Message, now: datetime) -> str:
    """The same message with another body, validly signed.

    Of an order the amount differs. Of a coupon only the log id does: a false fact under a good
    signature is beyond what any receiver could tell.
    """
    order = message.content.get("order")
    if not isinstance(order, Mapping):
        return write_body(message, now + timedelta(seconds=1))
    altered = {**order, "pay_amount": max(0, order["pay_amount"] - 1)}
    return write_body(message, now, content={**message.content, "order": altered})


def write_forgery(message: Message, now: datetime) -> str:
    """What somebody without the secret would like us to believe."""
    return write_body(message, now, content={**message.content, "msg_time": 1, "action": "forged"})
