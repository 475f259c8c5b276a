"""What a platform asks and waits for, and how it is answered, in words no platform owns.

A platform reads its question into a `Question`, translates it into a body of
`shared.contracts.asks`, and writes the owner's answer, or our `Verdict`, in its own form.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from shared.contracts.asks import (
    CodesAnswer,
    CodesAsk,
    OrderAnswer,
    OrderAsk,
    RefundAnswer,
    RefundAsk,
    RefundOutcome,
    StatusAnswer,
    StatusAsk,
)


class Channel(StrEnum):
    """How it came: with a signature over address and body, or with the trading platform's."""

    SPI = "spi"
    TRADE = "trade"


class Matter(StrEnum):
    """Who decides: one of our services, nobody because it is only told, or nobody yet."""

    ORDER = "order"
    CODES = "codes"
    REFUND = "refund"
    STATUS = "status"
    NOTICE = "notice"
    UNSUPPORTED = "unsupported"


class Pace(StrEnum):
    """How long the platform waits, roughly; settings say how long we take at most."""

    # The buyer looks at a spinning wheel.
    QUICK = "quick"
    ORDINARY = "ordinary"


class Question(NamedTuple):
    """One question, read but not interpreted. `event` is its name in the record."""

    channel: Channel
    event: str
    matter: Matter
    pace: Pace
    content: Any
    sent_at: datetime | None
    # The form it came in where the channel has several; a later answer goes back in the same.
    form: str | None = None
    # Whether we have heard of such a thing; the names of others are the sender's choice.
    known: bool = True


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. `index_buyer` makes the keyed hash by which a buyer is known."""

    merchant: str
    platform: str
    client_key: str
    account_id: str | None
    asked_at: datetime
    index_buyer: Callable[[str], str]


class TradeKeys(NamedTuple):
    """What may sign a platform's trade callbacks now; the platform knows what its keys are.

    Both empty: nothing may.
    """

    public_keys: tuple[object, ...] = ()
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TradeEntry:
    """What a mini-program wants told with a new order: its page, and where to report payment."""

    order_path: str
    pay_notify_url: str | None = None


class Verdict(StrEnum):
    """What we answer without an owner's answer."""

    NOTED = "noted"
    # Not now: a limit, an outage, a slow neighbour. The platform asks again.
    RETRY = "retry"
    UNSUPPORTED = "unsupported"
    # Signed and recorded, and not in the documented shape.
    UNREADABLE = "unreadable"
    # The same id with other content than before.
    CONFLICTED = "conflicted"


class Outcome(StrEnum):
    """An answer in one word, for the record."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    PENDING = "pending"
    NOTED = "noted"
    RETRY = "retry"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    CONFLICTED = "conflicted"


# Every parameter of the address, decoded, in its order.
QueryPairs: TypeAlias = Sequence[tuple[str, str]]
Ask: TypeAlias = OrderAsk | CodesAsk | RefundAsk | StatusAsk
Answer: TypeAlias = OrderAnswer | CodesAnswer | RefundAnswer | StatusAnswer


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. A final one is given again whenever the same question comes."""

    body: bytes
    outcome: Outcome
    reason: str | None = None
    final: bool = True


_OF_REFUND = {
    RefundOutcome.ALLOWED: Outcome.ACCEPTED,
    RefundOutcome.REFUSED: Outcome.REFUSED,
    RefundOutcome.PENDING: Outcome.PENDING,
}


def reply_with(body: bytes, answer: Answer) -> Reply:
    """The owner's answer in the platform's words, and what it comes to."""
    if isinstance(answer, RefundAnswer):
        outcome = _OF_REFUND[answer.outcome]
        return Reply(body, outcome, answer.reason, final=outcome is not Outcome.PENDING)
    if isinstance(answer, StatusAnswer):
        # It says how things are at this moment.
        return Reply(body, Outcome.ACCEPTED, final=False)
    if isinstance(answer, CodesAnswer) and answer.pending:
        return Reply(body, Outcome.PENDING, final=False)
    outcome = Outcome.ACCEPTED if answer.refusal is None else Outcome.REFUSED
    return Reply(body, outcome, answer.refusal)


def reply_without_answer(body: bytes, verdict: Verdict, reason: str | None = None) -> Reply:
    # What is not understood today may be after an update.
    final = verdict in (Verdict.NOTED, Verdict.CONFLICTED)
    return Reply(body, Outcome(verdict.value), reason, final=final)
