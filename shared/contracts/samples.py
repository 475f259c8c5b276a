"""One made-up piece of data for each kind of event: for the documentation and for the tests."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.contracts.access import MerchantChanged, Revoked, StoreChanged, TerminalEnrolled
from shared.contracts.after_sales import AfterSaleChanged, AfterSaleState
from shared.contracts.intake import (
    DeliveryConflicted,
    DeliveryRevealed,
    PlatformDelivery,
    QuestionAnswered,
)
from shared.contracts.orders import CouponSnapshot, CouponState, OrderChanged, OrderState
from shared.contracts.redemption import (
    CouponCancelled,
    CouponDisputed,
    CouponIssued,
    CouponPending,
    CouponRedeemed,
    CouponRefused,
    CouponRevealed,
)

MERCHANT = "yihetang"
TIME = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EVENT_ID = UUID("019aa5f0-3c00-7000-8000-00000000000e")

ORDER_ID = "1082342612907431234"
COUPON_ID = "7091180835810052103"
STORE_ID = "019aa5f0-3c00-7000-8000-000000000001"
TERMINAL_ID = "019aa5f0-3c00-7000-8000-000000000002"
_VERIFY_ID = "7091478021421631519"
_ACCOUNT_ID = "7094221573452761123"
_PLATFORM_SKU_ID = "1708941687677982"
_CLIENT_KEY = "awdemo7xqiao0001"
_MESSAGE_ID = "8a1f6c0e5d2b4e7fa9c3"
_DELIVERY_ID = UUID("019aa5f0-3c00-7000-8000-000000000003")
_REDEMPTION_ID = UUID("019aa5f0-3c00-4000-8000-000000000004")

DELIVERY = PlatformDelivery(
    delivery_id=_DELIVERY_ID,
    platform="douyin",
    client_key=_CLIENT_KEY,
    account_id=_ACCOUNT_ID,
    event="life_trade_order_notify",
    msg_id=_MESSAGE_ID,
    received_at=TIME,
    content={
        "action": "pay_success",
        "msg_time": int(TIME.timestamp()),
        "order": {
            "order_id": ORDER_ID,
            "account_id": _ACCOUNT_ID,
            "original_amount": 1900,
            "pay_amount": 990,
            "create_time": int(TIME.timestamp()) - 40,
            "pay_time": int(TIME.timestamp()) - 2,
        },
    },
)
CONFLICT = DeliveryConflicted(
    delivery_id=UUID("019aa5f0-3c00-7000-8000-000000000005"),
    first_delivery_id=_DELIVERY_ID,
    platform="douyin",
    client_key=_CLIENT_KEY,
    account_id=_ACCOUNT_ID,
    event="life_trade_order_notify",
    msg_id=_MESSAGE_ID,
    received_at=TIME + timedelta(seconds=9),
    order_ids=(ORDER_ID,),
)
ANSWERED = QuestionAnswered(
    delivery_id=_DELIVERY_ID,
    platform="douyin",
    client_key=_CLIENT_KEY,
    account_id=_ACCOUNT_ID,
    event="spi_trade_order_pre_create_order",
    outcome="refused",
    reason="sold_out",
    milliseconds=14,
    answered_at=TIME + timedelta(seconds=1),
    order_ids=(ORDER_ID,),
)
REVEALED = DeliveryRevealed(
    delivery_id=_DELIVERY_ID,
    platform="douyin",
    client_key=_CLIENT_KEY,
    event="life_trade_order_notify",
    revealed_by="staff:019aa5f0-3c00-7000-8000-000000000007",
    revealed_at=TIME + timedelta(hours=2),
)


def order(
    state: OrderState, *, previous: OrderState | None, coupons: tuple[CouponState, CouponState]
) -> OrderChanged:
    """An order of two coupons."""
    return OrderChanged(
        order_id=ORDER_ID,
        platform="douyin",
        account_id=_ACCOUNT_ID,
        state=state,
        previous_state=previous,
        contradicted=False,
        coupon_count=2,
        coupons=tuple(
            CouponSnapshot(
                coupon_id=coupon_id,
                state=coupon,
                changed_at=TIME,
                refund_amount_fen=495 if coupon is CouponState.REFUNDED else None,
            )
            for coupon_id, coupon in zip((COUPON_ID, "7091180835810052104"), coupons, strict=True)
        ),
        platform_sku_id=_PLATFORM_SKU_ID,
        title="双人下午茶团餐券",
        original_amount_fen=1900,
        pay_amount_fen=990,
        refunded_amount_fen=495 * coupons.count(CouponState.REFUNDED),
        created_at=TIME - timedelta(seconds=40),
        paid_at=None if state is OrderState.CREATED else TIME - timedelta(seconds=2),
    )


def after_sale(
    state: AfterSaleState,
    *,
    previous: AfterSaleState | None,
    decided_by: str | None = None,
    reason: str | None = None,
) -> AfterSaleChanged:
    """Of one coupon of that order."""
    granted = decided_by is not None and reason is None
    return AfterSaleChanged(
        after_sale_id="7330012345678901234",
        platform="douyin",
        order_id=ORDER_ID,
        state=state,
        previous_state=previous,
        coupon_ids=(COUPON_ID,),
        granted_coupon_ids=(COUPON_ID,) if granted else (),
        amount_fen=495,
        reason=reason,
        decided_by=decided_by,
        asked_at=TIME,
        answer_until=TIME + timedelta(hours=24),
        decided_at=TIME + timedelta(minutes=5) if decided_by else None,
    )


REDEEMED = CouponRedeemed(
    redemption_id=_REDEMPTION_ID,
    platform="douyin",
    order_id=ORDER_ID,
    store_id=STORE_ID,
    terminal_id=TERMINAL_ID,
    coupon_id=COUPON_ID,
    verify_id=_VERIFY_ID,
    title="双人下午茶团餐券",
    pay_amount_fen=495,
    redeemed_at=TIME,
    cancel_until=TIME + timedelta(hours=1),
)
CANCELLED = CouponCancelled(
    redemption_id=_REDEMPTION_ID,
    platform="douyin",
    order_id=ORDER_ID,
    store_id=STORE_ID,
    terminal_id=TERMINAL_ID,
    coupon_id=COUPON_ID,
    verify_id=_VERIFY_ID,
    cancel_id=UUID("019aa5f0-3c00-4000-8000-000000000006"),
    cancelled_at=TIME + timedelta(minutes=6),
    reason="sealed:v1:AQGS…",
)
REFUSED = CouponRefused(
    redemption_id=_REDEMPTION_ID,
    platform="douyin",
    order_id=ORDER_ID,
    store_id=STORE_ID,
    terminal_id=TERMINAL_ID,
    coupon_ids=(COUPON_ID,),
    reason="already_redeemed",
    refused_at=TIME,
)
PENDING = CouponPending(
    redemption_id=_REDEMPTION_ID,
    platform="douyin",
    order_id=ORDER_ID,
    store_id=STORE_ID,
    terminal_id=TERMINAL_ID,
    coupon_ids=(COUPON_ID,),
    since=TIME,
)

ISSUED = CouponIssued(
    coupon_id=COUPON_ID,
    platform="douyin",
    order_id=ORDER_ID,
    product_id="019aa5f0-3c00-7000-8000-000000000008",
    sku_id="019aa5f0-3c00-7000-8000-000000000009",
    title="双人下午茶团餐券",
    times_total=1,
    original_amount_fen=950,
    pay_amount_fen=495,
    valid_from=None,
    valid_to=TIME + timedelta(days=30),
    issued_at=TIME,
)
DISPUTED = CouponDisputed(
    redemption_id=_REDEMPTION_ID,
    platform="douyin",
    order_id=ORDER_ID,
    store_id=STORE_ID,
    terminal_id=TERMINAL_ID,
    coupon_id=COUPON_ID,
    step="redeem",
    reason="already_refunded",
    kept=True,
    disputed_at=TIME + timedelta(seconds=2),
)
SHOWN = CouponRevealed(
    coupon_id=COUPON_ID,
    platform="douyin",
    order_id=ORDER_ID,
    revealed_by="staff:019aa5f0-3c00-7000-8000-000000000007",
    revealed_at=TIME + timedelta(hours=2),
)

MERCHANT_NOW = MerchantChanged(
    merchant=MERCHANT, name="益禾堂", platform="douyin", account_id=_ACCOUNT_ID
)
STORE_NOW = StoreChanged(
    store_id=STORE_ID,
    merchant=MERCHANT,
    name="益禾堂(光谷店)",
    platform="douyin",
    poi_id="7084220012345678901",
    time_zone="Asia/Shanghai",
    open=True,
)
ENROLLED = TerminalEnrolled(
    terminal_id=TERMINAL_ID, store_id=STORE_ID, name="1 号收银机", enrolled_at=TIME
)


def revoked(principal: str) -> Revoked:
    return Revoked(principal=principal, revoked_at=TIME, reason="设备丢失")
