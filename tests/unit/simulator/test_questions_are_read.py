"""What the simulator asks is what our own reading of the platform's questions expects.

Both sides were written from the same documents by different hands; this is where they meet.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.simulator.domain import spi, trade
from services.simulator.domain.after_sales import AfterSale, AfterSaleState, Cause
from services.simulator.domain.coupons import (
    Channel,
    CodeOrigin,
    Coupon,
    CouponState,
    Order,
    OrderState,
    Sku,
)
from services.simulator.domain.questions import Question
from shared.contracts.asks import CodesAsk, OrderAsk, RefundAsk, StatusAsk
from shared.contracts.products import ProductKind
from shared.platforms.douyin import spi as our_spi
from shared.platforms.douyin import spi_asks, trade_replies
from shared.platforms.douyin import trade as our_trade
from shared.platforms.questions import Ask, Asker

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
WHO = Asker("tea", "douyin", "awtest", "77", NOW, lambda open_id: f"hash of {open_id}")


def coupon(place: int) -> Coupon:
    return Coupon(
        certificate_id=100 + place,
        order_id=1,
        place=place,
        code="102539929601",
        short_id="eHHc1ft",
        state=CouponState.AVAILABLE,
        original_amount_fen=5_000,
        pay_amount_fen=4_000,
        starts_at=NOW,
        expires_at=LATER,
        third_code="ours" if place == 0 else None,
        third_certificate_id="named" if place == 0 else None,
    )


ORDER = Order(
    order_id=1,
    account_id="77",
    client_key="awtest",
    reference="r",
    open_id="buyer",
    sku=Sku("1730440745530376", "瑜伽五次卡", 3, "yoga"),
    poi_ids=None,
    original_amount_fen=10_000,
    pay_amount_fen=8_000,
    state=OrderState.OPEN,
    created_at=NOW,
    paid_at=NOW,
    closes_at=None,
    updated_at=NOW,
    coupons=[coupon(0), coupon(1)],
    code_origin=CodeOrigin.MERCHANT,
    out_order_id="out-1",
)
REFUND = AfterSale(
    after_sale_id=7,
    order_id=1,
    certificate_ids=[100, 101],
    cause=Cause.BUYER,
    amount_fen=8_000,
    state=AfterSaleState.ASKED,
    created_at=NOW,
    reason="不想要了",
    decides_at=LATER,
)


def read_spi(question: Question) -> Ask:
    read = our_spi.read(question.action, [("timestamp", "1669118400000")], question.body.encode())
    return spi_asks.ask_of(read, WHO)


def read_trade(question: Question) -> Ask:
    return trade_replies.ask_of(our_trade.read({}, question.body.encode()), WHO)


def test_an_order_to_be_names_sku_count_and_price() -> None:
    asked = read_spi(spi.pre_create(ORDER))

    assert isinstance(asked, OrderAsk)
    (line,) = asked.lines
    assert (line.platform_sku_id, line.third_sku_id) == ("1730440745530376", "yoga")
    assert (line.count, line.price_fen, asked.pay_amount_fen) == (2, 4_000, 8_000)
    assert (asked.order_id, asked.buyer, asked.ordered_at) == ("1", "hash of buyer", NOW)


def test_codes_are_asked_for_a_kind_a_count_and_a_time() -> None:
    asked = read_spi(spi.issue_codes(ORDER))

    assert isinstance(asked, CodesAsk)
    assert (asked.count, asked.kind, asked.title) == (2, ProductKind.TIMES_CARD, "瑜伽五次卡")
    assert (asked.valid_from, asked.valid_to) == (NOW, LATER)
    assert (asked.original_amount_fen, asked.pay_amount_fen) == (10_000, 8_000)


def test_a_refund_names_coupons_as_the_merchant_does() -> None:
    asked = read_spi(spi.refund_apply(ORDER, REFUND))

    assert isinstance(asked, RefundAsk)
    assert (asked.after_sale_id, asked.coupon_ids) == ("7", ("named", "101"))
    assert (asked.without_code, asked.amount_fen, asked.reason) == (1, 8_000, "不想要了")


def test_orders_are_asked_about_by_their_ids() -> None:
    asked = read_spi(spi.order_status("awtest", [1, 2]))

    assert isinstance(asked, StatusAsk)
    assert asked.order_ids == ("1", "2")


def test_a_mini_programs_order_is_read_as_an_order() -> None:
    asked = read_trade(trade.pre_create_order(replace(ORDER, channel=Channel.V2)))

    assert isinstance(asked, OrderAsk)
    (line,) = asked.lines
    assert (line.platform_sku_id, line.third_sku_id, line.count) == ("1730440745530376", "yoga", 2)
    assert (asked.pay_amount_fen, asked.ordered_at) == (8_000, NOW)


@pytest.mark.parametrize(("channel", "form"), [(Channel.V2, "trade_v2"), (Channel.V3, "trade_v3")])
def test_a_mini_programs_refund_says_until_when_and_in_which_form(
    channel: Channel, form: str
) -> None:
    asked = read_trade(trade.pre_create_refund(replace(ORDER, channel=channel), REFUND))

    assert isinstance(asked, RefundAsk)
    assert (asked.after_sale_id, asked.amount_fen, asked.channel) == ("7", 8_000, form)
    assert (asked.answer_until, asked.coupon_ids) == (LATER, ("100", "101"))
