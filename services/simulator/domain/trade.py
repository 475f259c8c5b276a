"""The callbacks of mini-programs' trade: `{"version", "msg", "type"}`, msg being JSON in a string.

Order ids are those of the books, so that both sides can be compared without a table.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from services.simulator.domain.after_sales import AfterSale, Settlement
from services.simulator.domain.coupons import Channel, Coupon, Order, Verification
from services.simulator.domain.questions import Action, Form, Question
from services.simulator.domain.shapes import milliseconds, seconds

VERSIONS: Mapping[Channel, str] = MappingProxyType(
    {Channel.V3: "3.0", Channel.V2: "2.0", Channel.V1: "1.0", Channel.ECPAY: "ecpay"}
)
# The message of each callback's `Byte-Identifyname`.
IDENTIFY_NAMES: Mapping[Action, str] = MappingProxyType(
    {
        Action.MINI_PRE_CREATE: "/msg/basic/order/pre_create",
        Action.PAYMENT: "/msg/basic/payment/notify",
        Action.PRE_CREATE_REFUND: "/msg/basic/refund/pre_create",
        Action.REFUND: "/msg/basic/refund/notify",
        Action.SETTLE: "/msg/basic/settle/notify",
        Action.COUPON_VERIFY: "/msg/basic/coupon/verify",
        Action.COUPON_VERIFY_CANCEL: "/msg/basic/coupon/verify_cancel",
    }
)
_WECHAT, _DOUYIN_PAY = 1, 10
_CODES_OF_OURS, _CODES_OF_THEIRS = 1, 0
_MERCHANT_UID, _SELLER_UID = "71000000000000000001", "72000000000000000001"


def pre_create_order(order: Order) -> Question:
    count = len(order.coupons)
    goods = {
        "goods_id": order.sku.sku_id,
        "sku_id": order.sku.sku_id,
        "out_sku_id": order.sku.third_sku_id,
        "title": order.sku.title,
        "quantity": count,
        "price": order.original_amount_fen // count,
    }
    msg = {
        "app_id": order.client_key,
        "order_id": str(order.order_id),
        "open_id": order.open_id,
        "goods": [goods],
        "total_amount": order.original_amount_fen,
        "discount": order.original_amount_fen - order.pay_amount_fen,
        "cp_extra": order.cp_extra,
        "create_order_time": milliseconds(order.created_at),
        "delivery_type": _CODES_OF_THEIRS if order.is_merchant_coded else _CODES_OF_OURS,
        "item_order_info_list": [
            {"item_order_id": str(coupon.certificate_id), "price": coupon.original_amount_fen}
            for coupon in order.coupons
        ],
    }
    return _question(order, Action.MINI_PRE_CREATE, msg)


def payment(order: Order, now: datetime) -> Question:
    """SUCCESS once paid, CANCEL where the time to pay ran out."""
    paid = order.paid_at is not None
    if order.channel is Channel.ECPAY:
        return _ecpay_payment(order, now)
    msg = {
        "app_id": order.client_key,
        "status": "SUCCESS" if paid else "CANCEL",
        "order_id": str(order.order_id),
        "out_order_no": order.out_order_id or "",
        "cp_extra": order.cp_extra,
        "message": "" if paid else "TIME_OUT",
        "event_time": milliseconds(now),
        "total_amount": order.original_amount_fen,
        "discount_amount": order.original_amount_fen - order.pay_amount_fen,
        "pay_channel": _DOUYIN_PAY,
        "channel_pay_id": f"pay{order.order_id}",
    }
    if order.channel is Channel.V3:
        msg |= {
            "user_bill_pay_id": f"bill{order.order_id}",
            "merchant_uid": _MERCHANT_UID,
            "seller_uid": _SELLER_UID,
            "item_id": "",
        }
    else:
        msg |= {
            "delivery_type": _CODES_OF_THEIRS if order.is_merchant_coded else _CODES_OF_OURS,
            "order_source": 1,
        }
    return _question(order, Action.PAYMENT, msg)


def _ecpay_payment(order: Order, now: datetime) -> Question:
    msg = {
        "appid": order.client_key,
        "cp_orderno": order.out_order_id or "",
        "cp_extra": order.cp_extra,
        "way": str(_WECHAT),
        "channel_no": f"channel{order.order_id}",
        "payment_order_no": f"pay{order.order_id}",
        "total_amount": order.pay_amount_fen,
        "status": "SUCCESS" if order.paid_at else "CANCEL",
        "seller_uid": _SELLER_UID,
        "extra": "",
        "item_id": "",
        "paid_at": seconds(order.paid_at or now),
        "message": "",
        "order_id": str(order.order_id),
    }
    return _question(order, Action.PAYMENT, msg)


def pre_create_refund(order: Order, after_sale: AfterSale) -> Question:
    msg = {
        "app_id": order.client_key,
        "order_id": str(order.order_id),
        "out_order_no": order.out_order_id or "",
        "refund_id": str(after_sale.after_sale_id),
        "refund_total_amount": after_sale.amount_fen,
        "need_refund_audit": 1,
        "refund_audit_deadline": milliseconds(after_sale.decides_at),
        "create_refund_time": milliseconds(after_sale.created_at),
        "refund_source": 1,
        "refund_reason": after_sale.reason,
        "refund_description": after_sale.reason,
        "cp_extra": order.cp_extra,
        "open_id": order.open_id,
        "item_order_detail": item_amounts(order, after_sale),
    }
    return _question(order, Action.PRE_CREATE_REFUND, msg, after_sale_id=after_sale.after_sale_id)


def refund(order: Order, after_sale: AfterSale, now: datetime) -> Question:
    rejected = after_sale.refunded_at is None
    if order.channel is Channel.ECPAY:
        msg: dict[str, Any] = {
            "appid": order.client_key,
            "cp_refundno": after_sale.out_refund_no or "",
            "cp_extra": after_sale.cp_extra,
            "status": "FAIL" if rejected else "SUCCESS",
            "refund_amount": after_sale.amount_fen,
            "is_all_settled": False,
            "refunded_at": seconds(after_sale.refunded_at),
            "message": "",
            "order_id": str(order.order_id),
            "refund_no": str(after_sale.after_sale_id),
        }
    else:
        msg = {
            "app_id": order.client_key,
            "status": "FAIL" if rejected else "SUCCESS",
            "order_id": str(order.order_id),
            "out_order_no": order.out_order_id or "",
            "cp_extra": after_sale.cp_extra,
            "message": "审核不通过" if rejected else "",
            "event_time": milliseconds(now),
            "refund_id": str(after_sale.after_sale_id),
            "out_refund_no": after_sale.out_refund_no or "",
            "refund_total_amount": after_sale.amount_fen,
            "is_all_settled": False,
            "item_order_detail": item_amounts(order, after_sale),
        }
    return _question(order, Action.REFUND, msg, after_sale_id=after_sale.after_sale_id)


def item_amounts(order: Order, after_sale: AfterSale) -> list[dict[str, Any]]:
    return [
        {
            "item_order_id": str(coupon.certificate_id),
            "refund_amount": coupon.pay_amount_fen - coupon.share_fen(coupon.times_used),
        }
        for coupon in _coupons(order, after_sale.certificate_ids)
    ]


def settle(order: Order, settlement: Settlement) -> Question:
    if order.channel is Channel.ECPAY:
        msg: dict[str, Any] = {
            "app_id": order.client_key,
            "cp_settle_no": settlement.out_settle_no or "",
            "cp_extra": settlement.cp_extra,
            "status": "SUCCESS",
            "rake": 0,
            "commission": 0,
            "settle_detail": settlement.detail,
            "settled_at": seconds(settlement.settled_at),
            "message": "",
            "order_id": str(order.order_id),
            "settle_no": str(settlement.settle_id),
            "settle_amount": settlement.amount_fen,
        }
    else:
        msg = {
            "app_id": order.client_key,
            "status": "SUCCESS",
            "order_id": str(order.order_id),
            "cp_extra": settlement.cp_extra,
            "message": "",
            "event_time": milliseconds(settlement.settled_at),
            "settle_id": str(settlement.settle_id),
            "out_settle_no": settlement.out_settle_no or "",
            "rake": 0,
            "commission": 0,
            "settle_detail": settlement.detail,
            "settle_amount": settlement.amount_fen,
            "is_auto_settle": settlement.is_automatic,
        }
    return _question(order, Action.SETTLE, msg)


def coupon_verify(order: Order, coupon: Coupon, found: Verification) -> Question:
    item = {
        "item_order_id": str(coupon.certificate_id),
        "certificate_id": coupon.public_id,
        "verify_id": str(found.verify_id),
        "verify_time": milliseconds(found.verified_at),
        "poi_id": found.poi_id,
    }
    msg = _of_coupon(order, found.verified_at) | {"item_order_list": [item]}
    return _question(order, Action.COUPON_VERIFY, msg)


def coupon_verify_cancel(order: Order, coupon: Coupon, verify_id: int, now: datetime) -> Question:
    item = {
        "item_order_id": str(coupon.certificate_id),
        "certificate_id": coupon.public_id,
        "verify_id": str(verify_id),
        "cancel_time": milliseconds(now),
    }
    msg = _of_coupon(order, now) | {"item_order_list": [item]}
    return _question(order, Action.COUPON_VERIFY_CANCEL, msg)


def _of_coupon(order: Order, now: datetime) -> dict[str, Any]:
    return {
        "app_id": order.client_key,
        "order_id": str(order.order_id),
        "out_order_no": order.out_order_id or "",
        "cp_extra": order.cp_extra,
        "event_time": milliseconds(now),
    }


def _question(
    order: Order, action: Action, msg: Mapping[str, Any], *, after_sale_id: int | None = None
) -> Question:
    """The older protocol is enveloped and signed when it is sent, the others are written once."""
    text = orjson.dumps(msg).decode()
    version = VERSIONS[order.channel]
    if order.channel is not Channel.ECPAY:
        text = orjson.dumps({"version": version, "msg": text, "type": action}).decode()
    return Question(
        order.client_key,
        Form.ECPAY if order.channel is Channel.ECPAY else Form.TRADE,
        action,
        text,
        order_id=order.order_id,
        after_sale_id=after_sale_id,
        version=version,
    )


def _coupons(order: Order, certificate_ids: Sequence[int]) -> list[Coupon]:
    return [order.coupon(certificate_id) for certificate_id in certificate_ids]
