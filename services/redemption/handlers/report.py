"""Tells the platform what became of coupons of ours, until it has an answer for each."""

import asyncio
import time
from collections import Counter as Counts
from collections.abc import Sequence
from typing import Final

import prometheus_client
import structlog

from services.redemption.domain.reporting import (
    ENDED,
    Heard,
    Report,
    Step,
    Word,
    word_of_cancelled,
    word_of_failure,
    word_of_verified,
)
from services.redemption.domain.settling import LEASE, wait_after
from services.redemption.gateway import Counter
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.issue import unseal_code
from services.redemption.queries import issued_changes
from services.redemption.queries import reports as queries
from shared.clock import utc_now
from shared.contracts.making import event
from shared.contracts.redemption import CouponCancelled, CouponDisputed
from shared.messaging.outbox import Transaction
from shared.platforms.answers import CouponToVerify
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.rate import Priority
from shared.platforms.reasons import Reason
from shared.postgres.connection import is_outage

_AT_ONCE: Final = 20
_NOT_ACCEPTED: Final = "the platform did not accept it"

REPORTED = prometheus_client.Counter(
    "qiao_redemption_reports_total", "Reports of coupons of ours, by ending", ["step", "ending"]
)
UNREPORTED = prometheus_client.Gauge(
    "qiao_redemption_unreported", "Reports that the platform has not answered"
)
UNREPORTED_SECONDS = prometheus_client.Gauge(
    "qiao_redemption_unreported_oldest_seconds", "Age of the oldest of them"
)

log = structlog.get_logger()


async def report_due(desk: Desk) -> int:
    """Make every report whose time has come, many orders at once. Returns how many.

    Never faster than the setting says: tills come first, and after an outage much is due.
    """
    started = time.monotonic()
    async with desk.database.pool.acquire() as conn:
        reports = await queries.claim_due(conn, lease=LEASE, limit=_AT_ONCE)
        await desk.keyring.load_for(conn, [report.sealed_code for report in reports])
    heard = [
        (report, word)
        for report, word in zip(
            reports, await asyncio.gather(*(_ask(desk, each) for each in reports)), strict=True
        )
        if word is not None
    ]
    await _settle(desk, heard)
    pause = len(reports) / desk.settings.redemption_reports_per_second
    await asyncio.sleep(max(0.0, pause - (time.monotonic() - started)))
    return len(reports)


async def measure(desk: Desk) -> None:
    async with desk.database.pool.acquire() as conn:
        waiting = await queries.measure_unreported(conn)
    UNREPORTED.set(waiting.count)
    UNREPORTED_SECONDS.set(waiting.oldest_seconds)


async def _ask(desk: Desk, report: Report) -> Word | None:
    """None: it failed here, waits for its lease to end, and holds up no other."""
    if report.step is Step.CANCEL and report.verify_id is None:
        return Word(Heard.NOTHING)
    try:
        counter = await desk.gateway.counter(merchant=report.merchant, platform=report.platform)
        async with counter.turn(
            "verify" if report.step is Step.REDEEM else "cancel",
            report.store_id,
            priority=Priority.BACKGROUND,
        ):
            if report.step is Step.REDEEM:
                return await _tell_redeemed(desk, counter, report)
            return await _tell_cancelled(counter, report)
    except (Refused, Retry, OutcomeUnknown) as failure:
        return word_of_failure(report, failure, now=utc_now())
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("report_failed", report_id=str(report.report_id), order_id=report.order_id)
        return None


async def _tell_redeemed(desk: Desk, counter: Counter, report: Report) -> Word:
    code = unseal_code(desk, report.platform, report.coupon_id, report.sealed_code)
    verification = await counter.client.verify(
        verify_token=str(report.report_id),
        poi_id=report.poi_id,
        coupons=[CouponToVerify(report.coupon_id, code, ours=True)],
        order_id=report.order_id,
        account_id=counter.account_id,
        repeated=report.repeated,
    )
    return word_of_verified(report, verification.coupons[0], now=utc_now())


async def _tell_cancelled(counter: Counter, report: Report) -> Word:
    verify_id = report.verify_id or "0"
    if report.times_card:
        done = await counter.client.cancel_batch(
            order_id=report.order_id,
            verify_ids=[verify_id],
            cancel_token=str(report.report_id),
            account_id=counter.account_id,
        )
    else:
        done = await counter.client.cancel(
            verify_id=verify_id,
            coupon_id=report.coupon_id,
            cancel_token=str(report.report_id),
            order_id=report.order_id,
            account_id=counter.account_id,
        )
    return word_of_cancelled(report, done.coupons[0], now=utc_now())


