"""Takes what is due under a lease, and goes on with each; one that fails holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog

from services.orders.domain.after_sales import RULED_AGAIN
from services.orders.gateway import NoApplication
from services.orders.handlers.after_sales.desk import AT_ONCE, LEASE, Desk, wait_after
from services.orders.queries import after_sales as queries
from services.orders.queries.after_sales import AfterSale
from shared.contracts.after_sales import AfterSaleState
from shared.errors import Rejection, Unavailable
from shared.platforms.outcomes import OutcomeUnknown
from shared.postgres.connection import CONFLICTS, is_outage

Work: TypeAlias = Callable[[Desk, AfterSale], Awaitable[AfterSale]]

log = structlog.get_logger()


async def each_due(desk: Desk, states: Sequence[AfterSaleState], work: Work) -> int:
    async with desk.database.pool.acquire() as conn:
        due = await queries.claim_due(conn, states, lease=LEASE, limit=AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for matter in due:
            group.create_task(_go_on(desk, matter, work))
    return len(due)


async def _go_on(desk: Desk, matter: AfterSale, work: Work) -> None:
    failure = None
    try:
        now = await work(desk, matter)
        if now.version != matter.version or now.state not in RULED_AGAIN:
            return
    except (NoApplication, Unavailable, Rejection, OutcomeUnknown) as refused:
        failure = str(refused.reason)
        log.warning("after_sale_delayed", after_sale_id=matter.after_sale_id, failure=failure)
    except Exception as error:
        if is_outage(error) or isinstance(error, CONFLICTS):
            # The lease runs out, and it is due again.
            log.warning("after_sale_delayed", after_sale_id=matter.after_sale_id)
            return
        log.exception("after_sale_failed", after_sale_id=matter.after_sale_id)
        return
    async with desk.database.pool.acquire() as conn:
        await queries.put_off(conn, matter, wait=wait_after(matter.attempts), failure=failure)
