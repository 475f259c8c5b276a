"""May a refund be given? Rules only: what a coupon's use and its product's policy make of it.

What has been spent is never refunded from here: it is taken back at the counter first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from shared.contracts.orders import CouponState
from shared.contracts.products import RefundDecision, RefundRules


class UseState(StrEnum):
    """What redemption says of a coupon: `LockAnswer` in shared/contracts/asks.py."""

    AVAILABLE = "available"
    HELD = "held"
    SPENT = "spent"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


class RefundReason(StrEnum):
    """Why a refund is refused, or why a person is asked."""

    ALREADY_REDEEMED = "already_redeemed"
    ALREADY_REFUNDED = "already_refunded"
    BEING_REDEEMED = "being_redeemed"
    NOT_BY_POLICY = "not_by_policy"
    POLICY_ASKS = "policy_asks"
    COUPONS_DIFFER = "coupons_differ"
    NOTHING_KNOWN = "nothing_known"
    BY_A_PERSON = "by_a_person"
    ANSWER_TOO_LATE = "answer_too_late"
    PLATFORM_DECIDED = "platform_decided"
    WITHDRAWN = "withdrawn"


class Ruling(StrEnum):
    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"
    # A redemption of it is under way: its end decides.
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Use:
    """One coupon as redemption and the order's own facts know it."""

    coupon_id: str
    state: UseState
    times_total: int = 1
    times_used: int = 0
    expired: bool = False
    # What the order's own facts make of it, and whether there are any.
    said: CouponState | None = None
    order_known: bool = True

    @property
    def partly_used(self) -> bool:
        return 0 < self.times_used < self.times_total


class CouponRuling(NamedTuple):
    coupon_id: str
    ruling: Ruling
    reason: RefundReason | None


class Judgement(NamedTuple):
    """What the rules make of the whole question, and of each coupon."""

    ruling: Ruling
    reason: RefundReason | None
    coupons: tuple[CouponRuling, ...]

    @property
    def refundable(self) -> tuple[str, ...]:
        """Those that a person may allow."""
        final = (Ruling.ALLOW, Ruling.ASK)
        return tuple(each.coupon_id for each in self.coupons if each.ruling in final)


class CouponRule(NamedTuple):
    """One row of the table for one coupon; the first that holds rules."""

    zh: str
    en: str
    holds: Callable[[Use], bool]
    rule: Callable[[RefundRules], tuple[Ruling, RefundReason | None]]


_BY_POLICY: Mapping[RefundDecision, tuple[Ruling, RefundReason | None]] = {
    RefundDecision.ALLOW: (Ruling.ALLOW, None),
    RefundDecision.ASK: (Ruling.ASK, RefundReason.POLICY_ASKS),
    RefundDecision.REFUSE: (Ruling.REFUSE, RefundReason.NOT_BY_POLICY),
}
_STRICTNESS = (RefundDecision.ALLOW, RefundDecision.ASK, RefundDecision.REFUSE)


def _strictest(*decisions: RefundDecision) -> RefundDecision:
    return max(decisions, key=_STRICTNESS.index)


def _used_elsewhere(use: Use, state: CouponState) -> bool:
    """Where redemption has never seen the coupon, the order's own facts say what became of it."""
    return use.state is UseState.UNKNOWN and use.said is state


COUPON_RULES: tuple[CouponRule, ...] = (
    CouponRule(
        "已退款",
        "refunded before",
        lambda use: use.state is UseState.REFUNDED or _used_elsewhere(use, CouponState.REFUNDED),
        lambda _rules: (Ruling.REFUSE, RefundReason.ALREADY_REFUNDED),
    ),
    CouponRule(
        "已核销",
        "spent, all of it",
        lambda use: use.state is UseState.SPENT or _used_elsewhere(use, CouponState.REDEEMED),
        lambda _rules: (Ruling.REFUSE, RefundReason.ALREADY_REDEEMED),
    ),
    CouponRule(
        "正在核销",
        "a redemption or another refund of it is under way",
        lambda use: use.state is UseState.HELD,
        lambda _rules: (Ruling.WAIT, RefundReason.BEING_REDEEMED),
    ),
    CouponRule(
        "没人知道这张券和这个订单",
        "nobody has ever heard of it, nor of its order",
        lambda use: use.state is UseState.UNKNOWN and not use.order_known,
        lambda _rules: (Ruling.ASK, RefundReason.NOTHING_KNOWN),
    ),
    CouponRule(
        "次卡用过几次,且已过期",
        "a times card, partly used and expired",
        lambda use: use.partly_used and use.expired,
        lambda rules: _BY_POLICY[_strictest(rules.partly_used, rules.after_expiry)],
    ),
    CouponRule(
        "次卡用过几次",
        "a times card, partly used",
        lambda use: use.partly_used,
        lambda rules: _BY_POLICY[rules.partly_used],
    ),
    CouponRule(
        "未使用,已过期",
        "unused and expired",
        lambda use: use.expired,
        lambda rules: _BY_POLICY[rules.after_expiry],
    ),
    CouponRule(
        "未使用",
        "unused",
        lambda _use: True,
        lambda rules: _BY_POLICY[rules.before_use],
    ),
)


