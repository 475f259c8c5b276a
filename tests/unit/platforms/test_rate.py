"""The limiter on a clock that a test moves: no waiting, no luck."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Unavailable
from shared.platforms.rate import FairLimiter, Priority


@dataclass(eq=False)
class HandTimer:
    due: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class HandClock:
    now: float = 100.0
    timers: list[HandTimer] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> HandTimer:
        timer = HandTimer(self.now + delay, callback)
        self.timers.append(timer)
        return timer

    async def pass_seconds(self, seconds: float) -> None:
        until = self.now + seconds
        await settle()
        while due := [
            timer for timer in self.timers if not timer.cancelled and timer.due <= until + 1e-9
        ]:
            timer = min(due, key=lambda each: each.due)
            self.timers.remove(timer)
            self.now = max(self.now, timer.due)
            timer.callback()
            await settle()
        self.now = until


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Counter:
    """Starts calls and notes in which order they are let through."""

    def __init__(self, limiter: FairLimiter, group: asyncio.TaskGroup) -> None:
        self.limiter = limiter
        self.group = group
        self.served: list[str] = []
        self.refused: list[str] = []

    def ask(self, key: str, *, priority: Priority = Priority.COUNTER) -> asyncio.Task[None]:
        return self.group.create_task(self._ask(key, priority))

    async def _ask(self, key: str, priority: Priority) -> None:
        try:
            await self.limiter.acquire(key, priority=priority)
        except Unavailable:
            self.refused.append(key)
        else:
            self.served.append(key)


@asynccontextmanager
async def counting(clock: HandClock, **limits: float) -> AsyncIterator[Counter]:
    limiter = FairLimiter(
        rate_per_second=limits.get("rate", 10),
        burst=int(limits.get("burst", 1)),
        max_wait_seconds=limits.get("wait", 60),
        max_waiting=int(limits.get("waiting", 1000)),
        max_waiting_per_key=int(limits.get("per_key", 1000)),
        clock=clock,
    )
    async with asyncio.TaskGroup() as group:
        yield Counter(limiter, group)


async def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    clock = HandClock()
    async with counting(clock, rate=10, burst=3) as counter:
        for number in range(6):
            counter.ask(str(number))
        await clock.pass_seconds(0)
        assert counter.served == ["0", "1", "2"]
        await clock.pass_seconds(0.25)
        assert counter.served == ["0", "1", "2", "3", "4"]
        await clock.pass_seconds(0.1)
        assert counter.limiter.waiting == 0


async def test_stores_take_turns_whatever_the_length_of_their_queues() -> None:
    clock = HandClock()
    async with counting(clock) as counter:
        for key in ("first", *["flagship"] * 4, "corner", "corner", "village"):
            counter.ask(key)
        await clock.pass_seconds(10)
        assert counter.served == [
            *("first", "flagship", "corner", "village"),
            *("flagship", "corner", "flagship", "flagship"),
        ]


async def test_the_counter_goes_before_background_work_that_came_first() -> None:
    clock = HandClock()
    async with counting(clock) as counter:
        counter.ask("first")
        await settle()
        counter.ask("sweep", priority=Priority.BACKGROUND)
        counter.ask("sweep", priority=Priority.BACKGROUND)
        await settle()
        counter.ask("store")
        await clock.pass_seconds(10)
        assert counter.served == ["first", "store", "sweep", "sweep"]


async def test_who_waits_too_long_is_told_so_and_leaves_the_queue() -> None:
    clock = HandClock()
    async with counting(clock, rate=0.1, wait=3) as counter:
        counter.ask("first")
        counter.ask("second")
        await clock.pass_seconds(2.9)
        assert counter.refused == []
        await clock.pass_seconds(0.2)
        assert counter.refused == ["second"]
        assert counter.limiter.waiting == 0


async def test_a_full_queue_refuses_at_once_but_keeps_a_place_for_the_counter() -> None:
    clock = HandClock()
    async with counting(clock, waiting=2) as counter:
        for number in range(4):
            counter.ask(str(number), priority=Priority.BACKGROUND)
        counter.ask("store")
        await settle()
        assert counter.refused == ["3"]
        await clock.pass_seconds(10)
        assert counter.served == ["0", "store", "1", "2"]


async def test_one_store_cannot_fill_the_queue_of_all() -> None:
    clock = HandClock()
    async with counting(clock, per_key=2) as counter:
        for _ in range(5):
            counter.ask("flagship")
        counter.ask("corner")
        await clock.pass_seconds(10)
        assert counter.refused == ["flagship", "flagship"]
        assert counter.served == ["flagship", "flagship", "corner", "flagship"]


async def test_who_goes_away_gives_the_turn_to_the_next() -> None:
    clock = HandClock()
    async with counting(clock) as counter:
        counter.ask("first")
        leaving, _ = counter.ask("leaving"), counter.ask("next")
        await settle()
        leaving.cancel()
        await clock.pass_seconds(0.1)
        assert counter.served == ["first", "next"]


async def test_a_turn_granted_to_one_who_just_left_is_not_lost() -> None:
    clock = HandClock()
    async with counting(clock) as counter:
        counter.ask("first")
        leaving, _ = counter.ask("leaving"), counter.ask("next")
        await settle()
        (timer,) = [timer for timer in clock.timers if timer.due < clock.now + 1]
        clock.now = timer.due
        timer.callback()  # grants the turn …
        leaving.cancel()  # … before its taker runs again
        await settle()
        assert counter.served == ["first", "next"]


async def test_backing_off_grants_nothing_for_that_long() -> None:
    clock = HandClock()
    async with counting(clock, rate=10, burst=5) as counter:
        counter.limiter.back_off(2)
        counter.ask("store")
        await clock.pass_seconds(1.9)
        assert counter.served == []
        await clock.pass_seconds(0.2)
        assert counter.served == ["store"]


async def test_no_timer_is_left_when_nobody_waits() -> None:
    clock = HandClock()
    async with counting(clock) as counter:
        for _ in range(3):
            counter.ask("store")
        await clock.pass_seconds(5)
    assert [timer for timer in clock.timers if not timer.cancelled] == []


async def test_on_the_clock_of_the_event_loop_it_keeps_the_rate() -> None:
    limiter = FairLimiter(rate_per_second=200, burst=1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(limiter.acquire(str(number)) for number in range(21)))
    assert loop.time() - started >= 20 / 200 - 0.001


@given(keys=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40))
def test_between_two_turns_of_a_store_every_other_waiting_store_has_one(keys: list[str]) -> None:
    async def run() -> list[str]:
        clock = HandClock()
        async with counting(clock) as counter:
            counter.ask("first")
            await settle()
            for key in keys:
                counter.ask(key)
            await clock.pass_seconds(10)
            return counter.served[1:]

    served = asyncio.run(run())
    assert sorted(served) == sorted(keys)
    stores = set(keys)
    for turn in range(min(keys.count(store) for store in stores)):
        assert set(served[turn * len(stores) : (turn + 1) * len(stores)]) == stores


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_that_lets_nothing_through_is_a_mistake(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        FairLimiter(rate_per_second=rate, burst=burst)
