"""The platform's long lists, page by page, in words no platform owns."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import ValidationError

from shared.platforms.answers import OrderFacts, OrderPage, RecordPage, VerifyRecord
from shared.platforms.douyin import observations, responses

# Official: 1 有效, 2 已撤销.
RECORD_STATUSES: Mapping[int, bool] = MappingProxyType({1: True, 2: False})


def record_page(data: responses.RecordData, *, size: int, now: datetime) -> RecordPage:
    records = data.records
    return RecordPage(
        records=tuple(_record(record) for record in records),
        total=data.total,
        next_cursor=records[-1].cursor if len(records) >= size else None,
        now=now,
    )


def _record(record: responses.Record) -> VerifyRecord:
    return VerifyRecord(
        coupon_id=record.certificate_id,
        verify_id=record.verify_id,
        verified_at=record.verify_time,
        cancelled_at=record.cancel_time,
        valid=RECORD_STATUSES.get(record.status),
        can_cancel=record.can_cancel,
        title=record.sku.title if record.sku else None,
        pay_amount_fen=record.amount.pay_amount if record.amount else None,
    )


_PAGE = "page:"
_AFTER = "after:"


def page_query(cursor: str | None) -> tuple[tuple[str, str], ...]:
    """How to ask for the page that a cursor of ours names."""
    if cursor is not None and cursor.startswith(_AFTER):
        return (("cursor", cursor.removeprefix(_AFTER)),)
    return (("page_num", str(_page_number(cursor))),)


def order_page(
    data: responses.OrderData, *, account_id: str, cursor: str | None, size: int, now: datetime
) -> OrderPage:
    orders: list[OrderFacts] = []
    unreadable: list[str] = []
    for raw in data.orders:
        try:
            order = responses.Order.model_validate(raw)
        except ValidationError:
            unreadable.append(str(raw.get("order_id", "")))
        else:
            orders.append(_order_facts(order, account_id=account_id, now=now))
    return OrderPage(
        orders=tuple(orders),
        unreadable_order_ids=tuple(unreadable),
        total=data.page.total if data.page else None,
        next_cursor=_next_cursor(data, cursor=cursor, size=size),
        now=now,
    )


def _order_facts(order: responses.Order, *, account_id: str, now: datetime) -> OrderFacts:
    return OrderFacts(
        order_id=order.order_id,
        updated_at=order.update_order_time,
        observations=observations.of_order(order, account_id=account_id, now=now),
    )


def _next_cursor(data: responses.OrderData, *, cursor: str | None, size: int) -> str | None:
    """Go on by the platform's cursor where it gives one: pages end at 10,000 orders."""
    if len(data.orders) < size:
        return None
    after = data.search_after.cursor if data.search_after else ()
    if after:
        return _AFTER + ",".join(str(value) for value in after)
    return f"{_PAGE}{_page_number(cursor) + 1}"


def _page_number(cursor: str | None) -> int:
    text = (cursor or "").removeprefix(_PAGE)
    return int(text) if text.isascii() and text.isdecimal() else 1
