"""What questions and callbacks say about orders."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation, ObservationKind
from shared.errors import Unreadable
from shared.platforms.douyin.adapter import Douyin

RECEIVED_AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
PAID_AT = datetime(2026, 9, 21, 13, 33, 20, tzinfo=UTC)
_K = ObservationKind


def told(event: str, content: Any) -> tuple[Observation, ...]:
    return Douyin().observations(
        PlatformDelivery(
            delivery_id=UUID(int=1),
            platform="douyin",
            client_key="awdemo",
            account_id=None,
            event=event,
            msg_id=None,
            received_at=RECEIVED_AT,
            content=content,
        )
    )


CERTIFICATES = [{"certificate_id": "c-1", "code": "sealed:v1:x"}, {"certificate_id": "c-2"}]
SPI_REFUND = {"order_id": "1", "after_sale_id": "a", "certificates": CERTIFICATES}
DECIDED = [{"certificate_id": f"c-{number}", "audit_result": number} for number in (1, 2, 3)]
PAYMENT = {
    "order_id": "1",
    "total_amount": 1000,
    "discount_amount": 100,
    "event_time": 1_789_997_600_000,
}


@pytest.mark.parametrize(
    ("event", "content", "kinds"),
    [
        ("spi_fulfilment_order_refund_apply", SPI_REFUND, [_K.COUPON_REFUNDING] * 2),
        (
            "spi_fulfilment_order_refund_notice",
            {"order_id": "1", "after_sale_type": 1, "notice_list": CERTIFICATES},
            [_K.COUPON_REFUNDED] * 2,
        ),
        (
            "spi_traffic_order_refund_notify",
            {"order_id": "1", "notice_list": DECIDED},
            [_K.COUPON_REFUNDED, _K.COUPON_REFUND_REJECTED],
        ),
        (
            "spi_catering_order_refund_apply",
            {"order_id": "1", "after_sale_id": "a", "refund_fee": 5},
            [_K.ORDER_REFUNDING],
        ),
        ("trade_payment", {**PAYMENT, "status": "SUCCESS"}, [_K.ORDER_PAID]),
        ("trade_payment", {**PAYMENT, "status": "CANCEL"}, [_K.ORDER_CLOSED]),
        ("trade_payment", {**PAYMENT, "status": "PROCESSING"}, []),
        ("trade_pre_create_refund", {"order_id": "1", "refund_id": "r"}, [_K.ORDER_REFUNDING]),
        ("trade_refund", {"order_id": "1", "status": "SUCCESS"}, [_K.ORDER_REFUNDED]),
        ("trade_refund", {"order_id": "1", "status": "FAIL"}, [_K.ORDER_REFUND_REJECTED]),
        ("trade_refund", {"refund_id": "r", "status": "SUCCESS"}, []),
        ("trade_settle", {"order_id": "1", "status": "SUCCESS"}, [_K.ORDER_SETTLED]),
        ("trade_settle", {"order_id": "1", "status": "FAIL"}, []),
        # A question about an order that may never be, and names that say nothing of one.
        ("spi_trade_order_pre_create_order", {"order_id": "1"}, []),
        ("trade_pre_create_order", {"order_id": "1"}, []),
        ("trade_coupon_verify", {"order_id": "1"}, []),
        ("spi_hotel_spot_order_book", {"order_id": "1"}, []),
    ],
)
def test_what_is_said_becomes_observations(
    event: str, content: Any, kinds: list[ObservationKind]
) -> None:
    observations = told(event, content)
    assert [one.kind for one in observations] == kinds
    assert {one.order_id for one in observations} <= {"1"}


def test_a_payment_says_what_was_paid_and_when() -> None:
    (paid,) = told("trade_payment", {**PAYMENT, "status": "SUCCESS"})
    assert (paid.original_amount_fen, paid.pay_amount_fen) == (1000, 900)
    assert (paid.occurred_at, paid.paid_at) == (PAID_AT, PAID_AT)


def test_the_older_payments_say_the_same() -> None:
    older = {
        "appid": "tt",
        "cp_orderno": "o",
        "order_id": "1",
        "status": "SUCCESS",
        "total_amount": 1000,
        "paid_at": 1_789_997_600,
    }
    (paid,) = told("trade_payment", older)
    assert (paid.pay_amount_fen, paid.paid_at) == (1000, PAID_AT)
    (refunded,) = told(
        "trade_refund",
        {"order_id": "1", "cp_refundno": "r", "refund_amount": 5, "status": "SUCCESS"},
    )
    assert (refunded.refund_id, refunded.refund_amount_fen) == ("r", 5)


def test_a_refund_is_known_by_its_id_and_says_how_much() -> None:
    content = {"order_id": "1", "refund_id": "r", "status": "SUCCESS", "refund_total_amount": 400}
    (refunded,) = told("trade_refund", content)
    assert (refunded.refund_id, refunded.refund_amount_fen) == ("r", 400)
    assert refunded.coupon_id is None


def test_a_refund_that_names_its_pieces_speaks_of_each_and_of_the_whole() -> None:
    pieces = [{"item_order_id": "i-1", "refund_amount": 150}, {"item_order_id": "i-2"}]
    content = {
        "order_id": "1",
        "refund_id": "r",
        "status": "SUCCESS",
        "refund_total_amount": 400,
        "refund_item_detail": {"item_order_detail": [*pieces, pieces[0]]},
    }
    told_of = [
        (one.kind, one.coupon_id, one.refund_amount_fen) for one in told("trade_refund", content)
    ]
    assert told_of == [
        (_K.ORDER_REFUNDED, None, 400),
        (_K.COUPON_REFUNDED, "i-1", 150),
        (_K.COUPON_REFUNDED, "i-2", None),
    ]
    asked = told("trade_pre_create_refund", {**content, "item_order_detail": pieces[:1]})
    assert [one.kind for one in asked] == [_K.ORDER_REFUNDING, _K.COUPON_REFUNDING]


def test_a_known_name_with_another_shape_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        told("trade_payment", {"status": "SUCCESS"})
