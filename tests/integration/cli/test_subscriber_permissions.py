"""The permissions that docs/subscribe.md shows let a subscriber do its work and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client

from deploy.embedded.nats import CONFIGURATION, prepare_nats
from deploy.embedded.running import running
from shared.contracts.catalogue import find, sample_event
from shared.contracts.envelope import Event
from shared.messaging.broker import ensure_stream
from tests.support.documents import example
from tests.support.servers import free_port

PASSWORDS = {"QIAO_NATS_PASSWORD": "made-up-1", "KITCHEN_PASSWORD": "made-up-2"}
ORDERS = "qiao.v1.yihetang.order.>"


def paid(merchant: str) -> Event:
    kind = find("order.paid")
    assert kind is not None
    return sample_event(kind).model_copy(update={"merchant": merchant})


@pytest_asyncio.fixture(loop_scope="session")
async def guarded_url(tmp_path: Path) -> AsyncIterator[str]:
    """A server with the configuration of the document added to ours."""
    users = example("subscribe.md", language="", holding="authorization {")
    configuration = tmp_path / "nats-server.conf"
    configuration.write_text(CONFIGURATION.read_text() + users)
    server = prepare_nats(tmp_path / "data", host="127.0.0.1", port=free_port())
    program = replace(
        server.program,
        command=tuple(
            str(configuration) if part == str(CONFIGURATION) else part
            for part in server.program.command
        ),
        environment=PASSWORDS,
        is_ready=lambda: answers(server.url),
    )
    async with running(program, log=tmp_path / "nats.log"):
        yield server.url


async def answers(url: str) -> bool:
    with contextlib.suppress(OSError, nats.errors.Error):
        owner = await connect_owner(url)
        try:
            await owner.jetstream().account_info()
        finally:
            await owner.close()
        return True
    return False


async def connect_owner(url: str) -> Client:
    owner = url.replace("//", f"//qiao:{PASSWORDS['QIAO_NATS_PASSWORD']}@")
    return await nats.connect(owner, allow_reconnect=False, reconnect_time_wait=0.05)


async def connect_kitchen(url: str) -> Client:
    return await nats.connect(
        url,
        user="kitchen",
        password=PASSWORDS["KITCHEN_PASSWORD"],
        inbox_prefix="_INBOX_kitchen",
        allow_reconnect=False,
        error_cb=ignore,
    )


async def ignore(_error: Exception) -> None:
    """The server's complaints about what is forbidden; the calls fail as well."""


async def publish(owner: Client, *events: Event) -> None:
    stream = owner.jetstream()
    await ensure_stream(stream)
    for event in events:
        await stream.publish(event.nats_subject, event.model_dump_json().encode())


async def test_a_subscriber_reads_its_merchant_and_no_other(guarded_url: str) -> None:
    owner, kitchen = await connect_owner(guarded_url), await connect_kitchen(guarded_url)
    try:
        await publish(owner, paid("yihetang"), paid("qianqianhui"))
        pull = await kitchen.jetstream().pull_subscribe(ORDERS, durable="kitchen", stream="QIAO")
        (message,) = await pull.fetch(10, timeout=2)
        assert message.subject == "qiao.v1.yihetang.order.paid"
        await message.ack_sync()
        info = await owner.jetstream().consumer_info("QIAO", "kitchen")
        assert (info.num_ack_pending, info.num_pending) == (0, 0)
    finally:
        await kitchen.close()
        await owner.close()


@pytest.mark.parametrize(
    ("subject", "durable"),
    [("qiao.v1.qianqianhui.order.>", "kitchen"), ("qiao.v1.>", "kitchen"), (ORDERS, "other")],
)
async def test_a_subscriber_cannot_ask_for_more(
    guarded_url: str, subject: str, durable: str
) -> None:
    owner, kitchen = await connect_owner(guarded_url), await connect_kitchen(guarded_url)
    try:
        await publish(owner, paid("qianqianhui"))
        stream = kitchen.jetstream(timeout=0.3)
        with pytest.raises(nats.errors.Error):
            await stream.pull_subscribe(subject, durable=durable, stream="QIAO")
        assert await owner.jetstream().consumers_info("QIAO") == []
    finally:
        await kitchen.close()
        await owner.close()


async def test_a_subscriber_can_neither_publish_nor_listen_past_the_stream(
    guarded_url: str,
) -> None:
    owner, kitchen = await connect_owner(guarded_url), await connect_kitchen(guarded_url)
    try:
        await publish(owner)
        overheard = await kitchen.subscribe("qiao.v1.>")
        await kitchen.publish("qiao.v1.yihetang.order.paid", b"forged")
        await kitchen.flush()
        await publish(owner, paid("yihetang"))
        with pytest.raises(asyncio.TimeoutError):
            await overheard.next_msg(timeout=0.3)
        info = await owner.jetstream().stream_info("QIAO")
        assert info.state.messages == 1
    finally:
        await kitchen.close()
        await owner.close()
