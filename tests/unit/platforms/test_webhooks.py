import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Unreadable
from shared.platforms.douyin.events import EVENTS, NAMED_EVENTS, known, read_content
from shared.platforms.douyin.personal import personal_fields
from shared.platforms.douyin.webhooks import (
    MAX_BODY_BYTES,
    account_id,
    handshake_answer,
    order_ids,
    read_time,
    read_webhook,
    sent_at,
)
from shared.strict_json import MAX_DEPTH

PAID = {
    "action": "pay_success",
    "msg_time": 1665991178,
    "order": {"order_id": "1061449651423386211", "account_id": "6943233382746834985"},
}


def body(content: Any = None, **members: Any) -> bytes:
    members = {"event": "life_trade_order_notify", "client_key": "aw1", **members}
    return json.dumps({**members, "content": content}, ensure_ascii=False).encode()


def test_content_is_read_from_a_string_and_from_an_object() -> None:
    for content in (PAID, json.dumps(PAID), json.dumps(PAID, indent=2)):
        webhook = read_webhook(body(content, log_id="l1", from_user_id="u1"), msg_id="m1")
        assert webhook.content == PAID
        assert (webhook.event, webhook.client_key) == ("life_trade_order_notify", "aw1")
        assert (webhook.msg_id, webhook.log_id, webhook.from_user_id) == ("m1", "l1", "u1")


def test_the_header_goes_before_the_msg_id_of_the_body() -> None:
    assert read_webhook(body(msg_id="in-body")).msg_id == "in-body"
    assert read_webhook(body(msg_id="in-body"), msg_id="in-header").msg_id == "in-header"
    assert read_webhook(body()).msg_id is None


@pytest.mark.parametrize("content", ["plain words", "", None, 7, ["a"], True])
def test_content_of_an_unknown_event_is_passed_on_as_it_is(content: Any) -> None:
    assert read_webhook(body(content, event="life_new_thing")).content == content


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'{"event":"x"}{"event":"y"}',
        b'{"event":"x"}\x00',
        b'{"event":"x","event":"y"}',
        b'{"event":"x","content":{"a":1,"a":2}}',
        b'{"event":"x","content":"{\\"a\\":1,\\"a\\":2}"}',
        b'{"event":"x","content":"{\\"a\\":NaN}"}',
        b'{"event":"x","content":"{broken"}',
        b'{"event":"x","content":NaN}',
        b'{"event":"x","content":1e999}',
        b'{"event":"x","content":"\\ud800"}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"content":{}}',
        b'{"event":7}',
        b'{"event":""}',
        b'{"event":"a\\nb"}',
        b'{"event":"x","msg_id":{}}',
        b'{"event":"x","client_key":"a\\nb"}',
        b'{"event":"x","content":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b"[" * 5000,
        b'{"event":"x","content":"' + b"x" * MAX_BODY_BYTES + b'"}',
    ],
)
def test_what_could_mean_two_things_or_none_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_webhook(raw)


@pytest.mark.parametrize("msg_id", ["x" * 129, "a\nb", "\udc80"])
def test_a_message_id_that_cannot_be_stored_is_unreadable(msg_id: str) -> None:
    with pytest.raises(Unreadable, match="Msg-Id"):
        read_webhook(body(), msg_id=msg_id)


@pytest.mark.parametrize("name", ["a b", "a.*", "a>", ".a", "新事件"])
def test_a_delivery_is_read_whatever_its_event_is_called(name: str) -> None:
    assert read_webhook(body(event=name)).event == name


def test_unusual_but_honest_json_is_read() -> None:
    raw = b' { "event" : "x", "content" : { "n" : 1.50, "big" : 123456789012345678901234567890 } } '
    assert read_webhook(raw).content == {"n": 1.5, "big": 123456789012345678901234567890}


@given(raw=st.binary(max_size=300))
def test_no_bytes_make_reading_fail_in_another_way(raw: bytes) -> None:
    with suppress(Unreadable):
        read_webhook(raw)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(content=JSON_VALUES, event=st.sampled_from([*EVENTS, "life_new_thing"]))
def test_no_json_makes_reading_fail_in_another_way(content: Any, event: str) -> None:
    for form in (content, json.dumps(content)):
        try:
            webhook = read_webhook(body(form, event=event))
            handshake_answer(webhook)
            read_content(webhook.event, webhook.content)
        except Unreadable:
            continue
        personal_fields(webhook.event, webhook.content)
        order_ids(webhook.content)
        account_id(webhook.content)
        sent_at(webhook.content)


