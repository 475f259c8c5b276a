"""Refund locks: all coupons of a refund or none, against every till that would spend one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from services.redemption.domain import usage
from services.redemption.domain.issued import Issued
from services.redemption.domain.usage import Use
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.issue import AskConflicted
from services.redemption.queries import locks as queries
from services.redemption.queries.locks import ElsewhereHeld, RefundLock
from shared.clock import utc_now
from shared.contracts.asks import CouponUse, LockAnswer, LockAsk
from shared.errors import NotFound
from shared.platforms.reasons import Reason
from shared.postgres.connection import Connection

# Of a merchant without any store.
_TIME_ZONE: Final = "Asia/Shanghai"
# What a coupon that is not locked for this refund keeps it from being locked by.
_BLOCKING: Final = frozenset({"held", "spent", "refunded"})

log = structlog.get_logger()


class _NotAll(Exception):
    """Undoes what was locked: it could not be all of it."""

    def __init__(self, coupons: tuple[CouponUse, ...]) -> None:
        super().__init__()
        self.answer = LockAnswer(locked=False, coupons=coupons)


@dataclass(frozen=True, slots=True)
class _Found:
    ours: Sequence[Issued]
    elsewhere: Sequence[ElsewhereHeld]
    time_zone: str


async def lock(desk: Desk, after_sale_id: str, ask: LockAsk) -> LockAnswer:
    """Locked until it is released; what could not be locked may be asked for again.

    One that is held stays held for the coupons named now; the others are given back.
    """
    try:
        async with desk.database.transaction() as transaction:
            answer = await _lock(transaction.conn, after_sale_id, ask)
    except _NotAll as not_all:
        answer = not_all.answer
    log.info(
        "refund_lock_asked",
        after_sale_id=after_sale_id,
        order_id=ask.order_id,
        coupon_ids=[each.coupon_id for each in answer.coupons[:50]],
        locked=answer.locked,
    )
    return answer


async def _lock(conn: Connection, after_sale_id: str, ask: LockAsk) -> LockAnswer:
    await queries.hold_orders(conn, [(ask.platform, ask.order_id)])
    known = await queries.find_lock(conn, platform=ask.platform, after_sale_id=after_sale_id)
    if known is not None and (known.merchant, known.order_id) != (ask.merchant, ask.order_id):
        raise AskConflicted("this lock is for another order")
    found = await _find(conn, ask.merchant, ask)
    if known is not None and known.released_at is None:
        if ask.coupon_ids and set(ask.coupon_ids) != set(known.coupon_ids):
            await queries.keep_only(
                conn,
                platform=ask.platform,
                after_sale_id=after_sale_id,
                coupon_ids=list(ask.coupon_ids),
            )
        return _answer(ask, found, after_sale_id, locked=True)
    uses = _uses(ask, found, after_sale_id)
    free = [each.coupon_id for each in found.ours if each.refund_lock is None]
    if any(use.state in _BLOCKING for use in uses):
        raise _NotAll(uses)
    wanted = RefundLock(
        ask.platform, after_sale_id, ask.merchant, ask.order_id, list(ask.coupon_ids), None
    )
    if await queries.add_lock(conn, wanted, free) < len(found.ours):
        raise _NotAll(uses)
    return LockAnswer(locked=True, coupons=uses)


async def release(desk: Desk, after_sale_id: str, *, merchant: str, platform: str) -> LockAnswer:
    """Raises NotFound where no such lock was ever taken; asked again it is still released."""
    async with desk.database.transaction() as transaction:
        conn = transaction.conn
        known = await queries.find_lock(conn, platform=platform, after_sale_id=after_sale_id)
        if known is None or known.merchant != merchant:
            message = "no such lock"
            raise NotFound(message)
        await queries.release_lock(conn, platform=platform, after_sale_id=after_sale_id)
        ask = LockAsk(
            merchant=merchant,
            platform=platform,
            order_id=known.order_id,
            coupon_ids=tuple(known.coupon_ids),
        )
        return _answer(ask, await _find(conn, merchant, ask), after_sale_id, locked=False)


async def _find(conn: Connection, merchant: str, ask: LockAsk) -> _Found:
    ours = await queries.lock_coupons_of_order(
        conn,
        platform=ask.platform,
        merchant=merchant,
        order_id=ask.order_id,
        coupon_ids=list(ask.coupon_ids),
    )
    elsewhere = await queries.find_elsewhere(
        conn, platform=ask.platform, order_id=ask.order_id, coupon_ids=list(ask.coupon_ids)
    )
    return _Found(ours, elsewhere, await queries.find_time_zone(conn, merchant) or _TIME_ZONE)


def _answer(ask: LockAsk, found: _Found, after_sale_id: str, *, locked: bool) -> LockAnswer:
    return LockAnswer(locked=locked, coupons=_uses(ask, found, after_sale_id))


def _uses(ask: LockAsk, found: _Found, after_sale_id: str) -> tuple[CouponUse, ...]:
    """Those asked for, or all that are known of the order."""
    known = {each.coupon_id: _use_of(each, after_sale_id, found.time_zone) for each in found.ours}
    known |= {
        each.coupon_id: CouponUse(
            coupon_id=each.coupon_id,
            state=each.state,
            times_total=1,
            times_used=int(each.state == "spent"),
            expired=False,
        )
        for each in found.elsewhere
    }
    asked = ask.coupon_ids or tuple(sorted(known))
    return tuple(known.get(coupon_id) or _unknown(coupon_id) for coupon_id in asked)


def _use_of(issued: Issued, after_sale_id: str, time_zone: str) -> CouponUse:
    if issued.refunded_at is not None:
        state = "refunded"
    elif not issued.times_left:
        state = "spent"
    elif issued.refund_lock not in (None, after_sale_id):
        state = "held"
    else:
        state = "available"
    return CouponUse(
        coupon_id=issued.coupon_id,
        state=state,
        times_total=issued.times_total,
        times_used=issued.times_used,
        expired=_is_expired(issued, time_zone),
    )


def _is_expired(issued: Issued, time_zone: str) -> bool:
    store_id = next(iter(issued.usage.store_ids or ()), "")
    use = Use(utc_now(), store_id, time_zone)
    return usage.why_not(issued.usage, issued.term, use) is Reason.EXPIRED


def _unknown(coupon_id: str) -> CouponUse:
    return CouponUse(
        coupon_id=coupon_id, state="unknown", times_total=1, times_used=0, expired=False
    )
