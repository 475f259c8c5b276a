"""What platforms ask: who may, what is recorded, and what they hear in time."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.conftest import NewDatabase
from tests.integration.intake.asking import (
    Platform,
    a_hanging_port,
    add_mini_program,
    err_no,
    error_code,
)
from tests.integration.intake.support import IntakeUnderTest, running_intake
from tests.support.access import Access
from tests.support.servers import free_port

PRE_CREATE = "trade.order.pre_create_order"
REFUND_APPLY = "fulfilment.order.refund_apply"
REFUND_NOTICE = "fulfilment.order.refund_notice"
ORDER = {"order_id": "8001", "sku_id": "1", "count": 1, "open_id": "buyer-1"}
NOTICE = {
    "order_id": "8001",
    "after_sale_id": "a-1",
    "after_sale_type": 1,
    "notice_list": [{"certificate_id": "c-1", "code": "SECRETCODE", "total_count": 1}],
}
PAYMENT = {"order_id": "9001", "status": "SUCCESS", "total_amount": 1000, "event_time": 1}


@pytest_asyncio.fixture(loop_scope="session")
async def lonely(
    database: NewDatabase, nats_url: str, access: Access
) -> AsyncIterator[IntakeUnderTest]:
    """Intake whose owners are all away: nobody listens where they should be."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    url = await database("intake")
    owners = dict.fromkeys(("catalog_url", "orders_url", "redemption_url"), nowhere)
    async with running_intake(url, nats_url, access, **owners) as intake:
        await intake.add_app()
        await add_mini_program(intake)
        yield intake


@pytest.mark.parametrize("old", [False, True])
async def test_a_notice_is_recorded_answered_and_published_without_its_codes(
    lonely: IntakeUnderTest, *, old: bool
) -> None:
    answer = await Platform(lonely).ask(REFUND_NOTICE, NOTICE, old=old)
    assert answer.body == {"data": {"error_code": 0, "description": "success"}}
    assert await lonely.count("deliveries") == 1
    await lonely.until_published()
    (event,) = await lonely.events("qiao.v1.*.platform.douyin.spi_fulfilment_order_refund_notice")
    assert event.data["content"]["order_id"] == "8001"
    assert "SECRETCODE" not in event.model_dump_json()
    assert await lonely.events("qiao.v1.*.intake.question_answered") == []


async def test_a_stored_question_is_published_as_the_one_at_hand_is(
    lonely: IntakeUnderTest,
) -> None:
    """Queued anew it is read from the record, its content by the way it came."""
    await Platform(lonely).ask(REFUND_NOTICE, NOTICE)
    await Platform(lonely).call_back("payment", PAYMENT)
    await lonely.until_published()
    first = {event.id: event for event in await lonely.events("qiao.v1.*.platform.>")}
    await lonely.call("POST", "/v1/outbox/republish", {"since": "2026-01-01T00:00:00Z"})
    await lonely.until_published()
    dead = await lonely.fetch("SELECT * FROM dead_letters")
    assert (len(first), dead) == (2, [])
    for event in first.values():
        assert event.data["content"]["order_id"] in {"8001", "9001"}


async def test_forged_questions_look_alike_and_leave_nothing(lonely: IntakeUnderTest) -> None:
    platform = Platform(lonely)
    wrong_secret = SECRET_BUT_ONE
    answers = [
        await replace(platform, secret=wrong_secret).ask(PRE_CREATE, ORDER),
        await replace(platform, secret=wrong_secret).ask(PRE_CREATE, ORDER, old=True),
        await replace(platform, client_key="aw-unknown").ask(PRE_CREATE, ORDER),
        await platform.ask(PRE_CREATE, ORDER, headers={"x-life-sign": "0" * 64}),
        await platform.ask(PRE_CREATE, ORDER, headers={"x-life-sign": ""}),
        await platform.ask("..", ORDER),
        await lonely.ask("POST", f"/spi/douyin/{PRE_CREATE}", data=b"{}"),
    ]
    assert {answer.status for answer in answers if answer.status != 404} == {401}
    bodies = {json.dumps(answer.body) for answer in answers if answer.status == 401}
    assert len(bodies) == 1
    assert await lonely.count("deliveries") == 0


SECRET_BUT_ONE = "0123456789abcdef0123456789abcdee"


