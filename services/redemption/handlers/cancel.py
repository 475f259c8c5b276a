"""Takes a redemption back at the counter's request: one cancellation at a time."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from services.redemption.domain import answers, cancelling
from services.redemption.domain.records import Caller, Cancellation, Redemption, Refusal, Visitor
from services.redemption.domain.settling import FIRST_WAIT, settled, wait_after
from services.redemption.domain.states import CancellationState, RedemptionState
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Answer, Desk, as_json
from services.redemption.handlers.settle import wait_for_answer
from services.redemption.handlers.take_back import Undertaking, ask_to_take_back, settle
from services.redemption.queries import cancellations as queries
from services.redemption.queries import redemptions
from services.redemption.queries.refusals import add_refusal
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.platforms.rate import Priority
from shared.platforms.reasons import Reason

_LOOK_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class CancelRequest:
    redemption_id: UUID
    cancel_id: UUID
    cause: str


async def cancel(desk: Desk, visitor: Visitor, asked: CancelRequest) -> Answer:
    """The first answer under this cancel_id is the answer for ever."""
    async with desk.database.pool.acquire() as conn:
        redemption = await redemptions.find_redemption(conn, asked.redemption_id)
        known = await queries.find_cancellation(conn, asked.cancel_id)
    if redemption is None or not visitor.may_enter(
        merchant=redemption.merchant, store_id=redemption.store_id
    ):
        return await _unknown_redemption(desk, visitor, asked)
    if known is not None:
        answer = await _again(desk, asked, known)
    else:
        answer = await _cancel(desk, visitor, asked, redemption)
    return replace(answer, order_id=redemption.order_id, coupon_ids=redemption.coupon_ids)


async def _cancel(
    desk: Desk, visitor: Visitor, asked: CancelRequest, redemption: Redemption
) -> Answer:
    if redemption.state is RedemptionState.PENDING:
        await wait_for_answer(
            desk, redemption, seconds=desk.settings.redemption_answer_wait_seconds
        )
    caller = visitor.at(merchant=redemption.merchant, store_id=redemption.store_id)
    begun = await _begin(desk, caller, asked, cause=await _sealed_cause(desk, redemption, asked))
    if begun is None:
        # The same cancel_id came a second time at the same moment, and the other was faster.
        async with desk.database.pool.acquire() as conn:
            known = await queries.find_cancellation(conn, asked.cancel_id)
        if known is None:
            message = "other cancellations keep coming and going"
            raise Unavailable(message)
        return await _again(desk, asked, known)
    return begun if isinstance(begun, Answer) else await _ask_and_settle(desk, begun)


async def _again(desk: Desk, asked: CancelRequest, known: Cancellation) -> Answer:
    digest = cancelling.digest_of_cancel(asked.redemption_id, asked.cause)
    if digest != known.request_digest:
        refusal = Refusal(Reason.CANCEL_ID_REUSED, "this cancel_id stands for another request")
        return Answer(409, as_json(answers.refused(refusal)), reason=refusal.reason)
    return await _wait(desk, known, seconds=desk.settings.redemption_answer_wait_seconds)


async def _unknown_redemption(desk: Desk, visitor: Visitor, asked: CancelRequest) -> Answer:
    refusal = Refusal(Reason.REDEMPTION_UNKNOWN, "no such redemption in this store")
    caller = visitor.at_home()
    if caller is not None:
        async with desk.database.pool.acquire() as conn:
            await add_refusal(
                conn,
                step="cancel",
                caller=caller,
                reason=refusal.reason,
                redemption_id=asked.redemption_id,
            )
    REFUSALS.labels("cancel", refusal.reason).inc()
    body = as_json(answers.refused(refusal, redemption_id=str(asked.redemption_id)))
    return Answer(answers.status_of_request(refusal.reason), body, reason=refusal.reason)


async def _sealed_cause(desk: Desk, redemption: Redemption, asked: CancelRequest) -> str:
    """What a person typed may hold a name or a number: it rests and travels sealed."""
    async with desk.database.pool.acquire() as conn:
        await desk.keyring.load(conn, [redemption.merchant])
    context = f"cancellation {asked.cancel_id}"
    return desk.keyring.seal_text(redemption.merchant, asked.cause, context=context)


async def _begin(
    desk: Desk, caller: Caller, asked: CancelRequest, *, cause: str
) -> Undertaking | Answer | None:
    """Note that the platform is being asked, or refuse for ever. None: the id is in use."""
    digest = cancelling.digest_of_cancel(asked.redemption_id, asked.cause)
    async with desk.database.pool.acquire() as conn, conn.transaction():
        cancellation = await queries.add_cancellation(
            conn,
            cancel_id=asked.cancel_id,
            redemption_id=asked.redemption_id,
            digest=digest,
            caller=caller,
            cause=cause,
            first_wait=FIRST_WAIT,
        )
        # Read after that: a cancellation that was under way until now has done its work.
        redemption = await redemptions.find_redemption(conn, asked.redemption_id)
        rows = await queries.find_rows(conn, asked.redemption_id)
        if redemption is None or (
            cancellation is None and await queries.find_cancellation(conn, asked.cancel_id)
        ):
            return None
        if cancellation is None:
            refusal = Refusal(Reason.CANCEL_IN_PROGRESS, "another cancellation is under way")
            body = _refused_body(asked, redemption, refusal)
            recorded = await queries.record_refused_cancellation(
                conn,
                cancel_id=asked.cancel_id,
                redemption=redemption,
                digest=digest,
                caller=caller,
                cause=cause,
                reason=refusal.reason,
                answer=body,
            )
            return _refused(redemption, refusal, body) if recorded else None
        against = cancelling.refusal_to_cancel(redemption, rows, now=utc_now())
        if against is None:
            left = cancelling.spent_rows(rows)
            return Undertaking(cancellation, redemption, left, repeated=False)
        body = _refused_body(asked, redemption, against)
        await queries.settle_cancellation(
            conn,
            cancel_id=asked.cancel_id,
            state=CancellationState.REFUSED,
            reason=against.reason,
            answer=body,
        )
        return _refused(redemption, against, body)


def _refused_body(asked: CancelRequest, redemption: Redemption, refusal: Refusal) -> bytes:
    return as_json(
        answers.refused(refusal, cancel_id=str(asked.cancel_id), **answers.names(redemption))
    )


def _refused(redemption: Redemption, refusal: Refusal, body: bytes) -> Answer:
    OUTCOMES.labels("cancel", "refused").inc()
    REFUSALS.labels("cancel", refusal.reason).inc()
    return Answer(409, body, reason=refusal.reason, order_id=redemption.order_id)


async def _ask_and_settle(desk: Desk, undertaking: Undertaking) -> Answer:
    verdicts = await ask_to_take_back(desk, undertaking, priority=Priority.COUNTER)
    if settled(verdicts):
        await settle(desk, undertaking, verdicts)
        return await _wait(desk, undertaking.cancellation, seconds=0)
    async with desk.database.pool.acquire() as conn:
        await queries.put_off_cancellation(
            conn, undertaking.cancellation.cancel_id, wait=wait_after(1)
        )
    OUTCOMES.labels("cancel", "pending").inc()
    return _answer_of(undertaking.cancellation)


async def _wait(desk: Desk, cancellation: Cancellation, *, seconds: float) -> Answer:
    """The answer that stands; while there is none, wait for it so long."""
    deadline = asyncio.get_running_loop().time() + seconds
    while cancellation.answer is None:
        async with desk.database.pool.acquire() as conn:
            found = await queries.find_cancellation(conn, cancellation.cancel_id)
        cancellation = found or cancellation
        if cancellation.answer or asyncio.get_running_loop().time() >= deadline:
            break
        await desk.settlements.wait(cancellation.cancel_id, _LOOK_AGAIN_SECONDS)
    return _answer_of(cancellation)


def _answer_of(cancellation: Cancellation) -> Answer:
    if cancellation.answer is None:
        body = as_json(answers.cancel_pending(cancellation))
        return Answer(202, body, retry_after_seconds=2)
    status = 200 if cancellation.state is CancellationState.CANCELLED else 409
    return Answer(status, cancellation.answer.encode(), reason=cancellation.reason)
