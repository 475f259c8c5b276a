"""Asks the platform to spend, and about what it spent."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.redemption.domain.records import Attempt, Preparation, Secrets
from services.redemption.domain.settling import (
    PATIENCE,
    Verdict,
    after_look,
    earliest_effect,
    judge,
    judge_failure,
    needs_a_look,
)
from services.redemption.gateway import Counter
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.secrets import unseal
from shared.clock import utc_now
from shared.platforms.answers import Coupon, CouponToVerify
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.rate import Priority

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Question:
    attempt: Attempt
    secrets: Secrets
    priority: Priority


async def ask_to_spend(
    desk: Desk, attempt: Attempt, *, priority: Priority = Priority.COUNTER
) -> tuple[Verdict, ...]:
    """One call with the kept token, and a look at the coupons where its answer leaves doubt."""
    redemption, repeated = attempt.redemption, attempt.repeated
    question = _Question(attempt, unseal(desk, attempt.preparation), priority)
    try:
        counter = await desk.gateway.counter(
            merchant=redemption.merchant, platform=redemption.platform
        )
        verdicts = await _verify(counter, question)
    except (Refused, Retry, OutcomeUnknown) as failure:
        log.info(
            "platform_did_not_spend",
            redemption_id=str(redemption.redemption_id),
            ending=type(failure).__name__,
            reason=failure.reason,
            code=failure.code,
        )
        verdicts = judge_failure(failure, redemption.coupon_ids, repeated=repeated)
    if not needs_a_look(verdicts, repeated=repeated):
        return verdicts
    return after_look(
        verdicts,
        await look_up(desk, attempt.preparation, priority=priority),
        poi_id=attempt.preparation.poi_id,
        since=earliest_effect(redemption, attempt.preparation),
        patient=utc_now() - redemption.created_at < PATIENCE,
    )


async def _verify(counter: Counter, question: _Question) -> tuple[Verdict, ...]:
    attempt, secrets = question.attempt, question.secrets
    async with counter.turn("verify", attempt.redemption.store_id, priority=question.priority):
        verification = await counter.client.verify(
            verify_token=secrets.verify_token,
            poi_id=attempt.preparation.poi_id,
            coupons=[
                CouponToVerify(coupon_id, secrets.codes[coupon_id])
                for coupon_id in attempt.redemption.coupon_ids
            ],
            account_id=counter.account_id,
            repeated=attempt.repeated,
        )
    return judge(verification, repeated=attempt.repeated)


async def look_up(
    desk: Desk, preparation: Preparation, *, priority: Priority
) -> Sequence[Coupon] | None:
    """The order's coupons as the platform shows them now; None if it cannot be asked."""
    try:
        counter = await desk.gateway.counter(
            merchant=preparation.merchant, platform=preparation.platform
        )
        async with counter.turn("query", preparation.store_id, priority=priority):
            found = await counter.client.certificate_query(
                order_id=preparation.order_id, account_id=counter.account_id
            )
    except (Refused, Retry) as failure:
        log.info("coupon_look_failed", order_id=preparation.order_id, reason=failure.reason)
        return None
    return found.coupons
