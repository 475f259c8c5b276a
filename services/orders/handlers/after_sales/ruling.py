"""Locks the coupons at redemption, and has the rules decide by what redemption knows.

A lock is written down before redemption is asked for it, so that whoever dies in between leaves a
row that says what may have to be given back.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from services.orders.domain.after_sales import RULED_AGAIN, LockDuty, Move, lock_duty
from services.orders.domain.refunds import (
    Judgement,
    Ruling,
    Use,
    UseState,
    judge,
)
from services.orders.handlers.after_sales.desk import ATTEMPTS, LEASE, Desk
from services.orders.handlers.after_sales.due import each_due
from services.orders.handlers.after_sales.moving import move
from services.orders.handlers.after_sales.steps import (
    RULES,
    Change,
    Outrun,
    refundable_coupons,
)
from services.orders.queries import after_sales as queries
from services.orders.queries import locks as lock_queries
from services.orders.queries import refund_rules
from services.orders.queries.after_sales import AfterSale
from services.orders.queries.locks import Lock
from services.orders.queries.refund_rules import KnownOrder
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.asks import LockAnswer, LockAsk
from shared.contracts.products import RefundRules
from shared.errors import Rejection, Unavailable
from shared.postgres.connection import Connection

_MOVES: Mapping[Ruling, Move] = {
    Ruling.ALLOW: Move.RULED_ALLOW,
    Ruling.ASK: Move.RULED_ASK,
    Ruling.REFUSE: Move.RULED_REFUSE,
    Ruling.WAIT: Move.TOLD_TO_WAIT,
}

log = structlog.get_logger()


async def rule(desk: Desk, matter: AfterSale) -> AfterSale:
    """The matter as it stands once the rules have been applied, by us or by somebody faster.

    Raises Unavailable while redemption cannot be asked: then nothing is decided.
    """
    async with desk.database.pool.acquire() as conn:
        known = await refund_rules.find_order(conn, matter.order_name)
        rules, source = await _rules(conn, desk, matter, known)
    coupon_ids = matter.coupon_ids or (tuple(known.coupons) if known and known.whole else ())
    lock, answer = await take_lock(desk, matter, coupon_ids)
    uses = _uses(coupon_ids, answer, known)
    judgement = judge(
        uses,
        rules,
        locked=answer.locked,
        without_code=matter.without_code,
        order_known=known is not None,
    )
    shown = _shown(judgement, uses, rules, source, answer)
    return await _settle(desk, matter, lock, answer, judgement, shown)


async def take_lock(
    desk: Desk, matter: AfterSale, coupon_ids: tuple[str, ...]
) -> tuple[Lock, LockAnswer]:
    """The lock that is wanted, asked for by the name under which it was written down."""
    lock = await _wanted(desk, matter, coupon_ids)
    ask = LockAsk(
        merchant=matter.merchant,
        platform=matter.platform,
        order_id=matter.order_id,
        coupon_ids=lock.coupon_ids,
    )
    try:
        answer = await desk.locks.take(lock.lock_id, ask)
    except Rejection as rejection:
        ATTEMPTS.labels("lock", "refused").inc()
        log.warning("lock_not_understood", lock_id=lock.lock_id, reason=rejection.reason)
        message = f"redemption does not take this lock: {rejection.reason}"
        raise Unavailable(message, retry_after_seconds=60) from rejection
    except Unavailable:
        ATTEMPTS.labels("lock", "unavailable").inc()
        raise
    ATTEMPTS.labels("lock", "held" if answer.locked else "not_held").inc()
    return lock, answer


async def _wanted(desk: Desk, matter: AfterSale, coupon_ids: tuple[str, ...]) -> Lock:
    async with desk.database.pool.acquire() as conn:
        lock = _current(await lock_queries.find_locks(conn, matter))
        if lock is None:
            lock = await lock_queries.want_lock(conn, matter, coupon_ids, lease=LEASE)
        if lock is None:
            lock = _current(await lock_queries.find_locks(conn, matter))
    if lock is None:
        message = "this after-sale is being decided at this very moment"
        raise Unavailable(message)
    return lock


def _current(locks: list[Lock]) -> Lock | None:
    return next((lock for lock in locks if lock.state in ("wanted", "held")), None)


async def _rules(
    conn: Connection, desk: Desk, matter: AfterSale, known: KnownOrder | None
) -> tuple[RefundRules, str]:
    """The rules of what was bought, or the settings' where nobody knows what that was."""
    if known is not None and known.platform_sku_id is not None:
        found = await refund_rules.find_rules(
            conn,
            merchant=matter.merchant,
            platform=matter.platform,
            platform_sku_id=known.platform_sku_id,
        )
        if found is not None:
            return found.rules, f"product {found.product_id}"
    return desk.settings.default_refund_rules, "settings"


