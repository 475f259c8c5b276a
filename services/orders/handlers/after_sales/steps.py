"""What one move makes of an after-sale: its row, its step, its event. Nothing is written here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from services.orders.domain.after_sales import (
    TOLD_AGAIN,
    Move,
)
from services.orders.domain.refunds import RefundReason
from services.orders.handlers.after_sales.desk import MOVES
from services.orders.queries.after_sales import AfterSale, Step
from shared.clock import utc_now
from shared.contracts.after_sales import AfterSaleChanged, AfterSaleState
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.ids import new_id

RULES, PLATFORM, CLOCK = "rules", "platform", "clock"
_S, _M = AfterSaleState, Move
ALLOWED, REFUSED = "allowed", "refused"
# A yes needs no reason, and that a person was asked is over.
_WITHOUT_REASON = frozenset({_M.RULED_ALLOW, _M.PERSON_ALLOWS})
# Somebody in a hurry may be waiting for the end of a redemption.
_RULE_AGAIN = timedelta(seconds=1)

log = structlog.get_logger()


class Outrun(Exception):
    """Somebody else moved it since it was read: nothing was done, read it again."""


@dataclass(frozen=True, slots=True)
class Change:
    """A move, and what is told of it."""

    move: Move
    done_by: str
    reason: RefundReason | None = None
    # Sealed.
    words: str | None = None
    granted: tuple[str, ...] = ()
    partial: bool = False
    judgement: dict[str, Any] | None = None


def moved_by(matter: AfterSale, change: Change, state: AfterSaleState) -> tuple[AfterSale, Step]:
    """The row after the move, and what is to be written."""
    now = utc_now()
    outcome, decided_by, granted = _decision(matter, change)
    step = Step(
        state=state,
        step=change.move,
        done_by=change.done_by,
        event_id=new_id(),
        reason=change.reason or (None if change.move in _WITHOUT_REASON else matter.reason),
        words=change.words,
        outcome=outcome,
        decided_by=decided_by,
        granted_coupon_ids=granted,
        partial=change.partial or (matter.partial and change.move is not _M.TIME_IS_UP),
        judgement=change.judgement or matter.judgement,
        next_attempt_at=_next_attempt_at(state, now),
        at=now,
    )
    return _as_moved(matter, step, now), step


def _as_moved(matter: AfterSale, step: Step, now: datetime) -> AfterSale:
    """The row as the statement leaves it."""
    values = {name: getattr(matter, name) for name in AfterSale.__slots__}
    return AfterSale(
        **values
        | {
            "state": step.state,
            "version": matter.version + 1,
            "reason": step.reason,
            "outcome": step.outcome,
            "decided_by": step.decided_by,
            "decided_at": (matter.decided_at or now) if step.outcome else None,
            "granted_coupon_ids": step.granted_coupon_ids,
            "partial": step.partial,
            "judgement": step.judgement,
            "attempts": 0,
            "last_failure": None,
            "changed_at": now,
        }
    )


def _decision(matter: AfterSale, change: Change) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Outcome, who decided it, and which coupons it grants, after this move."""
    match change.move:
        case _M.RULED_ALLOW:
            return ALLOWED, change.done_by, named_coupons(matter, change.judgement)
        case _M.PERSON_ALLOWS:
            return ALLOWED, change.done_by, change.granted
        case _M.RULED_REFUSE | _M.PERSON_REFUSES:
            return REFUSED, change.done_by, ()
        case _M.TIME_IS_UP | _M.ANSWER_DECLINED:
            return ALLOWED, PLATFORM, named_coupons(matter, matter.judgement)
        case _M.REFUNDED:
            asked = matter.granted_coupon_ids or named_coupons(matter, matter.judgement)
            granted = change.granted or asked
            return ALLOWED, matter.decided_by or PLATFORM, granted
        case _:
            return matter.outcome, matter.decided_by, matter.granted_coupon_ids


def named_coupons(matter: AfterSale, judgement: dict[str, Any] | None) -> tuple[str, ...]:
    """Those asked for; where none was named, those that were known when it was ruled."""
    ruled = () if judgement is None else judgement["coupons"]
    return matter.coupon_ids or tuple(each["coupon_id"] for each in ruled)


def refundable_coupons(matter: AfterSale) -> tuple[str, ...]:
    """Those that were neither spent nor refunded when the rules looked."""
    if matter.judgement is None:
        return matter.coupon_ids
    return tuple(
        each["coupon_id"]
        for each in matter.judgement["coupons"]
        if each["ruling"] in ("allow", "ask")
    )


def _next_attempt_at(state: AfterSaleState, now: datetime) -> datetime | None:
    if state in TOLD_AGAIN or state is _S.PASSED:
        return now
    return now + _RULE_AGAIN if state is _S.WAITING else None


def events_of(before: AfterSale, moved: AfterSale, event_id: UUID) -> list[Event]:
    """One where others have something to hear; that the platform took our answer is ours."""
    name = _event_type(before, moved)
    return [] if name is None else [event_named(moved, name, before=before, event_id=event_id)]


def _event_type(before: AfterSale, moved: AfterSale) -> str | None:
    if moved.state is _S.PENDING:
        return "after_sale.pending"
    if moved.state is _S.CLOSED:
        return "after_sale.closed"
    if moved.outcome == before.outcome:
        return None
    return "after_sale.approved" if moved.outcome == ALLOWED else "after_sale.rejected"


def event_named(
    matter: AfterSale, name: str, *, before: AfterSale | None, event_id: UUID | None = None
) -> Event:
    return event(
        AfterSaleChanged(
            after_sale_id=matter.after_sale_id,
            platform=matter.platform,
            order_id=matter.order_id,
            state=matter.state,
            previous_state=before.state if before else None,
            coupon_ids=matter.coupon_ids,
            granted_coupon_ids=matter.granted_coupon_ids,
            amount_fen=matter.amount_fen,
            reason=matter.reason,
            decided_by=matter.decided_by,
            asked_at=matter.asked_at,
            answer_until=matter.answer_until,
            decided_at=matter.decided_at,
        ),
        subject=matter.after_sale_id,
        merchant=matter.merchant,
        version=matter.version,
        event_type=name,
        event_id=event_id,
        traceparent=matter.traceparent,
    )


def tell(moved: AfterSale, change: Change) -> None:
    """Counted and logged before the commit: what is rolled back is told again."""
    MOVES.labels(change.move, moved.state).inc()
    log.info(
        "after_sale_moved",
        after_sale_id=moved.after_sale_id,
        order_id=moved.order_id,
        move=change.move,
        state=moved.state,
        outcome=moved.outcome,
        reason=moved.reason,
        done_by=change.done_by,
        trace=moved.traceparent[3:35],
    )
