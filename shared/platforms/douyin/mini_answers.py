"""What our calls for mini-programs' trade take and answer."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.platforms.answers import Outcome
from shared.platforms.reasons import Reason


class TradeSystem(StrEnum):
    INDUSTRY = "v2"
    GENERAL = "v3"


@dataclass(frozen=True, slots=True)
class TradeOrder:
    """An order by the platform's id, by our own number, or by both."""

    order_id: str | None = None
    out_order_no: str | None = None

    def members(self) -> dict[str, str]:
        given = {"order_id": self.order_id, "out_order_no": self.out_order_no}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class DeliveryStore:
    """Where something was used, by the platform's id and by ours."""

    poi_id: str | None = None
    name: str | None = None
    our_id: str | None = None

    def as_text(self) -> str:
        """The platform wants JSON in a string."""
        members = {
            "shop_name": self.name,
            "ext_valid_shop_id": self.our_id,
            "valid_poi_id_str": self.poi_id,
        }
        given = {name: value for name, value in members.items() if value}
        return json.dumps(given, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class DeliveryItem:
    coupon_id: str
    encrypted_code: str
    item_order_id: str | None


@dataclass(frozen=True, slots=True)
class DeliveryPreparation:
    verify_token: str
    order_id: str
    out_order_no: str | None
    items: tuple[DeliveryItem, ...]


@dataclass(frozen=True, slots=True)
class DeliveredItem:
    """`already`: it was used before this call."""

    item_order_id: str | None
    outcome: Outcome
    already: bool
    reason: Reason | None
    code: int
    description: str
    verify_id: str | None
    verified_at: datetime | None


class RefundStatus(StrEnum):
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TradeRefund:
    refund_id: str
    out_refund_no: str | None
    order_id: str | None
    status: RefundStatus
    amount_fen: int | None
    asked_at: datetime | None
    refunded_at: datetime | None
    answer_until: datetime | None
    message: str


class OrderStanding(StrEnum):
    UNPAID = "unpaid"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TradeOrderFacts:
    order_id: str
    out_order_no: str | None
    standing: OrderStanding
    pay_amount_fen: int | None
    refunded_fen: int | None
    settled_fen: int | None
