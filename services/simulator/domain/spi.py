"""The questions of the life services to merchants who issue codes of their own."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from services.simulator.domain.after_sales import AfterSale
from services.simulator.domain.coupons import Coupon, Order
from services.simulator.domain.questions import Action, Form, Question
from services.simulator.domain.shapes import seconds

# What a merchant may refuse an order with; anything else counts as no answer.
PRE_CREATE_REFUSALS: Mapping[int, str] = MappingProxyType(
    {
        1: "商品不存在",
        2: "商品已下线",
        3: "未到开始售卖时间",
        4: "已过结束售卖时间",
        5: "商品已售罄",
        6: "超过限购数量",
        7: "价格校验失败",
        20: "其他",
    }
)
ISSUING, ISSUED, NOT_ISSUED = 0, 1, 2
REFUND_PENDING, REFUND_ALLOWED, REFUND_REJECTED = 0, 1, 2
_ONLY_REFUND = 3
_FULFILMENT = "fulfil"
_GROUP_PURCHASE = 21


def pre_create(order: Order) -> Question:
    count = len(order.coupons)
    each = order.pay_amount_fen // count
    return _question(
        order,
        Action.PRE_CREATE,
        {
            "order_id": str(order.order_id),
            "account_id": order.account_id,
            "open_id": order.open_id,
            "biz_type": _GROUP_PURCHASE,
            "create_order_time_unix": seconds(order.created_at),
            "total_coupon_count": count,
            "sku": _sku(order),
            "product_snap_shot": [_sku(order) | {"count": count, "each_coupon_amount": each}],
            "each_coupon_amount": each,
            "original_amount": order.original_amount_fen,
            "total_amount": order.original_amount_fen,
            "discount_amount": order.original_amount_fen - order.pay_amount_fen,
            "actual_amount": order.pay_amount_fen,
            "pay_amount": order.pay_amount_fen,
        },
    )


def issue_codes(order: Order) -> Question:
    first = order.coupons[0]
    return _question(
        order,
        Action.ISSUE_CODES,
        {
            "order_id": str(order.order_id),
            "count": len(order.coupons),
            "sku": _sku(order),
            "open_id": order.open_id,
            "start_time": seconds(first.starts_at),
            "expire_time": seconds(first.expires_at),
            "amount": {
                "original_amount": order.original_amount_fen,
                "pay_amount": order.pay_amount_fen,
                "merchant_ticket_amount": 0,
                "payment_discount_amount": 0,
                "fee_amount": 0,
            },
        },
    )


def refund_apply(order: Order, after_sale: AfterSale) -> Question:
    return _question(
        order,
        Action.REFUND_APPLY,
        {
            "order_id": str(order.order_id),
            "after_sale_id": str(after_sale.after_sale_id),
            "certificates": [
                {"certificate_id": coupon.public_id, "code": coupon.third_code or ""}
                for coupon in _coupons(order, after_sale)
            ],
            "refund_amount": after_sale.amount_fen,
            "refund_reason": {"desc": after_sale.reason},
            "apply_time": seconds(after_sale.created_at),
        },
        after_sale_id=after_sale.after_sale_id,
    )


def refund_notice(order: Order, after_sale: AfterSale) -> Question:
    return _question(
        order,
        Action.REFUND_NOTICE,
        {
            "order_id": str(order.order_id),
            "after_sale_id": str(after_sale.after_sale_id),
            "after_sale_type": _ONLY_REFUND,
            "notice_list": [
                {
                    "certificate_id": coupon.public_id,
                    "code": coupon.third_code or "",
                    "total_count": coupon.times_count,
                }
                for coupon in _coupons(order, after_sale)
            ],
        },
        after_sale_id=after_sale.after_sale_id,
    )


def order_status(client_key: str, order_ids: Sequence[int]) -> Question:
    body = {"scene": _FULFILMENT, "order_ids": [str(order_id) for order_id in order_ids]}
    return Question(client_key, Form.SPI, Action.ORDER_STATUS, _write(body))


def _question(
    order: Order, action: Action, body: Mapping[str, Any], *, after_sale_id: int | None = None
) -> Question:
    return Question(
        order.client_key,
        Form.SPI,
        action,
        _write(body),
        order_id=order.order_id,
        after_sale_id=after_sale_id,
    )


def _sku(order: Order) -> dict[str, Any]:
    return {
        "sku_id": order.sku.sku_id,
        "sku_name": order.sku.title,
        "third_sku_id": order.sku.third_sku_id,
        "groupon_type": order.sku.groupon_type,
    }


def _coupons(order: Order, after_sale: AfterSale) -> list[Coupon]:
    return [order.coupon(certificate_id) for certificate_id in after_sale.certificate_ids]


def _write(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body).decode()