async def _settle(desk: Desk, heard: Sequence[tuple[Report, Word]]) -> None:
    """What was accepted and what has to wait, one statement each; then what is disputed."""
    accepted = [each for each in heard if each[1].heard is Heard.ACCEPTED]
    unknown = [report for report, word in heard if word.heard is Heard.UNKNOWN]
    nothing = [report for report, word in heard if word.heard is Heard.NOTHING]
    async with desk.database.pool.acquire() as conn:
        if accepted:
            await queries.accept(
                conn, [(report.report_id, word.verify_id) for report, word in accepted]
            )
        if unknown:
            await queries.put_off(
                conn, [(report.report_id, wait_after(report.attempts)) for report in unknown]
            )
        if nothing:
            await queries.withdraw(conn, [report.report_id for report in nothing])
    for report, word in heard:
        if word.heard is Heard.REFUSED:
            await _dispute(desk, report, word.reason or Reason.UNKNOWN_PLATFORM_ERROR)
        REPORTED.labels(report.step, word.heard).inc()
    if heard:
        log.info(
            "redemptions_reported",
            endings=dict(Counts(word.heard.value for _, word in heard)),
            reasons=sorted({word.reason for _, word in heard if word.reason}),
            redemption_ids=[str(report.redemption_id) for report, _ in heard],
            order_ids=[report.order_id for report, _ in heard],
            coupon_ids=[report.coupon_id for report, _ in heard],
        )


async def _dispute(desk: Desk, report: Report, reason: Reason) -> None:
    """The platform says no to what has happened: say so, and do what the policy is."""
    kept = report.step is Step.CANCEL or desk.settings.redemption_disputes == "keep"
    async with desk.database.transaction() as transaction:
        conn = transaction.conn
        # Coupons are locked before their reports and the ledger, as everybody does.
        await issued_changes.lock_issued(
            conn, platform=report.platform, coupon_ids=[report.coupon_id]
        )
        if not await queries.refuse(conn, report.report_id, reason=reason, kept=kept):
            return
        version = await _end(transaction, report, reason, kept=kept)
        transaction.emit(
            [
                event(
                    CouponDisputed(
                        redemption_id=report.redemption_id,
                        platform=report.platform,
                        order_id=report.order_id,
                        store_id=report.store_id,
                        terminal_id=report.terminal_id,
                        coupon_id=report.coupon_id,
                        step=report.step,
                        reason=reason,
                        kept=kept,
                        disputed_at=utc_now(),
                    ),
                    subject=report.coupon_id,
                    merchant=report.merchant,
                    version=version,
                    traceparent=report.traceparent,
                )
            ]
        )


async def _end(transaction: Transaction, report: Report, reason: Reason, *, kept: bool) -> int:
    """What the coupon comes to; gives which change of it the dispute is."""
    conn, now = transaction.conn, utc_now()
    if reason in ENDED and report.step is Step.REDEEM:
        # Nothing more of it is spent, whatever becomes of this use.
        await issued_changes.end_refunded(
            conn,
            platforms=[report.platform],
            coupon_ids=[report.coupon_id],
            refunded_at=[now],
        )
    if not kept and await queries.end_use(conn, report, cause=_NOT_ACCEPTED):
        version = await _change(transaction, report, times_back=1)
        said = CouponCancelled(
            redemption_id=report.redemption_id,
            platform=report.platform,
            order_id=report.order_id,
            store_id=report.store_id,
            terminal_id=report.terminal_id,
            coupon_id=report.coupon_id,
            verify_id=None,
            cancel_id=report.report_id,
            cancelled_at=now,
            reason=_NOT_ACCEPTED,
        )
        transaction.emit(
            [
                event(
                    said,
                    subject=report.coupon_id,
                    merchant=report.merchant,
                    version=version,
                    traceparent=report.traceparent,
                )
            ]
        )
    return await _change(transaction, report, times_back=0)


async def _change(transaction: Transaction, report: Report, *, times_back: int) -> int:
    versions = await issued_changes.give_back(
        transaction.conn,
        platform=report.platform,
        coupon_ids=[report.coupon_id],
        times=[times_back],
    )
    return versions[report.platform, report.coupon_id]
