"""Every type of event that any service says, with its data, its meaning and a sample."""

from dataclasses import dataclass

from shared.contracts import goods_samples, samples
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.envelope import Event, EventData, filter_subject
from shared.contracts.making import event
from shared.contracts.orders import CouponState, OrderState
from shared.contracts.products import ProductState

# The platform's own name of the event takes the place of the star.
PLATFORM_EVENTS = "platform.douyin.*"


@dataclass(frozen=True, slots=True)
class EventType:
    """`entity` is the member that the event's `subject` repeats (of `terminal:<id>` the id).

    `version` counts the changes of that entity.
    """

    name: str
    entity: str
    zh: str
    en: str
    sample: EventData

    @property
    def subject(self) -> str:
        return filter_subject(self.name, merchant="<merchant>").replace("*", "<event>")

    @property
    def data(self) -> type[EventData]:
        return type(self.sample)

    @property
    def sample_type(self) -> str:
        """A type as it is on the wire: a family's is one of its members."""
        return self.name.replace("*", str(getattr(self.sample, "event", "")))


def sample_event(kind: EventType) -> Event:
    """The sample in its envelope, always the same to the byte."""
    return event(
        kind.sample,
        subject=str(getattr(kind.sample, kind.entity)).rpartition(":")[2],
        merchant=samples.MERCHANT,
        event_type=kind.sample_type,
        event_id=samples.EVENT_ID,
        time=samples.TIME,
        traceparent=samples.TRACEPARENT,
    )


_AVAILABLE, _REDEEMED = CouponState.AVAILABLE, CouponState.REDEEMED
_REFUNDING, _REFUNDED = CouponState.REFUNDING, CouponState.REFUNDED
_CLOSED = CouponState.CLOSED


def _order(
    state: OrderState,
    previous: OrderState | None,
    coupons: tuple[CouponState, CouponState],
    zh: str,
    en: str,
) -> EventType:
    sample = samples.order(state, previous=previous, coupons=coupons)
    return EventType(f"order.{state}", "order_id", zh, en, sample)