async def test_the_application_of_the_address_counts_whatever_a_header_says(
    lonely: IntakeUnderTest,
) -> None:
    answer = await Platform(lonely).ask(
        REFUND_NOTICE, NOTICE, headers={"x-life-clientkey": "aw-migrated"}
    )
    assert error_code(answer) == 0


async def test_while_a_secret_rotates_both_sign(lonely: IntakeUnderTest) -> None:
    await lonely.call(
        "POST", "/v1/apps/awdemo/secrets", {"secret": "f" * 32, "overlap_seconds": 600}
    )
    for number, secret in enumerate(("f" * 32, "0123456789abcdef0123456789abcdef")):
        notice = {**NOTICE, "order_id": str(number)}
        answer = await replace(Platform(lonely), secret=secret).ask(REFUND_NOTICE, notice)
        assert error_code(answer) == 0


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"order_id":"1","order_id":"2"}'])
async def test_signed_words_that_are_no_json_object_are_refused(
    lonely: IntakeUnderTest, raw: bytes
) -> None:
    answer = await Platform(lonely).ask(PRE_CREATE, None, raw=raw)
    assert (answer.status, answer.body["reason"]) == (400, "unreadable")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    lonely: IntakeUnderTest,
) -> None:
    answer = await Platform(lonely).ask(PRE_CREATE, None, raw=b" " * 300_000)
    assert answer.status == 413


@pytest.mark.parametrize(
    ("action", "content", "outcome"),
    [
        ("scenic_spot.order.can_buy", {"order_id": "1"}, "unsupported"),
        ("hotel_spot.order.book", {"order_id": "1"}, "unsupported"),
        (PRE_CREATE, {"surprise": 1}, "unreadable"),
        (REFUND_APPLY, {"order_id": "1"}, "unreadable"),
    ],
)
async def test_what_nobody_decides_is_recorded_with_its_answer(
    lonely: IntakeUnderTest, action: str, content: Any, outcome: str
) -> None:
    answer = await Platform(lonely).ask(action, content)
    assert error_code(answer) not in {0, 100}
    (shown,) = (await lonely.call("GET", "/v1/deliveries")).body["items"]
    assert shown["event"] == f"spi_{action.replace('.', '_')}"
    assert shown["answer"]["outcome"] == outcome
    assert 0 <= shown["answer"]["milliseconds"] < 6000
    revealed = await lonely.call("POST", f"/v1/deliveries/{shown['delivery_id']}/reveal")
    assert json.loads(revealed.body["body"]) == content
    assert json.loads(revealed.body["answer"]) == answer.body
    (event,) = await _answered(lonely)
    assert (event.subject, event.data["outcome"]) == (shown["delivery_id"], outcome)


async def _answered(intake: IntakeUnderTest) -> list[Any]:
    await intake.until_published()
    return list(await intake.events("qiao.v1.*.intake.question_answered"))


@pytest.mark.parametrize(
    ("action", "content"),
    [
        (PRE_CREATE, ORDER),
        ("fulfilment.order.tripartite_code", {"order_id": "1", "count": 1}),
        (REFUND_APPLY, {"order_id": "1", "after_sale_id": "2"}),
        ("fulfilment.order.query", {"order_ids": ["1"]}),
    ],
)
async def test_while_its_owner_is_away_the_platform_is_asked_to_ask_again(
    lonely: IntakeUnderTest, action: str, content: Any
) -> None:
    started = time.monotonic()
    for _ in range(2):
        assert error_code(await Platform(lonely).ask(action, content)) == 100
    assert time.monotonic() - started < 3
    (shown,) = (await lonely.call("GET", "/v1/deliveries")).body["items"]
    assert (shown["answer"]["outcome"], shown["repeats"]) == ("retry", 1)
    # The same again is no news.
    assert len(await _answered(lonely)) == 1


