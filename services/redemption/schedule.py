"""What runs by itself: asking again, counting what is open, forgetting secrets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from services.redemption.handlers import late_issues, pending, report, take_back
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.scan_ours import PREFIX_WINDOW
from services.redemption.queries import preparations, scans
from shared.messaging.background import background, pause
from shared.postgres.connection import DELAYS

_OUTAGE_SECONDS: Final = 1.0
_FORGET_BATCH: Final = 1000
# As long as an answer "this code was redeemed before" is worth giving without asking.
_KEEP_PREPARATIONS: Final = timedelta(days=30)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """Run again at once while it finds work, otherwise after the interval."""

    name: str
    interval_seconds: float
    run: Callable[[Desk], Awaitable[int]]


async def measure(desk: Desk) -> int:
    await pending.measure(desk)
    await report.measure(desk)
    return 0


async def forget(desk: Desk) -> int:
    async with desk.database.pool.acquire() as conn:
        forgotten = await preparations.forget_secrets(conn, limit=_FORGET_BATCH)
        deleted = await preparations.forget_preparations(
            conn, older_than=_KEEP_PREPARATIONS, limit=_FORGET_BATCH
        )
        guesses = await scans.forget_wrong_codes(
            conn, older_than=PREFIX_WINDOW, limit=_FORGET_BATCH
        )
    return int(max(forgotten, deleted, guesses) == _FORGET_BATCH)


SCHEDULE: Final = (
    Task("settle-redemptions", 0.5, pending.settle_due),
    Task("settle-cancellations", 0.5, take_back.settle_due),
    Task("report-redemptions", 0.5, report.report_due),
    Task("issue-late", 1.0, late_issues.issue_due),
    Task("measure-pending", 5.0, measure),
    Task("forget-secrets", 10.0, forget),
)


@asynccontextmanager
async def scheduled(desk: Desk) -> AsyncIterator[None]:
    """Run every task of the schedule beside the body."""
    async with AsyncExitStack() as stack:
        for task in SCHEDULE:
            await stack.enter_async_context(
                background(_repeating(desk, task), name=task.name, drain_seconds=1.0)
            )
        yield


def _repeating(desk: Desk, task: Task) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await task.run(desk):
                    continue
            except DELAYS as outage:
                log.warning("task_delayed", task=task.name, error=type(outage).__name__)
                await pause(stop, _OUTAGE_SECONDS)
            await pause(stop, task.interval_seconds)

    return run
