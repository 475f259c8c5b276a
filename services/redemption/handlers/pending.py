"""Asks again about what the platform left open; any number of workers may."""

from typing import Final

import prometheus_client
import structlog

from services.redemption.domain.records import Attempt
from services.redemption.domain.settling import LEASE, settled, wait_after
from services.redemption.handlers.asking import ask_to_spend
from services.redemption.handlers.desk import Desk, all_of
from services.redemption.handlers.settle import put_off, settle
from services.redemption.queries import pending as queries
from shared.platforms.rate import Priority
from shared.postgres.connection import is_outage

_AT_ONCE: Final = 20

PENDING = prometheus_client.Gauge(
    "qiao_redemption_pending", "Redemptions that the platform has not answered"
)
PENDING_SECONDS = prometheus_client.Gauge(
    "qiao_redemption_pending_oldest_seconds", "Age of the oldest of them"
)

log = structlog.get_logger()


async def settle_due(desk: Desk) -> int:
    """Ask about every redemption whose time has come, many at once. Returns how many."""
    async with desk.database.pool.acquire() as conn:
        attempts = await queries.claim_due(conn, lease=LEASE, limit=_AT_ONCE)
        await desk.keyring.load_for(
            conn, [each.preparation.sealed for each in attempts if each.preparation.sealed]
        )
    await all_of(_ask_again(desk, attempt) for attempt in attempts)
    return len(attempts)


async def _ask_again(desk: Desk, attempt: Attempt) -> None:
    """One that fails waits for its lease to end, and holds up no other."""
    redemption = attempt.redemption
    try:
        verdicts = await ask_to_spend(desk, attempt, priority=Priority.BACKGROUND)
        if settled(verdicts):
            await settle(desk, attempt, verdicts)
        else:
            await put_off(desk, redemption, wait=wait_after(redemption.attempts))
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("redemption_ask_failed", redemption_id=str(redemption.redemption_id))


async def measure(desk: Desk) -> None:
    async with desk.database.pool.acquire() as conn:
        waiting = await queries.measure_pending(conn)
    PENDING.set(waiting.count)
    PENDING_SECONDS.set(waiting.oldest_seconds)
