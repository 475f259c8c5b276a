"""Spends coupons once: hold them here, ask the platform, settle."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.redemption.domain import answers, spending
from services.redemption.domain.records import (
    Attempt,
    Preparation,
    Redemption,
    Refusal,
    Visitor,
)
from services.redemption.domain.settling import FIRST_WAIT, Verdict, settled, wait_after
from services.redemption.domain.states import RedemptionState
from services.redemption.handlers.asking import ask_to_spend
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Answer, Desk, as_json
from services.redemption.handlers.groups import Groups
from services.redemption.handlers.redeem_ours import SpendOfOurs
from services.redemption.handlers.requests import RedeemRequest
from services.redemption.handlers.settle import (
    put_off,
    refused_event,
    settle,
    wait_for_answer,
)
from services.redemption.queries import redemptions as queries
from services.redemption.queries.redemptions import SpendLook
from services.redemption.queries.refusals import add_refusal
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.platforms.reasons import Reason
from shared.platforms.registry import platform_named

# A rival that gives way between two looks is rare; one that does so ten times is a fault.
_LOOKS_MAX: Final = 10
# The request asks again by itself while it can still answer within the clerk's patience.
_ASK_AGAIN_WITHIN_SECONDS: Final = 2.0
_BETWEEN_CALLS_SECONDS: Final = 0.3
# Before the background takes it up.
_GIVE_UP_SECONDS: Final = 6.0


async def redeem(desk: Desk, groups: Groups, visitor: Visitor, asked: RedeemRequest) -> Answer:
    """The first answer under this redemption_id is the answer for ever."""
    ours = await groups.spends.ask(SpendOfOurs(visitor, asked))
    if ours is not None:
        return ours
    for _ in range(_LOOKS_MAX):
        look = await _look(desk, asked)
        if look.redemption is not None:
            return await _again(desk, visitor, asked, look.redemption)
        preparation = look.preparation
        if preparation is None or not visitor.may_enter(
            merchant=preparation.merchant, store_id=preparation.store_id
        ):
            return await _unknown_preparation(desk, visitor, asked)
        refusal = _refusal(preparation, asked, look)
        if refusal is not None:
            answer = await _refuse(desk, visitor, asked, preparation, refusal)
        else:
            answer = await _spend(desk, visitor, asked, preparation)
        if answer is not None:
            return answer
    message = "other tills keep taking and leaving this coupon"
    raise Unavailable(message)


async def _look(desk: Desk, asked: RedeemRequest) -> SpendLook:
    async with desk.database.pool.acquire() as conn:
        look = await queries.look_before_spending(
            conn,
            redemption_id=asked.redemption_id,
            preparation_id=asked.preparation_id,
            coupon_ids=asked.coupon_ids,
        )
        if look.preparation is not None and look.preparation.sealed is not None:
            await desk.keyring.load_for(conn, [look.preparation.sealed])
    return look


def _refusal(preparation: Preparation, asked: RedeemRequest, look: SpendLook) -> Refusal | None:
    if asked.times != 1:
        return Refusal(Reason.INVALID_REQUEST, "the platform spends one use at a time")
    return spending.refusal_before_asking(
        preparation,
        asked.coupon_ids,
        claims=look.claims,
        facts=look.facts,
        claimed=look.claimed_by is not None,
        now=utc_now(),
        coupons_per_call=platform_named(preparation.platform).coupons_per_call,
    )


async def _again(
    desk: Desk, visitor: Visitor, asked: RedeemRequest, redemption: Redemption
) -> Answer:
    """The same request gets the same answer; other content under the same id none."""
    digest = asked.digest(redemption.store_id)
    if digest != redemption.request_digest or not visitor.may_enter(
        merchant=redemption.merchant, store_id=redemption.store_id
    ):
        refusal = Refusal(
            Reason.REDEMPTION_ID_REUSED, "this redemption_id stands for another request"
        )
        return Answer(409, as_json(answers.refused(refusal)), reason=refusal.reason)
    return await wait_for_answer(
        desk, redemption, seconds=desk.settings.redemption_answer_wait_seconds
    )


async def _unknown_preparation(desk: Desk, visitor: Visitor, asked: RedeemRequest) -> Answer:
    """Nothing is kept under the id: the caller may use it with the right preparation."""
    refusal = Refusal(Reason.PREPARATION_UNKNOWN, "no such preparation in this store")
    caller = visitor.at_home()
    if caller is not None:
        async with desk.database.pool.acquire() as conn:
            await add_refusal(
                conn,
                step="redeem",
                caller=caller,
                reason=refusal.reason,
                redemption_id=asked.redemption_id,
            )
    REFUSALS.labels("redeem", refusal.reason).inc()
    body = as_json(answers.refused(refusal, redemption_id=str(asked.redemption_id)))
    return Answer(answers.status_of_request(refusal.reason), body, reason=refusal.reason)


async def _refuse(
    desk: Desk,
    visitor: Visitor,
    asked: RedeemRequest,
    preparation: Preparation,
    refusal: Refusal,
) -> Answer | None:
    """Keep the refusal as the answer for ever; None if a rival gave this id an answer before."""
    caller = visitor.at(merchant=preparation.merchant, store_id=preparation.store_id)
    body = as_json(
        answers.refused(
            refusal,
            redemption_id=str(asked.redemption_id),
            order_id=preparation.order_id,
            store_id=preparation.store_id,
            terminal_id=caller.terminal_id,
            coupon_ids=asked.coupon_ids,
        )
    )
    said = refused_event(
        caller,
        redemption_id=asked.redemption_id,
        platform=preparation.platform,
        order_id=preparation.order_id,
        coupon_ids=asked.coupon_ids,
        reason=refusal.reason,
    )
    async with desk.database.pool.acquire() as conn:
        recorded = await queries.record_refused(
            conn,
            redemption_id=asked.redemption_id,
            digest=asked.digest(preparation.store_id),
            caller=caller,
            preparation=preparation,
            coupon_ids=asked.coupon_ids,
            reason=refusal.reason,
            answer=body,
            said=said,
        )
    if not recorded:
        return None
    desk.database.published.ring()
    OUTCOMES.labels("redeem", "refused").inc()
    REFUSALS.labels("redeem", refusal.reason).inc()
    return Answer(
        409,
        body,
        reason=refusal.reason,
        order_id=preparation.order_id,
        coupon_ids=asked.coupon_ids,
    )


async def _spend(
    desk: Desk, visitor: Visitor, asked: RedeemRequest, preparation: Preparation
) -> Answer | None:
    """None if a rival was faster: then look again."""
    caller = visitor.at(merchant=preparation.merchant, store_id=preparation.store_id)
    digest = asked.digest(preparation.store_id)
    async with desk.database.pool.acquire() as conn:
        held = await queries.hold(
            conn,
            redemption_id=asked.redemption_id,
            digest=digest,
            caller=caller,
            preparation_id=preparation.preparation_id,
            coupon_ids=asked.coupon_ids,
            first_wait=FIRST_WAIT,
        )
    if held is None:
        return None
    redemption = Redemption(
        redemption_id=asked.redemption_id,
        request_digest=digest,
        merchant=preparation.merchant,
        store_id=preparation.store_id,
        terminal_id=caller.terminal_id,
        platform=preparation.platform,
        order_id=preparation.order_id,
        preparation_id=preparation.preparation_id,
        coupon_ids=asked.coupon_ids,
        coupon_versions=held.coupon_versions,
        state=RedemptionState.PENDING,
        reason=None,
        attempts=1,
        answer=None,
        traceparent=caller.traceparent,
        created_at=held.created_at,
    )
    return await _ask_and_settle(desk, Attempt(redemption, preparation, repeated=False))


async def _ask_and_settle(desk: Desk, attempt: Attempt) -> Answer:
    """What the platform leaves open for longer than a clerk waits is put off."""
    try:
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            attempt, verdicts = await _ask_patiently(desk, attempt)
    except TimeoutError:
        verdicts = ()
    if verdicts and settled(verdicts):
        return await settle(desk, attempt, verdicts)
    return await put_off(desk, attempt.redemption, wait=wait_after(1))


async def _ask_patiently(desk: Desk, attempt: Attempt) -> tuple[Attempt, Sequence[Verdict]]:
    """Ask, and again if the first call broke off quickly or was turned away for its rate."""
    started = time.perf_counter()
    verdicts = await ask_to_spend(desk, attempt)
    while not _final(verdicts) and time.perf_counter() - started < _ASK_AGAIN_WITHIN_SECONDS:
        await asyncio.sleep(_BETWEEN_CALLS_SECONDS)
        repeated = attempt.repeated or not all(verdict.untouched for verdict in verdicts)
        attempt = replace(attempt, repeated=repeated)
        verdicts = await ask_to_spend(desk, attempt)
    return attempt, verdicts


def _final(verdicts: Sequence[Verdict]) -> bool:
    """Settled, and not merely because the platform had no time for us."""
    return settled(verdicts) and not any(verdict.untouched for verdict in verdicts)
