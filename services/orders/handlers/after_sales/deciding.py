"""A person decides what the rules left open. Said again it is the same decision."""

from dataclasses import dataclass

from services.orders.domain.after_sales import Move
from services.orders.domain.refunds import RefundReason
from services.orders.handlers.after_sales.desk import Desk
from services.orders.handlers.after_sales.moving import move
from services.orders.handlers.after_sales.ruling import keep_lock, take_lock
from services.orders.handlers.after_sales.steps import (
    Change,
    Outrun,
    named_coupons,
    refundable_coupons,
)
from services.orders.queries import after_sales as queries
from services.orders.queries import locks as lock_queries
from services.orders.queries.after_sales import AfterSale
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.asks import CouponUse
from shared.errors import Rejection, Unreadable
from shared.platforms.registry import platform_named

_FREE = frozenset({"available", "unknown"})


class NotPending(Rejection):
    """It does not wait for a person, or another decision was faster."""

    reason = "not_pending"


class NotRefundable(Rejection):
    """A coupon was spent, or is being spent: money and coupon must not both be given."""

    reason = "coupon_not_refundable"


class NotDivisible(Rejection):
    """Its platform takes one answer for the whole refund."""

    reason = "not_divisible"


class CodeMissing(Rejection):
    """The platform takes the refusal of a coupon without code only together with its code."""

    reason = "code_missing"


@dataclass(frozen=True, slots=True)
class Decision:
    allow: bool
    # None: all that can be refunded.
    coupon_ids: tuple[str, ...] | None
    words: str | None
    by: str


async def decide(desk: Desk, matter: AfterSale, decision: Decision) -> AfterSale:
    """Raises a Rejection that says why not, or Unavailable while redemption cannot be asked."""
    granted = _granted(matter, decision)
    if matter.state is not AfterSaleState.PENDING:
        return _as_before(matter, decision, granted)
    words = await _sealed(desk, matter, decision)
    if decision.allow:
        await _lock(desk, matter, granted)
        change = Change(
            Move.PERSON_ALLOWS,
            decision.by,
            words=words,
            granted=granted,
            partial=set(granted) != set(named_coupons(matter, matter.judgement)),
        )
    else:
        if matter.without_code:
            message = "issue the codes first: then they can be refused with their codes"
            raise CodeMissing(message)
        change = Change(
            Move.PERSON_REFUSES, decision.by, reason=RefundReason.BY_A_PERSON, words=words
        )
    try:
        async with desk.database.transaction() as transaction:
            return await move(
                transaction, matter, change, read_back_after=desk.settings.read_back_after
            )
    except Outrun:
        return _as_before(await _read_again(desk, matter), decision, granted)


def _granted(matter: AfterSale, decision: Decision) -> tuple[str, ...]:
    """Which coupons an allowance is about."""
    if not decision.allow:
        if decision.coupon_ids:
            message = "coupon_ids: a refusal is of the whole; allow the others instead"
            raise Unreadable(message)
        return ()
    asked = set(named_coupons(matter, matter.judgement))
    granted = decision.coupon_ids or refundable_coupons(matter)
    unknown = sorted(set(granted) - asked)
    if unknown:
        message = f"coupon_ids: not asked for in this after-sale: {', '.join(unknown)}"
        raise Unreadable(message)
    if asked and not granted:
        message = "none of its coupons can be refunded"
        raise NotRefundable(message)
    if set(granted) != asked and not platform_named(matter.platform).splits_refunds(matter.channel):
        message = "allow all of its coupons, or refuse"
        raise NotDivisible(message)
    return tuple(sorted(set(granted)))


def _as_before(matter: AfterSale, decision: Decision, granted: tuple[str, ...]) -> AfterSale:
    outcome = "allowed" if decision.allow else "refused"
    if matter.outcome == outcome and matter.granted_coupon_ids == granted:
        return matter
    message = f"it is {matter.state}, decided by {matter.decided_by or 'nobody'}"
    raise NotPending(message)


async def _lock(desk: Desk, matter: AfterSale, granted: tuple[str, ...]) -> None:
    """Nothing is allowed that is not locked first. A lock too many is kept until it is over."""
    async with desk.database.pool.acquire() as conn:
        for lock in await lock_queries.find_locks(conn, matter):
            covers = not lock.coupon_ids or set(granted) <= set(lock.coupon_ids)
            if lock.state == "held" and covers:
                return
            if lock.state == "wanted" and not covers:
                # Of another decision, which nobody came back to.
                await lock_queries.release_lock(conn, lock)
    lock, answer = await take_lock(desk, matter, granted)
    await keep_lock(desk, matter, lock, answer)
    if not answer.locked:
        raise NotRefundable(_why(answer.coupons))


def _why(coupons: tuple[CouponUse, ...]) -> str:
    blocked = [f"{one.coupon_id} is {one.state}" for one in coupons if one.state not in _FREE]
    return "; ".join(blocked) or "redemption could not lock its coupons: try again in a moment"


async def _sealed(desk: Desk, matter: AfterSale, decision: Decision) -> str | None:
    if not decision.words:
        return None
    async with desk.database.pool.acquire() as conn:
        await desk.keyring.load(conn, [matter.merchant])
    context = decision_context(matter.platform, matter.after_sale_id)
    return desk.keyring.seal_text(matter.merchant, decision.words, context=context)


def decision_context(platform: str, after_sale_id: str) -> str:
    return f"decision {platform}/{after_sale_id}"


async def _read_again(desk: Desk, matter: AfterSale) -> AfterSale:
    async with desk.database.pool.acquire() as conn:
        found = await queries.find_after_sale(conn, matter.platform, matter.after_sale_id)
    return found or matter
