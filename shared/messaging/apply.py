"""Applies a batch of events in one transaction; shared by the consumer and by retries."""

import time
from collections.abc import Sequence

import structlog

from shared.contracts.envelope import Event
from shared.messaging.outbox import Database
from shared.messaging.subscription import Subscription
from shared.metrics import BATCH_SECONDS, EVENTS_HANDLED

_IDS_PER_LINE = 50

log = structlog.get_logger()


async def apply(
    database: Database, subscriptions: Sequence[Subscription], events: Sequence[Event]
) -> None:
    """Run every handler that hears these events, each once with all of its events."""
    started = time.perf_counter()
    async with database.transaction() as transaction:
        for subscription in subscriptions:
            heard = [event for event in events if subscription.hears(event.type)]
            if heard:
                transaction.emit(await subscription.handle(transaction.conn, heard))
        said = len(transaction.events)
    for event in events:
        EVENTS_HANDLED.labels(event.type).inc()
    seconds = time.perf_counter() - started
    BATCH_SECONDS.observe(seconds)
    log.info(
        "batch_applied",
        events=len(events),
        said=said,
        milliseconds=round(seconds * 1000, 1),
        subjects=sorted({_entity(event) for event in events})[:_IDS_PER_LINE],
        traces=[event.traceparent[3:35] for event in events[:_IDS_PER_LINE]],
    )


def _entity(event: Event) -> str:
    """The id people follow: the order where the event names one, else the event's subject."""
    return str(event.data.get("order_id") or event.subject)
