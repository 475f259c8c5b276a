"""What intake does again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog

from shared.messaging.background import background, pause
from shared.postgres.connection import OUTAGES

# A full disk or a rival's lock delays a task as an outage does.
_DELAYS: tuple[type[Exception], ...] = (*OUTAGES, asyncpg.PostgresError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Every:
    seconds: float
    name: str
    run: Callable[[], Awaitable[None]]


@asynccontextmanager
async def repeating(schedule: Sequence[Every]) -> AsyncIterator[None]:
    """Run each beside the body, and once more at the end; an outage only delays it."""
    async with AsyncExitStack() as stack:
        for every in schedule:
            await stack.enter_async_context(background(_repeat(every), name=every.name))
        yield


def _repeat(every: Every) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run(stop: asyncio.Event) -> None:
        while True:
            try:
                await every.run()
            except _DELAYS as delayed:
                log.warning("task_delayed", task=every.name, error=type(delayed).__name__)
            if stop.is_set():
                return
            await pause(stop, every.seconds)

    return run
