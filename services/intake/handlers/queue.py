"""Deliveries that wait for the next commit, and the requests that wait with them."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from services.intake.domain.deliveries import Delivery
from services.intake.handlers.metrics import QUEUE_DEPTH
from shared.errors import Unavailable

_BATCH_BYTES_MAX = 4 * 1024 * 1024
# When so many have come during one commit, the core is busy with requests alone.
_PRESSED_DELIVERIES = 100
# A request that took longer to come in has so much less time left for its commit.
_LINGERED_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class QueueLimits:
    entries: int
    total_bytes: int
    batch: int
    give_up_seconds: float


class Waiting(NamedTuple):
    """The answer is None once the row is durable, or why it is not."""

    delivery: Delivery
    answer: asyncio.Future[Unavailable | None]


class CommitQueue:
    """First come, first committed; over a limit the answer is 503."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        # Everybody who has no answer yet, in the order of coming, with the time to give up.
        self._unanswered: deque[tuple[float, asyncio.Future[Unavailable | None]]] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        # Whether the last commit left many waiting: then other work gives way.
        self.pressed = False
        self._loop = asyncio.get_running_loop()

    @property
    def depth(self) -> int:
        return len(self._waiting)

    def put(
        self, delivery: Delivery, *, began: float | None = None
    ) -> asyncio.Future[Unavailable | None]:
        """Await the result: None means durable. Raises Unavailable if there is no room.

        The time to give up is counted from the first byte, which came when the loop's clock
        showed `began`: a sender counts from there too.
        """
        size = len(delivery.raw)
        if (
            self._closed
            or len(self._waiting) >= self._limits.entries
            or self._bytes + size > self._limits.total_bytes
        ):
            raise Unavailable("too many deliveries wait for a commit")
        answer: asyncio.Future[Unavailable | None] = self._loop.create_future()
        self._waiting.append(Waiting(delivery, answer))
        now = self._loop.time()
        if began is not None and now - began > _LINGERED_SECONDS:
            # Not in the order of coming, and rare.
            self._loop.call_at(began + self._limits.give_up_seconds, _give_up, answer)
        else:
            self._unanswered.append((now + self._limits.give_up_seconds, answer))
        self._bytes += size
        self._arrived.set()
        return answer

    async def take(self) -> list[Waiting]:
        """Wait for deliveries and take as many as one commit may hold; none means closed."""
        while True:
            batch = self._take_now()
            if batch or self._closed:
                return batch
            self._arrived.clear()
            await self._arrived.wait()

    def _take_now(self) -> list[Waiting]:
        batch: list[Waiting] = []
        batch_bytes = 0
        self.pressed = len(self._waiting) >= _PRESSED_DELIVERIES
        while self._waiting and len(batch) < self._limits.batch and batch_bytes < _BATCH_BYTES_MAX:
            waiting = self._waiting.popleft()
            size = len(waiting.delivery.raw)
            self._bytes -= size
            # Nobody waits for what was given up; the platform sends it again.
            if not waiting.answer.done():
                batch.append(waiting)
                batch_bytes += size
        QUEUE_DEPTH.set(len(self._waiting))
        return batch

    def give_up_overdue(self) -> None:
        """Answer those who have waited too long, and make room where they stood."""
        now = self._loop.time()
        while self._unanswered and (self._unanswered[0][1].done() or self._unanswered[0][0] <= now):
            _, answer = self._unanswered.popleft()
            _give_up(answer)
        while self._waiting and self._waiting[0].answer.done():
            self._bytes -= len(self._waiting.popleft().delivery.raw)

    def close(self) -> None:
        """Take no more; who waits is still served."""
        self._closed = True
        self._arrived.set()


def _give_up(answer: asyncio.Future[Unavailable | None]) -> None:
    if not answer.done():
        answer.set_result(Unavailable("the commit takes too long"))
