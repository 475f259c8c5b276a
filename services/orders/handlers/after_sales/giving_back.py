"""Gives locks back to redemption until it has taken them: the coupons are the buyer's again."""

import asyncio

import structlog

from services.orders.handlers.after_sales.desk import AT_ONCE, ATTEMPTS, LEASE, Desk, wait_after
from services.orders.queries import locks as queries
from services.orders.queries.locks import DueLock
from shared.errors import Rejection, Unavailable

log = structlog.get_logger()


async def give_back_due(desk: Desk) -> int:
    """Returns how many were due."""
    async with desk.database.pool.acquire() as conn:
        due = await queries.claim_releases(conn, lease=LEASE, limit=AT_ONCE)
    await asyncio.gather(*(_give_back(desk, one) for one in due))
    return len(due)


async def _give_back(desk: Desk, due: DueLock) -> None:
    lock = due.lock
    try:
        await desk.locks.give_back(lock.lock_id, merchant=due.merchant, platform=lock.platform)
    except (Rejection, Unavailable) as failure:
        ATTEMPTS.labels("give_back", failure.reason).inc()
        log.warning("lock_release_delayed", lock_id=lock.lock_id, failure=failure.reason)
        async with desk.database.pool.acquire() as conn:
            await queries.put_off_release(conn, lock, wait=wait_after(lock.attempts))
        return
    ATTEMPTS.labels("give_back", "taken").inc()
    async with desk.database.pool.acquire() as conn:
        await queries.finish_release(conn, lock)
