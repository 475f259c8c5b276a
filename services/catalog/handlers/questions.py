"""Orders that wait for the next decision, and the requests that wait with them."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from services.catalog.handlers.metrics import QUEUE_DEPTH
from shared.contracts.asks import OrderAsk
from shared.errors import Rejection, Unavailable

# The answer's JSON, or why there is none.
Outcome: TypeAlias = bytes | Rejection | Unavailable


@dataclass(frozen=True, slots=True)
class QueueLimits:
    entries: int
    batch: int
    give_up_seconds: float


class Waiting(NamedTuple):
    """`digest` tells another question about the same order from the same one again."""

    ask: OrderAsk
    digest: bytes
    traceparent: str
    outcome: asyncio.Future[Outcome]


class Questions:
    """First come, first decided; over a limit the answer is 503."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._waiting: deque[Waiting] = deque()
        # Everybody who has no answer yet, in the order of coming, with the time to give up.
        self._unanswered: deque[tuple[float, asyncio.Future[Outcome]]] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    async def answer(self, ask: OrderAsk, *, digest: bytes, traceparent: str) -> bytes:
        """Raises Unavailable where there is no room or no time, Rejection on a conflict."""
        if self._closed or len(self._waiting) >= self._limits.entries:
            message = "too many orders wait for a decision"
            raise Unavailable(message)
        outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting.append(Waiting(ask, digest, traceparent, outcome))
        self._unanswered.append((self._loop.time() + self._limits.give_up_seconds, outcome))
        self._arrived.set()
        decided = await outcome
        if isinstance(decided, bytes):
            return decided
        raise decided

    async def take(self) -> list[Waiting]:
        """Wait for orders and take as many as one commit may hold; none means closed."""
        while True:
            batch = self._take_now()
            if batch or self._closed:
                return batch
            self._arrived.clear()
            await self._arrived.wait()

    def _take_now(self) -> list[Waiting]:
        batch: list[Waiting] = []
        while self._waiting and len(batch) < self._limits.batch:
            waiting = self._waiting.popleft()
            # Nobody waits for what was given up or hung up; it is asked again.
            if not waiting.outcome.done():
                batch.append(waiting)
        QUEUE_DEPTH.set(len(self._waiting))
        return batch

    def give_up_overdue(self) -> None:
        """Answer those who have waited too long, and make room where they stood."""
        now = self._loop.time()
        while self._unanswered and (self._unanswered[0][1].done() or self._unanswered[0][0] <= now):
            _, outcome = self._unanswered.popleft()
            if not outcome.done():
                outcome.set_result(Unavailable("the decision takes too long"))
        while self._waiting and self._waiting[0].outcome.done():
            self._waiting.popleft()

    def close(self) -> None:
        """Take no more; who waits is still served."""
        self._closed = True
        self._arrived.set()
