"""The mini-program trade callbacks: signatures, reading, translation, acknowledgements."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.clock import utc_now
from shared.contracts.asks import (
    LineValidity,
    OrderAnswer,
    OrderAsk,
    OrderRefusal,
    RefundAnswer,
    RefundAsk,
    RefundOutcome,
)
from shared.errors import Unreadable
from shared.platforms.douyin import trade
from shared.platforms.douyin.adapter import Douyin
from shared.platforms.douyin.signatures import sign_bytes, sign_ecpay
from shared.platforms.questions import (
    Channel,
    Matter,
    Outcome,
    Question,
    TradeEntry,
    TradeKeys,
    Verdict,
)
from tests.unit.platforms.test_spi import an_asker

DOUYIN = Douyin()
APP_ID = "tt0123456789abcdef"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = TradeKeys(public_keys=(KEY.public_key(),))
ENTRY = TradeEntry("pages/order/detail", "https://qiao.example/trade")
ORDER = {
    "app_id": APP_ID,
    "order_id": "800000000101",
    "goods": [{"goods_id": "g-1", "quantity": 2, "price": 500}],
    "total_amount": 1000,
    "discount": 100,
    "create_order_time": 1_790_000_000_123,
    "open_id": "buyer-1",
    "phone_num": "13800001234",
}
REFUND = {
    "app_id": APP_ID,
    "order_id": "800000000101",
    "refund_id": "r-1",
    "need_refund_audit": 1,
    "refund_audit_deadline": 1_790_000_600_000,
    "refund_total_amount": 450,
    "item_order_detail": [{"item_order_id": "i-1", "refund_amount": 450}],
}


def a_body(kind: str, message: Any, *, version: str = "2.0") -> bytes:
    body = {"version": version, "msg": json.dumps(message), "type": kind}
    return json.dumps(body, separators=(",", ":")).encode()


def headers_for(raw: bytes, *, key: rsa.RSAPrivateKey = KEY) -> dict[str, str]:
    signature = sign_bytes(key, timestamp="1790000000", nonce="n0nce", raw=raw)
    return {
        "Byte-Timestamp": "1790000000",
        "Byte-Nonce-Str": "n0nce",
        "Byte-Signature": signature,
    }


def a_callback(kind: str, message: Any, *, version: str = "2.0") -> Question:
    raw = a_body(kind, message, version=version)
    return DOUYIN.read_trade(headers_for(raw), raw)


@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
def test_the_platform_signs_the_bytes_of_every_version(version: str) -> None:
    raw = a_body("payment", {"app_id": APP_ID, "order_id": "1"}, version=version)
    headers = headers_for(raw)
    assert trade.verify(headers, raw, APP_ID, KEYS)
    assert trade.read(headers, raw).form == f"trade_v{version[0]}"
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    assert trade.verify(headers, raw, APP_ID, TradeKeys(public_keys=(another, KEY.public_key())))
    assert not trade.verify(headers, raw, APP_ID, TradeKeys(public_keys=(another,)))
    assert not trade.verify(headers, raw, APP_ID, TradeKeys())
    assert not trade.verify(headers, raw[:-1] + b" ", APP_ID, KEYS)
    for name in ("Byte-Timestamp", "Byte-Nonce-Str"):
        assert not trade.verify({**headers, name: "1"}, raw, APP_ID, KEYS)
    assert not trade.verify({**headers, "Byte-Signature": "!"}, raw, APP_ID, KEYS)


def test_what_was_signed_for_another_mini_program_is_not_for_this_one() -> None:
    raw = a_body("payment", {"app_id": "tt-another", "order_id": "1"})
    assert not trade.verify(headers_for(raw), raw, APP_ID, KEYS)


def an_older_body(kind: str, message: Any, *, token: str) -> bytes:
    body: dict[str, Any] = {
        "timestamp": "1790000000",
        "nonce": "123",
        "msg": json.dumps(message),
        "type": kind,
    }
    body["msg_signature"] = sign_ecpay(body, token)
    return json.dumps(body).encode()


def test_the_older_payments_are_signed_with_a_token() -> None:
    message = {"appid": APP_ID, "cp_orderno": "o", "order_id": "1", "status": "SUCCESS"}
    raw = an_older_body("payment", message, token="token-1")
    assert trade.verify({}, raw, APP_ID, TradeKeys(tokens=("token-0", "token-1")))
    assert not trade.verify({}, raw, APP_ID, TradeKeys(tokens=("token-0",)))
    assert not trade.verify({}, raw, APP_ID, KEYS)
    assert not trade.verify({}, raw.replace(b"nonce", b"nonse"), APP_ID, TradeKeys(tokens=("t",)))
    assert not trade.verify({}, b"{", APP_ID, TradeKeys(tokens=("token-1",)))
    assert not trade.verify({}, b'{"msg":{}}', APP_ID, TradeKeys(tokens=("token-1",)))
    question = trade.read({}, raw)
    assert (question.form, question.matter) == ("trade_ecpay", Matter.NOTICE)


def test_a_key_is_read_as_pem_or_bare_and_must_be_rsa_of_2048_bits() -> None:
    public = KEY.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    bare = "".join(pem.splitlines()[1:-1])
    for text in (pem, bare):
        loaded = DOUYIN.load_trade_key(text)
        assert isinstance(loaded, rsa.RSAPublicKey)
        assert loaded.public_numbers() == public.public_numbers()
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    others = [
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for key in (small, curve)
    ]
    for text in ("", "no key", "AAAA", *others):
        with pytest.raises(Unreadable):
            DOUYIN.load_trade_key(text)


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b'{"msg":"{}"}',
        b'{"type":"a b","msg":"{}"}',
        b'{"type":"payment","msg":{}}',
        b'{"type":"payment","msg":"[]"}',
        b'{"type":"payment","msg":"{"}',
        b'{"type":"payment"}',
    ],
)
def test_an_odd_callback_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        trade.read({}, raw)


def test_an_order_to_be_is_asked_with_what_will_be_paid() -> None:
    ask = DOUYIN.ask_of(a_callback("pre_create_order", ORDER), an_asker())
    assert isinstance(ask, OrderAsk)
    (line,) = ask.lines
    assert (line.platform_sku_id, line.count, line.price_fen) == ("g-1", 2, None)
    assert (ask.pay_amount_fen, ask.buyer) == (900, "index of buyer-1")
    assert ask.ordered_at == datetime.fromtimestamp(1_790_000_000.123, UTC)
    assert "13800001234" not in ask.model_dump_json()


def test_a_price_is_asked_about_only_where_there_is_no_discount() -> None:
    ask = DOUYIN.ask_of(a_callback("pre_create_order", {**ORDER, "discount": 0}), an_asker())
    assert isinstance(ask, OrderAsk)
    assert [line.price_fen for line in ask.lines] == [500]


def test_discounts_of_several_kinds_leave_the_amount_unsaid() -> None:
    message = {**ORDER, "discount": {"platform": 50}, "goods": None, "sku_list": ORDER["goods"]}
    ask = DOUYIN.ask_of(a_callback("pre_create_order", message), an_asker())
    assert isinstance(ask, OrderAsk)
    assert ask.pay_amount_fen is None


def test_an_order_without_goods_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        DOUYIN.ask_of(a_callback("pre_create_order", {"order_id": "1"}), an_asker())


def test_a_refund_says_which_door_its_decision_goes_back_by() -> None:
    ask = DOUYIN.ask_of(a_callback("pre_create_refund", REFUND), an_asker())
    assert isinstance(ask, RefundAsk)
    assert (ask.after_sale_id, ask.amount_fen, ask.coupon_ids) == ("r-1", 450, ("i-1",))
    assert ask.answer_until == datetime.fromtimestamp(1_790_000_600, UTC)
    assert ask.model_dump().get("channel") == "trade_v2"


def test_a_new_order_is_acknowledged_with_all_that_the_platform_wants() -> None:
    question = a_callback("pre_create_order", ORDER)
    ask = DOUYIN.ask_of(question, an_asker())
    begin, end = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    answer = OrderAnswer(
        order_id="800000000101",
        refusal=None,
        out_order_id="q-1",
        pay_until=utc_now() + timedelta(seconds=600),
        lines=(LineValidity(third_sku_id="milk-tea", valid_from=begin, valid_to=end),),
    )
    reply = DOUYIN.reply(question, ask, answer, ENTRY)
    body = json.loads(reply.body)
    data = body["data"]
    assert (body["err_no"], body["err_tips"], reply.outcome) == (0, "success", Outcome.ACCEPTED)
    assert data["out_order_no"] == "q-1"
    assert 590 <= data["pay_expire_seconds"] <= 600
    assert data["order_entry_schema"]["path"] == "pages/order/detail"
    assert json.loads(data["order_entry_schema"]["params"]) == {"out_order_no": "q-1"}
    assert data["pay_notify_url"] == "https://qiao.example/trade"
    assert data["order_valid_time"] == [
        {
            "goods_id": "g-1",
            "valid_start_time": int(begin.timestamp() * 1000),
            "valid_end_time": int(end.timestamp() * 1000),
        }
    ]
    bare = json.loads(DOUYIN.reply(question, ask, answer, TradeEntry("p")).body)
    assert "pay_notify_url" not in bare["data"]


def test_a_refused_order_has_a_number_and_no_data() -> None:
    question = a_callback("pre_create_order", ORDER)
    answer = OrderAnswer(order_id="1", refusal=OrderRefusal.SOLD_OUT)
    body = json.loads(
        DOUYIN.reply(question, DOUYIN.ask_of(question, an_asker()), answer, ENTRY).body
    )
    assert (body["err_no"], "data" in body) == (5, False)
    assert isinstance(body["err_tips"], str)


@pytest.mark.parametrize("outcome", list(RefundOutcome))
def test_a_refund_is_acknowledged_whatever_will_be_decided(outcome: RefundOutcome) -> None:
    question = a_callback("pre_create_refund", REFUND)
    answer = RefundAnswer(after_sale_id="r-1", outcome=outcome, out_refund_id="q-r-1")
    reply = DOUYIN.reply(question, DOUYIN.ask_of(question, an_asker()), answer, ENTRY)
    body = json.loads(reply.body)
    assert (body["err_no"], body["data"]["out_refund_no"]) == (0, "q-r-1")
    assert body["data"]["order_entry_schema"]["path"] == "pages/order/detail"


def test_without_an_answer_the_number_says_why() -> None:
    for verdict in Verdict:
        body = json.loads(DOUYIN.reply_without_answer(Channel.TRADE, verdict).body)
        assert list(body) == ["err_no", "err_tips"]
        assert type(body["err_no"]) is int
        assert (body["err_no"] == 0) is (verdict is Verdict.NOTED)