def _uses(coupon_ids: tuple[str, ...], answer: LockAnswer, known: KnownOrder | None) -> list[Use]:
    answered = {each.coupon_id: each for each in answer.coupons}
    uses = []
    for coupon_id in coupon_ids or tuple(answered):
        use = answered.get(coupon_id)
        said = known.coupons.get(coupon_id) if known else None
        if use is None:
            uses.append(Use(coupon_id, UseState.UNKNOWN, said=said, order_known=known is not None))
            continue
        uses.append(
            Use(
                coupon_id,
                UseState(use.state),
                use.times_total,
                use.times_used,
                use.expired,
                said,
                known is not None,
            )
        )
    return uses


def _shown(
    judgement: Judgement, uses: list[Use], rules: RefundRules, source: str, answer: LockAnswer
) -> dict[str, Any]:
    """What is kept of it, for those who ask why."""
    by_id = {use.coupon_id: use for use in uses}
    return {
        "ruling": judgement.ruling,
        "reason": judgement.reason,
        "rules": rules.model_dump(mode="json"),
        "rules_of": source,
        "locked": answer.locked,
        "coupons": [
            {
                "coupon_id": each.coupon_id,
                "ruling": each.ruling,
                "reason": each.reason,
                "state": by_id[each.coupon_id].state,
                "order_says": by_id[each.coupon_id].said,
                "times_total": by_id[each.coupon_id].times_total,
                "times_used": by_id[each.coupon_id].times_used,
                "expired": by_id[each.coupon_id].expired,
            }
            for each in judgement.coupons
        ],
    }


async def _settle(
    desk: Desk,
    matter: AfterSale,
    lock: Lock,
    answer: LockAnswer,
    judgement: Judgement,
    shown: dict[str, Any],
) -> AfterSale:
    change = Change(_MOVES[judgement.ruling], RULES, reason=judgement.reason, judgement=shown)
    if change.move is Move.TOLD_TO_WAIT and matter.state is AfterSaleState.WAITING:
        await keep_lock(desk, matter, lock, answer)
        return matter
    try:
        async with desk.database.transaction() as transaction:
            moved = await move(
                transaction, matter, change, read_back_after=desk.settings.read_back_after
            )
            await lock_queries.keep_answer(
                transaction.conn, lock, held=answer.locked, answer=answer.model_dump(mode="json")
            )
    except Outrun:
        return await keep_lock(desk, matter, lock, answer)
    return moved


async def keep_lock(desk: Desk, matter: AfterSale, lock: Lock, answer: LockAnswer) -> AfterSale:
    """Write down what was taken; it is given back where the matter is over. The matter now."""
    async with desk.database.transaction() as transaction:
        conn = transaction.conn
        await lock_queries.keep_answer(
            conn, lock, held=answer.locked, answer=answer.model_dump(mode="json")
        )
        now = await queries.find_after_sale(conn, matter.platform, matter.after_sale_id)
        if now is None:
            return matter
        withdrawn = now.state is AfterSaleState.CLOSED and now.reason == "withdrawn"
        last = Move.WITHDRAWN if withdrawn else Move.ANSWER_TAKEN
        if lock_duty(now.state, last) is LockDuty.RELEASE:
            await lock_queries.release_locks(conn, now)
    return now


async def lock_passed(desk: Desk, matter: AfterSale) -> AfterSale:
    """The platform passed it without us: keep what can still be kept from being spent."""
    async with desk.database.pool.acquire() as conn:
        locks = await lock_queries.find_locks(conn, matter)
    if not any(lock.state == "held" for lock in locks):
        lock, answer = await take_lock(desk, matter, refundable_coupons(matter))
        matter = await keep_lock(desk, matter, lock, answer)
    async with desk.database.pool.acquire() as conn:
        await queries.rest(conn, matter)
    return matter


async def lock_passed_due(desk: Desk) -> int:
    return await each_due(desk, [AfterSaleState.PASSED], lock_passed)


async def rule_due(desk: Desk) -> int:
    """Go on with what could not be ruled when it was asked. Returns how many were due."""
    states = sorted(RULED_AGAIN)
    return await each_due(desk, states, rule)
