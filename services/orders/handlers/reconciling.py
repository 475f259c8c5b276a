"""Reads back from the platforms what never arrived, page by page, order by order.

No network call is made inside a transaction: a position is leased, the platform asked, the answer
applied and the position moved in one commit. Who dies between loses the lease and nothing else.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

import structlog
from prometheus_client import Counter, Gauge

from services.orders.gateway import Gateway, NoApplication
from services.orders.handlers import answers
from services.orders.handlers.answers import Then
from services.orders.handlers.applying import Said
from services.orders.queries import reconciliation
from services.orders.queries import reconciling as queries
from services.orders.queries.applying import OrderName
from services.orders.queries.reconciling import Reading, Span
from services.orders.settings import Settings
from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.errors import Rejection, Unavailable
from shared.ids import new_id
from shared.messaging.outbox import Database
from shared.platforms.answers import OrderPage
from shared.platforms.outcomes import OutcomeUnknown
from shared.platforms.rate import Priority
from shared.postgres.connection import Connection

# Longer than a call with its wait for a turn may take.
_LEASE = timedelta(seconds=60)
# A merchant heard of for the first time: how far the first reading goes back. The sweep goes on.
_FIRST_WINDOW = timedelta(minutes=10)
_FAILURE_WAIT_MAX = timedelta(minutes=5)
# A merchant that cannot be asked yet is tried again after so many turns of the others.
_NO_APPLICATION_TURNS = 12
_READ_BACK_AGAIN = timedelta(seconds=30)
_READ_BACK_ATTEMPTS_MAX = 8
_PRIORITIES = MappingProxyType({Span.RECENT: Priority.COUNTER, Span.SWEEP: Priority.BACKGROUND})

READINGS = Counter(
    "qiao_orders_readings_total", "Pages and orders asked of platforms", ["what", "outcome"]
)
ORDERS_READ = Counter("qiao_orders_read_total", "Orders in the platforms' answers", ["what"])
ORDERS_MOVED = Counter(
    "qiao_orders_moved_by_reading_total", "Orders whose state was learned by asking", ["what"]
)
FAILED = Counter("qiao_orders_readings_failed_total", "Readings that ended in a fault of our own")
READ_THROUGH = Gauge(
    "qiao_orders_read_through_seconds", "Unix time up to which every merchant was read back"
)
WAITING = Gauge("qiao_orders_waiting_to_be_read_back", "Orders to ask the platform about")
CONTRADICTED_NOW = Gauge("qiao_orders_contradicted", "Orders that a person should look at")

log = structlog.get_logger()

Failure: TypeAlias = Rejection | Unavailable | OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading back needs."""

    database: Database
    gateway: Gateway
    settings: Settings


async def read_recent(reader: Reader) -> bool:
    """Read one page of what changed lately. False if nothing is due."""
    return await _read_page(reader, Span.RECENT)


async def sweep(reader: Reader) -> bool:
    """Read one page of the wider net. False if nothing is due."""
    return await _read_page(reader, Span.SWEEP)


async def read_back(reader: Reader) -> bool:
    """Ask about one order that is contradicted, disputed or incomplete. False if none is due."""
    async with reader.database.transaction() as transaction:
        due = await queries.lease_read_back(transaction.conn, lease=_LEASE)
    if due is None:
        return False
    merchant, platform, order_id = due.name
    try:
        page = await reader.gateway.one_order(
            merchant, platform, account_id=due.account_id, order_id=order_id
        )
    except (Rejection, Unavailable, OutcomeUnknown) as failure:
        READINGS.labels("order", _outcome(failure)).inc()
        log.warning("read_back_failed", order_id=order_id, failure=_outcome(failure))
        async with reader.database.transaction() as transaction:
            await _settle(transaction.conn, due.name, answered=False)
        return True
    said = answers.said_by(page, merchant=merchant, platform=platform)
    events = await _apply(
        reader, said, lambda conn, _events: _settle(conn, due.name, answered=True)
    )
    READINGS.labels("order", "read").inc()
    _count("order", page, events)
    return True


async def measure(reader: Reader) -> None:
    """Set the gauges, whoever did the work."""
    async with reader.database.pool.acquire() as conn:
        oldest = await reconciliation.oldest_read_through(conn)
        WAITING.set(await reconciliation.count_waiting(conn, merchant=None))
        CONTRADICTED_NOW.set(await reconciliation.count_contradicted(conn))
    if oldest is not None:
        READ_THROUGH.set(oldest.timestamp())


