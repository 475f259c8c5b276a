"""Gives locks back to redemption until it has taken them: the coupons are the buyer's again."""

import asyncio

import structlog

from services.orders.handlers.after_sales.desk import AT_ONCE, ATTEMPTS, LEASE, Desk, wait_after
from services.orders.queries import locks as queries
from services.orders.queries.locks import DueLock
from shared.contracts.asks import LockAsk
from shared.errors import Rejection, Unavailable

log = structlog.get_logger()


async def give_back_due(desk: Desk) -> int:
    """Returns how many were due."""
    async with desk.database.pool.acquire() as conn:
        due = await queries.claim_releases(conn, lease=LEASE, limit=AT_ONCE)
    await asyncio.gather(*(_give_back(desk, one) for one in due))
    return len(due)


async def narrow_due(desk: Desk) -> int:
    """Give back a part: the same lock is asked for with the coupons that are refunded."""
    async with desk.database.pool.acquire() as conn:
        due = await queries.claim_narrowed(conn, lease=LEASE, limit=AT_ONCE)
    await asyncio.gather(*(_narrow(desk, one) for one in due))
    return len(due)


async def _give_back(desk: Desk, due: DueLock) -> None:
    lock = due.lock
    try:
        await desk.locks.give_back(lock.lock_id, merchant=due.merchant, platform=lock.platform)
    except (Rejection, Unavailable) as failure:
        await _put_off(desk, due, failure)
        return
    ATTEMPTS.labels("give_back", "taken").inc()
    async with desk.database.pool.acquire() as conn:
        await queries.finish_release(conn, lock)


async def _narrow(desk: Desk, due: DueLock) -> None:
    lock = due.lock
    ask = LockAsk(
        merchant=due.merchant,
        platform=lock.platform,
        order_id=due.order_id,
        coupon_ids=lock.coupon_ids,
    )
    try:
        answer = await desk.locks.take(lock.lock_id, ask)
    except (Rejection, Unavailable) as failure:
        await _put_off(desk, due, failure)
        return
    ATTEMPTS.labels("give_back", "taken").inc()
    said = answer.model_dump(mode="json")
    async with desk.database.pool.acquire() as conn:
        await queries.keep_answer(conn, lock, held=answer.locked, answer=said)


async def _put_off(desk: Desk, due: DueLock, failure: Rejection | Unavailable) -> None:
    ATTEMPTS.labels("give_back", failure.reason).inc()
    log.warning("lock_release_delayed", lock_id=due.lock.lock_id, failure=failure.reason)
    async with desk.database.pool.acquire() as conn:
        await queries.put_off(conn, due.lock, wait=wait_after(due.lock.attempts))