_FROM_INTAKE = (
    EventType(
        PLATFORM_EVENTS,
        "delivery_id",
        "平台送来一条消息(原样,个人信息已封存)",
        "The platform delivered a message: as it came, personal fields sealed",
        samples.DELIVERY,
    ),
    EventType(
        "intake.delivery_conflicted",
        "delivery_id",
        "同一消息号再次送来,内容却不同:平台有错,或有人伪造",
        "A message id came again with another body: a bug of the platform, or a forgery",
        samples.CONFLICT,
    ),
    EventType(
        "intake.delivery_revealed",
        "delivery_id",
        "有人查看了一条消息的原文(含个人信息),供审计",
        "Somebody read a delivery as it came, personal fields included: for the audit",
        samples.REVEALED,
    ),
    EventType(
        "intake.question_answered",
        "delivery_id",
        "平台的一次询问已答复:结果与用时(问题本身是一条 platform 事件,不含券码)",
        "A platform's question was answered, how and how fast; the question is a platform event",
        samples.ANSWERED,
    ),
)
_FROM_ORDERS = (
    _order(
        OrderState.CREATED,
        None,
        (_AVAILABLE, _AVAILABLE),
        "订单已创建,尚未支付",
        "The order exists and is not paid",
    ),
    _order(
        OrderState.PAID,
        OrderState.CREATED,
        (_AVAILABLE, _AVAILABLE),
        "订单已支付,券可以核销",
        "Paid: its coupons can be spent",
    ),
    _order(
        OrderState.PARTLY_REDEEMED,
        OrderState.PAID,
        (_REDEEMED, _AVAILABLE),
        "部分券已核销",
        "Some of its coupons are spent",
    ),
    _order(
        OrderState.REDEEMED,
        OrderState.PARTLY_REDEEMED,
        (_REDEEMED, _REDEEMED),
        "全部券已核销",
        "All of its coupons are spent",
    ),
    _order(
        OrderState.REFUNDING,
        OrderState.PAID,
        (_REFUNDING, _AVAILABLE),
        "有券正在退款:此券此刻不可核销",
        "A coupon is being refunded: not to be spent now",
    ),
    _order(
        OrderState.PARTLY_REFUNDED,
        OrderState.REFUNDING,
        (_REFUNDED, _AVAILABLE),
        "部分券已退款",
        "Some of its coupons are refunded",
    ),
    _order(
        OrderState.REFUNDED,
        OrderState.PARTLY_REFUNDED,
        (_REFUNDED, _REFUNDED),
        "全部券已退款",
        "All of its coupons are refunded",
    ),
    _order(
        OrderState.CLOSED,
        OrderState.CREATED,
        (_CLOSED, _CLOSED),
        "未支付而关闭",
        "Closed without having been paid",
    ),
    _order(
        OrderState.SETTLED,
        OrderState.REDEEMED,
        (_REDEEMED, _REDEEMED),
        "平台已结算,不再变化",
        "The platform has settled it: nothing changes any more",
    ),
    EventType(
        "order.updated",
        "order_id",
        "订单状态未变,但别的变了:又一张券、商品名、金额",
        "Its state is the same, but something else has changed: a coupon, its title, an amount",
        samples.order(OrderState.PAID, previous=OrderState.PAID, coupons=(_AVAILABLE, _AVAILABLE)),
    ),
    EventType(
        "order.contradicted",
        "order_id",
        "平台的说法互相矛盾(例如既已核销又已退款),需要人看一眼",
        "What the platform says contradicts itself (spent and refunded, say): a person should look",
        samples.order(
            OrderState.PARTLY_REDEEMED,
            previous=OrderState.PARTLY_REFUNDED,
            coupons=(_REDEEMED, _AVAILABLE),
        ).model_copy(update={"contradicted": True}),
    ),
    EventType(
        "after_sale.requested",
        "after_sale_id",
        "买家申请退款,已记录",
        "A refund was asked for, and is recorded",
        samples.after_sale(AfterSaleState.ASKED, previous=None),
    ),
    EventType(
        "after_sale.pending",
        "after_sale_id",
        "退款申请等人决定,到期平台自动通过",
        "The refund waits for a person; at answer_until the platform passes it by itself",
        samples.after_sale(
            AfterSaleState.PENDING, previous=AfterSaleState.ASKED, reason="policy_asks"
        ),
    ),
    EventType(
        "after_sale.due_soon",
        "after_sale_id",
        "退款申请将到期:再不答复,平台自动通过",
        "A refund still waits for a person, and the platform will soon pass it by itself",
        samples.after_sale(AfterSaleState.PENDING, previous=AfterSaleState.PENDING),
    ),
    EventType(
        "after_sale.approved",
        "after_sale_id",
        "同意退款:这些券已锁住,不可再核销",
        "The refund is allowed: its coupons are locked and cannot be spent",
        samples.after_sale(
            AfterSaleState.APPROVED, previous=AfterSaleState.ASKED, decided_by="rules"
        ),
    ),
    EventType(
        "after_sale.rejected",
        "after_sale_id",
        "拒绝退款,原因见 reason",
        "The refund is refused, `reason` says why",
        samples.after_sale(
            AfterSaleState.REJECTED,
            previous=AfterSaleState.ASKED,
            decided_by="rules",
            reason="already_redeemed",
        ),
    ),
    EventType(
        "after_sale.closed",
        "after_sale_id",
        "售后已了结:款已退,或平台收回了申请",
        "It is over: the money went back, or the platform withdrew it",
        samples.after_sale(
            AfterSaleState.CLOSED, previous=AfterSaleState.APPROVED, decided_by="rules"
        ),
    ),
)
_FROM_REDEMPTION = (
    EventType(
        "coupon.redeemed", "coupon_id", "一张券已核销", "One coupon was spent", samples.REDEEMED
    ),
    EventType(
        "coupon.cancelled",
        "coupon_id",
        "一次核销已撤销,券可以再用",
        "A redemption was taken back: the coupon can be spent again",
        samples.CANCELLED,
    ),
    EventType(
        "coupon.refused",
        "redemption_id",
        "一次核销被拒绝,原因见 reason",
        "An attempt was refused, `reason` says why",
        samples.REFUSED,
    ),
    EventType(
        "coupon.pending",
        "redemption_id",
        "平台没有回答:我们会一直问到有结果",
        "The platform did not answer: it is asked until it does",
        samples.PENDING,
    ),
    EventType(
        "coupon.issued",
        "coupon_id",
        "发了一张三方码券(不含券码)",
        "A coupon whose code is ours exists; the code is not told",
        samples.ISSUED,
    ),
    EventType(
        "coupon.disputed",
        "coupon_id",
        "我们已核销,平台却不认,例如刚刚退款:需要人处理",
        "We spent it and the platform does not accept that: a person should look",
        samples.DISPUTED,
    ),
    EventType(
        "coupon.revealed",
        "coupon_id",
        "有人查看了一张三方码券的券码,供审计",
        "Somebody was shown the code of a coupon of ours: for the audit",
        samples.SHOWN,
    ),
)
_FROM_ACCESS = (
    EventType(
        "merchant.created", "merchant", "商家已登记", "A merchant is known", samples.MERCHANT_NOW
    ),
    EventType(
        "merchant.updated", "merchant", "商家资料已变", "A merchant changed", samples.MERCHANT_NOW
    ),
    EventType("store.created", "store_id", "门店已登记", "A store is known", samples.STORE_NOW),
    EventType("store.updated", "store_id", "门店资料已变", "A store changed", samples.STORE_NOW),
    EventType(
        "terminal.enrolled",
        "terminal_id",
        "收银终端已登记,可以核销",
        "A terminal is enrolled and may redeem",
        samples.ENROLLED,
    ),
    EventType(
        "terminal.revoked",
        "principal",
        "此终端此前的令牌全部作废",
        "Every token of this terminal issued before is void",
        samples.revoked(f"terminal:{samples.TERMINAL_ID}"),
    ),
    EventType(
        "staff.revoked",
        "principal",
        "此员工此前的令牌全部作废",
        "Every token of this person issued before is void",
        samples.revoked("staff:019aa5f0-3c00-7000-8000-000000000007"),
    ),
    EventType(
        "client.revoked",
        "principal",
        "此客户端此前的令牌全部作废",
        "Every token of this client issued before is void",
        samples.revoked("client:pos-gateway"),
    ),
)

