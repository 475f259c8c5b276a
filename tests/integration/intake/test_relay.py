"""From the record to the stream: events as the contract has them, and what cannot be published."""

import asyncio
import json

import nats

from shared.contracts.intake import PlatformDelivery
from shared.messaging.broker import STREAM
from tests.conftest import NewDatabase
from tests.integration.intake.support import CLIENT_KEY, IntakeUnderTest, a_webhook, running_intake
from tests.support.access import Access
from tests.support.waiting import eventually

_PHONE = "13812345678"
_NAME = "欧阳大力"


async def test_the_event_is_what_the_contract_says(intake: IntakeUnderTest) -> None:
    await intake.send(a_webhook(), msg_id="m-1")
    await intake.until_published()
    (event,) = await intake.events("qiao.v1.*.platform.>")
    delivery = PlatformDelivery.model_validate(event.data)
    assert (event.type, event.source) == ("platform.douyin.life_trade_order_notify", "qiao/intake")
    assert event.id == delivery.delivery_id
    assert event.subject == str(event.id)
    assert event.traceparent[3:35] == event.id.hex
    assert (delivery.platform, delivery.client_key) == ("douyin", CLIENT_KEY)
    assert (delivery.account_id, delivery.late) == ("7094221573452761123", True)
    assert event.time == delivery.received_at


async def test_personal_fields_are_sealed_in_the_event_and_the_body_in_the_record(
    intake: IntakeUnderTest,
) -> None:
    raw = a_webhook("life_member_join", mobile=_PHONE, buyer={"contact_name": _NAME})
    await intake.send(raw)
    await intake.until_published()
    (event,) = await intake.events("qiao.v1.*.platform.>")
    assert event.data["content"]["mobile"].startswith("sealed:v1:")
    assert event.data["content"]["buyer"]["contact_name"].startswith("sealed:v1:")
    assert event.data["content"]["action"] == "pay_success"
    dump = await everything_stored(intake)
    for told in (_PHONE, _NAME):
        assert told.encode() not in dump
        assert told not in event.model_dump_json()
    # Nothing of the raw body stands there in the open.
    assert b"msg_time" not in dump


async def test_an_event_that_nobody_knows_is_passed_on_as_it_is(intake: IntakeUnderTest) -> None:
    names = ["life_something_new", "a.b.c", "with spaces", "星", ">", "*", "a..b", ".x"]
    for name in names:
        assert (await intake.send(a_webhook(name))).status == 200
    await intake.until_published()
    events = await intake.events("qiao.v1.*.platform.>")
    assert sorted(event.data["event"] for event in events) == sorted(names)
    assert {event.type for event in events} == {
        "platform.douyin.life_something_new",
        "platform.douyin.a.b.c",
        "platform.douyin.unknown",
    }


async def test_odd_content_arrives_unchanged(intake: IntakeUnderTest) -> None:
    odd = [
        '{"event":"x","content":null}',
        '{"event":"x","content":"plain text"}',
        '{"event":"x","content":[1,2.5,{"a":[]}]}',
        '{"event":"x","content":{"big":123456789012345678901234567890,"e":1e3,"t":true}}',
    ]
    for raw in odd:
        await intake.send(raw.encode())
    await intake.until_published()
    events = await intake.events("qiao.v1.*.platform.>")
    by_time = sorted(events, key=lambda event: event.id.bytes)
    assert [event.data["content"] for event in by_time] == [
        json.loads(raw)["content"] for raw in odd
    ]


