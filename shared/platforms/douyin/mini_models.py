"""The mini-programs' answers, as far as we use them. Times in milliseconds, money in fen."""

from shared.platforms.douyin.fields import (
    Id,
    OptionalId,
    OptionalInteger,
    OptionalTime,
    Shape,
)


class PreparedItem(Shape):
    certificate_id: Id
    encrypted_code: str
    item_order_id: OptionalId = None


class PreparedDelivery(Shape):
    verify_token: str
    order_id: Id
    out_order_no: OptionalId = None
    certificates: tuple[PreparedItem, ...] = ()


class DeliveryResult(Shape):
    item_order_id: OptionalId = None
    result_code: int
    result_msg: str = ""
    verify_id: OptionalId = None
    verify_time: OptionalTime = None


class DeliveryResults(Shape):
    verify_results: tuple[DeliveryResult, ...] = ()


class PushedDelivery(Shape):
    delivery_id: OptionalId = None


class CreatedRefund(Shape):
    refund_id: Id
    refund_audit_deadline: OptionalTime = None


class AuditDetail(Shape):
    audit_status: str | None = None
    need_refund_audit: OptionalInteger = None
    refund_audit_deadline: OptionalTime = None


class RefundShown(Shape):
    refund_id: Id
    out_refund_no: OptionalId = None
    order_id: OptionalId = None
    refund_status: str
    refund_total_amount: OptionalInteger = None
    create_at: OptionalTime = None
    refund_at: OptionalTime = None
    message: str = ""
    merchant_audit_detail: AuditDetail = AuditDetail()


class RefundList(Shape):
    refund_list: tuple[RefundShown, ...] = ()


class CreatedSettlement(Shape):
    settle_id: Id


class OrderShown(Shape):
    """The industry protocol and the general one name the same things differently."""

    order_id: Id
    out_order_no: OptionalId = None
    order_status: str | None = None
    pay_status: str | None = None
    total_fee: OptionalInteger = None
    total_amount: OptionalInteger = None
    discount_amount: OptionalInteger = None
    refund_amount: OptionalInteger = None
    settle_amount: OptionalInteger = None


class Nothing(Shape):
    """The envelope says it all."""
