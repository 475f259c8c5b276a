"""What is to happen when: whoever is free takes the next thing that is due."""

import asyncio
import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")
_LONGEST_WAIT_SECONDS = 1.0


@dataclass(slots=True)
class Agenda(Generic[Item]):
    """Moments are on the event loop's clock. Ends when closed and nothing is left or under way."""

    _heap: list[tuple[float, int, Item]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _under_way: int = 0
    _closed: bool = False

    async def add(self, moment: float, item: Item) -> None:
        async with self._changed:
            heapq.heappush(self._heap, (moment, next(self._numbers), item))
            self._changed.notify()

    async def close(self) -> None:
        """Nothing more comes from outside; what is under way may still add."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def take(self) -> Item | None:
        """The next thing when it is due, or None at the end. Call `done` after it."""
        async with self._changed:
            while True:
                now = asyncio.get_running_loop().time()
                if self._heap and self._heap[0][0] <= now:
                    self._under_way += 1
                    return heapq.heappop(self._heap)[2]
                if self._closed and not self._heap and self._under_way == 0:
                    self._changed.notify_all()
                    return None
                await self._wait(now)

    async def take_due(self) -> list[Item]:
        """Everything that is due now, without waiting; no `done` is needed."""
        async with self._changed:
            now = asyncio.get_running_loop().time()
            due: list[Item] = []
            while self._heap and self._heap[0][0] <= now:
                due.append(heapq.heappop(self._heap)[2])
            return due

    async def done(self) -> None:
        async with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        return self._closed and not self._heap

    async def _wait(self, now: float) -> None:
        until = self._heap[0][0] - now if self._heap else _LONGEST_WAIT_SECONDS
        try:
            async with asyncio.timeout(min(until, _LONGEST_WAIT_SECONDS)):
                await self._changed.wait()
        except TimeoutError:
            return
