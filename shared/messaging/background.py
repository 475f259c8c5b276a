"""Tasks that run beside the service, are told to stop, and stop it when they fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def background(
    run: Callable[[asyncio.Event], Awaitable[None]], *, name: str, drain_seconds: float = 2.0
) -> AsyncIterator[None]:
    """Run beside the body. If run fails the body is cancelled; when the body ends run is told."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_as_coroutine(run, stop), name=name)
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait({task}, timeout=drain_seconds)
            task.cancel()


async def _as_coroutine(
    run: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
) -> None:
    await run(stop)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but no longer than until the stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