@given(content=JSON_VALUES)
def test_content_means_the_same_as_a_string_and_as_an_object(content: Any) -> None:
    try:
        read = read_webhook(body({"c": content})).content
    except Unreadable:
        return
    assert read_webhook(body(json.dumps({"c": content}))).content == read


@pytest.mark.parametrize("challenge", [12345, "12345", 1.5, 123456789012345678901234567890, "汉"])
def test_the_challenge_goes_back_as_it_came(challenge: float | str) -> None:
    raw = body({"challenge": challenge}, event="verify_webhook", client_key="")
    answer = handshake_answer(read_webhook(raw))
    assert answer is not None
    assert json.loads(answer) == {"challenge": challenge}


@pytest.mark.parametrize("content", [None, {}, {"challenge": None}, {"challenge": True}, []])
def test_a_handshake_without_challenge_is_unreadable(content: Any) -> None:
    with pytest.raises(Unreadable):
        handshake_answer(read_webhook(body(content, event="verify_webhook")))


def test_only_the_handshake_has_an_answer() -> None:
    assert handshake_answer(read_webhook(body({"challenge": 1}))) is None


def test_merchant_and_orders_are_found_wherever_the_event_puts_them() -> None:
    assert account_id(PAID) == "6943233382746834985"
    assert account_id({"certificate": {"account_id": 12}}) == "12"
    assert account_id({"merchant_id": "9"}) == "9"
    assert account_id({"account_id": "0" * 200}) is None
    assert account_id("words") is None
    assert order_ids(PAID) == ("1061449651423386211",)
    assert order_ids({"order_id": 1, "order_ids": ["2", 3, None, True], "order": {}}) == (
        "1",
        "2",
        "3",
    )
    assert order_ids(None) == ()


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1665991178, datetime(2022, 10, 17, 7, 19, 38, tzinfo=UTC)),
        ("1665991178", datetime(2022, 10, 17, 7, 19, 38, tzinfo=UTC)),
        (1665991178000, datetime(2022, 10, 17, 7, 19, 38, tzinfo=UTC)),
        (1665991178500, datetime(2022, 10, 17, 7, 19, 38, 500_000, tzinfo=UTC)),
        (0, None),
        (-5, None),
        (True, None),
        ("soon", None),
        ("", None),
        (None, None),
        (10**30, None),
        (9_999_999_999_999_999, None),
    ],
)
def test_a_time_is_read_in_seconds_and_in_milliseconds(
    value: object, moment: datetime | None
) -> None:
    assert read_time(value) == moment


def test_the_platforms_time_of_a_message_is_found() -> None:
    assert sent_at(PAID) == datetime(2022, 10, 17, 7, 19, 38, tzinfo=UTC)
    assert sent_at({"event_time": 1665991178000}) == datetime(2022, 10, 17, 7, 19, 38, tzinfo=UTC)
    assert sent_at({"msg_time": "?"}) is None
    assert sent_at([]) is None


def test_personal_leaves_are_found_by_name_and_by_looking_like_a_phone() -> None:
    assert personal_fields("life_trade_order_notify", PAID) == ()
    assert personal_fields("life_member_join", {"account_id": "1", "mobile": "18600000000"}) == (
        ("mobile",),
    )
    content = {
        "contacts": [{"name": "某人", "phone": "", "age": 7}],
        "remark": "13912345678",
        "number": 13912345678,
        "order_id": "7091180835810052103",
    }
    assert personal_fields("life_new_thing", content) == (
        ("contacts", 0, "name"),
        ("contacts", 0, "age"),
        ("remark",),
        ("number",),
    )
    assert personal_fields("receive_msg", {"text": "hi", "message_type": "text"}) == (("text",),)
    assert personal_fields("life_trade_certificate_notify", {"certificate": {"code": "1"}}) == (
        ("certificate", "code"),
    )


def test_events_with_and_without_shape_are_known() -> None:
    assert not set(EVENTS) & NAMED_EVENTS
    assert len(EVENTS) + len(NAMED_EVENTS) >= 60
    assert known("life_trade_order_notify")
    assert known("life_hotel_audit_result")
    assert not known("life_new_thing")
    assert read_content("life_new_thing", object()) is None


def test_a_broken_content_is_named_without_telling_its_values() -> None:
    with pytest.raises(Unreadable) as caught:
        read_content("life_member_join", {"account_id": {"secret": "18600000000"}})
    assert "account_id" in str(caught.value)
    assert "18600000000" not in str(caught.value)
