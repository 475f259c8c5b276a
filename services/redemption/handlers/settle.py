"""How a redemption ends: once, with its ledger, its answer and its events in one commit."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from services.redemption.domain import answers, spending
from services.redemption.domain.records import Attempt, Caller, Offer, Redemption, Refusal
from services.redemption.domain.settling import Ending, Verdict, earliest_effect
from services.redemption.domain.states import RedemptionState
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Answer, Desk, as_json
from services.redemption.queries import pending
from services.redemption.queries import redemptions as queries
from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.redemption import CouponPending, CouponRedeemed, CouponRefused
from shared.platforms.reasons import Reason
from shared.platforms.registry import platform_named

# Another worker may settle it, of which this process hears only from the table.
_LOOK_AGAIN_SECONDS: Final = 0.2

log = structlog.get_logger()


async def settle(desk: Desk, attempt: Attempt, verdicts: Sequence[Verdict]) -> Answer:
    """End it, unless somebody else has; either way give the answer that stands."""
    redemption = attempt.redemption
    since = earliest_effect(redemption, attempt.preparation)
    dated = [
        replace(verdict, at=(verdict.at or since) if verdict.ending is Ending.SPENT else None)
        for verdict in verdicts
    ]
    offers = spending.chosen(attempt.preparation, redemption.coupon_ids)
    answer = _answer(redemption, offers, dated)
    written = await _write(desk, redemption, offers, dated, answer)
    desk.settlements.ring(redemption.redemption_id)
    if not written:
        return await wait_for_answer(desk, redemption, seconds=0)
    _tell(redemption, answer)
    return answer


def _answer(redemption: Redemption, offers: Sequence[Offer], verdicts: Sequence[Verdict]) -> Answer:
    times = [verdict.at for verdict in verdicts if verdict.at is not None]
    if times:
        body = answers.redeemed(
            redemption,
            offers,
            verdicts,
            redeemed_at=max(times),
            cancel_until=max(times) + _cancel_window(redemption),
        )
        return _as_answer(200, body, redemption)
    reason = verdicts[0].reason or Reason.UNKNOWN_PLATFORM_ERROR
    body = answers.refused(
        Refusal(reason, verdicts[0].detail),
        **answers.names(redemption),
        coupon_ids=list(redemption.coupon_ids),
        coupons=answers.ended(offers, verdicts),
    )
    return _as_answer(409, body, redemption, reason=reason)


def _as_answer(
    status: int, body: answers.Body, redemption: Redemption, *, reason: str | None = None
) -> Answer:
    return Answer(
        status,
        as_json(body),
        reason=reason,
        order_id=redemption.order_id,
        coupon_ids=redemption.coupon_ids,
    )


async def _write(
    desk: Desk,
    redemption: Redemption,
    offers: Sequence[Offer],
    verdicts: Sequence[Verdict],
    answer: Answer,
) -> bool:
    if answer.reason:
        said: Sequence[Event] = [_refused_event(redemption, answer.reason)]
    else:
        said = _redeemed_events(redemption, offers, verdicts)
    async with desk.database.pool.acquire() as conn:
        written = await queries.settle(
            conn,
            redemption_id=redemption.redemption_id,
            state=RedemptionState.REFUSED if answer.reason else RedemptionState.REDEEMED,
            reason=answer.reason,
            answer=answer.body,
            frees_preparation=all(verdict.untouched for verdict in verdicts),
            verdicts=verdicts,
            cancel_window=_cancel_window(redemption),
            said=said,
        )
    if written:
        desk.database.published.ring()
    return written


def _redeemed_events(
    redemption: Redemption,
    offers: Sequence[Offer],
    verdicts: Sequence[Verdict],
) -> Sequence[Event]:
    by_id = {offer.coupon_id: offer for offer in offers}
    versions = dict(zip(redemption.coupon_ids, redemption.coupon_versions, strict=True))
    window = _cancel_window(redemption)
    return [
        event(
            CouponRedeemed(
                redemption_id=redemption.redemption_id,
                platform=redemption.platform,
                order_id=redemption.order_id,
                store_id=redemption.store_id,
                terminal_id=redemption.terminal_id,
                coupon_id=verdict.coupon_id,
                verify_id=verdict.verify_id,
                title=by_id[verdict.coupon_id].title,
                pay_amount_fen=by_id[verdict.coupon_id].pay_amount_fen,
                redeemed_at=verdict.at,
                cancel_until=verdict.at + window,
            ),
            subject=verdict.coupon_id,
            merchant=redemption.merchant,
            version=versions[verdict.coupon_id],
            traceparent=redemption.traceparent,
        )
        for verdict in verdicts
        if verdict.at is not None
    ]


def _refused_event(redemption: Redemption, reason: str) -> Event:
    return refused_event(
        Caller(
            redemption.merchant,
            redemption.store_id,
            redemption.terminal_id,
            redemption.traceparent,
        ),
        redemption_id=redemption.redemption_id,
        platform=redemption.platform,
        order_id=redemption.order_id,
        coupon_ids=redemption.coupon_ids,
        reason=reason,
    )


def refused_event(
    caller: Caller,
    *,
    redemption_id: UUID,
    platform: str,
    order_id: str,
    coupon_ids: Sequence[str],
    reason: str,
) -> Event:
    """Version 2: a refusal is the last word, after a pending that may have gone before."""
    return event(
        CouponRefused(
            redemption_id=redemption_id,
            platform=platform,
            order_id=order_id,
            store_id=caller.store_id,
            terminal_id=caller.terminal_id,
            coupon_ids=tuple(coupon_ids),
            reason=reason,
            refused_at=utc_now(),
        ),
        subject=str(redemption_id),
        merchant=caller.merchant,
        version=2,
        traceparent=caller.traceparent,
    )


async def put_off(desk: Desk, redemption: Redemption, *, wait: timedelta) -> Answer:
    """Leave it to the background, and say once that it is pending."""
    async with desk.database.transaction() as transaction:
        first = await pending.put_off(transaction.conn, redemption.redemption_id, wait=wait)
        if first:
            transaction.emit([_pending_event(redemption)])
    if first:
        OUTCOMES.labels("redeem", "pending").inc()
    log.info(
        "redemption_put_off",
        redemption_id=str(redemption.redemption_id),
        order_id=redemption.order_id,
        coupon_ids=list(redemption.coupon_ids),
        attempts=redemption.attempts,
        wait_seconds=wait.total_seconds(),
        trace=redemption.traceparent[3:35],
    )
    return _pending_answer(redemption)


def _pending_event(redemption: Redemption) -> Event:
    return event(
        CouponPending(
            redemption_id=redemption.redemption_id,
            platform=redemption.platform,
            order_id=redemption.order_id,
            store_id=redemption.store_id,
            terminal_id=redemption.terminal_id,
            coupon_ids=tuple(redemption.coupon_ids),
            since=redemption.created_at,
        ),
        subject=str(redemption.redemption_id),
        merchant=redemption.merchant,
        traceparent=redemption.traceparent,
    )


async def wait_for_answer(desk: Desk, redemption: Redemption, *, seconds: float) -> Answer:
    """The answer that stands; while there is none, wait for it so long."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        if redemption.answer is not None:
            return answer_of(redemption)
        if asyncio.get_running_loop().time() >= deadline:
            break
        await desk.settlements.wait(redemption.redemption_id, _LOOK_AGAIN_SECONDS)
        redemption = await _read_again(desk, redemption)
    redemption = await _read_again(desk, redemption)
    return answer_of(redemption)


