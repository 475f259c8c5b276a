"""Asks the platform to take coupons back, and writes down what came of it."""

from collections import Counter as Counts
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid5

import structlog

from services.redemption.domain import answers, cancelling
from services.redemption.domain.records import (
    Cancellation,
    Fact,
    FactKind,
    Redemption,
    Refusal,
    Spent,
)
from services.redemption.domain.settling import (
    LEASE,
    PATIENCE,
    Ending,
    Verdict,
    settled,
    wait_after,
)
from services.redemption.domain.states import CancellationState
from services.redemption.gateway import Counter
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Desk, all_of, as_json
from services.redemption.queries import cancellations as queries
from services.redemption.queries import coupons, issued_changes, redemptions
from services.redemption.queries.coupons import HeardFact
from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.redemption import CouponCancelled
from shared.platforms.answers import Coupon
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.rate import Priority
from shared.platforms.reasons import Reason
from shared.postgres.connection import Connection, is_outage

AT_THE_COUNTER: Final = "taken back at the counter"
_AT_ONCE: Final = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Undertaking:
    """A cancellation under way, and the coupons it is about."""

    cancellation: Cancellation
    redemption: Redemption
    rows: Sequence[Spent]
    # Whether the platform may have been asked before.
    repeated: bool


async def ask_to_take_back(
    desk: Desk, undertaking: Undertaking, *, priority: Priority
) -> tuple[Verdict, ...]:
    """One coupon after the other, each with its own token, so that asking again is safe.

    Coupons whose codes are ours are ours to take back: the platform is told afterwards.
    """
    redemption = undertaking.redemption
    if await _is_ours(desk, redemption):
        now = utc_now()
        coupon_ids = dict.fromkeys(row.coupon_id for row in undertaking.rows)
        return tuple(Verdict(coupon_id, Ending.SPENT, at=now) for coupon_id in coupon_ids)
    try:
        counter = await desk.gateway.counter(
            merchant=redemption.merchant, platform=redemption.platform
        )
    except (Refused, Retry) as failure:
        return tuple(
            cancelling.judge_cancel_failure(row.coupon_id, failure, repeated=undertaking.repeated)
            for row in undertaking.rows
        )
    verdicts = [
        await _take_back_one(counter, undertaking, row, priority) for row in undertaking.rows
    ]
    if all(verdict.ending in (Ending.SPENT, Ending.REFUSED) for verdict in verdicts):
        return tuple(verdicts)
    found = await _look_up(counter, redemption, priority)
    patient = utc_now() - undertaking.cancellation.created_at < PATIENCE
    return cancelling.after_cancel_look(verdicts, found, patient=patient)


async def _is_ours(desk: Desk, redemption: Redemption) -> bool:
    async with desk.database.pool.acquire() as conn:
        return await issued_changes.is_ours(
            conn, platform=redemption.platform, coupon_ids=redemption.coupon_ids
        )


async def _take_back_one(
    counter: Counter, undertaking: Undertaking, row: Spent, priority: Priority
) -> Verdict:
    cancel_token = str(uuid5(undertaking.cancellation.cancel_id, row.coupon_id))
    try:
        async with counter.turn("cancel", undertaking.redemption.store_id, priority=priority):
            if row.times_card:
                done = await counter.client.cancel_batch(
                    order_id=undertaking.redemption.order_id,
                    verify_ids=[row.verify_id or "0"],
                    cancel_token=cancel_token,
                    account_id=counter.account_id,
                )
            else:
                done = await counter.client.cancel(
                    verify_id=row.verify_id or "0",
                    coupon_id=row.coupon_id,
                    cancel_token=cancel_token,
                    account_id=counter.account_id,
                )
    except (Refused, Retry, OutcomeUnknown) as failure:
        return cancelling.judge_cancel_failure(
            row.coupon_id, failure, repeated=undertaking.repeated
        )
    return cancelling.judge_cancelled(row.coupon_id, done.coupons[0], now=done.now)


async def _look_up(
    counter: Counter, redemption: Redemption, priority: Priority
) -> Sequence[Coupon] | None:
    try:
        async with counter.turn("query", redemption.store_id, priority=priority):
            found = await counter.client.certificate_query(
                order_id=redemption.order_id, account_id=counter.account_id
            )
    except (Refused, Retry):
        return None
    return found.coupons


async def settle(desk: Desk, undertaking: Undertaking, verdicts: Sequence[Verdict]) -> bool:
    """End the cancellation with its ledger, its answer and its events in one commit; once."""
    cancellation, redemption = undertaking.cancellation, undertaking.redemption
    now = utc_now()
    taken_back = {
        verdict.coupon_id: verdict.at or now
        for verdict in verdicts
        if verdict.ending is Ending.SPENT
    }
    reason = None if taken_back else verdicts[0].reason or Reason.UNKNOWN_PLATFORM_ERROR
    body = _body(undertaking, verdicts, taken_back, reason)
    async with desk.database.transaction() as transaction:
        conn = transaction.conn
        written = await queries.settle_cancellation(
            conn,
            cancel_id=cancellation.cancel_id,
            state=CancellationState.CANCELLED if taken_back else CancellationState.REFUSED,
            reason=reason,
            answer=as_json(body),
        )
        if written and taken_back:
            await coupons.keep_facts(conn, _facts(redemption, taken_back))
            versions = await release(conn, redemption, list(taken_back), cause=AT_THE_COUNTER)
            transaction.emit(_events(undertaking, taken_back, versions))
    desk.settlements.ring(cancellation.cancel_id)
    if written:
        _tell(undertaking, reason)
    return written


