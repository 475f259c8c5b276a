"""The shapes of the OpenAPI's answers, as the platform writes them."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import PositiveInt, ValidationError

from shared.platforms.douyin.fields import (
    Id,
    OptionalId,
    OptionalInteger,
    OptionalTime,
    Shape,
    first_filled,
)


class Amount(Shape):
    original_amount: OptionalInteger = None
    pay_amount: OptionalInteger = None
    coupon_pay_amount: OptionalInteger = None


class Sku(Shape):
    sku_id: OptionalId = None
    title: str | None = None
    groupon_type: OptionalInteger = None
    account_id: OptionalId = None


class TimeCard(Shape):
    times_count: OptionalInteger = None
    times_used: OptionalInteger = None

    @property
    def is_used_up(self) -> bool:
        return bool(self.times_count) and (self.times_used or 0) >= (self.times_count or 0)


class VerifyInfo(Shape):
    verify_id: OptionalId = None
    certificate_id: OptionalId = None
    verify_time: OptionalTime = None
    can_cancel: bool | None = None
    verify_type: OptionalInteger = None
    poi_id: OptionalId = None


class NotAvailableTimeInfo(Shape):
    # Whether the coupon may be redeemed at this moment by its weekdays and dates.
    fulfil_enable: bool | None = None


class Certificate(Shape):
    """One coupon. Times come in seconds, or in milliseconds from the get endpoint."""

    certificate_id: OptionalId = None
    encrypted_code: str | None = None
    # prepare leaves it out: it only answers with unused coupons.
    status: int = 1
    start_time: OptionalTime = None
    expire_time: OptionalTime = None
    sku: Sku | None = None
    amount: Amount | None = None
    time_card: TimeCard | None = None
    verify: VerifyInfo | None = None
    not_available_time_info: NotAvailableTimeInfo | None = None

    @property
    def id(self) -> str | None:
        """The samples name a used certificate only inside `verify`."""
        return self.certificate_id or (self.verify.certificate_id if self.verify else None)


class PrepareData(Shape):
    verify_token: Id
    order_id: Id
    certificates: tuple[Certificate, ...] = ()

    _newer_first = first_filled("certificates", "certificates_v2", "certificates")


class NoData(Shape):
    """Of calls whose answer says only whether they were done."""


class VerifyResult(Shape):
    result: int
    msg: str = ""
    code: str | None = None
    verify_id: OptionalId = None
    certificate_id: OptionalId = None
    order_id: OptionalId = None
    account_id: OptionalId = None


class VerifyData(Shape):
    verify_results: tuple[VerifyResult, ...] = ()


class BatchVerifyData(VerifyData):
    """Nothing public says where batch_verify puts its results; these two places are read."""

    _either = first_filled("verify_results", "verify_results", "batch_verify_results")


class CancelResult(Shape):
    verify_id: OptionalId = None
    order_id: OptionalId = None
    result_code: int
    result_msg: str = ""


class CancelData(Shape):
    # Only batches are answered one by one.
    cancel_results: tuple[CancelResult, ...] = ()


class GetData(Shape):
    certificate: Certificate

    _newer_first = first_filled("certificate", "certificate_v2", "certificate_v_2", "certificate")


class QueryData(Shape):
    certificates: tuple[Certificate, ...] = ()

    _newer_first = first_filled(
        "certificates", "certificates_v2", "certificates_v_2", "certificates"
    )


class Record(Shape):
    certificate_id: Id
    verify_id: Id
    verify_time: OptionalTime = None
    cancel_time: OptionalTime = None
    status: int = 0
    can_cancel: bool | None = None
    cursor: str | None = None
    sku: Sku | None = None
    amount: Amount | None = None


class RecordData(Shape):
    total: OptionalInteger = None
    records: tuple[Record, ...] = ()

    _newer_first = first_filled("records", "records_v2", "records")


class OrderItem(Shape):
    certificate_id: OptionalId = None
    order_item_id: OptionalId = None
    item_status: int = 0
    item_update_time: OptionalTime = None
    refund_amount: OptionalInteger = None
    refund_time: OptionalTime = None


class Order(Shape):
    order_id: Id
    order_status: int = 0
    count: OptionalInteger = None
    sku_id: OptionalId = None
    sku_name: str | None = None
    original_amount: OptionalInteger = None
    pay_amount: OptionalInteger = None
    create_order_time: OptionalTime = None
    pay_time: OptionalTime = None
    update_order_time: OptionalTime = None
    certificate: tuple[OrderItem, ...] = ()

    @property
    def coupon_count(self) -> int | None:
        return self.count or len(self.certificate) or None


class OrderPageInfo(Shape):
    total: OptionalInteger = None


class SearchAfter(Shape):
    cursor: tuple[Any, ...] = ()

    _either = first_filled("cursor", "CursorValue", "cursor")


class OrderData(Shape):
    # Read one by one: an order that we cannot read must not hide the others.
    orders: tuple[dict[str, Any], ...] = ()
    page: OrderPageInfo | None = None
    search_after: SearchAfter | None = None


class TokenData(Shape):
    access_token: Id
    expires_in: PositiveInt

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self | None:
        """None if it is no token; its text must not get into an error message."""
        try:
            return cls.model_validate(data)
        except ValidationError:
            return None
