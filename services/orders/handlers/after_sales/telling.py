"""Gives the platform the answer to a refund that it was told to wait for, until it takes it."""

from services.orders.domain.after_sales import TOLD_AGAIN, Move
from services.orders.domain.refunds import REASON_WORDS, RefundReason
from services.orders.handlers.after_sales.desk import ATTEMPTS, Desk
from services.orders.handlers.after_sales.due import each_due
from services.orders.handlers.after_sales.moving import move
from services.orders.handlers.after_sales.steps import (
    PLATFORM,
    Change,
    Outrun,
    named_coupons,
)
from services.orders.queries import after_sales as queries
from services.orders.queries import reconciling
from services.orders.queries.after_sales import AfterSale
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.refunds import RefundVerdict

# Not an answer about this refund, but about our rights: somebody has to mend those.
_ABOUT_US = frozenset({Reason.APP_NOT_AUTHORISED, Reason.MERCHANT_NOT_AUTHORISED})


async def tell_due(desk: Desk) -> int:
    """Returns how many were due."""
    return await each_due(desk, sorted(TOLD_AGAIN), tell_platform)


async def tell_platform(desk: Desk, matter: AfterSale) -> AfterSale:
    """Raises what says that it must be told again: the same answer, known by its after_sale_id."""
    try:
        await desk.gateway.answer_refund(
            matter.merchant,
            matter.platform,
            account_id=matter.account_id,
            verdict=verdict_of(matter),
        )
    except Refused as refused:
        if refused.refusal in _ABOUT_US:
            ATTEMPTS.labels("answer", "not_authorised").inc()
            raise
        ATTEMPTS.labels("answer", "declined").inc()
        declined = Change(Move.ANSWER_DECLINED, PLATFORM, reason=RefundReason.PLATFORM_DECIDED)
        return await _settle(desk, matter, declined)
    except (Retry, OutcomeUnknown) as failure:
        ATTEMPTS.labels("answer", str(failure.reason)).inc()
        raise
    ATTEMPTS.labels("answer", "taken").inc()
    return await _settle(desk, matter, Change(Move.ANSWER_TAKEN, PLATFORM))


async def _settle(desk: Desk, matter: AfterSale, change: Change) -> AfterSale:
    try:
        async with desk.database.transaction() as transaction:
            if change.move is Move.ANSWER_DECLINED:
                # The platform alone knows what it made of the refund.
                await reconciling.read_back_now(transaction.conn, [matter.order_name])
            return await move(
                transaction, matter, change, read_back_after=desk.settings.read_back_after
            )
    except Outrun:
        async with desk.database.pool.acquire() as conn:
            found = await queries.find_after_sale(conn, matter.platform, matter.after_sale_id)
        return found or matter


def verdict_of(matter: AfterSale) -> RefundVerdict:
    allow = matter.outcome == "allowed"
    granted = matter.granted_coupon_ids if allow else ()
    asked = named_coupons(matter, matter.judgement)
    # A whole order is answered as it was asked: as a whole.
    named = bool(matter.coupon_ids) or matter.partial
    return RefundVerdict(
        after_sale_id=matter.after_sale_id,
        out_refund_id=str(matter.out_refund_id),
        channel=matter.channel,
        allow=allow,
        allowed=granted if named else (),
        refused=tuple(one for one in asked if one not in set(granted)) if named else (),
        words=None if allow else _words(matter.reason),
    )


def _words(reason: str | None) -> str | None:
    """The rules' own words; what a person typed is not for the buyer's eyes."""
    if reason is None or reason == RefundReason.BY_A_PERSON:
        return None
    return REASON_WORDS[RefundReason(reason)][0]
