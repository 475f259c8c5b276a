"""What mini-programs' servers send."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.simulator.domain.fields import Int64, Text, TextOrEmpty

_ITEMS_MAX = 1000


def _text(value: object) -> object:
    return "" if value is None else str(value) if isinstance(value, int) else value


Words = Annotated[TextOrEmpty, BeforeValidator(_text)]
LongText = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class OrderBody(_Body):
    order_id: Words = ""
    out_order_no: Words = ""
    item_order_id_list: list[Words] = Field(default_factory=list, max_length=_ITEMS_MAX)


class Goods(_Body):
    goods_id: Words = ""
    goods_title: Words = ""
    out_sku_id: Words = ""
    quantity: int = Field(default=1, ge=1, le=20)
    price: Int64


class CreateOrderBody(_Body):
    out_order_no: Text
    goods_list: list[Goods] = Field(min_length=1, max_length=1)
    total_amount: Int64 | None = None
    discount_amount: Int64 = 0
    cp_extra: LongText = ""
    open_id: Words = ""


class PrepareBody(_Body):
    code: Words = ""
    encrypted_data: LongText = ""


class Certificate(_Body):
    certificate_id: Words = ""
    encrypted_code: LongText


class DeliveryVerifyBody(_Body):
    verify_token: Text
    order_id: Words = ""
    poi_info: LongText = ""
    certificates: list[Certificate] = Field(min_length=1, max_length=_ITEMS_MAX)


class VerifyCancelBody(_Body):
    verify_id: Int64
    certificate_id: Words = ""
    cancel_token: Words = ""


class ItemOrder(_Body):
    item_order_id: Words
    refund_amount: Int64 | None = None


class PushDeliveryBody(OrderBody):
    item_order_list: list[ItemOrder] = Field(default_factory=list, max_length=_ITEMS_MAX)
    use_all: bool = False
    poi_info: LongText = ""


class PushStatusBody(OrderBody):
    to_status: Text


class CreateRefundBody(OrderBody):
    out_refund_no: Text
    item_order_detail: list[ItemOrder] = Field(default_factory=list, max_length=_ITEMS_MAX)
    refund_total_amount: Int64 | None = None
    refund_all: bool = False
    cp_extra: LongText = ""


class QueryRefundBody(OrderBody):
    refund_id: Words = ""
    out_refund_no: Words = ""


class RefundAuditBody(_Body):
    refund_id: Words = ""
    out_refund_no: Words = ""
    refund_audit_status: int
    deny_message: Words = ""


class CreateSettleBody(OrderBody):
    out_settle_no: Text
    item_order_id: Words = ""
    settle_desc: Words = ""
    cp_extra: LongText = ""


class QuerySettleBody(OrderBody):
    settle_id: Words = ""
    out_settle_no: Words = ""


class TokenBody(_Body):
    appid: Words = ""
    secret: Words = Field(default="", repr=False)
    grant_type: Words = ""
