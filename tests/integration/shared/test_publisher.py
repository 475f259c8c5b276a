"""Batches leave as one where the stream allows it, and one by one where it does not."""

import dataclasses

import nats
import nats.js.errors
import pytest

from shared.ids import new_id
from shared.messaging.broker import STREAM, connected, stream_config
from shared.messaging.queries import Outgoing


def events(number: int) -> list[Outgoing]:
    return [Outgoing(0, new_id(), f"qiao.v1.m1.order.{step}", b"{}") for step in range(number)]


async def published(nats_url: str) -> int:
    client = await nats.connect(nats_url)
    try:
        return int((await client.jetstream().stream_info(STREAM)).state.messages)
    finally:
        await client.close()


@pytest.mark.parametrize("number", [0, 1, 2, 1000, 1001, 2500])
async def test_a_batch_of_any_size_is_in_the_stream(nats_url: str, number: int) -> None:
    async with connected(nats_url, name="test") as broker:
        await broker.publish(events(number))
        assert await published(nats_url) == number


async def test_a_batch_that_is_partly_in_the_stream_is_completed(nats_url: str) -> None:
    batch = events(10)
    async with connected(nats_url, name="test") as broker:
        await broker.publish(batch[3:5])
        await broker.publish(batch)
        await broker.publish(batch)
        assert await published(nats_url) == 10


async def test_a_stream_that_takes_no_batches_takes_events_one_by_one(nats_url: str) -> None:
    async with connected(nats_url, name="test") as broker:
        await broker.jetstream()
        await remake_stream(nats_url, allow_atomic=False)
        for _ in range(2):
            await broker.publish(events(5))
        assert await published(nats_url) == 10


async def test_without_a_stream_publishing_fails_at_once(nats_url: str) -> None:
    async with connected(nats_url, name="test") as broker:
        await broker.publish(events(1))
        client = await nats.connect(nats_url)
        await client.jetstream().delete_stream(STREAM)
        await client.close()
        for batch in (events(1), events(5)):
            with pytest.raises(nats.js.errors.NoStreamResponseError):
                await broker.publish(batch)


async def test_an_event_that_the_stream_refuses_is_no_success(nats_url: str) -> None:
    async with connected(nats_url, name="test") as broker:
        await broker.publish(events(1))
        large = dataclasses.replace(events(1)[0], payload=bytes(1_500_000))
        for batch in ([large], [*events(3), large]):
            with pytest.raises(nats.js.errors.APIError):
                await broker.publish(batch)
        await broker.publish(events(2))


async def remake_stream(nats_url: str, *, allow_atomic: bool) -> None:
    client = await nats.connect(nats_url)
    stream = client.jetstream()
    await stream.delete_stream(STREAM)
    await stream.add_stream(stream_config().evolve(allow_atomic=allow_atomic))
    await client.close()