async def test_an_owner_that_hangs_costs_no_more_than_the_time_there_is(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    async with (
        a_hanging_port() as hanging,
        running_intake(
            await database("intake"),
            nats_url,
            access,
            catalog_url=hanging.url,
            intake_quick_answer_seconds=0.8,
        ) as intake,
    ):
        await intake.add_app()
        started = time.monotonic()
        orders = [{**ORDER, "order_id": f"8{number}"} for number in range(50)]
        answers = await asyncio.gather(
            *(Platform(intake).ask(PRE_CREATE, order) for order in orders)
        )
        elapsed = time.monotonic() - started
        items = (await intake.call("GET", "/v1/deliveries")).body["items"]
    assert {error_code(answer) for answer in answers} == {100}
    assert hanging.asked > 0
    answered = [item["answer"] for item in items if item["answer"]]
    assert {answer["outcome"] for answer in answered} <= {"retry"}
    # The platform's own limit for the shortest of its questions, with room for a busy machine.
    assert elapsed < 4


async def test_when_the_commit_queue_is_full_the_platform_is_asked_to_ask_again(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with running_intake(url, nats_url, access, intake_queue_max=1) as intake:
        await intake.add_app()
        notices = [{**NOTICE, "order_id": str(number)} for number in range(200)]
        answers = await asyncio.gather(
            *(Platform(intake).ask(REFUND_NOTICE, notice) for notice in notices)
        )
        codes = [error_code(answer) for answer in answers]
        assert set(codes) <= {0, 100}
        assert await intake.count("deliveries") >= codes.count(0)


@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
async def test_a_payment_is_acknowledged_after_it_is_durable_and_published(
    lonely: IntakeUnderTest, version: str
) -> None:
    answer = await Platform(lonely).call_back("payment", PAYMENT, version=version)
    assert answer.body == {"err_no": 0, "err_tips": "success"}
    await lonely.until_published()
    (event,) = await lonely.events("qiao.v1.*.platform.douyin.trade_payment")
    assert event.data["content"] == PAYMENT


async def test_a_payment_told_again_is_the_same_payment(lonely: IntakeUnderTest) -> None:
    for _ in range(3):
        assert err_no(await Platform(lonely).call_back("payment", PAYMENT)) == 0
    (shown,) = (await lonely.call("GET", "/v1/deliveries")).body["items"]
    assert (shown["event"], shown["repeats"]) == ("trade_payment", 2)


async def test_the_older_payments_are_taken_with_their_token(lonely: IntakeUnderTest) -> None:
    message = {"appid": "tt0123456789abcdef", "cp_orderno": "o", **PAYMENT}
    assert err_no(await Platform(lonely).call_back_older("payment", message)) == 0
    forged = await replace(Platform(lonely), token="another").call_back_older("payment", message)
    assert forged.status == 401
    assert await lonely.count("deliveries") == 1


async def test_forged_callbacks_look_alike_and_leave_nothing(lonely: IntakeUnderTest) -> None:
    platform = Platform(lonely)
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    answers = [
        await replace(platform, key=another).call_back("payment", PAYMENT),
        await replace(platform, app_id="tt-unknown").call_back("payment", PAYMENT),
        await platform.call_back("payment", {**PAYMENT, "app_id": "tt-another"}),
        await platform.call_back("payment", PAYMENT, headers={"Byte-Nonce-Str": "another"}),
        await platform.call_back("payment", PAYMENT, headers={"Byte-Signature": "AAAA"}),
        await platform.call_back("payment", PAYMENT, raw=b'{"type":"payment","msg":"{}"}'),
        await lonely.ask("POST", "/trade/douyin/tt0123456789abcdef", data=b"{"),
    ]
    assert {answer.status for answer in answers} == {401}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert await lonely.count("deliveries") == 0


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("calculate_price", "unsupported"), ("new_thing", "unsupported"), ("pre_create_order", "")],
)
async def test_callbacks_that_nobody_decides_hear_so(
    lonely: IntakeUnderTest, kind: str, outcome: str
) -> None:
    answer = await Platform(lonely).call_back(kind, {"order_id": "1"})
    assert err_no(answer) != 0
    (shown,) = (await lonely.call("GET", "/v1/deliveries")).body["items"]
    assert shown["answer"]["outcome"] == (outcome or "unreadable")


async def test_other_platforms_have_no_doors_here(lonely: IntakeUnderTest) -> None:
    for path in ("/spi/nobody/x", "/trade/nobody/x"):
        assert (await lonely.ask("POST", path, data=b"{}")).status == 404


async def test_questions_are_counted_and_timed(lonely: IntakeUnderTest) -> None:
    await Platform(lonely).ask(REFUND_NOTICE, NOTICE)
    await Platform(lonely).ask("hotel_spot.order.book", {})
    metrics = str((await lonely.ask("GET", "/metrics")).body)
    name = "spi_fulfilment_order_refund_notice"
    assert f'qiao_intake_questions_total{{event="{name}",outcome="noted"}}' in metrics
    assert f'qiao_intake_question_seconds_count{{event="{name}"}}' in metrics
    # Whoever signs may ask by any name: it makes no series of its own.
    assert "hotel_spot" not in metrics
