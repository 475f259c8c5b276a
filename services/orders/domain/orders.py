"""The order as its facts make it: a pure function of the set of observations."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.orders.domain.coupons import (
    CONTRADICTED_COUPON,
    COUPON_KINDS,
    CouponView,
    walk_coupon,
)
from services.orders.domain.facts import Fact, in_order
from services.orders.domain.order_refunds import NO_MONEY_BACK, MoneyBack, walk_refunds
from services.orders.domain.phases import CONTRADICTED_ORDER, UNPAID, OrderPhase, walk_order
from shared.contracts.orders import CouponSnapshot, CouponState, OrderState


class Question(StrEnum):
    """What only the platform can answer; the order is read back."""

    CONTRADICTED = "contradicted"
    SAME_SECOND = "same_second"
    COUPON_COUNT = "coupon_count"
    REFUND_AMOUNT = "refund_amount"


class Snapshot(NamedTuple):
    """Everything about an order that others see. Two orders alike in this are alike."""

    state: OrderState
    paid: bool
    contradicted: bool
    account_id: str | None
    coupon_count: int | None
    coupons: tuple[CouponSnapshot, ...]
    title: str | None
    original_amount_fen: int | None
    pay_amount_fen: int | None
    refunded_amount_fen: int
    created_at: datetime | None
    paid_at: datetime | None
    platform_sku_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderView:
    """A snapshot, and how it came about."""

    snapshot: Snapshot
    phase: OrderPhase
    coupons: tuple[CouponView, ...]
    rule: "Rule"
    questions: frozenset[Question]
    # When it was ordered, or the first time that anybody speaks of: lists are ordered by it.
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """What the rules look at."""

    phase: OrderPhase
    states: frozenset[CouponState]
    # Every coupon of the order has been heard of; never while their count is unknown.
    whole: bool
    # What went back of which no coupon was named.
    money: MoneyBack = NO_MONEY_BACK

    def only(self, *states: CouponState) -> bool:
        """The whole order is in the first of these states, or in the others beside it."""
        return self.whole and states[0] in self.states and self.states <= frozenset(states)

    def any(self, state: CouponState) -> bool:
        return state in self.states


class Rule(NamedTuple):
    """One row of the table that says what an order is, given its phase and its coupons."""

    state: OrderState
    holds: Callable[[Tally], bool]
    zh: str
    en: str


_C = CouponState

# The first row that holds is the order's state. Until the platform has said how many coupons an
# order has, only "partly" is claimed.
RULES: tuple[Rule, ...] = (
    Rule(
        OrderState.CLOSED,
        lambda order: order.phase is OrderPhase.CLOSED,
        "已关闭,且从未付款",
        "closed, and never paid",
    ),
    Rule(
        OrderState.CREATED,
        lambda order: order.phase in UNPAID,
        "没有任何迹象表明已付款",
        "nothing says that it was paid",
    ),
    Rule(
        OrderState.REFUNDED,
        lambda order: order.only(_C.REFUNDED, _C.CLOSED) or order.money.whole,
        "每张券都已退款(或已关闭),或实付金额已全部退回",
        "every coupon is refunded (or closed), or all that was paid went back",
    ),
    Rule(
        OrderState.SETTLED,
        lambda order: order.phase in (OrderPhase.SETTLED, OrderPhase.SETTLED_THOUGH_TAKEN_BACK),
        "平台已结算",
        "the platform has settled it",
    ),
    Rule(
        OrderState.REFUNDING,
        lambda order: order.any(_C.REFUNDING) or order.money.is_open,
        "有券正在退款,或有一笔退款未决",
        "a coupon is being refunded, or a refund of the order is undecided",
    ),
    Rule(
        OrderState.PARTLY_REFUNDED,
        lambda order: order.any(_C.REFUNDED) or order.money.some,
        "有券已退款,但不是全部,或不知共几张;或退回了部分金额",
        "a coupon is refunded; not all are, or nobody said how many there are; or money went back",
    ),
    Rule(
        OrderState.REDEEMED,
        lambda order: order.only(_C.REDEEMED, _C.CLOSED),
        "每张券都已核销(或已关闭)",
        "every coupon is redeemed (or closed)",
    ),
    Rule(
        OrderState.PARTLY_REDEEMED,
        lambda order: order.any(_C.REDEEMED),
        "有券已核销,但不是全部,或不知共几张",
        "a coupon is redeemed; not all are, or nobody said how many there are",
    ),
    Rule(
        OrderState.CLOSED,
        lambda order: order.only(_C.CLOSED),
        "每张券都已关闭",
        "every coupon is closed",
    ),
    Rule(
        OrderState.PAID,
        lambda _order: True,
        "已付款,以上都不成立",
        "paid, and none of the above",
    ),
)


def fold(facts: Iterable[Fact]) -> OrderView:
    """What the order is. At least one fact; their order and repetition do not matter."""
    ordered = in_order(facts)
    phase = walk_order(ordered)
    coupons = tuple(
        walk_coupon(coupon_id, of_coupon) for coupon_id, of_coupon in sorted(_by_coupon(ordered))
    )
    said = _said(ordered)
    money = walk_refunds(ordered, pay_amount_fen=said.pay_amount_fen)
    rule = _rule(phase, coupons, said.coupon_count, money)
    snapshot = Snapshot(
        state=rule.state,
        paid=phase not in UNPAID,
        contradicted=phase in CONTRADICTED_ORDER
        or any(coupon.phase is CONTRADICTED_COUPON for coupon in coupons),
        account_id=said.account_id,
        coupon_count=said.coupon_count,
        coupons=tuple(
            CouponSnapshot(
                coupon_id=coupon.coupon_id,
                state=coupon.state,
                changed_at=coupon.changed_at,
                refund_amount_fen=coupon.refund_amount_fen,
            )
            for coupon in coupons
        ),
        title=said.title,
        original_amount_fen=said.original_amount_fen,
        pay_amount_fen=said.pay_amount_fen,
        refunded_amount_fen=_refunded_amount_fen(
            rule.state, coupons, money, pay_amount_fen=said.pay_amount_fen
        ),
        created_at=said.created_at,
        paid_at=said.paid_at,
        platform_sku_id=said.platform_sku_id,
    )
    return OrderView(
        snapshot=snapshot,
        phase=phase,
        coupons=coupons,
        rule=rule,
        questions=_questions(snapshot, coupons),
        ordered_at=said.created_at or min(fact.began_at for fact in ordered),
    )


def _by_coupon(ordered: Iterable[Fact]) -> Iterable[tuple[str, Sequence[Fact]]]:
    by_coupon: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in ordered:
        if fact.coupon_id is not None and fact.kind in COUPON_KINDS:
            by_coupon[fact.coupon_id].append(fact)
    return by_coupon.items()


@dataclass(slots=True)
class _Said:
    account_id: str | None = None
    coupon_count: int | None = None
    title: str | None = None
    original_amount_fen: int | None = None
    pay_amount_fen: int | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
    platform_sku_id: str | None = None


def _said(ordered: Iterable[Fact]) -> _Said:
    """What was said last counts; of the times, which do not change, the earliest."""
    said = _Said()
    for fact in ordered:
        if fact.account_id is not None:
            said.account_id = fact.account_id
        if fact.coupon_count is not None:
            said.coupon_count = fact.coupon_count
        if fact.title is not None:
            said.title = fact.title
        if fact.platform_sku_id is not None:
            said.platform_sku_id = fact.platform_sku_id
        if fact.original_amount_fen is not None:
            said.original_amount_fen = fact.original_amount_fen
        if fact.pay_amount_fen is not None:
            said.pay_amount_fen = fact.pay_amount_fen
        if fact.created_at is not None:
            said.created_at = min(fact.created_at, said.created_at or fact.created_at)
        if fact.paid_at is not None:
            said.paid_at = min(fact.paid_at, said.paid_at or fact.paid_at)
    return said


def _rule(
    phase: OrderPhase, coupons: Sequence[CouponView], count: int | None, money: MoneyBack
) -> Rule:
    tally = Tally(
        phase=phase,
        states=frozenset(coupon.state for coupon in coupons),
        whole=count is not None and len(coupons) >= count > 0,
        money=money,
    )
    return next(rule for rule in RULES if rule.holds(tally))


def _refunded_amount_fen(
    state: OrderState,
    coupons: Sequence[CouponView],
    money: MoneyBack,
    *,
    pay_amount_fen: int | None,
) -> int:
    """What the platform named; where it named nothing and all is refunded, what was paid.

    Named by coupon and by order it is the same money, so the larger of the two counts.
    """
    named = [
        coupon.refund_amount_fen
        for coupon in coupons
        if coupon.state is CouponState.REFUNDED and coupon.refund_amount_fen is not None
    ]
    if not named and not money.amount_fen and state is OrderState.REFUNDED:
        return pay_amount_fen or 0
    return max(sum(named), money.amount_fen)


def _questions(snapshot: Snapshot, coupons: Sequence[CouponView]) -> frozenset[Question]:
    asked: Mapping[Question, bool] = {
        Question.CONTRADICTED: snapshot.contradicted,
        Question.SAME_SECOND: any(coupon.undecidable for coupon in coupons),
        Question.COUPON_COUNT: snapshot.paid and snapshot.coupon_count is None,
        Question.REFUND_AMOUNT: any(
            coupon.state is CouponState.REFUNDED and coupon.refund_amount_fen is None
            for coupon in coupons
        ),
    }
    return frozenset(question for question, open_ in asked.items() if open_)
