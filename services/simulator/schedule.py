"""What happens by itself, and how often it is looked for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.simulator.handlers import goods, pois
from services.simulator.handlers.books import write_call_counts
from services.simulator.handlers.life import STEP_MAX, STEPS, ask_about_orders
from services.simulator.handlers.world import World, reload_controls
from services.simulator.queries.apps import remove_old_tokens
from shared.clock import utc_now
from shared.messaging.background import pause
from shared.postgres.connection import DELAYS

_TOKENS_KEPT = timedelta(hours=1)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Repeated:
    name: str
    seconds: float
    run: Callable[[World], Awaitable[None]]


async def live(world: World) -> None:
    for step in STEPS:
        while await step(world) == STEP_MAX:
            pass


async def end_audits(world: World) -> None:
    while await goods.end_audits(world) == goods.AUDITS_MAX:
        pass


async def end_matching(world: World) -> None:
    while await pois.end_tasks(world) == pois.TASKS_MAX:
        pass


async def check_statuses(world: World) -> None:
    """How often is a matter of pace, which may change; 0 is never."""
    now_seconds = asyncio.get_running_loop().time()
    seconds = world.pace.status_check_seconds
    if seconds and now_seconds - world.statuses_asked_at_seconds >= seconds:
        world.statuses_asked_at_seconds = now_seconds
        await ask_about_orders(world)


async def forget_old_tokens(world: World) -> None:
    async with world.pool.acquire() as conn:
        await remove_old_tokens(conn, utc_now() - _TOKENS_KEPT)


SCHEDULE = (
    Repeated("life", 0.25, live),
    Repeated("audits", 0.25, end_audits),
    Repeated("matching", 0.25, end_matching),
    Repeated("status-checks", 0.5, check_statuses),
    Repeated("controls", 1.0, reload_controls),
    Repeated("call-counts", 1.0, write_call_counts),
    Repeated("tokens", 60.0, forget_old_tokens),
)


async def repeat(repeated: Repeated, world: World, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await repeated.run(world)
        except DELAYS as error:
            log.warning("schedule_delayed", part=repeated.name, error=type(error).__name__)
        await pause(stop, repeated.seconds)
