"""A subscriber like any other: what it heard must be what the record says."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.contracts.catalogue import find
from shared.contracts.envelope import Event, filter_subject
from shared.messaging.broker import Broker, connected
from shared.messaging.follow import follow

_FAMILIES = tuple(filter_subject(f"{family}.>") for family in ("order", "coupon"))


@dataclass(slots=True)
class Listener:
    """Keeps the newest version of each order, as docs/subscribe.md tells others to."""

    heard: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    # Types or data that the contracts do not know.
    foreign: Counter[str] = field(default_factory=Counter)
    states: dict[str, tuple[int, str]] = field(default_factory=dict)
    _seen: set[UUID] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        if event.id in self._seen:
            self.repeated += 1
            return
        self._seen.add(event.id)
        self.heard[event.type] += 1
        kind = find(event.type)
        if kind is None:
            self.foreign[event.type] += 1
            return
        if event.type.startswith("order."):
            version, _ = self.states.get(event.subject, (0, ""))
            if event.version > version:
                self.states[event.subject] = (event.version, str(event.data["state"]))

    def state_of(self, order_id: str) -> str | None:
        known = self.states.get(order_id)
        return known[1] if known else None


@asynccontextmanager
async def listening(nats_url: str, *, since: datetime) -> AsyncIterator[Listener]:
    listener = Listener()
    async with connected(nats_url, name="simulate") as broker:
        hearing = asyncio.create_task(_hear(listener, broker, since))
        try:
            yield listener
        finally:
            hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hearing


async def _hear(listener: Listener, broker: Broker, since: datetime) -> None:
    async for event in follow(broker, _FAMILIES, since=since):
        listener.hear(event)