async def _read_page(reader: Reader, span: Span) -> bool:
    async with reader.database.transaction() as transaction:
        reading = await queries.lease_reading(
            transaction.conn, span=span, lease_id=new_id(), lease=_LEASE
        )
    if reading is None:
        return False
    window_from, window_to = _window(reading, reader.settings)
    try:
        page = await reader.gateway.changed_orders(
            reading.merchant,
            reading.platform,
            account_id=reading.account_id,
            changed_from=window_from,
            changed_to=window_to,
            cursor=reading.next_cursor,
            priority=_PRIORITIES[span],
        )
    except (Rejection, Unavailable, OutcomeUnknown) as failure:
        await _postpone(reader, reading, failure)
        return True
    # The platform's clock decides how far we have read, not ours.
    end = min(window_to, page.now) if reading.next_cursor is None else window_to

    async def move_on(conn: Connection, events: Sequence[Event]) -> None:
        await _move_on(conn, reading, page, (window_from, end), events, reader.settings)

    said = answers.said_by(page, merchant=reading.merchant, platform=reading.platform)
    events = await _apply(reader, said, move_on)
    READINGS.labels(span, "read").inc()
    _count(span, page, events)
    if events:
        log.info(
            "orders_read",
            merchant=reading.merchant,
            span=span,
            orders=len(page.orders),
            moved=answers.moved(events),
            trace=events[0].traceparent[3:35],
        )
    return True


def _window(reading: Reading, settings: Settings) -> tuple[datetime, datetime]:
    """The window that is being read, or the next one."""
    if reading.window_from is not None and reading.window_to is not None:
        return reading.window_from, reading.window_to
    now = utc_now()
    if reading.span is Span.SWEEP:
        return now - timedelta(hours=settings.orders_sweep_hours), now
    since = reading.read_through or now - _FIRST_WINDOW
    return min(since, now) - timedelta(seconds=settings.orders_poll_overlap_seconds), now


async def _apply(reader: Reader, said: Sequence[Said], then: Then) -> Sequence[Event]:
    after = reader.settings.read_back_after
    return await answers.apply_answer(reader.database, said, then, read_back_after=after)


async def _move_on(
    conn: Connection,
    reading: Reading,
    page: OrderPage,
    window: tuple[datetime, datetime],
    events: Sequence[Event],
    settings: Settings,
) -> None:
    read, moved = len(page.orders), answers.moved(events)
    window_from, window_to = window
    if page.next_cursor is not None:
        await queries.turn_page(
            conn,
            reading,
            window_from=window_from,
            window_to=window_to,
            next_cursor=page.next_cursor,
            orders_read=read,
            orders_moved=moved,
        )
        return
    if reading.span is Span.RECENT:
        again_seconds = settings.orders_poll_seconds
    else:
        again_seconds = settings.orders_sweep_seconds
    await queries.finish_window(
        conn,
        reading,
        read_through=window_to,
        again_after=timedelta(seconds=again_seconds),
        orders_read=read,
        orders_moved=moved,
    )


async def _postpone(reader: Reader, reading: Reading, failure: Failure) -> None:
    outcome = _outcome(failure)
    READINGS.labels(reading.span, outcome).inc()
    wait = min(timedelta(seconds=2.0**reading.failures), _FAILURE_WAIT_MAX)
    if isinstance(failure, NoApplication):
        # Nothing is wrong: the merchant has not connected an application yet.
        wait = timedelta(seconds=reader.settings.orders_poll_seconds * _NO_APPLICATION_TURNS)
    else:
        log.warning("reading_postponed", merchant=reading.merchant, failure=outcome)
    async with reader.database.transaction() as transaction:
        await queries.postpone_reading(transaction.conn, reading, failure=outcome, again_after=wait)


async def _settle(conn: Connection, name: OrderName, *, answered: bool) -> None:
    await queries.settle_read_back(
        conn,
        name,
        answered=answered,
        attempts_max=_READ_BACK_ATTEMPTS_MAX,
        again_after=_READ_BACK_AGAIN,
    )


def _outcome(failure: Failure) -> str:
    return str(failure.reason)


def _count(what: str, page: OrderPage, events: Sequence[Event]) -> None:
    ORDERS_READ.labels(what).inc(len(page.orders))
    ORDERS_MOVED.labels(what).inc(answers.moved(events))


Job: TypeAlias = Callable[[Reader], Awaitable[bool]]
