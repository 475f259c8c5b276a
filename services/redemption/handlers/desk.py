"""What every handler is given, and what it tells of its work."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import prometheus_client

from services.redemption.gateway import Gateway
from services.redemption.handlers.known_stores import KnownStores
from services.redemption.settings import Settings
from shared.messaging.outbox import Database
from shared.sealing.keyring import Keyring

OUTCOMES = prometheus_client.Counter(
    "qiao_redemption_outcomes_total", "How attempts ended", ["step", "outcome"]
)
REFUSALS = prometheus_client.Counter(
    "qiao_redemption_refusals_total", "Attempts turned down, by reason", ["step", "reason"]
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What HTTP sends, byte for byte, now and whenever the same is asked again."""

    status: int
    body: bytes
    retry_after_seconds: int | None = None
    # For the log line: what was refused, and which order and coupons this is about.
    reason: str | None = None
    order_id: str | None = None
    coupon_ids: Sequence[str] = ()


class Settlements:
    """Wakes the requests of this process that wait for one and the same answer."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, tuple[asyncio.Event, int]] = {}

    def ring(self, name: UUID) -> None:
        if name in self._waiting:
            self._waiting[name][0].set()

    async def wait(self, name: UUID, seconds: float) -> None:
        event, others = self._waiting.get(name, (asyncio.Event(), 0))
        self._waiting[name] = (event, others + 1)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            event, others = self._waiting.pop(name)
            if others > 1:
                self._waiting[name] = (event, others - 1)


@dataclass(frozen=True, slots=True)
class Desk:
    database: Database
    gateway: Gateway
    keyring: Keyring
    # What scanned codes are hashed with.
    scan_key: bytes
    # What codes of ours are hashed with, and found by.
    code_key: bytes
    settings: Settings
    stores: KnownStores
    settlements: Settlements = field(default_factory=Settlements)
    # Typed codes that are being looked up at this moment, by terminal.
    typing: "Counter[str]" = field(default_factory=Counter)


def as_json(body: Mapping[str, Any]) -> bytes:
    """Any: JSON."""
    return orjson.dumps(body)


async def all_of(runs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all beside each other to their ends, then raise what one of them raised."""
    for ended in await asyncio.gather(*runs, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