async def release(
    conn: Connection, redemption: Redemption, coupon_ids: Sequence[str], *, cause: str
) -> dict[tuple[str, str], int]:
    """Make them spendable again; gives which change of each coupon this is."""
    platform = redemption.platform
    ours = await issued_changes.lock_issued(conn, platform=platform, coupon_ids=coupon_ids)
    released = Counts(
        await queries.release_rows(
            conn, redemption_id=redemption.redemption_id, coupon_ids=coupon_ids, cause=cause
        )
    )
    if ours:
        await issued_changes.report_taken_back(conn, redemption.redemption_id)
        return await issued_changes.give_back(
            conn, platform=platform, coupon_ids=list(released), times=list(released.values())
        )
    return await coupons.next_versions(
        conn,
        platforms=[platform] * len(released),
        merchants=[redemption.merchant] * len(released),
        coupon_ids=list(released),
    )


def _body(
    undertaking: Undertaking,
    verdicts: Sequence[Verdict],
    taken_back: dict[str, datetime],
    reason: Reason | None,
) -> answers.Body:
    if reason is None:
        return answers.cancelled(
            undertaking.cancellation, verdicts, cancelled_at=max(taken_back.values())
        )
    return answers.refused(
        Refusal(reason, verdicts[0].detail),
        cancel_id=str(undertaking.cancellation.cancel_id),
        **answers.names(undertaking.redemption),
    )


def _facts(redemption: Redemption, taken_back: dict[str, datetime]) -> list[HeardFact]:
    """So that a late word of the redemption does not count any more."""
    return [
        HeardFact(redemption.platform, redemption.merchant, Fact(coupon_id, FactKind.AVAILABLE, at))
        for coupon_id, at in taken_back.items()
    ]


def _events(
    undertaking: Undertaking,
    taken_back: dict[str, datetime],
    versions: dict[tuple[str, str], int],
) -> list[Event]:
    cancellation, redemption = undertaking.cancellation, undertaking.redemption
    return [
        event(
            CouponCancelled(
                redemption_id=redemption.redemption_id,
                platform=redemption.platform,
                order_id=redemption.order_id,
                store_id=cancellation.store_id,
                terminal_id=cancellation.terminal_id,
                coupon_id=row.coupon_id,
                verify_id=row.verify_id,
                cancel_id=cancellation.cancel_id,
                cancelled_at=taken_back[row.coupon_id],
                reason=cancellation.cause,
            ),
            subject=row.coupon_id,
            merchant=redemption.merchant,
            version=versions[redemption.platform, row.coupon_id],
            traceparent=cancellation.traceparent,
        )
        # One for a coupon, whatever number of uses that was.
        for row in {each.coupon_id: each for each in undertaking.rows}.values()
        if (redemption.platform, row.coupon_id) in versions
    ]


def _tell(undertaking: Undertaking, reason: Reason | None) -> None:
    cancellation, redemption = undertaking.cancellation, undertaking.redemption
    OUTCOMES.labels("cancel", "refused" if reason else "cancelled").inc()
    if reason:
        REFUSALS.labels("cancel", reason).inc()
    log.info(
        "cancellation_settled",
        cancel_id=str(cancellation.cancel_id),
        redemption_id=str(redemption.redemption_id),
        order_id=redemption.order_id,
        coupon_ids=[row.coupon_id for row in undertaking.rows],
        outcome="refused" if reason else "cancelled",
        reason=reason,
        store_id=cancellation.store_id,
        trace=cancellation.traceparent[3:35],
    )


async def settle_due(desk: Desk) -> int:
    """Ask again about every cancellation whose time has come. Returns how many."""
    async with desk.database.pool.acquire() as conn:
        due = await queries.claim_due_cancellations(conn, lease=LEASE, limit=_AT_ONCE)
    await all_of(_ask_again(desk, cancellation) for cancellation in due)
    return len(due)


async def _ask_again(desk: Desk, cancellation: Cancellation) -> None:
    try:
        async with desk.database.pool.acquire() as conn:
            redemption = await redemptions.find_redemption(conn, cancellation.redemption_id)
            rows = await queries.find_rows(conn, cancellation.redemption_id)
        if redemption is None:
            return
        undertaking = Undertaking(
            cancellation, redemption, cancelling.spent_rows(rows), repeated=True
        )
        verdicts = await ask_to_take_back(desk, undertaking, priority=Priority.BACKGROUND)
        if settled(verdicts):
            await settle(desk, undertaking, verdicts)
            return
        wait = wait_after(cancellation.attempts)
        async with desk.database.pool.acquire() as conn:
            await queries.put_off_cancellation(conn, cancellation.cancel_id, wait=wait)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("cancellation_ask_failed", cancel_id=str(cancellation.cancel_id))
