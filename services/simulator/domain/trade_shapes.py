"""What the mini-programs' calls answer, member by member as the documentation shows it."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from services.simulator.domain.after_sales import AfterSale, AfterSaleState, Settlement
from services.simulator.domain.coupons import Coupon, CouponState, Order, OrderState
from services.simulator.domain.shapes import Json, milliseconds
from services.simulator.domain.trade import item_amounts

_DOUYIN_PAY = 10
_CHINA = timezone(timedelta(hours=8))
_MERCHANT_UID, _SELLER_UID = "71000000000000000001", "72000000000000000001"
_UNUSED, _USED, _GONE = 1, 2, 3
_AUDIT = {
    AfterSaleState.ASKED: "INIT",
    AfterSaleState.AUDITING: "TOAUDIT",
    AfterSaleState.ALLOWED: "AGREE",
    AfterSaleState.REFUNDED: "AGREE",
    AfterSaleState.REJECTED: "DENY",
}
_REFUND = {
    AfterSaleState.REFUNDED: "SUCCESS",
    AfterSaleState.REJECTED: "FAIL",
}


def order_status(order: Order) -> str:
    if order.state is OrderState.CLOSED:
        return "TIMEOUT"
    return "INIT" if order.paid_at is None else "SUCCESS"


def local_time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}"


def created(order: Order) -> Json:
    item_ids = [item_id(coupon) for coupon in order.coupons]
    info = {
        "goods_id": order.sku.sku_id,
        "item_order_id_list": item_ids,
        "item_order_detail": [
            {"item_order_id": item_id(coupon), "price": coupon.original_amount_fen}
            for coupon in order.coupons
        ],
    }
    return {
        "order_id": str(order.order_id),
        "out_order_no": order.out_order_id or "",
        "pay_order_id": f"pay{order.order_id}",
        "pay_order_token": f"token{order.order_id}",
        "item_order_info_list": [info],
    }


def order_facts(order: Order) -> Json:
    return {
        "order_id": str(order.order_id),
        "out_order_no": order.out_order_id or "",
        "order_status": order_status(order),
        "message": order_status(order),
        "total_fee": order.pay_amount_fen,
        "refund_amount": sum(coupon.refunded_fen for coupon in order.coupons),
        "settle_amount": sum(coupon.settled_fen for coupon in order.coupons),
        "pay_channel": _DOUYIN_PAY,
        "pay_time": local_time(order.paid_at),
        "payment_order_id": f"pay{order.order_id}",
        "channel_pay_id": f"pay{order.order_id}",
        "seller_uid": _SELLER_UID,
        "item_id": "",
        "cp_extra": order.cp_extra,
    }


def basic_order_facts(order: Order) -> Json:
    """Of the general trading system."""
    return {
        "app_id": order.client_key,
        "order_id": str(order.order_id),
        "out_order_no": order.out_order_id or "",
        "pay_status": order_status(order),
        "total_amount": order.original_amount_fen,
        "discount_amount": order.original_amount_fen - order.pay_amount_fen,
        "pay_channel": _DOUYIN_PAY,
        "pay_time": milliseconds(order.paid_at),
        "trade_time": milliseconds(order.created_at),
        "channel_pay_id": f"pay{order.order_id}",
        "merchant_uid": _MERCHANT_UID,
        "item_order_list": [
            {
                "item_order_id": item_id(coupon),
                "item_order_amount": coupon.pay_amount_fen,
                "sku_id": order.sku.sku_id,
            }
            for coupon in order.coupons
        ],
    }


def item(coupon: Coupon) -> Json:
    used = coupon.verification
    shown: Json = {
        "item_order_id": item_id(coupon),
        "item_order_status": _item_status(coupon),
        "delivery_time": milliseconds(used.verified_at if used else None),
        "valid_start_time": milliseconds(coupon.starts_at),
        "valid_end_time": milliseconds(coupon.expires_at),
    }
    if coupon.times_count > 1:
        shown["times_card_info"] = {
            "total_times": coupon.times_count,
            "usable_times": 0 if coupon.refunded_at else coupon.times_left,
            "refund_times": coupon.times_left if coupon.refunded_at else 0,
            "actual_amount_once": coupon.pay_amount_fen // coupon.times_count,
        }
    return shown


def _item_status(coupon: Coupon) -> int:
    if coupon.state in {CouponState.REFUNDED, CouponState.CLOSED}:
        return _GONE
    return _USED if coupon.state is CouponState.REDEEMED else _UNUSED


def item_id(coupon: Coupon) -> str:
    return str(coupon.certificate_id)


def refund_facts(order: Order, refund: AfterSale) -> Json:
    audited = refund.decides_at is not None
    return {
        "refund_id": str(refund.after_sale_id),
        "out_refund_no": refund.out_refund_no or "",
        "order_id": str(order.order_id),
        "refund_status": _REFUND.get(refund.state, "PROCESSING"),
        "refund_source": 1,
        "refund_total_amount": refund.amount_fen,
        "message": refund.reason,
        "create_at": milliseconds(refund.created_at),
        "refund_at": milliseconds(refund.refunded_at),
        "item_order_detail": item_amounts(order, refund),
        "merchant_audit_detail": {
            "audit_status": _AUDIT[refund.state],
            "need_refund_audit": int(audited),
            "refund_audit_deadline": milliseconds(refund.decides_at),
            "deny_message": refund.reason if refund.state is AfterSaleState.REJECTED else "",
        },
    }


def settlement_facts(order: Order, settlements: Sequence[Settlement]) -> list[dict[str, Any]]:
    return [
        {
            "settle_id": str(one.settle_id),
            "inner_settle_id": str(one.settle_id),
            "wallet_settle_id": str(one.settle_id),
            "out_settle_no": one.out_settle_no or "",
            "order_id": str(order.order_id),
            "out_order_no": order.out_order_id or "",
            "item_order_id": str(one.certificate_ids[0]) if one.certificate_ids else "",
            "settle_amount": one.amount_fen,
            "settle_status": "SUCCESS",
            "settle_time": milliseconds(one.settled_at),
            "settle_at": milliseconds(one.settled_at),
            "settle_detail": one.detail,
            "rake": 0,
            "commission": 0,
            "cp_extra": one.cp_extra,
        }
        for one in settlements
    ]
