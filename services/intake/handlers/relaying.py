"""From the record to the stream: opens each delivery, seals what is personal, publishes it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from services.intake.domain.deliveries import Delivery
from services.intake.domain.envelopes import (
    StoredDelivery,
    event_type,
    platform_event,
    seal_personal,
    unpublishable,
)
from services.intake.domain.questions import channel_of
from services.intake.handlers import metrics
from services.intake.handlers.handover import Handover
from services.intake.handlers.queue import CommitQueue
from services.intake.queries import pending as queries
from shared.messaging.background import background
from shared.messaging.broker import Broker
from shared.messaging.outbox import Database
from shared.messaging.queries import Outgoing, bury
from shared.messaging.relay import publish_until_stopped
from shared.platforms.platform import Platform
from shared.platforms.questions import Channel
from shared.platforms.registry import platform_named
from shared.postgres.connection import Connection, is_outage
from shared.sealing.keyring import Keyring

_BATCH = 500
# Requests share the event loop: the relay takes small turns. Under pressure it rests after each of
# them, yet publishes about a thousand a second; what that leaves is quickly caught up afterwards.
_DELIVERIES_PER_TURN = 32
_REST_UNDER_PRESSURE_SECONDS = 0.02
# Otherwise, when a turn of the others takes longer than this, it rests for as long as they took.
_CONGESTED_SECONDS = 0.005
_REST_SECONDS_MAX = 0.1
# After a small batch it waits a moment, so that the next one is worth its transaction.
_SMALL_BATCH = 100
_LINGER_SECONDS = 0.02
_AFTER_ERROR_SECONDS = 0.5
# Under the stream's limit of one message, with room for headers.
_EVENT_BYTES_MAX = 1_000_000

log = structlog.get_logger()


class TooLarge(Exception):
    """Sealing has made the event larger than the stream takes."""


@dataclass(frozen=True, slots=True)
class Relay:
    hot: Database
    broker: Broker
    keyring: Keyring
    handover: Handover
    queue: CommitQueue

    async def run(self, stop: asyncio.Event) -> None:
        await publish_until_stopped(self._publish_or_wait, self.hot, self.broker, stop)

    async def _publish_or_wait(self) -> int:
        """A full disk or a rival's lock delays publishing, and must not end the service."""
        try:
            return await self._publish_batch()
        except asyncpg.PostgresError as error:
            if not is_outage(error):
                log.warning("relay_delayed", error=type(error).__name__)
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
                return 0
            raise

    async def _publish_batch(self) -> int:
        """Publish the oldest deliveries; they leave the queue with the commit, or stay in it."""
        async with self.hot.pool.acquire() as conn, conn.transaction():
            claimed = await queries.claim_pending(conn, limit=_BATCH)
            if claimed:
                await self.broker.publish(await self._prepare(conn, claimed))
        metrics.PUBLISHED.inc(len(claimed))
        if 0 < len(claimed) < _SMALL_BATCH:
            await asyncio.sleep(_LINGER_SECONDS)
        return len(claimed)

    async def _prepare(self, conn: Connection, claimed: Sequence[UUID]) -> list[Outgoing]:
        at_hand = {claimed_id: self.handover.take(claimed_id) for claimed_id in claimed}
        self.handover.forget_until(claimed[-1])
        missing = [claimed_id for claimed_id, delivery in at_hand.items() if delivery is None]
        stored = await queries.find_stored(conn, missing) if missing else []
        await self.keyring.load_for(conn, [delivery.body for delivery in stored])
        outgoing = []
        deliveries: list[Delivery | StoredDelivery] = list(stored)
        deliveries += [delivery for delivery in at_hand.values() if delivery is not None]
        for number, delivery in enumerate(deliveries):
            if number % _DELIVERIES_PER_TURN == 0:
                await self._give_way()
            try:
                outgoing.append(self._event(delivery))
            except Exception as error:  # noqa: BLE001 - one body must never hold up the others
                await _bury(conn, delivery, error)
        return outgoing

    def _event(self, delivery: Delivery | StoredDelivery) -> Outgoing:
        platform = platform_named(delivery.platform)
        if isinstance(delivery, StoredDelivery):
            raw = self.keyring.open(delivery.body, context=str(delivery.delivery_id))
            content = _content(platform, delivery, raw)
        else:
            content = delivery.content
        paths = platform.personal_fields(delivery.event, content)
        if paths:
            content = seal_personal(self.keyring, delivery, content, paths)
        subject, payload = platform_event(delivery, content)
        if len(payload) > _EVENT_BYTES_MAX:
            raise TooLarge(f"{len(payload)} bytes")
        return Outgoing(0, delivery.delivery_id, subject, payload)

    async def _give_way(self) -> None:
        """Let requests go first: deliveries that wait here are durable, those outside are not."""
        if self.queue.pressed:
            await asyncio.sleep(_REST_UNDER_PRESSURE_SECONDS)
            return
        loop = asyncio.get_running_loop()
        started = loop.time()
        await asyncio.sleep(0)
        taken_by_others = loop.time() - started
        if taken_by_others > _CONGESTED_SECONDS:
            await asyncio.sleep(min(taken_by_others, _REST_SECONDS_MAX))


def _content(platform: Platform, delivery: StoredDelivery, raw: bytes) -> Any:
    channel = channel_of(delivery.dedupe_key)
    if channel in set(Channel):
        return platform.read_question_content(Channel(channel), raw)
    return platform.read_webhook({}, raw).content


async def _bury(conn: Connection, delivery: Delivery | StoredDelivery, error: Exception) -> None:
    """Keep it as a dead letter that names the delivery and holds nothing of it."""
    metrics.BURIED.inc()
    letter = unpublishable(delivery)
    await bury(
        conn,
        event_id=delivery.delivery_id,
        subject=letter.nats_subject,
        payload=letter.model_dump_json().encode(),
        cause=type(error).__name__,
        detail=f"{event_type(delivery.platform, delivery.event)} could not be published",
        attempts=1,
    )
    log.error("delivery_buried", trace=delivery.delivery_id.hex, cause=type(error).__name__)


@asynccontextmanager
async def relaying_deliveries(relay: Relay) -> AsyncIterator[None]:
    """Publish beside the body. Any number of workers may do so at once."""
    async with background(relay.run, name="delivery-relay"):
        yield
