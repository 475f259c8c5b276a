"""The bodies of Douyin's questions, as far as their members are known."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from shared.platforms.douyin.fields import (
    Id,
    OptionalId,
    OptionalInteger,
    OptionalTime,
    Shape,
)

Count = Annotated[int, Field(ge=1, le=1_000)]


class Sku(Shape):
    """`groupon_type`: 1 group meal, 2 voucher, 3 times card."""

    sku_id: OptionalId = None
    sku_name: str | None = None
    third_sku_id: OptionalId = Field(
        default=None, validation_alias=AliasChoices("third_sku_id", "out_sku_id")
    )
    groupon_type: OptionalInteger = None


class Amount(Shape):
    original_amount: OptionalInteger = None
    pay_amount: OptionalInteger = None


class CodesWanted(Shape):
    """fulfilment.order.tripartite_code."""

    order_id: Id
    count: Count
    sku: Sku = Sku()
    open_id: Any = Field(default=None, repr=False)
    start_time: OptionalTime = None
    expire_time: OptionalTime = None
    # One number in the text of the page, an object in others of its kind.
    amount: Amount | int | None = None


class Item(Shape):
    """One thing of an order to be, in whichever list the question names it."""

    sku_id: OptionalId = Field(
        default=None, validation_alias=AliasChoices("sku_id", "product_id", "goods_id")
    )
    third_sku_id: OptionalId = Field(
        default=None, validation_alias=AliasChoices("third_sku_id", "out_sku_id", "out_id")
    )
    count: Count | None = Field(
        default=None, validation_alias=AliasChoices("count", "quantity", "num")
    )
    price: OptionalInteger = Field(
        default=None, validation_alias=AliasChoices("price", "each_coupon_amount")
    )


class OrderWanted(Shape):
    """trade.order.pre_create_order: the page is not public, the members are from captures."""

    order_id: Id
    create_order_time_unix: OptionalTime = Field(
        default=None,
        validation_alias=AliasChoices("create_order_time_unix", "create_order_time", "create_time"),
    )
    total_coupon_count: Count | None = Field(
        default=None, validation_alias=AliasChoices("total_coupon_count", "count", "quantity")
    )
    pay_amount: OptionalInteger = Field(
        default=None, validation_alias=AliasChoices("pay_amount", "actual_amount")
    )
    each_coupon_amount: OptionalInteger = None
    open_id: Any = Field(default=None, repr=False)
    sku: Item | None = None
    sku_list: tuple[Item, ...] = ()
    product_snap_shot: tuple[Item, ...] = ()
    sku_id: OptionalId = None
    third_sku_id: OptionalId = None


class CertificateWithCode(Shape):
    """The code may be empty: then none was issued for this coupon."""

    certificate_id: Id
    code: Any = Field(default=None, repr=False)

    @property
    def has_code(self) -> bool:
        return bool(self.code)


class RefundWanted(Shape):
    """fulfilment.order.refund_apply."""

    order_id: Id
    after_sale_id: Id
    certificates: Annotated[tuple[CertificateWithCode, ...], Field(max_length=1_000)] = ()
    refund_amount: OptionalInteger = None
    refund_reason: Any = Field(default=None, repr=False)


class CateringRefundWanted(Shape):
    """catering.order.refund_apply; the fees are fen."""

    order_id: Id
    after_sale_id: Id
    refund_reason: Any = Field(default=None, repr=False)
    refund_fee: OptionalInteger = None
    delivery_fee: OptionalInteger = None


class StatusesWanted(Shape):
    """fulfilment.order.query."""

    order_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=100)]
    scene: str | None = None


class RefundNotice(Shape):
    """fulfilment.order.refund_notice: the refund is done."""

    order_id: Id
    after_sale_id: OptionalId = None
    notice_list: Annotated[tuple[CertificateWithCode, ...], Field(max_length=1_000)] = ()


class DecidedCertificate(CertificateWithCode):
    """`audit_result` 1 or 2; that the first means yes is inferred."""

    audit_result: OptionalInteger = None
    audit_time: OptionalTime = None


class RefundDecision(Shape):
    """traffic.order.refund_notify."""

    order_id: Id
    after_sale_id: OptionalId = None
    notice_list: Annotated[tuple[DecidedCertificate, ...], Field(max_length=1_000)] = ()
