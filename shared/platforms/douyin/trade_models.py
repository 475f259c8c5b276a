"""The messages of Douyin's trade callbacks, the older guaranteed payments included."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from shared.platforms.douyin.fields import (
    Id,
    OptionalId,
    OptionalInteger,
    OptionalTime,
    Shape,
)
from shared.platforms.douyin.spi_models import Item


class OrderToCreate(Shape):
    """pre_create_order; what is paid is the total less the discount."""

    order_id: Id
    goods: Annotated[tuple[Item, ...], Field(max_length=100)] = ()
    sku_list: Annotated[tuple[Item, ...], Field(max_length=100)] = ()
    total_amount: OptionalInteger = None
    # A number, or an object where several kinds of discounts meet.
    discount: Any = None
    create_order_time: OptionalTime = None
    open_id: Any = Field(default=None, repr=False)

    @property
    def discount_amount(self) -> int | None:
        if self.discount is None:
            return 0
        plain = isinstance(self.discount, int) and not isinstance(self.discount, bool)
        return self.discount if plain else None


class ItemOrder(Shape):
    """One piece of an order: what is a coupon elsewhere."""

    item_order_id: Id
    refund_amount: OptionalInteger = None


class ItemOrders(Shape):
    item_order_detail: tuple[ItemOrder, ...] = ()


class _OfItems(Shape):
    """The pieces that a refund is for, where it names them at all."""

    item_order_detail: tuple[ItemOrder, ...] = ()
    refund_item_detail: ItemOrders | None = None

    @property
    def items(self) -> tuple[ItemOrder, ...]:
        nested = self.refund_item_detail.item_order_detail if self.refund_item_detail else ()
        return self.item_order_detail or nested


class RefundToCreate(_OfItems):
    """pre_create_refund."""

    refund_id: Id
    order_id: Id
    refund_total_amount: OptionalInteger = Field(
        default=None, validation_alias=AliasChoices("refund_total_amount", "refund_amount")
    )
    need_refund_audit: OptionalInteger = None
    refund_audit_deadline: OptionalTime = None
    refund_reason: Any = Field(default=None, repr=False)
    event_time: OptionalTime = Field(
        default=None, validation_alias=AliasChoices("event_time", "create_refund_time")
    )


class Payment(Shape):
    """payment: SUCCESS or CANCEL."""

    order_id: Id
    status: str
    total_amount: OptionalInteger = None
    discount_amount: OptionalInteger = None
    event_time: OptionalTime = Field(
        default=None, validation_alias=AliasChoices("event_time", "paid_at")
    )


class Refund(_OfItems):
    """refund: SUCCESS or FAIL; of a refund, which may be one of several of an order."""

    status: str
    order_id: OptionalId = None
    refund_id: OptionalId = Field(
        default=None, validation_alias=AliasChoices("refund_id", "refund_no", "cp_refundno")
    )
    refund_total_amount: OptionalInteger = Field(
        default=None, validation_alias=AliasChoices("refund_total_amount", "refund_amount")
    )
    event_time: OptionalTime = Field(
        default=None, validation_alias=AliasChoices("event_time", "refunded_at")
    )


class Settlement(Shape):
    """settle."""

    status: str
    order_id: OptionalId = None
    event_time: OptionalTime = Field(
        default=None, validation_alias=AliasChoices("event_time", "settled_at")
    )
