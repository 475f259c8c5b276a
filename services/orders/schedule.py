"""What this service does by itself, unasked, and in which order of importance."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from services.orders.handlers.after_sales import clock, giving_back, ruling, telling
from services.orders.handlers.after_sales.desk import Desk
from services.orders.handlers.reconciling import (
    FAILED,
    Job,
    Reader,
    measure,
    read_back,
    read_recent,
    sweep,
)
from shared.messaging.background import background, pause
from shared.postgres.connection import DELAYS

# The first that has something due goes: a page tells of a hundred orders, a reading back of one,
# and the sweep takes what is left of the quota.
SCHEDULE: Sequence[Job] = (read_recent, read_back, sweep)
# After-sales, each beside the others: run again at once while it finds work.
AFTER_SALES: Sequence[tuple[str, Callable[[Desk], Awaitable[int]]]] = (
    ("rule-refunds", ruling.rule_due),
    ("answer-refunds", telling.tell_due),
    ("give-back-locks", giving_back.give_back_due),
    ("narrow-locks", giving_back.narrow_due),
    ("pass-refunds", clock.pass_overdue),
    ("lock-passed-refunds", ruling.lock_passed_due),
    ("call-a-person", clock.say_due_soon),
    ("measure-refunds", clock.measure),
)

_READERS = 2
_IDLE_SECONDS = 1.0
_OUTAGE_SECONDS = 1.0
_MEASURE_SECONDS = 5.0

log = structlog.get_logger()


@asynccontextmanager
async def reading_back(reader: Reader) -> AsyncIterator[None]:
    """Read back beside the body. Any number of processes may."""

    async def run(stop: asyncio.Event) -> None:
        await _until_stopped(reader, stop)

    async with AsyncExitStack() as stack:
        for number in range(_READERS):
            await stack.enter_async_context(background(run, name=f"reader-{number}"))
        await stack.enter_async_context(
            background(lambda stop: _measure_until_stopped(reader, stop), name="reading-gauges")
        )
        yield


async def _until_stopped(reader: Reader, stop: asyncio.Event) -> None:
    idle_seconds = min(_IDLE_SECONDS, reader.settings.orders_poll_seconds)
    while not stop.is_set():
        try:
            if not await _first_due(reader):
                await pause(stop, idle_seconds)
        except DELAYS as outage:
            log.warning("reading_delayed", error=type(outage).__name__)
            await pause(stop, _OUTAGE_SECONDS)
        except Exception:
            # What is heard must go on being applied; the lease runs out, and the page comes again.
            log.exception("reading_failed")
            FAILED.inc()
            await pause(stop, _OUTAGE_SECONDS)


async def _measure_until_stopped(reader: Reader, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await measure(reader)
        except DELAYS as outage:
            log.warning("measuring_delayed", error=type(outage).__name__)
        await pause(stop, _MEASURE_SECONDS)


async def _first_due(reader: Reader) -> bool:
    for job in SCHEDULE:
        if await job(reader):
            return True
    return False


@asynccontextmanager
async def going_on(desk: Desk) -> AsyncIterator[None]:
    """Go on with after-sales beside the body. Any number of processes may."""
    async with AsyncExitStack() as stack:
        for name, work in AFTER_SALES:
            await stack.enter_async_context(background(_repeating(desk, name, work), name=name))
        yield


def _repeating(
    desk: Desk, name: str, work: Callable[[Desk], Awaitable[int]]
) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await work(desk):
                    continue
            except DELAYS as outage:
                log.warning("task_delayed", task=name, error=type(outage).__name__)
            except Exception:
                log.exception("task_failed", task=name)
            await pause(stop, desk.settings.orders_refund_tick_seconds)

    return run
