"""One delivery of a platform: what it is, and what makes two of them the same."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.intake.domain.apps import App
from shared.ids import new_hot_id
from shared.platforms.platform import Platform, Webhook


class Delivery(NamedTuple):
    """A tuple, because one is made for every request of the hottest path."""

    delivery_id: UUID
    client_key: str
    dedupe_key: str
    platform: str
    merchant: str
    account_id: str | None
    event: str
    msg_id: str | None
    digest: bytes
    raw: bytes
    received_at: datetime
    sent_at: datetime | None
    late: bool
    content: Any


def make_delivery(
    app: App,
    platform: Platform,
    webhook: Webhook,
    raw: bytes,
    *,
    merchant: str,
    account_id: str | None,
    late_after: timedelta,
) -> Delivery:
    received_at = datetime.now(UTC)
    sent_at = platform.sent_at(webhook.content)
    digest = hashlib.sha256(raw).digest()
    return Delivery(
        new_hot_id(),
        app.client_key,
        dedupe_key(webhook.msg_id, digest),
        app.platform,
        merchant,
        account_id,
        webhook.event,
        webhook.msg_id,
        digest,
        raw,
        received_at,
        sent_at,
        sent_at is not None and received_at - sent_at > late_after,
        webhook.content,
    )


def dedupe_key(msg_id: str | None, digest: bytes) -> str:
    return f"body:{digest.hex()}" if msg_id is None else f"msg:{msg_id}"


def trace_parent(delivery_id: UUID) -> str:
    """The trace of a delivery is its id, so that either finds the other."""
    name = delivery_id.hex
    return f"00-{name}-{name[16:]}-01"
