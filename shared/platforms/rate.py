"""Shares out a platform's calls a second: the counter before background work, stores in turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from shared.errors import Unavailable


class Priority(IntEnum):
    """A customer at the counter goes before everything that nobody stands waiting for."""

    COUNTER = 0
    BACKGROUND = 1


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """What the limiter needs of time; an asyncio event loop is one."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    key: str
    priority: Priority
    granted: asyncio.Future[None]


# Granted when a whole call is left, give or take what adding up fractions loses.
_WHOLE_CALL = 1 - 1e-9


class FairLimiter:
    """A token bucket whose waiters are served round-robin over their keys.

    A store with a hundred waiting calls gets one turn per round, like a store with one. Waiting
    is bounded in number, per key and in all, and in time; beyond a bound the answer is
    Unavailable.
    """

    def __init__(
        self,
        *,
        rate_per_second: float,
        burst: int,
        max_wait_seconds: float = 5.0,
        max_waiting: int = 1_000,
        max_waiting_per_key: int = 50,
        clock: Clock | None = None,
    ) -> None:
        if rate_per_second <= 0 or burst < 1:
            raise ValueError("the rate must be above zero and the burst at least one")
        self._rate_per_second = rate_per_second
        self._burst = float(burst)
        self._max_wait_seconds = max_wait_seconds
        self._max_waiting = max_waiting
        self._max_waiting_per_key = max_waiting_per_key
        self._given_clock = clock
        self._calls_left = float(burst)
        self._filled_at: float | None = None
        self._timer: Timer | None = None
        # Per priority the keys in the order of their turns, each with its waiters.
        self._turns: dict[Priority, OrderedDict[str, deque[_Waiter]]] = {
            priority: OrderedDict() for priority in Priority
        }
        self._waiting = dict.fromkeys(Priority, 0)

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return sum(self._waiting.values())

    async def acquire(self, key: str, *, priority: Priority = Priority.COUNTER) -> None:
        """Wait for one call's turn; `key` is what is to be treated fairly, such as a store."""
        self._fill()
        if self.waiting == 0 and self._calls_left >= _WHOLE_CALL:
            self._calls_left -= 1
            return
        waiter = self._enqueue(key, priority)
        expiry = self._clock.call_later(self._max_wait_seconds, lambda: self._expire(waiter))
        self._set_timer()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            served = waiter.granted.done() and not waiter.granted.cancelled()
            if served and waiter.granted.exception() is None:
                # Its turn came and nobody is left to use it.
                self._calls_left += 1
                self._serve()
            raise
        finally:
            expiry.cancel()
            self._forget(waiter)

    def back_off(self, seconds: float) -> None:
        """Grant nothing for so long: the platform says that we are too fast."""
        self._fill()
        self._calls_left = min(self._calls_left, 1 - seconds * self._rate_per_second)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._set_timer()

    def _enqueue(self, key: str, priority: Priority) -> _Waiter:
        turns = self._turns[priority]
        queue = turns.get(key)
        if (
            self._waiting[priority] >= self._max_waiting
            or len(queue or ()) >= self._max_waiting_per_key
        ):
            raise Unavailable("too many calls to the platform are waiting")
        waiter = _Waiter(key, priority, asyncio.get_running_loop().create_future())
        turns.setdefault(key, deque()).append(waiter)
        self._waiting[priority] += 1
        return waiter

    def _serve(self) -> None:
        """Grant as many turns as there are calls left; then sleep until the next one."""
        self._timer = None
        self._fill()
        while self._calls_left >= _WHOLE_CALL and (waiter := self._next()) is not None:
            if not waiter.granted.done():
                waiter.granted.set_result(None)
                self._calls_left -= 1
        self._set_timer()

    def _next(self) -> _Waiter | None:
        for priority, turns in self._turns.items():
            if turns:
                key, queue = turns.popitem(last=False)
                waiter = queue.popleft()
                self._waiting[priority] -= 1
                if queue:
                    turns[key] = queue
                return waiter
        return None

    def _set_timer(self) -> None:
        if self._timer is None and self.waiting:
            missing = max(0.0, 1 - self._calls_left)
            self._timer = self._clock.call_later(missing / self._rate_per_second, self._serve)

    def _expire(self, waiter: _Waiter) -> None:
        if not waiter.granted.done():
            waiter.granted.set_exception(
                Unavailable(f"no turn at the platform within {self._max_wait_seconds} s")
            )

    def _forget(self, waiter: _Waiter) -> None:
        """Take out of the queue whoever left before being served."""
        turns = self._turns[waiter.priority]
        queue = turns.get(waiter.key)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        self._waiting[waiter.priority] -= 1
        if not queue:
            del turns[waiter.key]

    def _fill(self) -> None:
        now = self._clock.time()
        passed_seconds = 0.0 if self._filled_at is None else now - self._filled_at
        self._filled_at = now
        self._calls_left = min(
            self._burst, self._calls_left + passed_seconds * self._rate_per_second
        )

    @property
    def _clock(self) -> Clock:
        return self._given_clock or asyncio.get_running_loop()