async def _read_again(desk: Desk, redemption: Redemption) -> Redemption:
    async with desk.database.pool.acquire() as conn:
        return await queries.find_redemption(conn, redemption.redemption_id) or redemption


def answer_of(redemption: Redemption) -> Answer:
    if redemption.answer is None:
        return _pending_answer(redemption)
    return Answer(
        200 if redemption.state is RedemptionState.REDEEMED else 409,
        redemption.answer.encode(),
        reason=redemption.reason,
        order_id=redemption.order_id,
        coupon_ids=redemption.coupon_ids,
    )


def _pending_answer(redemption: Redemption) -> Answer:
    return Answer(
        202,
        as_json(answers.pending(redemption)),
        retry_after_seconds=2,
        order_id=redemption.order_id,
        coupon_ids=redemption.coupon_ids,
    )


def _cancel_window(redemption: Redemption) -> timedelta:
    return platform_named(redemption.platform).cancel_window


def _tell(redemption: Redemption, answer: Answer) -> None:
    """One line that names everything by which people look for a redemption."""
    outcome = "refused" if answer.reason else "redeemed"
    OUTCOMES.labels("redeem", outcome).inc()
    if answer.reason:
        REFUSALS.labels("redeem", answer.reason).inc()
    log.info(
        "redemption_settled",
        redemption_id=str(redemption.redemption_id),
        order_id=redemption.order_id,
        coupon_ids=list(redemption.coupon_ids),
        outcome=outcome,
        reason=answer.reason,
        store_id=redemption.store_id,
        attempts=redemption.attempts,
        trace=redemption.traceparent[3:35],
    )
