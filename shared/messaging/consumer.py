"""Pulls events in batches and acknowledges them after the commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import ValidationError

from shared.contracts.envelope import Event
from shared.errors import Rejection
from shared.messaging import queries
from shared.messaging.apply import apply
from shared.messaging.background import background, pause
from shared.messaging.broker import BROKER_OUTAGES, STREAM, Broker, ensure_stream
from shared.messaging.outbox import Database
from shared.messaging.subscription import Subscription
from shared.metrics import CONSUMER_LAG, CONSUMER_RESTARTS, DEAD_LETTERS, EVENTS_FAILED
from shared.postgres.connection import CONFLICTS, DELAYS, is_outage

_BATCH = 200
# Also the stop latency, and how long an idle fetch waits.
_FETCH_SECONDS = 0.5
_ACK_WAIT_SECONDS = 60
_MAX_ACK_PENDING = 2000
_ATTEMPTS_MAX = 5
_NAK_SECONDS = 2.0
_OUTAGE_SECONDS = 1.0
_WATCHDOG_SECONDS = 5.0

log = structlog.get_logger()


@asynccontextmanager
async def consuming(
    database: Database, broker: Broker, subscriptions: Sequence[Subscription], *, durable: str
) -> AsyncIterator[None]:
    """Apply the events of these subscriptions beside the body."""
    consumer = _Consumer(database, broker, subscriptions, durable)
    async with background(consumer.run, name=f"consumer-{durable}"):
        yield


@dataclass(frozen=True, slots=True)
class _Consumer:
    database: Database
    broker: Broker
    subscriptions: Sequence[Subscription]
    durable: str

    async def run(self, stop: asyncio.Event) -> None:
        """Pull until stopped; whatever breaks the subscription, make it anew."""
        while not stop.is_set():
            try:
                jetstream = await _unless_stopped(self.broker.jetstream(), stop)
                if jetstream is not None:
                    await self._pull(jetstream, stop)
            except (*BROKER_OUTAGES, *DELAYS) as outage:
                log.warning("consumer_restarted", error=type(outage).__name__)
                CONSUMER_RESTARTS.inc()
                await pause(stop, _OUTAGE_SECONDS)

    async def _pull(self, jetstream: JetStreamContext, stop: asyncio.Event) -> None:
        await ensure_stream(jetstream)
        await jetstream.add_consumer(STREAM, self._config())
        pull = await jetstream.pull_subscribe_bind(consumer=self.durable, stream=STREAM)
        idle_since = asyncio.get_running_loop().time()
        try:
            while not stop.is_set():
                messages = await _fetch(pull)
                now = asyncio.get_running_loop().time()
                if messages:
                    idle_since = now
                    await self._apply_messages(messages)
                elif now - idle_since > _WATCHDOG_SECONDS:
                    # nats.py #504: a pull subscription may be dead after the server restarted.
                    idle_since = now
                    if await self._waiting(pull):
                        CONSUMER_RESTARTS.inc()
                        return
        finally:
            # Without this, drain can hang on a late 408 in the queue (nats-py 2.16).
            with contextlib.suppress(*BROKER_OUTAGES):
                await pull.unsubscribe()

    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=self.durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_SECONDS,
            max_ack_pending=_MAX_ACK_PENDING,
            max_deliver=-1,
            filter_subjects=[
                subject for subscription in self.subscriptions for subject in subscription.subjects
            ],
        )

    async def _waiting(self, pull: JetStreamContext.PullSubscription) -> bool:
        info = await pull.consumer_info()
        CONSUMER_LAG.set(info.num_pending or 0)
        async with self.database.pool.acquire() as conn:
            DEAD_LETTERS.set(await queries.count_dead_letters(conn))
        return bool(info.num_pending)

    async def _apply_messages(self, messages: Sequence[Msg]) -> None:
        CONSUMER_LAG.set(messages[-1].metadata.num_pending)
        read = [(message, _read(message)) for message in messages]
        events = [event for _, event in read if isinstance(event, Event)]
        try:
            await apply(self.database, self.subscriptions, events)
        except Exception as error:
            if is_outage(error):
                # Nobody's fault: give all of them back and wait for the server.
                for message in messages:
                    await message.nak(delay=_NAK_SECONDS)
                raise
            # One bad event must not hold up the others.
            log.warning("batch_split", events=len(events), error=type(error).__name__)
            for message, event in read:
                await self._apply_one(message, event)
            return
        for message, event in read:
            if isinstance(event, Event):
                await message.ack()
            else:
                await self._give_up(message, None, event)

    async def _apply_one(self, message: Msg, event: Event | ValidationError) -> None:
        if isinstance(event, ValidationError):
            await self._give_up(message, None, event)
            return
        try:
            await apply(self.database, self.subscriptions, [event])
        except Exception as error:
            if is_outage(error) or isinstance(error, CONFLICTS):
                log.warning("event_delayed", event_id=str(event.id), error=type(error).__name__)
                await message.nak(delay=_NAK_SECONDS)
                return
            EVENTS_FAILED.labels(event.type).inc()
            attempts = message.metadata.num_delivered
            log.exception("event_failed", event_id=str(event.id), attempts=attempts)
            # A rejection is an answer: asking again changes nothing.
            if attempts < _ATTEMPTS_MAX and not isinstance(error, Rejection):
                await message.nak(delay=_NAK_SECONDS * 2**attempts)
            else:
                await self._give_up(message, event, error)
        else:
            await message.ack()

    async def _give_up(self, message: Msg, event: Event | None, error: Exception) -> None:
        """Keep the event as a dead letter, then take it off the queue."""
        async with self.database.pool.acquire() as conn:
            await queries.bury(
                conn,
                event_id=event.id if event else _id_in(message.data),
                subject=message.subject,
                payload=message.data,
                cause=type(error).__name__,
                detail=_detail(error),
                attempts=message.metadata.num_delivered,
            )
        log.error("event_buried", subject=message.subject, cause=type(error).__name__)
        await message.term()


async def _fetch(pull: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return list(await pull.fetch(_BATCH, timeout=_FETCH_SECONDS))
    except TimeoutError:
        # nats-py raises its own or the built-in one, by where the time ran out.
        return []


async def _unless_stopped(
    connecting: Coroutine[Any, Any, JetStreamContext], stop: asyncio.Event
) -> JetStreamContext | None:
    task = asyncio.create_task(connecting)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        return task.result()
    task.cancel()
    return None


def _read(message: Msg) -> Event | ValidationError:
    try:
        return Event.model_validate_json(message.data)
    except ValidationError as error:
        return error


def _id_in(data: bytes) -> UUID | None:
    """Of what is no event of ours but may have an id all the same."""
    try:
        return UUID(orjson.loads(data)["id"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _detail(error: Exception) -> str:
    """What went wrong without the data it went wrong on: inputs may be personal."""
    if isinstance(error, ValidationError):
        places = (".".join(map(str, item["loc"])) + ": " + item["type"] for item in error.errors())
        return "; ".join(places)[:500]
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__} {error.sqlstate}"
    return str(error)[:500]
