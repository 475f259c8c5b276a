"""Says in both languages why an order is what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from services.orders.domain.coupons import CONTRADICTED_COUPON, CouponView, Why
from services.orders.domain.facts import Fact
from services.orders.domain.orders import OrderView, Question, fold
from services.orders.domain.phases import OrderPhase
from shared.contracts.orders import CouponState, OrderState


@dataclass(frozen=True, slots=True)
class Words:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What one observation changed when it was seen, after those seen before it."""

    state_before: OrderState | None
    state_after: OrderState
    coupon_before: CouponState | None
    coupon_after: CouponState | None
    contradicted: bool


WHY: Mapping[Why, Words] = MappingProxyType(
    {
        Why.ONLY: Words("关于这张券只有这一个事实", "the only fact about this coupon"),
        Why.LATEST: Words(
            "发生得最晚的事实为准", "it happened last, and what happened last counts"
        ),
        Why.CONFIRMED: Words(
            "之后的事实都与它一致", "what was observed later says the same or changes nothing"
        ),
        Why.SAME_SECOND: Words(
            "平台时间只到秒,同一秒内按券的通常经过排先后",
            "within one second of the platform's clock the usual course of a coupon decides",
        ),
        Why.REFUND_STANDS: Words(
            "钱已退回,此后任何说法都不改变它", "the money went back: nothing said later undoes that"
        ),
        Why.USE_OUTLIVES_CLOSING: Words(
            "已经使用过的券,关闭不改变使用事实",
            "a coupon that was used stays used when it is closed",
        ),
    }
)
CONTRADICTIONS: Mapping[CouponState | OrderPhase, Words] = MappingProxyType(
    {
        CouponState.REFUNDED: Words(
            "既核销又退款,且没有撤销核销的事实:以退款为准,请人工核对",
            "both redeemed and refunded, and nobody says that the use was taken back: "
            "the refund counts; a person should look",
        ),
        OrderPhase.PAID_THOUGH_CLOSED: Words(
            "既关闭又付款:按已付款处理,请人工核对",
            "both closed and paid: it counts as paid; a person should look",
        ),
        OrderPhase.SETTLED_THOUGH_TAKEN_BACK: Words(
            "结算之后又撤销核销,平台规则不允许:按已结算处理,等待向平台复核",
            "a use was taken back after settlement, which the platform does not allow: "
            "it counts as settled until the platform, asked, says otherwise",
        ),
    }
)
QUESTIONS: Mapping[Question, Words] = MappingProxyType(
    {
        Question.CONTRADICTED: Words("说法互相矛盾", "what was said contradicts itself"),
        Question.SAME_SECOND: Words(
            "同一秒内既核销又撤销,要问平台哪个在后",
            "redeemed and taken back in one second: the platform is asked which came last",
        ),
        Question.COUPON_COUNT: Words(
            "还不知道一共几张券", "nobody has said how many coupons there are"
        ),
        Question.REFUND_AMOUNT: Words("还不知道退款金额", "nobody has said how much was refunded"),
    }
)


def contradictions(view: OrderView) -> tuple[Words, ...]:
    of_order = CONTRADICTIONS.get(view.phase)
    of_coupons = [
        CONTRADICTIONS[coupon.state]
        for coupon in view.coupons
        if coupon.phase is CONTRADICTED_COUPON
    ]
    return (*((of_order,) if of_order else ()), *of_coupons[:1])


def moments(seen: Sequence[Fact]) -> list[Moment]:
    """What each observation changed, in the order they were seen."""
    told: list[Moment] = []
    before: OrderView | None = None
    for number, fact in enumerate(seen, start=1):
        after = fold(seen[:number])
        told.append(
            Moment(
                state_before=before.snapshot.state if before else None,
                state_after=after.snapshot.state,
                coupon_before=_state_of(before, fact.coupon_id),
                coupon_after=_state_of(after, fact.coupon_id),
                contradicted=after.snapshot.contradicted,
            )
        )
        before = after
    return told


def _state_of(view: OrderView | None, coupon_id: str | None) -> CouponState | None:
    coupons: Sequence[CouponView] = view.coupons if view else ()
    return next((one.state for one in coupons if one.coupon_id == coupon_id), None)
