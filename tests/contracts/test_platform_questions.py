"""What the documents show a platform asking is taken, and what goes back has the documented types.

Shapes and ids are written here by hand; the columns of a question are those of the documents.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.asks import (
    CodesAnswer,
    CodesAsk,
    CouponCounts,
    IssuedCode,
    LineValidity,
    OrderAnswer,
    OrderAsk,
    OrderStatus,
    RefundAnswer,
    RefundAsk,
    RefundOutcome,
    StatusAnswer,
    StatusAsk,
)
from shared.contracts.orders import OrderState
from shared.platforms.douyin.spi import SPIS
from shared.platforms.douyin.trade import TRADES
from shared.platforms.platform import Platform
from shared.platforms.questions import (
    Answer,
    Ask,
    Asker,
    Channel,
    Matter,
    Question,
    TradeEntry,
    Verdict,
)
from shared.platforms.registry import platform_named

DOUYIN: Platform = platform_named("douyin")
ENTRY = TradeEntry("pages/order/detail", "https://qiao.example/trade")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
QUERY = [("client_key", "awdemo"), ("timestamp", "1624293280123"), ("sign", "0" * 32)]
CERTIFICATES = [{"certificate_id": "7091180835810052103", "code": "102539929601"}]
SPI_BODIES: dict[str, Any] = {
    "trade.order.pre_create_order": {
        "order_id": "7091180835810050000",
        "create_order_time_unix": 1_790_000_000,
        "total_coupon_count": 2,
        "each_coupon_amount": 990,
        "pay_amount": 1980,
        "actual_amount": 1980,
        "total_amount": 1980,
        "discount_amount": 0,
        "merchant_discount_amount": 0,
        "biz_type": 1,
        "buyer_info": {"phone": "Enc.abc"},
        "product_snap_shot": [{"product_id": "1770000000000001"}],
        "item_list": [{"item_id": "1"}, {"item_id": "2"}],
        "pay_info": {"order_source": 1, "pay_time_unix": 0},
    },
    "fulfilment.order.tripartite_code": {
        "order_id": "7091180835810050000",
        "count": 1,
        "sku": {
            "sku_id": "1770000000000001",
            "sku_name": "双人餐",
            "third_sku_id": "tea",
            "groupon_type": 1,
        },
        "open_id": "f6e35c98-1e53-4943-ad6d-f476f869deab",
        "start_time": 1_790_000_000,
        "expire_time": 1_800_000_000,
        "amount": 9900,
    },
    "fulfilment.order.refund_apply": {
        "order_id": "7091180835810050000",
        "after_sale_id": "7091180835810060000",
        "certificates": CERTIFICATES,
    },
    "fulfilment.order.query": {"scene": "fulfil", "order_ids": ["7091180835810050000"]},
    "catering.order.refund_apply": {
        "order_id": "7091180835810050000",
        "after_sale_id": "7091180835810060000",
        "refund_reason": {
            "reason_code": [101],
            "desc": "等太久",
            "show_reason": [{"reason_code": 101, "msg": "等太久"}],
        },
        "refund_type": 1,
        "delivery_fee": 0,
        "refund_fee": 500,
        "refund_count": 1,
    },
}
TRADE_MESSAGES: dict[str, Any] = {
    "pre_create_order": {
        "app_id": "tt0123456789abcdef",
        "order_id": "8000000001017577984",
        "goods": [{"goods_id": "1", "quantity": 1, "price": 996, "title": "双人餐"}],
        "total_amount": 996,
        "discount": 0,
        "cp_extra": "",
        "create_order_time": 1_672_994_428_929,
        "open_id": "0da22181-d833-447f-995f-1beefea5bef3",
        "phone_num": "13800001234",
        "contact_name": "王丽",
        "delivery_type": 1,
    },
    "pre_create_refund": {
        "app_id": "tt0123456789abcdef",
        "order_id": "8000000001017577984",
        "refund_id": "718536707992153502030519534",
        "refund_total_amount": 996,
        "need_refund_audit": 1,
        "refund_audit_deadline": 1_673_253_628_929,
        "item_order_detail": [
            {"item_order_id": "800000000101757849613437984", "refund_amount": 996}
        ],
    },
}
ANSWERS: dict[type[Ask], Answer] = {
    OrderAsk: OrderAnswer(
        order_id="1",
        refusal=None,
        out_order_id="q-1",
        pay_until=NOW,
        lines=(LineValidity(third_sku_id="tea", valid_from=NOW, valid_to=NOW),),
    ),
    CodesAsk: CodesAnswer(
        order_id="1", refusal=None, codes=(IssuedCode(coupon_id="1", code="ABCD"),)
    ),
    RefundAsk: RefundAnswer(after_sale_id="1", outcome=RefundOutcome.ALLOWED),
    StatusAsk: StatusAnswer(
        orders=(
            OrderStatus(
                order_id="1",
                state=OrderState.PAID,
                coupon_ids=("1",),
                counts=CouponCounts(total=1, redeemed=0, refunded=0),
            ),
        )
    ),
}
# Of `data`, beyond error_code and description; of a list or a map, the type of its members.
SPI_SHAPES: dict[str, dict[str, Any]] = {
    "trade.order.pre_create_order": {"ext_order_id": str},
    "fulfilment.order.tripartite_code": {
        "result": int,
        "certificates": [{"certificate_id": str, "code": str}],
    },
    "fulfilment.order.refund_apply": {"result": int},
    "catering.order.refund_apply": {"result": int},
    "fulfilment.order.query": {
        "result": {
            "1": {
                "order_id": str,
                "out_order_id": str,
                "order_status": int,
                "order_items": [{"certificate_id": str}],
                "codes": [],
                "total_quantity": int,
                "used_quantity": int,
                "refund_quantity": int,
                "vouchers": [],
            }
        }
    },
}
_ENTRY_SHAPE = {"path": str, "params": str}
TRADE_SHAPES: dict[str, dict[str, Any]] = {
    "pre_create_order": {
        "out_order_no": str,
        "pay_expire_seconds": int,
        "order_entry_schema": _ENTRY_SHAPE,
        "order_valid_time": [{"goods_id": str, "valid_start_time": int, "valid_end_time": int}],
        "pay_notify_url": str,
    },
    "pre_create_refund": {"out_refund_no": str, "order_entry_schema": _ENTRY_SHAPE},
}
ASKER = Asker(
    merchant="yihetang",
    platform="douyin",
    client_key="awdemo",
    account_id=None,
    asked_at=NOW,
    index_buyer=lambda buyer: f"{len(buyer)}",
)


def shape_of(value: Any) -> Any:
    """The types of a JSON value, in its own form."""
    if isinstance(value, dict):
        return {name: shape_of(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape_of(member) for member in value]
    return type(value)


def answered(question: Question) -> Any:
    ask = DOUYIN.ask_of(question, ASKER)
    return json.loads(DOUYIN.reply(question, ask, ANSWERS[type(ask)], ENTRY).body)


def a_callback(kind: str, message: Any, *, version: str) -> Question:
    body = {"version": version, "msg": json.dumps(message), "type": kind}
    return DOUYIN.read_trade({}, json.dumps(body).encode())


def test_every_question_that_somebody_decides_stands_here() -> None:
    decided = {Matter.ORDER, Matter.CODES, Matter.REFUND, Matter.STATUS}
    assert {name for name, spi in SPIS.items() if spi.matter in decided} == set(SPI_BODIES)
    assert {name for name, row in TRADES.items() if row.matter in decided} == set(TRADE_MESSAGES)


@pytest.mark.parametrize("action", SPI_BODIES)
def test_an_spi_as_documented_is_answered_as_documented(action: str) -> None:
    question = DOUYIN.read_spi(action, QUERY, json.dumps(SPI_BODIES[action]).encode())
    shape = {"error_code": int, "description": str, **SPI_SHAPES[action]}
    assert shape_of(answered(question)) == {"data": shape}


@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
@pytest.mark.parametrize("kind", TRADE_MESSAGES)
def test_a_callback_as_documented_is_acknowledged_as_documented(kind: str, version: str) -> None:
    body = answered(a_callback(kind, TRADE_MESSAGES[kind], version=version))
    assert shape_of(body) == {"err_no": int, "err_tips": str, "data": TRADE_SHAPES[kind]}


@pytest.mark.parametrize("verdict", Verdict)
def test_what_is_said_without_an_answer_has_the_same_envelope(verdict: Verdict) -> None:
    spi = json.loads(DOUYIN.reply_without_answer(Channel.SPI, verdict).body)
    trade = json.loads(DOUYIN.reply_without_answer(Channel.TRADE, verdict).body)
    assert shape_of(spi) == {"data": {"error_code": int, "description": str}}
    assert shape_of(trade) == {"err_no": int, "err_tips": str}
    assert spi["data"]["error_code"] == trade["err_no"]
