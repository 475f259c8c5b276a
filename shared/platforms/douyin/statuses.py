"""Douyin's status numbers, and how sure we are of each.

No official table of the life services' order and item statuses was found: what is marked
COMMUNITY comes from public projects that partly disagree, READING is our own. A number that is
not here says nothing, and no observation is made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.contracts.observations import ObservationKind
from shared.contracts.orders import CouponState
from shared.platforms.reasons import Reason


class Certainty(StrEnum):
    OFFICIAL = "official"
    SAMPLE = "sample"
    COMMUNITY = "community"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class OrderStatus:
    kind: ObservationKind
    # An order past payment was paid, whatever became of it.
    paid: bool
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class ItemStatus:
    kind: ObservationKind
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    state: CouponState | None
    kind: ObservationKind | None
    # Why such a coupon cannot be redeemed.
    reason: Reason | None
    certainty: Certainty


ORDER_STATUSES: Mapping[int, OrderStatus] = MappingProxyType(
    {
        1: OrderStatus(ObservationKind.ORDER_SETTLED, True, Certainty.READING),  # 已完成
        100: OrderStatus(ObservationKind.ORDER_CREATED, False, Certainty.COMMUNITY),  # 待支付
        101: OrderStatus(ObservationKind.ORDER_CLOSED, False, Certainty.SAMPLE),  # 支付取消
        200: OrderStatus(ObservationKind.ORDER_PAID, True, Certainty.SAMPLE),  # 支付成功
        201: OrderStatus(ObservationKind.ORDER_PAID, True, Certainty.COMMUNITY),  # 履约中
        # The items say what was refunded and what was not; the order was paid.
        300: OrderStatus(ObservationKind.ORDER_PAID, True, Certainty.COMMUNITY),  # 退款中
        301: OrderStatus(ObservationKind.ORDER_PAID, True, Certainty.COMMUNITY),  # 退款成功
    }
)

ITEM_STATUSES: Mapping[int, ItemStatus] = MappingProxyType(
    {
        1: ItemStatus(ObservationKind.COUPON_REDEEMED, Certainty.COMMUNITY),  # 履约完成
        100: ItemStatus(ObservationKind.COUPON_AVAILABLE, Certainty.COMMUNITY),
        101: ItemStatus(ObservationKind.COUPON_CLOSED, Certainty.COMMUNITY),
        200: ItemStatus(ObservationKind.COUPON_AVAILABLE, Certainty.COMMUNITY),
        201: ItemStatus(ObservationKind.COUPON_AVAILABLE, Certainty.COMMUNITY),
        300: ItemStatus(ObservationKind.COUPON_REFUNDING, Certainty.COMMUNITY),  # 退款中
        301: ItemStatus(ObservationKind.COUPON_REFUNDED, Certainty.COMMUNITY),  # 退款成功
        400: ItemStatus(ObservationKind.COUPON_AVAILABLE, Certainty.COMMUNITY),
        401: ItemStatus(ObservationKind.COUPON_REDEEMED, Certainty.SAMPLE),  # 履约完成
    }
)

CERTIFICATE_STATUSES: Mapping[int, CertificateStatus] = MappingProxyType(
    {
        0: CertificateStatus(None, None, Reason.ORDER_UNPAID, Certainty.COMMUNITY),  # 初始
        1: CertificateStatus(  # 未使用
            CouponState.AVAILABLE, ObservationKind.COUPON_AVAILABLE, None, Certainty.SAMPLE
        ),
        2: CertificateStatus(  # 已使用
            CouponState.REDEEMED,
            ObservationKind.COUPON_REDEEMED,
            Reason.ALREADY_REDEEMED,
            Certainty.SAMPLE,
        ),
        3: CertificateStatus(  # 退款申请中
            CouponState.REFUNDING,
            ObservationKind.COUPON_REFUNDING,
            Reason.REFUND_IN_PROGRESS,
            Certainty.COMMUNITY,
        ),
        4: CertificateStatus(  # 退款成功
            CouponState.REFUNDED,
            ObservationKind.COUPON_REFUNDED,
            Reason.ALREADY_REFUNDED,
            Certainty.COMMUNITY,
        ),
        5: CertificateStatus(  # 退款失败: the coupon lives on
            CouponState.AVAILABLE,
            ObservationKind.COUPON_REFUND_REJECTED,
            None,
            Certainty.COMMUNITY,
        ),
        6: CertificateStatus(  # 退款中
            CouponState.REFUNDING,
            ObservationKind.COUPON_REFUNDING,
            Reason.REFUND_IN_PROGRESS,
            Certainty.COMMUNITY,
        ),
    }
)