def judge(
    uses: Sequence[Use], rules: RefundRules, *, locked: bool, without_code: int, order_known: bool
) -> Judgement:
    """All or nothing, as platforms ask it: where coupons differ a person decides.

    `locked`: redemption keeps every coupon from being spent. Nothing is allowed without that.
    """
    coupons = tuple(_of_coupon(use, rules) for use in uses)
    rulings = {each.ruling for each in coupons}
    if not coupons:
        return _of_none(rules, locked=locked, without_code=without_code, order_known=order_known)
    if Ruling.WAIT in rulings:
        return Judgement(Ruling.WAIT, RefundReason.BEING_REDEEMED, coupons)
    if len(rulings) > 1:
        return Judgement(Ruling.ASK, RefundReason.COUPONS_DIFFER, coupons)
    ruling, reason = coupons[0].ruling, coupons[0].reason
    if ruling is Ruling.ALLOW and not locked:
        # All look free, and yet they could not be locked: somebody else has one of them.
        return Judgement(Ruling.WAIT, RefundReason.BEING_REDEEMED, coupons)
    return Judgement(ruling, reason, coupons)


def _of_coupon(use: Use, rules: RefundRules) -> CouponRuling:
    row = next(row for row in COUPON_RULES if row.holds(use))
    return CouponRuling(use.coupon_id, *row.rule(rules))


def _of_none(
    rules: RefundRules, *, locked: bool, without_code: int, order_known: bool
) -> Judgement:
    """No coupon is known by name. Only what was surely never issued goes by the policy."""
    if without_code and order_known and locked:
        return Judgement(*_BY_POLICY[rules.before_use], ())
    return Judgement(Ruling.ASK, RefundReason.NOTHING_KNOWN, ())


REASON_WORDS: Mapping[RefundReason, tuple[str, str]] = {
    RefundReason.ALREADY_REDEEMED: (
        "券已核销;要退先撤销核销",
        "the coupon was spent; to refund it, take the redemption back first",
    ),
    RefundReason.ALREADY_REFUNDED: ("券已退款", "the coupon was refunded before"),
    RefundReason.BEING_REDEEMED: (
        "券正在核销,等结果",
        "the coupon is being redeemed: what comes of it decides",
    ),
    RefundReason.NOT_BY_POLICY: ("商品规则不允许退", "the product's rules refuse it"),
    RefundReason.POLICY_ASKS: ("商品规则要人决定", "the product's rules leave it to a person"),
    RefundReason.COUPONS_DIFFER: (
        "各张券情况不同:可只退其中几张",
        "the coupons differ: some of them may be refunded",
    ),
    RefundReason.NOTHING_KNOWN: (
        "我们不认识这张券或这个订单",
        "we have never heard of the coupon or of the order",
    ),
    RefundReason.BY_A_PERSON: ("由人拒绝", "a person refused it"),
    RefundReason.ANSWER_TOO_LATE: (
        "没有及时答复,平台自动通过",
        "nobody answered in time: the platform passed it by itself",
    ),
    RefundReason.PLATFORM_DECIDED: (
        "平台已自行决定,不再接受我们的答复",
        "the platform decided by itself and takes our answer no more",
    ),
    RefundReason.WITHDRAWN: ("平台撤回或驳回了申请", "the platform withdrew or turned it down"),
}
