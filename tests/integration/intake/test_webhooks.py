"""What a platform sees of intake: signatures, limits, answers."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

from shared.platforms.douyin.signatures import sign_webhook
from tests.integration.intake.support import SECRET, SUCCESS, IntakeUnderTest, a_webhook


async def test_a_signed_webhook_becomes_a_row_and_an_event(intake: IntakeUnderTest) -> None:
    answer = await intake.send(a_webhook(), msg_id="m-1")
    assert (answer.status, answer.body) == (200, SUCCESS)
    (row,) = await intake.fetch("SELECT delivery_id, msg_id, merchant FROM deliveries")
    await intake.until_published()
    (event,) = await intake.events("qiao.v1.yihetang.platform.douyin.life_trade_order_notify")
    assert event.id == row["delivery_id"]
    assert event.data["msg_id"] == row["msg_id"] == "m-1"
    assert event.data["content"]["action"] == "pay_success"


async def test_what_no_secret_signed_is_refused(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    signatures = {
        "none": {},
        "empty": {"X-Douyin-Signature": ""},
        "another": {"X-Douyin-Signature": "0" * 40},
        "not even ascii": {"X-Douyin-Signature": "ü" * 40},
        "of another body": {"X-Douyin-Signature": sign_webhook(b"{}", SECRET)},
        "of no body": {"X-Douyin-Signature": sign_webhook(b"", SECRET)},
    }
    answers = {
        name: (
            await intake.ask("POST", "/webhooks/douyin/awdemo", data=raw, headers=headers)
        ).status
        for name, headers in signatures.items()
    }
    assert answers == dict.fromkeys(signatures, 401)
    assert await intake.count("deliveries") == 0


async def test_a_signature_in_capitals_is_the_same(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    upper = {"X-Douyin-Signature": sign_webhook(raw, SECRET).upper()}
    assert (await intake.send(raw, headers=upper)).status == 200


async def test_an_unknown_application_and_a_bad_signature_look_alike(
    intake: IntakeUnderTest,
) -> None:
    unknown = await intake.send(a_webhook(), client_key="nobody")
    bad = await intake.send(a_webhook(), secret="f" * 32)
    assert unknown.status == bad.status == 401
    assert unknown.body == bad.body
    assert set(unknown.headers) == set(bad.headers)


async def test_a_platform_that_we_do_not_know_is_no_address(intake: IntakeUnderTest) -> None:
    assert (await intake.ask("POST", "/webhooks/nowhere/awdemo", data=b"{}")).status == 404


async def test_the_handshake_is_answered_with_the_same_type(intake: IntakeUnderTest) -> None:
    challenges: list[Any] = [12345, "12345", "a b", 2**53 + 1]
    for challenge in challenges:
        body = {"event": "verify_webhook", "client_key": "", "content": {"challenge": challenge}}
        answer = await intake.send(json.dumps(body).encode())
        assert (answer.status, answer.body) == (200, {"challenge": challenge})
        assert type(answer.body["challenge"]) is type(challenge)
    assert await intake.count("deliveries") == 0


async def test_what_is_signed_but_unreadable_is_400(intake: IntakeUnderTest) -> None:
    unreadable = [
        b"",
        b"not json",
        b"[]",
        b'{"event":"x"',
        b'{"event":"x","event":"y"}',
        b'{"event":"x","content":"{broken"}',
        b'{"event":"verify_webhook","content":{}}',
    ]
    answers = [await intake.send(raw) for raw in unreadable]
    assert {(answer.status, answer.body["reason"]) for answer in answers} == {(400, "unreadable")}


async def test_a_body_over_the_limit_is_413_however_it_is_sent(intake: IntakeUnderTest) -> None:
    raw = a_webhook(filler="x" * 256 * 1024)
    whole = await intake.send(raw)
    chunked = await intake.send(raw, data=_in_chunks(raw))
    assert [(each.status, each.body["reason"]) for each in (whole, chunked)] == [
        (413, "body_too_large")
    ] * 2


async def test_a_body_just_under_the_limit_is_taken(intake: IntakeUnderTest) -> None:
    raw = a_webhook(filler="x" * 255 * 1024)
    assert (await intake.send(raw)).status == 200
    await intake.until_published()
    (event,) = await intake.events()
    assert len(event.data["content"]["filler"]) == 255 * 1024


async def test_a_chunked_body_without_a_length_is_taken(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    answer = await intake.send(raw, data=_in_chunks(raw))
    assert (answer.status, answer.body) == (200, SUCCESS)


async def test_a_compressed_body_is_not_what_was_signed(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    answer = await intake.send(raw, data=gzip.compress(raw), headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.body["reason"]) == (415, "body_encoded")


async def test_whoever_trickles_a_body_is_cut_off(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    address = intake.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(address[0], int(address[1]))
    head = f"POST /webhooks/douyin/awdemo HTTP/1.1\r\nHost: x\r\nContent-Length: {len(raw)}\r\n\r\n"
    writer.write(head.encode() + raw[:10])
    async with asyncio.timeout(8):
        answer = await reader.readuntil(b"\r\n")
    writer.close()
    assert b"408" in answer


async def test_the_message_id_is_the_headers_else_the_bodys_else_none(
    intake: IntakeUnderTest,
) -> None:
    with_id = b'{"event":"x","msg_id":"in the body","content":{}}'
    await intake.send(with_id, msg_id="in the header")
    await intake.send(with_id)
    await intake.send(b'{"event":"x","content":{}}')
    rows = await intake.fetch("SELECT msg_id FROM deliveries ORDER BY delivery_id")
    assert [row["msg_id"] for row in rows] == ["in the header", "in the body", None]


async def test_a_message_id_that_is_too_long_is_unreadable(intake: IntakeUnderTest) -> None:
    assert (await intake.send(a_webhook(), msg_id="x" * 128)).status == 200
    assert (await intake.send(a_webhook(), msg_id="x" * 129)).status == 400


async def _in_chunks(raw: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), 1000):
        yield raw[start : start + 1000]


async def test_a_signed_body_with_a_nul_is_kept_and_published(intake: IntakeUnderTest) -> None:
    """No text column takes it; a delivery is not lost for one odd character."""
    order = {"order_id": "1", "title": "a\0b"}
    assert (await intake.send(a_webhook(order=order), msg_id="odd")).status == 200
    await intake.until_published()
    (event,) = await intake.events()
    assert event.data["content"]["order"]["title"] == "a\0b"
