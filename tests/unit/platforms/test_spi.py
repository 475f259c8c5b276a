"""The life services' questions: signature, reading, translation, answers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.asks import (
    CodesAnswer,
    CodesAsk,
    CouponCounts,
    IssuedCode,
    OrderAnswer,
    OrderAsk,
    OrderRefusal,
    OrderStatus,
    RefundAnswer,
    RefundAsk,
    RefundOutcome,
    StatusAnswer,
    StatusAsk,
)
from shared.contracts.orders import OrderState
from shared.contracts.products import ProductKind
from shared.errors import Unreadable
from shared.platforms.douyin import spi, spi_replies
from shared.platforms.douyin.adapter import Douyin
from shared.platforms.douyin.signatures import sign_life, sign_life_old
from shared.platforms.questions import (
    Ask,
    Asker,
    Channel,
    Matter,
    Outcome,
    Question,
    Reply,
    TradeEntry,
    Verdict,
)

SECRET = "0123456789abcdef0123456789abcdef"
ASKED_AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
QUERY = [("client_key", "awdemo"), ("timestamp", "1790000000123")]
DOUYIN = Douyin()


def an_asker() -> Asker:
    return Asker(
        merchant="yihetang",
        platform="douyin",
        client_key="awdemo",
        account_id=None,
        asked_at=ASKED_AT,
        index_buyer=lambda open_id: f"index of {open_id}",
    )


def a_question(action: str, content: Any) -> Question:
    return DOUYIN.read_spi(action, QUERY, json.dumps(content).encode())


def asked(action: str, content: Any) -> Ask:
    return DOUYIN.ask_of(a_question(action, content), an_asker())


def data_of(reply: Reply) -> dict[str, Any]:
    """An answer has one member, whose code is a number in the documented range."""
    body = json.loads(reply.body)
    assert list(body) == ["data"]
    data: dict[str, Any] = body["data"]
    assert type(data["error_code"]) is int
    assert 0 <= data["error_code"] <= 999_999
    assert isinstance(data["description"], str)
    return data


def reply_to(action: str, content: Any, answer: Any) -> Reply:
    question = a_question(action, content)
    return DOUYIN.reply(question, DOUYIN.ask_of(question, an_asker()), answer, TradeEntry("p"))


PRE_CREATE = "trade.order.pre_create_order"
ORDER = {
    "order_id": "800000000001",
    "create_order_time_unix": 1_790_000_000,
    "total_coupon_count": 2,
    "each_coupon_amount": 990,
    "pay_amount": 1980,
    "open_id": "buyer-1",
    "sku": {"sku_id": "1770000000000001", "third_sku_id": "milk-tea"},
    "buyer_info": {"phone": "13800001234"},
}
REFUND = {
    "order_id": "800000000001",
    "after_sale_id": "as-1",
    "certificates": [
        {"certificate_id": "c-1", "code": "CODE1"},
        {"certificate_id": "c-2", "code": ""},
    ],
}


def test_the_new_signature_is_over_secret_query_and_body() -> None:
    raw = b'{"a":1}'
    signature = sign_life(QUERY, raw, SECRET)
    headers = {"x-life-sign": signature}
    assert spi.verify(QUERY, headers, raw, ["another", SECRET])
    assert not spi.verify(QUERY, headers, raw, ["another"])
    assert not spi.verify(QUERY, headers, raw, [])
    assert not spi.verify(QUERY, headers, raw + b" ", [SECRET])
    assert not spi.verify([*QUERY, ("more", "1")], headers, raw, [SECRET])
    for place in (0, 31, 63):
        wrong = signature[:place] + ("0" if signature[place] != "0" else "1")
        wrong += signature[place + 1 :]
        assert not spi.verify(QUERY, {"x-life-sign": wrong}, raw, [SECRET])


def test_the_older_signature_counts_only_where_there_is_no_newer_one() -> None:
    raw = b'{"a":1}'
    query = [*QUERY, ("sign", sign_life_old(QUERY, raw, SECRET))]
    assert spi.verify(query, {}, raw, [SECRET])
    assert not spi.verify(query, {"x-life-sign": "0" * 64}, raw, [SECRET])
    assert not spi.verify([*QUERY, ("sign", "")], {}, raw, [SECRET])


def test_the_application_is_the_one_of_the_address_and_never_one_of_two() -> None:
    assert DOUYIN.spi_client_key(PRE_CREATE, QUERY) == "awdemo"
    assert DOUYIN.spi_client_key(PRE_CREATE, [*QUERY, ("client_key", "other")]) is None
    assert DOUYIN.spi_client_key(PRE_CREATE, []) is None
    for odd in ("", "..", "a/b", "A.b", "a..b", "a" * 300):
        assert DOUYIN.spi_client_key(odd, QUERY) is None


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("1790000000123", datetime.fromtimestamp(1_790_000_000.123, UTC)),
        ("1790000000", datetime.fromtimestamp(1_790_000_000, UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_seconds_and_milliseconds_are_told_apart_and_other_words_say_nothing(
    timestamp: str, moment: datetime | None
) -> None:
    question = spi.read(PRE_CREATE, [("timestamp", timestamp)], b"{}")
    assert question.sent_at == moment


def test_the_name_in_the_record_is_the_action_with_underscores() -> None:
    question = a_question(PRE_CREATE, ORDER)
    assert (question.event, question.matter) == ("spi_trade_order_pre_create_order", Matter.ORDER)
    other = a_question("hotel_spot.order.book", {})
    assert (other.matter, other.known) == (Matter.UNSUPPORTED, False)


@pytest.mark.parametrize("raw", [b"[]", b"1", b"{", b'{"a":1,"a":2}', b"\x80", b'{"a":NaN}'])
def test_a_body_that_is_no_single_object_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        DOUYIN.read_spi(PRE_CREATE, QUERY, raw)


def test_an_empty_body_is_an_empty_question() -> None:
    assert DOUYIN.read_spi(PRE_CREATE, QUERY, b"").content == {}


def test_an_order_to_be_becomes_an_ask_that_names_no_person() -> None:
    ask = asked(PRE_CREATE, ORDER)
    assert isinstance(ask, OrderAsk)
    assert (ask.order_id, ask.buyer, ask.pay_amount_fen) == (
        "800000000001",
        "index of buyer-1",
        1980,
    )
    (line,) = ask.lines
    assert (line.platform_sku_id, line.third_sku_id) == ("1770000000000001", "milk-tea")
    assert (line.count, line.price_fen) == (2, 990)
    assert ask.ordered_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert "13800001234" not in ask.model_dump_json()
    assert '"buyer-1"' not in ask.model_dump_json()


def test_an_order_may_name_its_goods_in_any_of_the_lists_seen() -> None:
    items = [{"sku_id": "1", "count": 2, "price": 5}, {"product_id": "2"}]
    for name in ("sku_list", "product_snap_shot"):
        ask = asked(PRE_CREATE, {"order_id": "1", name: items})
        assert isinstance(ask, OrderAsk)
        assert [(line.platform_sku_id, line.count) for line in ask.lines] == [("1", 2), ("2", 1)]
    top = asked(PRE_CREATE, {"order_id": "1", "third_sku_id": "tea", "count": 3})
    assert isinstance(top, OrderAsk)
    assert [(line.third_sku_id, line.count) for line in top.lines] == [("tea", 3)]
    assert top.ordered_at == ASKED_AT


@pytest.mark.parametrize(
    ("action", "content"),
    [
        (PRE_CREATE, {}),
        (PRE_CREATE, {"order_id": "1"}),
        (PRE_CREATE, {"order_id": "1", "sku": {"sku_id": "2", "count": -1}}),
        (PRE_CREATE, {"order_id": "1" * 200, "sku_id": "2"}),
        (PRE_CREATE, {"order_id": "1", "sku_list": [{"sku_id": "2"}] * 101}),
        ("fulfilment.order.tripartite_code", {"order_id": "1"}),
        ("fulfilment.order.tripartite_code", {"order_id": "1", "count": 0}),
        ("fulfilment.order.tripartite_code", {"order_id": "1", "count": 10**9}),
        ("fulfilment.order.refund_apply", {"order_id": "1"}),
        ("fulfilment.order.refund_apply", {"order_id": "1", "after_sale_id": {}}),
        ("fulfilment.order.query", {"order_ids": []}),
        ("fulfilment.order.query", {"order_ids": ["1"] * 101}),
    ],
)
def test_what_is_not_as_documented_is_unreadable(action: str, content: Any) -> None:
    with pytest.raises(Unreadable):
        asked(action, content)


@pytest.mark.parametrize(
    ("groupon_type", "kind"),
    [(1, ProductKind.MEAL), (2, ProductKind.VOUCHER), (3, ProductKind.TIMES_CARD), (9, None)],
)
def test_codes_are_asked_for_with_kind_validity_and_amount(
    groupon_type: int, kind: ProductKind | None
) -> None:
    content = {
        "order_id": "1",
        "count": 3,
        "sku": {
            "sku_id": "7",
            "sku_name": "双人餐",
            "third_sku_id": "m",
            "groupon_type": groupon_type,
        },
        "open_id": "buyer-1",
        "start_time": 1_790_000_000,
        "expire_time": 1_800_000_000,
        "amount": 9900,
    }
    ask = asked("fulfilment.order.tripartite_code", content)
    assert isinstance(ask, CodesAsk)
    assert (ask.count, ask.kind, ask.title, ask.pay_amount_fen) == (3, kind, "双人餐", 9900)
    assert ask.valid_to == datetime.fromtimestamp(1_800_000_000, UTC)
    content["amount"] = {"original_amount": 12000, "pay_amount": 9900}
    ask = asked("fulfilment.order.tripartite_code", content)
    assert isinstance(ask, CodesAsk)
    assert (ask.original_amount_fen, ask.pay_amount_fen) == (12000, 9900)


def test_a_refund_names_its_coupons_once_and_says_how_many_have_no_code() -> None:
    again = {**REFUND, "certificates": [*REFUND["certificates"], REFUND["certificates"][0]]}
    ask = asked("fulfilment.order.refund_apply", again)
    assert isinstance(ask, RefundAsk)
    assert (ask.coupon_ids, ask.without_code) == (("c-1", "c-2"), 1)
    assert ask.asked_at == ASKED_AT
    assert "CODE1" not in ask.model_dump_json()


def test_a_refund_of_an_order_ahead_carries_fee_and_words() -> None:
    content = {
        "order_id": "1",
        "after_sale_id": "2",
        "refund_fee": 500,
        "refund_reason": {"reason_code": [1], "show_reason": [{"reason_code": 1, "msg": "等太久"}]},
    }
    ask = asked("catering.order.refund_apply", content)
    assert isinstance(ask, RefundAsk)
    assert (ask.amount_fen, ask.reason, ask.coupon_ids) == (500, "等太久", ())


def test_statuses_are_asked_for_once_each() -> None:
    ask = asked("fulfilment.order.query", {"scene": "fulfil", "order_ids": ["1", "2", "1"]})
    assert isinstance(ask, StatusAsk)
    assert ask.order_ids == ("1", "2")


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (OrderRefusal.PRODUCT_UNKNOWN, 1),
        (OrderRefusal.OFF_SHELF, 2),
        (OrderRefusal.NOT_YET_ON_SALE, 3),
        (OrderRefusal.SALE_ENDED, 4),
        (OrderRefusal.SOLD_OUT, 5),
        (OrderRefusal.OVER_LIMIT, 6),
        (OrderRefusal.PRICE_CHANGED, 7),
        (OrderRefusal.OTHER, 20),
    ],
)
def test_each_refusal_of_an_order_has_its_number(refusal: OrderRefusal, code: int) -> None:
    reply = reply_to(PRE_CREATE, ORDER, OrderAnswer(order_id="1", refusal=refusal))
    assert data_of(reply)["error_code"] == code
    assert (reply.outcome, reply.reason, reply.final) == (Outcome.REFUSED, refusal, True)


def test_every_refusal_has_a_number() -> None:
    assert set(spi_replies.ORDER_REFUSALS) == set(OrderRefusal)
    assert set(spi_replies.STATUS_NUMBERS) == set(OrderState)
    assert set(spi_replies.REFUND_RESULTS) == set(RefundOutcome)
    assert set(spi_replies.ERROR_CODES) == set(spi_replies.DESCRIPTIONS) == set(Verdict)


def test_an_order_that_may_be_is_answered_with_our_id() -> None:
    answer = OrderAnswer(order_id="1", refusal=None, out_order_id="q-1")
    data = data_of(reply_to(PRE_CREATE, ORDER, answer))
    assert (data["error_code"], data["ext_order_id"]) == (0, "q-1")


def test_codes_go_out_with_result_1_and_a_failure_with_result_2() -> None:
    content = {"order_id": "1", "count": 1}
    issued = CodesAnswer(order_id="1", refusal=None, codes=(IssuedCode(coupon_id="c", code="ABC"),))
    reply = reply_to("fulfilment.order.tripartite_code", content, issued)
    assert data_of(reply)["result"] == 1
    assert data_of(reply)["certificates"] == [{"certificate_id": "c", "code": "ABC"}]
    issuing = CodesAnswer(order_id="1", refusal=None, pending=True)
    reply = reply_to("fulfilment.order.tripartite_code", content, issuing)
    assert data_of(reply)["result"] == 0
    assert (reply.outcome, reply.final) == (Outcome.PENDING, False)
    refused = CodesAnswer(order_id="1", refusal="sku_unknown")
    reply = reply_to("fulfilment.order.tripartite_code", content, refused)
    assert (data_of(reply)["result"], data_of(reply)["error_code"]) == (2, 0)
    assert (reply.outcome, reply.reason) == (Outcome.REFUSED, "sku_unknown")


@pytest.mark.parametrize(
    ("outcome", "number", "final"),
    [
        (RefundOutcome.PENDING, 0, False),
        (RefundOutcome.ALLOWED, 1, True),
        (RefundOutcome.REFUSED, 2, True),
    ],
)
def test_a_refund_is_answered_by_number(
    outcome: RefundOutcome, number: int, *, final: bool
) -> None:
    content = {**REFUND, "certificates": [{"certificate_id": "c-1", "code": "CODE1"}]}
    answer = RefundAnswer(after_sale_id="as-1", outcome=outcome)
    reply = reply_to("fulfilment.order.refund_apply", content, answer)
    assert (data_of(reply)["result"], reply.final) == (number, final)


def test_refusing_a_coupon_without_a_code_is_undecided_since_the_code_would_be_due() -> None:
    answer = RefundAnswer(after_sale_id="as-1", outcome=RefundOutcome.REFUSED, reason="used")
    reply = reply_to("fulfilment.order.refund_apply", REFUND, answer)
    assert data_of(reply)["result"] == 0
    assert (reply.outcome, reply.final) == (Outcome.PENDING, False)


def test_statuses_are_a_map_by_order_without_codes() -> None:
    status = OrderStatus(
        order_id="1",
        state=OrderState.PARTLY_REDEEMED,
        coupon_ids=("a", "b"),
        counts=CouponCounts(total=2, redeemed=1, refunded=0),
    )
    reply = reply_to(
        "fulfilment.order.query", {"order_ids": ["1", "2"]}, StatusAnswer(orders=(status,))
    )
    assert data_of(reply)["result"] == {
        "1": {
            "order_id": "1",
            "out_order_id": "1",
            "order_status": 201,
            "order_items": [{"certificate_id": "a"}, {"certificate_id": "b"}],
            "codes": [],
            "total_quantity": 2,
            "used_quantity": 1,
            "refund_quantity": 0,
            "vouchers": [],
        }
    }
    assert not reply.final


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.NOTED, 0),
        (Verdict.RETRY, 100),
        (Verdict.UNREADABLE, 400),
        (Verdict.CONFLICTED, 409),
        (Verdict.UNSUPPORTED, 501),
    ],
)
def test_only_the_number_100_asks_for_a_retry(verdict: Verdict, code: int) -> None:
    reply = DOUYIN.reply_without_answer(Channel.SPI, verdict)
    assert data_of(reply)["error_code"] == code


def test_codes_and_persons_of_a_question_are_personal() -> None:
    event = "spi_fulfilment_order_refund_apply"
    content = {**REFUND, "open_id": "x", "refund_reason": {"desc": "我是王丽"}}
    assert set(DOUYIN.personal_fields(event, content)) == {
        ("certificates", 0, "code"),
        ("open_id",),
        ("refund_reason", "desc"),
    }
