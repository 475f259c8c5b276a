"""One question of a platform: what stands in the record of it, and of its answer."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.intake.domain.apps import App
from services.intake.domain.deliveries import Delivery
from shared.ids import new_hot_id
from shared.platforms.platform import Platform
from shared.platforms.questions import Ask, Question, Reply, TradeEntry, Verdict

_REASON_CHARACTERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its place in the record, and what one of our services is to be asked."""

    platform: Platform
    question: Question
    delivery: Delivery
    # The ask, or why nobody is asked.
    ask: Ask | Verdict
    entry: TradeEntry
    # On the event loop's clock: the platform counts from here.
    started: float


class Answered(NamedTuple):
    """An answer on its way into the record."""

    delivery: Delivery
    reply: Reply
    milliseconds: int
    answered_at: datetime


def make_delivery(
    app: App,
    question: Question,
    raw: bytes,
    *,
    merchant: str,
    account_id: str | None,
    late_after: timedelta,
) -> Delivery:
    received_at = datetime.now(UTC)
    sent_at = question.sent_at
    digest = hashlib.sha256(raw).digest()
    return Delivery(
        new_hot_id(),
        app.client_key,
        dedupe_key(question, digest),
        app.platform,
        merchant,
        account_id,
        question.event,
        None,
        digest,
        raw,
        received_at,
        sent_at,
        sent_at is not None and received_at - sent_at > late_after,
        question.content,
    )


def dedupe_key(question: Question, digest: bytes) -> str:
    """The same body may be two questions, so its name belongs to what makes it the same."""
    return f"{question.channel}:{question.event}:{digest.hex()}"


def channel_of(key: str) -> str:
    """How a delivery came: `spi`, `trade`, or whatever begins the key of a webhook."""
    return key.partition(":")[0]


def answer_context(client_key: str, dedupe_key: str) -> str:
    """What an answer is sealed for: a repeat of the question has another id, and the same key."""
    return f"answer/{client_key}/{dedupe_key}"


def plain_reason(reason: str | None) -> str | None:
    """A word from another service, as it may stand in a column and in an event."""
    if reason is None:
        return None
    kept = "".join(character for character in reason if character.isprintable())
    return kept[:_REASON_CHARACTERS_MAX] or None
