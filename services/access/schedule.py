"""What this service does by the clock: interval → handler."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.access.handlers.act import acting
from services.access.handlers.audit import log_anchor
from services.access.handlers.authority import Authority
from services.access.handlers.signing_keys import KeySeal, Rotation, rotate_if_due
from services.access.queries.sign_in import forget_old_attempts
from services.access.queries.terminals import forget_old_assertions
from shared.ids import new_trace_parent
from shared.messaging.background import background, pause
from shared.messaging.outbox import Database
from shared.postgres.connection import DELAYS

_BATCH = 1000
_ASSERTIONS_GRACE = timedelta(minutes=5)
_ATTEMPTS_COUNT_FOR = timedelta(hours=24)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


def tasks(
    database: Database, authority: Authority, seal: KeySeal, rotation: Rotation
) -> Sequence[Task]:
    async def refresh() -> None:
        async with database.pool.acquire() as conn:
            await authority.refresh(conn)

    async def rotate() -> None:
        async with acting(database, actor="service:access", traceparent=new_trace_parent()) as act:
            await rotate_if_due(act, seal, rotation)

    async def forget() -> None:
        async with database.pool.acquire() as conn:
            await forget_old_assertions(conn, grace=_ASSERTIONS_GRACE, limit=_BATCH)
            await forget_old_attempts(conn, older_than=_ATTEMPTS_COUNT_FOR, limit=_BATCH)

    async def anchor() -> None:
        await log_anchor(database.pool)

    return (
        # Also how long a key or a revocation of another worker takes to count here.
        Task("refresh", 2.0, refresh),
        Task("rotate", 60.0, rotate),
        Task("forget", 30.0, forget),
        Task("anchor", 3600.0, anchor),
    )


@asynccontextmanager
async def scheduled(tasks: Sequence[Task]) -> AsyncIterator[None]:
    """Run every task now and again and again beside the body; outages only delay."""
    async with AsyncExitStack() as stack:
        for task in tasks:
            await stack.enter_async_context(background(_repeating(task), name=task.name))
        yield


def _repeating(task: Task) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await task.run()
            except DELAYS as delayed:
                log.warning("task_delayed", task=task.name, error=type(delayed).__name__)
            await pause(stop, task.every_seconds)

    return run