_FROM_CATALOG = (
    EventType(
        "product.created",
        "product_id",
        "商品已建立",
        "A product is there",
        goods_samples.product(ProductState.DRAFT),
    ),
    EventType(
        "product.updated",
        "product_id",
        "商品已变:内容、上下架或审核结果",
        "A product changed: what it is, whether it is on sale, what its audit said",
        goods_samples.product(ProductState.ON_SALE),
    ),
    EventType(
        "product.drifted",
        "product_id",
        "平台上的商品被人改过,与目录不符:需要人决定以谁为准",
        "Its platform shows a product otherwise than it took it: a person decides whose holds",
        goods_samples.DRIFTED,
    ),
    EventType(
        "stock.sold_out",
        "stock_id",
        "已售罄:新订单会被拒绝",
        "Sold out: orders are refused",
        goods_samples.stock(held=12, sold=488),
    ),
    EventType(
        "stock.replenished",
        "stock_id",
        "售罄之后又有货",
        "There is some again",
        goods_samples.stock(held=11, sold=488),
    ),
    EventType(
        "stock.oversold",
        "order_id",
        "付款太晚,库存已释放并售出:需要人处理",
        "Paid so late that its stock was released and sold to others: a person should look",
        goods_samples.OVERSOLD,
    ),
)

CATALOGUE: tuple[EventType, ...] = (
    *_FROM_INTAKE,
    *_FROM_ORDERS,
    *_FROM_REDEMPTION,
    *_FROM_ACCESS,
    *_FROM_CATALOG,
)


def find(event_type: str) -> EventType | None:
    """The entry of a type as it is on the wire, or None."""
    family = PLATFORM_EVENTS.removesuffix("*")
    name = PLATFORM_EVENTS if event_type.startswith(family) else event_type
    return next((kind for kind in CATALOGUE if kind.name == name), None)
