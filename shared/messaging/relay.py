"""Publishes what the outbox holds; any number may run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from shared.messaging import queries
from shared.messaging.background import background, pause
from shared.messaging.broker import BROKER_OUTAGES, Broker
from shared.messaging.outbox import Database
from shared.metrics import EVENTS_PUBLISHED, OUTBOX_DEPTH
from shared.postgres.connection import DELAYS

_BATCH = 500
_IDLE_SECONDS = 0.25
_OUTAGE_SECONDS = 0.5
_HOUSEKEEPING_SECONDS = 5.0
_PRUNE_BATCH = 2000
# Longer than the stream keeps its messages, so that all of it can be rebuilt.
_RETENTION = timedelta(days=30)

log = structlog.get_logger()


@asynccontextmanager
async def relaying(database: Database, broker: Broker) -> AsyncIterator[None]:
    """Publish the outbox of this service beside the body."""

    async def run(stop: asyncio.Event) -> None:
        await publish_until_stopped(
            lambda: _publish_batch(database, broker), database, broker, stop
        )

    async with (
        background(run, name="relay"),
        background(lambda stop: _keep_house(database, stop), name="outbox-housekeeping"),
    ):
        yield


async def publish_until_stopped(
    publish_batch: Callable[[], Awaitable[int]],
    database: Database,
    broker: Broker,
    stop: asyncio.Event,
) -> None:
    """Call publish_batch again and again; outages of either server only delay."""
    while True:
        published = 0
        try:
            if broker.connected:
                published = await publish_batch()
        except (*DELAYS, *BROKER_OUTAGES) as outage:
            log.warning("relay_delayed", error=type(outage).__name__)
            await pause(stop, _OUTAGE_SECONDS)
        if stop.is_set() and published == 0:
            return
        if published == 0:
            await _idle(database, stop)


async def _idle(database: Database, stop: asyncio.Event) -> None:
    bell = asyncio.ensure_future(database.published.wait(_IDLE_SECONDS))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({bell, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        bell.cancel()
        stopped.cancel()


async def _publish_batch(database: Database, broker: Broker) -> int:
    async with database.pool.acquire() as conn, conn.transaction():
        outgoing = await queries.claim_outgoing(conn, limit=_BATCH)
        if outgoing:
            await broker.publish(outgoing)
            await queries.mark_published(conn, [event.seq for event in outgoing])
    EVENTS_PUBLISHED.inc(len(outgoing))
    return len(outgoing)


async def _keep_house(database: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with database.pool.acquire() as conn:
                OUTBOX_DEPTH.set(await queries.count_outgoing(conn))
                await queries.prune_outbox(conn, older_than=_RETENTION, limit=_PRUNE_BATCH)
        except DELAYS as outage:
            log.warning("outbox_housekeeping_delayed", error=type(outage).__name__)
        await pause(stop, _HOUSEKEEPING_SECONDS)
