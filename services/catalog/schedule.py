"""What this service does by itself: put back what nobody paid for, and count what is open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from services.catalog.handlers.settling import measure, release_overdue, serve_oversold
from services.catalog.settings import Settings
from shared.messaging.background import background, pause
from shared.messaging.outbox import Database
from shared.postgres.connection import DELAYS

_MEASURE_SECONDS = 5.0
_OUTAGE_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """Run again at once while it finds work, otherwise after the interval."""

    name: str
    interval_seconds: float
    run: Callable[[], Awaitable[int]]


def schedule(database: Database, settings: Settings) -> Sequence[Task]:
    """Any number of processes may run it: what one has in hand the others pass over."""

    async def release() -> int:
        return await release_overdue(database, zone=settings.zone)

    async def serve() -> int:
        return await serve_oversold(database, zone=settings.zone)

    async def count() -> int:
        return await measure(database)

    return (
        Task("release-overdue", settings.catalog_release_every_seconds, release),
        Task("serve-oversold", settings.catalog_release_every_seconds, serve),
        Task("measure-oversold", _MEASURE_SECONDS, count),
    )


@asynccontextmanager
async def scheduled(tasks: Sequence[Task]) -> AsyncIterator[None]:
    """Run every task beside the body."""
    async with AsyncExitStack() as stack:
        for task in tasks:
            await stack.enter_async_context(
                background(_repeating(task), name=task.name, drain_seconds=1.0)
            )
        yield


def _repeating(task: Task) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await task.run():
                    continue
            except DELAYS as outage:
                log.warning("task_delayed", task=task.name, error=type(outage).__name__)
                await pause(stop, _OUTAGE_SECONDS)
            await pause(stop, task.interval_seconds)

    return run