async def test_a_delivery_that_cannot_be_published_is_a_dead_letter_and_holds_up_nobody(
    intake: IntakeUnderTest,
) -> None:
    """Sealing makes 15,000 short names too large for one message."""
    many = a_webhook(names=[{"name": "a"} for _ in range(15_000)])
    assert (await intake.send(many)).status == 200
    assert (await intake.send(a_webhook())).status == 200
    await intake.until_published()
    assert len(await intake.events("qiao.v1.*.platform.>")) == 1
    (letter,) = (await intake.call("GET", "/v1/dead-letters")).body["items"]
    assert letter["cause"] == "TooLarge"
    shown = (await intake.call("GET", f"/v1/dead-letters/{letter['dead_letter_id']}")).body
    assert shown["event"]["data"] == {"delivery_id": letter["event_id"]}
    retried = await intake.call("POST", f"/v1/dead-letters/{letter['dead_letter_id']}/retry")
    assert retried.status == 200

    async def is_buried_again() -> bool:
        return len((await intake.call("GET", "/v1/dead-letters")).body["items"]) == 1

    await eventually(is_buried_again, what="the retried delivery, buried again")


async def test_the_stream_is_rebuilt_from_the_record(intake: IntakeUnderTest) -> None:
    for number in range(30):
        await intake.send(a_webhook(), msg_id=f"m-{number}")
    await intake.send(a_webhook(), msg_id="m-0")
    await intake.until_published()
    before = {event.id: event for event in await intake.events()}
    client = await nats.connect(intake.nats_url)
    await client.jetstream().delete_stream(STREAM)
    await client.close()
    answer = await intake.call("POST", "/v1/outbox/republish", {"since": "2026-01-01T00:00:00Z"})
    assert answer.body["deliveries"] == 30

    async def is_rebuilt() -> bool:
        try:
            events = await intake.events()
        except nats.errors.Error:
            return False
        return {event.id: event for event in events} == before

    await eventually(is_rebuilt, within_seconds=30, what="the same events as before")


async def test_a_merchants_own_application_speaks_only_for_that_merchant(
    intake: IntakeUnderTest, access: Access
) -> None:
    """A merchant knows the secret of its application, so it can sign whatever it likes."""
    await access.add_merchant("chabaidao", account_id="555")
    await intake.add_app(client_key="isv", secret="provider secret 0123456789", kind="provider")

    async def is_known() -> bool:
        return await intake.count("merchants") == 1

    await eventually(is_known, what="the merchant of access")
    stranger = {"order_id": "1", "account_id": "555"}

    async def is_the_strangers() -> bool:
        await intake.send(
            a_webhook(order=stranger), client_key="isv", secret="provider secret 0123456789"
        )
        rows = await intake.fetch(
            "SELECT merchant FROM deliveries WHERE client_key = 'isv' ORDER BY delivery_id DESC"
        )
        return bool(rows[0]["merchant"] == "chabaidao")

    await eventually(is_the_strangers, what="a provider's delivery for the merchant it names")
    await intake.send(a_webhook(order=stranger))
    (row,) = await intake.fetch("SELECT merchant FROM deliveries WHERE client_key = 'awdemo'")
    assert row["merchant"] == "yihetang"


async def test_two_workers_share_the_work_and_publish_each_delivery_once(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with (
        running_intake(url, nats_url, access) as one,
        running_intake(url, nats_url, access) as other,
    ):
        await one.add_app()

        async def is_known() -> bool:
            return (await other.send(a_webhook(), msg_id="m-0")).status == 200

        await eventually(is_known, within_seconds=3, what="the application in the other worker")
        await asyncio.gather(
            *(
                worker.send(a_webhook(), msg_id=f"m-{number}")
                for number in range(1, 200)
                for worker in (one, other)[number % 2 :][:1]
            )
        )
        await one.until_published()
        events = await one.events("qiao.v1.*.platform.>")
        assert sorted(event.data["msg_id"] for event in events) == sorted(
            f"m-{number}" for number in range(200)
        )


async def everything_stored(intake: IntakeUnderTest) -> bytes:
    """Every row of every table, as bytes."""
    tables = await intake.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'intake' ORDER BY tablename"
    )
    rows = [
        row
        for table in tables
        for row in await intake.fetch(f"SELECT * FROM {table['tablename']}")  # noqa: S608
    ]
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode()
        for row in rows
        for value in row.values()
    )
