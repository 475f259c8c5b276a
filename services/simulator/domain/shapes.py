"""The platform's answers, member by member as its documentation shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.simulator.domain.codes import WORDS, Code
from services.simulator.domain.coupons import (
    Coupon,
    CouponState,
    Order,
    Verification,
    split,
)
from services.simulator.domain.numbers import log_id
from services.simulator.domain.paging import position
from services.simulator.domain.statuses import CERTIFICATE_STATUS, ITEM_STATUS, order_status

_VERIFIED_BY_API = 4
_VALID, _CANCELLED = 1, 2
_GROUP_PURCHASE = 21

Json = dict[str, Any]


def envelope(data: Mapping[str, Any], *, code: int, description: str, now: datetime) -> Json:
    """Around every answer; the code stands in it twice."""
    return {
        "data": {**data, "error_code": code, "description": description},
        "extra": {
            "error_code": code,
            "description": description,
            "sub_error_code": 0,
            "sub_description": "",
            "logid": log_id(now),
            "now": int(now.timestamp()),
        },
    }


def seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())


def milliseconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1000)


def certificate(
    order: Order,
    coupon: Coupon,
    *,
    encrypted_code: str,
    now: datetime,
    cancel_window: timedelta,
    in_milliseconds: bool = False,
) -> Json:
    """One coupon; the plain code is withheld until it can no longer be spent again."""
    time = milliseconds if in_milliseconds else seconds
    shown: Json = {
        "encrypted_code": encrypted_code,
        "certificate_id": coupon.public_id,
        "status": CERTIFICATE_STATUS[coupon.state],
        "start_time": time(coupon.starts_at),
        "expire_time": time(coupon.expires_at),
        "sku": sku(order),
        "amount": amount(coupon),
    }
    records = [
        verification(
            coupon,
            found,
            can_cancel=is_cancellable(coupon, found, now, cancel_window),
            time=time,
        )
        for found in sorted(coupon.verifications, key=lambda one: one.verified_at)
    ]
    if records:
        shown["verify"] = records[-1]
        if not records[-1]["can_cancel"]:
            shown["code"] = coupon.third_code or coupon.code
    if coupon.times_count > 1:
        shown["time_card"] = time_card(coupon)
        shown["verify_records"] = records
    return shown


def time_card(coupon: Coupon) -> Json:
    shares = split(coupon.pay_amount_fen, coupon.times_count)
    return {
        "times_count": coupon.times_count,
        "times_used": coupon.times_used,
        "serial_amount_list": [
            {"serial_numb": serial, "amount": {"pay_amount": share}}
            for serial, share in enumerate(shares, start=1)
        ],
    }


def verification(
    coupon: Coupon, found: Verification, *, can_cancel: bool, time: Any = seconds
) -> Json:
    shown: Json = {
        "can_cancel": can_cancel,
        "certificate_id": coupon.public_id,
        "verifier_unique_id": "开放平台API",
        "verify_id": str(found.verify_id),
        "verify_time": time(found.verified_at),
        "verify_type": _VERIFIED_BY_API,
        "poi_id": found.poi_id,
    }
    if coupon.times_count > 1:
        shown["times_card_serial_num"] = found.serial
    return shown


def is_cancellable(
    coupon: Coupon, found: Verification, now: datetime, cancel_window: timedelta
) -> bool:
    return coupon.cancel_refusal(found.verify_id, now=now, window=cancel_window) is None


def sku(order: Order) -> Json:
    return {
        "account_id": order.account_id,
        "groupon_type": order.sku.groupon_type,
        "market_price": order.original_amount_fen // max(1, len(order.coupons)),
        "sku_id": order.sku.sku_id,
        "sold_start_time": seconds(order.created_at),
        "third_sku_id": order.sku.third_sku_id,
        "title": order.sku.title,
    }


def amount(coupon: Coupon) -> Json:
    return {
        "merchant_ticket_amount": 0,
        "original_amount": coupon.original_amount_fen,
        "pay_amount": coupon.pay_amount_fen,
        "coupon_pay_amount": coupon.pay_amount_fen,
        "list_market_amount": coupon.original_amount_fen,
        "payment_discount_amount": 0,
        "platform_discount_amount": 0,
    }


def verify_result(code: Code, *, given: str) -> Json:
    """One coupon of a verify that was not redeemed."""
    return {"result": int(code), "msg": WORDS[code], "code": given}


def verified(order: Order, coupon: Coupon, found: Verification, *, given: str) -> Json:
    return {
        **_use_amount(coupon, found),
        "result": 0,
        "msg": "验券成功",
        "code": given,
        "verify_id": str(found.verify_id),
        "certificate_id": coupon.public_id,
        "origin_code": coupon.third_code or coupon.code,
        "account_id": order.account_id,
        "order_id": str(order.order_id),
        "product_id": order.sku.sku_id,
    }


def _use_amount(coupon: Coupon, found: Verification) -> Json:
    """What one use of a times card was worth."""
    if coupon.times_count == 1:
        return {}
    share = split(coupon.pay_amount_fen, coupon.times_count)[found.serial - 1]
    return {
        "verify_amount_info": {
            "time_card_amount": {"amount": str(share)},
            "times_card_serial_amount": {
                "serial_numb": found.serial,
                "amount": {"pay_amount": share},
            },
        }
    }


def record(
    order: Order, coupon: Coupon, found: Verification, *, now: datetime, cancel_window: timedelta
) -> Json:
    """One line of the list of redemptions."""
    can_cancel = is_cancellable(coupon, found, now, cancel_window)
    return {
        **_use_amount(coupon, found),
        "cursor": "-".join(position(found.verified_at, found.verify_id).as_strings()),
        "verify_id": str(found.verify_id),
        "certificate_id": coupon.public_id,
        "certificate_status": CERTIFICATE_STATUS[coupon.state],
        "verify_time": seconds(found.verified_at),
        "can_cancel": can_cancel,
        "verify_type": _VERIFIED_BY_API,
        "status": _VALID if found.cancelled_at is None else _CANCELLED,
        "cancel_time": seconds(found.cancelled_at),
        "amount": amount(coupon),
        "sku": sku(order),
        "code": "" if can_cancel else coupon.third_code or coupon.code,
    }


def order_item(coupon: Coupon, *, updated_at: datetime) -> Json:
    return {
        # Nothing is issued before payment, or by a merchant who owes it.
        "certificate_id": ""
        if coupon.state in {CouponState.UNPAID, CouponState.ISSUING, CouponState.CLOSED}
        else coupon.public_id,
        "item_status": ITEM_STATUS[coupon.state],
        "item_update_time": seconds(updated_at),
        "order_item_id": f"{coupon.order_id}{coupon.place:05d}",
        "refund_amount": coupon.refunded_fen,
        "refund_time": seconds(coupon.refunded_at),
    }


def order_facts(order: Order) -> Json:
    """One order of the order query."""
    return {
        "order_id": str(order.order_id),
        "ext_order_id": order.out_order_id or "",
        "order_status": order_status(order),
        "order_type": _GROUP_PURCHASE,
        "count": len(order.coupons),
        "sku_id": order.sku.sku_id,
        "sku_name": order.sku.title,
        "open_id": order.open_id,
        "original_amount": order.original_amount_fen,
        "pay_amount": order.pay_amount_fen,
        "discount_amount": order.original_amount_fen - order.pay_amount_fen,
        "create_order_time": seconds(order.created_at),
        "pay_time": seconds(order.paid_at),
        "update_order_time": seconds(order.updated_at),
        "certificate": [
            order_item(coupon, updated_at=order.updated_at) for coupon in order.coupons
        ],
        "contacts": [{"name": "", "phone": ""}],
        "merchant_info": {"account_id": order.account_id, "account_name": ""},
    }


def orders_page(
    orders: Sequence[Order], *, total: int, page_num: int, page_size: int, after: Sequence[str]
) -> Json:
    return {
        "orders": [order_facts(order) for order in orders],
        "page": {"page_num": page_num, "page_size": page_size, "total": total},
        "search_after": {"CursorValue": list(after), "Size": len(orders)},
    }
