"""What intake does again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog

from shared.messaging.background import background, pause
from shared.postgres.connection import DELAYS

# What the database says of a task never ends the service.
_DELAYS: tuple[type[Exception], ...] = (*DELAYS, asyncpg.PostgresError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Every:
    seconds: float
    name: str
    run: Callable[[], Awaitable[None]]
    # For what only this process knows: it is written down before the process ends.
    also_at_end: bool = False


@asynccontextmanager
async def repeating(schedule: Sequence[Every]) -> AsyncIterator[None]:
    """Run each at once and then again beside the body; an outage only delays it."""
    async with AsyncExitStack() as stack:
        for every in schedule:
            await stack.enter_async_context(background(_repeat(every), name=every.name))
        yield


def _repeat(every: Every) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await _try(every)
            await pause(stop, every.seconds)
        if every.also_at_end:
            await _try(every)

    return run


async def _try(every: Every) -> None:
    try:
        await every.run()
    except _DELAYS as delayed:
        log.warning("task_delayed", task=every.name, error=type(delayed).__name__)
