"""Applies what a platform answered, and moves on in the same commit."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

import structlog
from prometheus_client import Counter

from services.orders.domain import identities
from services.orders.domain.changes import UPDATED
from services.orders.handlers.applying import Said, apply_observations
from shared.contracts.envelope import Event
from shared.ids import new_trace_parent
from shared.messaging.outbox import Database
from shared.platforms.answers import OrderPage
from shared.postgres.connection import CONFLICTS, Connection, is_outage

NOT_APPLIED = Counter(
    "qiao_orders_not_applied_total", "Orders in a platform's answers that could not be taken"
)
# What else belongs into the commit, given what was said by it.
Then: TypeAlias = Callable[[Connection, Sequence[Event]], Awaitable[None]]

log = structlog.get_logger()


def said_by(page: OrderPage, *, merchant: str, platform: str) -> list[Said]:
    traceparent = new_trace_parent()
    for order_id in page.unreadable_order_ids:
        NOT_APPLIED.inc()
        log.error("order_unreadable", platform=platform, order_id=order_id)
    return [
        Said(
            merchant=merchant,
            platform=platform,
            observation_id=identities.of_reading(observation),
            observation=identities.settled(observation),
            traceparent=traceparent,
        )
        for order in page.orders
        for observation in order.observations
    ]


def moved(events: Sequence[Event]) -> int:
    """Orders whose state the answer moved, as opposed to what it only completed."""
    return len({event.subject for event in events if event.type != UPDATED})


async def apply_answer(
    database: Database, said: Sequence[Said], then: Then, *, read_back_after: timedelta
) -> Sequence[Event]:
    """One bad order holds up none of the others: it is told to a person, and left."""
    try:
        return await _apply(database, said, then, read_back_after)
    except Exception as error:
        if is_outage(error) or isinstance(error, CONFLICTS):
            raise
        log.warning("answer_split", error=type(error).__name__)
    by_order: dict[str, list[Said]] = {}
    for one in said:
        by_order.setdefault(one.observation.order_id, []).append(one)
    events: list[Event] = []
    for order_id, of_order in by_order.items():
        try:
            events += await _apply(database, of_order, _nothing, read_back_after)
        except Exception as error:
            if is_outage(error) or isinstance(error, CONFLICTS):
                raise
            NOT_APPLIED.inc()
            log.exception("order_not_applied", order_id=order_id)
    async with database.transaction() as transaction:
        await then(transaction.conn, events)
    return events


async def _apply(
    database: Database, said: Sequence[Said], then: Then, read_back_after: timedelta
) -> Sequence[Event]:
    async with database.transaction() as transaction:
        events = await apply_observations(transaction.conn, said, read_back_after=read_back_after)
        transaction.emit(events)
        await then(transaction.conn, events)
    return events


async def _nothing(_conn: Connection, _events: Sequence[Event]) -> None:
    return
