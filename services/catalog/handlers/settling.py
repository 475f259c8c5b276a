"""Confirms, puts back and releases stock as orders are paid, refunded, closed or forgotten."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from services.catalog.domain.settling import Fate, Move, News, ReservationState, news_of, settle
from services.catalog.handlers import metrics
from services.catalog.handlers.crossing import say_changes
from services.catalog.queries import settling as queries
from services.catalog.queries import stock as stock_queries
from services.catalog.queries.settling import OrderName
from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.orders import OrderChanged
from shared.contracts.stock import StockOversold
from shared.messaging.outbox import Database
from shared.postgres.connection import Connection

_RELEASE_BATCH: Final = 500
_UNPAID: Final = News(Fate.CLOSED)

log = structlog.get_logger()


async def on_orders_changed(
    conn: Connection, events: Sequence[Event], *, zone: ZoneInfo
) -> Sequence[Event]:
    """The newest version of each order decides; orders that nobody asked about pass by."""
    newest: dict[OrderName, Event] = {}
    for heard in events:
        name = OrderName(heard.merchant, str(heard.data["platform"]), heard.subject)
        if name not in newest or newest[name].version < heard.version:
            newest[name] = heard
    orders = {
        name: news_of(OrderChanged.model_validate(heard.data)) for name, heard in newest.items()
    }
    decided = {name: news for name, news in orders.items() if news is not None}
    if not decided:
        return ()
    versions = {name: newest[name].version for name in sorted(decided)}
    ids = await queries.lock_newer(conn, versions)
    news = {ids[name]: news for name, news in decided.items() if name in ids}
    return await _move(conn, news, today=_today(zone)) if news else ()


async def release_overdue(database: Database, *, zone: ZoneInfo) -> int:
    """Put back what nobody paid for; how many reservations that was."""
    async with database.transaction() as transaction:
        ids = await queries.lock_overdue(transaction.conn, limit=_RELEASE_BATCH)
        if ids:
            news = dict.fromkeys(ids, _UNPAID)
            transaction.emit(await _move(transaction.conn, news, today=_today(zone)))
    return len(ids)


async def serve_oversold(database: Database, *, zone: ZoneInfo) -> int:
    """Give those who paid too late what has come back since; how many were looked at."""
    async with database.transaction() as transaction:
        ids = await queries.lock_servable(transaction.conn, limit=_RELEASE_BATCH)
        if ids:
            news = dict.fromkeys(ids, News(Fate.PAID))
            transaction.emit(await _move(transaction.conn, news, today=_today(zone)))
    return len(ids)


async def measure(database: Database) -> int:
    async with database.pool.acquire() as conn:
        metrics.OVERSOLD_OPEN.set(await queries.count_oversold(conn))
    return 0


def _today(zone: ZoneInfo) -> date:
    return utc_now().astimezone(zone).date()


async def _move(conn: Connection, news: Mapping[UUID, News], *, today: date) -> list[Event]:
    """The caller holds the reservations' locks; those of their stock are taken here."""
    reservations = await queries.read_locked(conn, list(news))
    keys = {line.stock_key for one in reservations.values() for line in one.lines}
    counts = await stock_queries.lock_counts(conn, sorted(keys))
    before = {key: replace(count) for key, count in counts.items()}
    # Ids are made in the order of decisions: who came first is served first.
    moves = [
        settle(reservations[key], news[key], counts, today=today) for key in sorted(reservations)
    ]
    await _store(conn, moves)
    changed = {key: count for key, count in counts.items() if count != before[key]}
    if changed:
        await stock_queries.store_counts(conn, changed)
    _report(moves, news)
    return [*await say_changes(conn, before, changed), *_oversold(moves)]


async def _store(conn: Connection, moves: Sequence[Move]) -> None:
    states = {
        move.after.out_order_id: move.after.state
        for move in moves
        if move.after.state is not move.before.state
    }
    if states:
        await queries.move_reservations(conn, states)
    restocked = {
        (move.after.out_order_id, after.line): after.restocked
        for move in moves
        for before, after in zip(move.before.lines, move.after.lines, strict=True)
        if before.restocked != after.restocked
    }
    if restocked:
        await queries.store_restocked(conn, restocked)
    takings: Counter[tuple[int, str]] = Counter()
    for move in moves:
        if move.after.buyer is not None:
            for product_key, delta in move.buyer_delta.items():
                takings[product_key, move.after.buyer] += delta
    if takings:
        await queries.change_takings(conn, takings)


def _oversold(moves: Sequence[Move]) -> list[Event]:
    """Each is told once: when it became so."""
    now = utc_now()
    return [
        event(
            StockOversold(
                order_id=move.after.order_id,
                platform=move.after.platform,
                out_order_id=str(move.after.out_order_id),
                sku_ids=tuple(line.sku_id for line in move.after.lines),
                paid_seen_at=now,
            ),
            subject=move.after.order_id,
            merchant=move.after.merchant,
        )
        for move in moves
        if move.after.state is ReservationState.OVERSOLD is not move.before.state
    ]


def _report(moves: Sequence[Move], news: Mapping[UUID, News]) -> None:
    for state, number in Counter(
        move.after.state for move in moves if move.after.state is not move.before.state
    ).items():
        metrics.SETTLED.labels(state).inc(number)
    strange = [
        move.after.order_id
        for move in moves
        if move.after.state is ReservationState.REFUSED
        and news[move.after.out_order_id].fate is Fate.PAID
    ]
    if strange:
        log.warning("refused_orders_paid", order_ids=strange)
