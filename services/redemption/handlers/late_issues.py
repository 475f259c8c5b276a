"""Issues what had to wait, and tells the platform: it was answered "later" (Douyin: result 0)."""

from datetime import timedelta
from typing import Final

import structlog

from services.redemption.domain.issuing import WAIT_FOR_PRODUCT
from services.redemption.domain.settling import LEASE, wait_after
from services.redemption.handlers.desk import Desk, all_of
from services.redemption.handlers.issue import (
    LOOK_AGAIN_AFTER,
    PRODUCT_UNKNOWN,
    IssueRequest,
    issue_all,
)
from services.redemption.queries import late_issues as queries
from services.redemption.queries.late_issues import LateIssue
from shared.clock import utc_now
from shared.contracts.asks import CodesAnswer
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.rate import Priority
from shared.postgres.connection import is_outage

_AT_ONCE: Final = 20

log = structlog.get_logger()


async def issue_due(desk: Desk) -> int:
    """Returns how many were looked at."""
    async with desk.database.pool.acquire() as conn:
        due = await queries.claim_due(conn, lease=LEASE, limit=_AT_ONCE)
    await all_of(_go_on(desk, late) for late in due)
    return len(due)


async def _go_on(desk: Desk, late: LateIssue) -> None:
    """One that fails waits for its lease to end, and holds up no other."""
    try:
        answer = await _issue(desk, late)
        if not answer.pending:
            await _tell(desk, late, answer)
        elif utc_now() - late.created_at < WAIT_FOR_PRODUCT:
            await _look_again(desk, late, wait=LOOK_AGAIN_AFTER)
        else:
            async with desk.database.pool.acquire() as conn:
                await queries.fail(conn, late)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("late_issue_failed", order_id=late.ask.order_id)


async def _issue(desk: Desk, late: LateIssue) -> CodesAnswer:
    request = IssueRequest(late.ask, late.traceparent, late=late.state == "waiting")
    (outcome,) = await issue_all(desk, [request])
    if isinstance(outcome, CodesAnswer):
        return outcome
    if isinstance(outcome, Exception):
        raise outcome
    # The platform has asked again at this moment, and was answered.
    return CodesAnswer(order_id=late.ask.order_id, refusal=None, pending=True)


async def _tell(desk: Desk, late: LateIssue, answer: CodesAnswer) -> None:
    """Until the platform accepts it; the same report again is no second one."""
    ask = late.ask
    try:
        counter = await desk.gateway.counter(merchant=ask.merchant, platform=ask.platform)
        async with counter.turn("report_codes", ask.order_id, priority=Priority.BACKGROUND):
            await counter.client.report_codes(
                order_id=ask.order_id,
                codes=[each.code for each in answer.codes],
                failure=PRODUCT_UNKNOWN if answer.refusal else None,
                account_id=counter.account_id,
            )
    except (Refused, Retry, OutcomeUnknown) as failure:
        log.warning("codes_not_reported", order_id=ask.order_id, reason=failure.reason)
        await _look_again(desk, late, wait=wait_after(late.attempts))
        return
    async with desk.database.pool.acquire() as conn:
        await queries.reported(conn, late)
    log.info("codes_reported", order_id=ask.order_id, coupons=len(answer.codes))


async def _look_again(desk: Desk, late: LateIssue, *, wait: timedelta) -> None:
    async with desk.database.pool.acquire() as conn:
        await queries.put_off(conn, late, wait=wait)
