"""What docs/subscribe.md promises, with its own example against the whole system."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import nats
import pytest

from shared.contracts.catalogue import find
from shared.contracts.envelope import Event
from tests.support.cli import run_qiao, started_qiao
from tests.support.documents import example
from tests.support.launched import Launched
from tests.support.waiting import eventually

LINES_MAX = 40


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "kitchen.py"
    file.write_text(example("subscribe.md", language="python", holding="pull_subscribe"))
    return file


@asynccontextmanager
async def subscribed(
    program: Path, qiao: Launched, *, name: str
) -> AsyncIterator[asyncio.StreamReader]:
    """The example as a process of its own; killed at the end, as kitchens' computers are."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(program)),
        env={**os.environ, "QIAO_NATS_URL": qiao.ready["nats"], "NAME": name},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def next_lines(output: asyncio.StreamReader, count: int) -> list[list[str]]:
    async with asyncio.timeout(60):
        return [(await output.readline()).decode().split() for _ in range(count)]


async def tail(qiao: Launched, *options: str, count: int) -> list[Event]:
    """The first so many events that `qiao tail --json` prints."""
    async with started_qiao("tail", "--json", *options, data=qiao.data) as process:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            lines = [await process.stdout.readline() for _ in range(count)]
    return [Event.model_validate_json(line) for line in lines]


def test_the_example_is_short(program: Path) -> None:
    assert len(program.read_text().splitlines()) < LINES_MAX


@pytest.mark.timeout(240)
async def test_the_example_hears_orders_and_goes_on_where_it_was(
    qiao: Launched, program: Path
) -> None:
    name = f"kitchen-{uuid4().hex[:8]}"
    async with subscribed(program, qiao, name=name) as output:
        first = await next_lines(output, 20)
    async with subscribed(program, qiao, name=name) as output:
        second = await next_lines(output, 20)
    assert all(line[0].startswith("order.") for line in first + second)
    created = [line[1] for line in first + second if line[0] == "order.created"]
    assert len(created) == len(set(created)), "the second run began again from the start"


@pytest.mark.timeout(120)
async def test_a_new_name_reads_everything_again(qiao: Launched, program: Path) -> None:
    async with subscribed(program, qiao, name=f"kitchen-{uuid4().hex[:8]}") as output:
        first = await next_lines(output, 10)
    async with subscribed(program, qiao, name=f"kitchen-{uuid4().hex[:8]}") as output:
        assert await next_lines(output, 10) == first


async def test_tail_shows_every_event_whole_and_in_the_words_of_the_contracts(
    qiao: Launched,
) -> None:
    for event in await tail(qiao, "--from-start", count=60):
        kind = find(event.type)
        assert kind is not None, event.type
        kind.data.model_validate(event.data)


async def test_tail_shows_only_what_was_asked_for(qiao: Launched) -> None:
    events = await tail(
        qiao, "--type", "order.*", "--merchant", "yihetang", "--from-start", count=20
    )
    assert {event.type.partition(".")[0] for event in events} == {"order"}
    assert {event.merchant for event in events} == {"yihetang"}


async def test_a_reader_that_has_seen_enough_ends_tail_without_a_word(qiao: Launched) -> None:
    async with started_qiao("tail", "--from-start", "--pretty", data=qiao.data) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined]
        async with asyncio.timeout(30):
            status = await process.wait()
            assert process.stderr is not None
            said = await process.stderr.read()
    assert (status, said) == (0, b"")


@pytest.mark.timeout(180)
async def test_a_lost_stream_is_rebuilt_with_one_command(qiao: Launched) -> None:
    said = await run_qiao("order", "list", "--limit", "5", "--json", data=qiao.data)
    wanted = {order["order_id"] for order in said.json}
    client = await nats.connect(qiao.ready["nats"])
    try:
        await client.jetstream().delete_stream("QIAO")

        async def is_back() -> bool:
            streams = await client.jetstream().streams_info()
            return [stream.config.name for stream in streams] == ["QIAO"]

        await eventually(is_back, within_seconds=60, what="the stream is made anew")
        said = await run_qiao("stream", "rebuild", "--since", "1d", "--json", data=qiao.data)
        assert {line["service"] for line in said.json if line["queued"]} >= {"intake", "orders"}
        async with started_qiao(
            *("tail", "--type", "order.*", "--from-start", "--json"), data=qiao.data
        ) as process:
            assert process.stdout is not None
            async with asyncio.timeout(60):
                while wanted:
                    wanted.discard(json.loads(await process.stdout.readline())["subject"])
    finally:
        await client.close()
