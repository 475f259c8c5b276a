"""Decides orders in batches: what arrives while a commit is in flight shares the next one."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import orjson
import structlog

from services.catalog.domain.deciding import (
    BuyerName,
    Counters,
    Decision,
    Offer,
    SkuName,
    decide,
    sku_name,
    stock_name,
)
from services.catalog.domain.settling import ReservationState
from services.catalog.domain.validity import validity
from services.catalog.handlers import metrics
from services.catalog.handlers.crossing import say_crossings
from services.catalog.handlers.questions import Outcome, Questions, Waiting
from services.catalog.queries import reserving as queries
from services.catalog.queries.reserving import Answered, NewReservation
from shared.clock import utc_now
from shared.contracts.asks import OrderAsk
from shared.errors import Rejection, Unavailable, Unreadable
from shared.ids import new_hot_id
from shared.messaging.background import background, pause
from shared.messaging.outbox import Database, Transaction
from shared.postgres.connection import CONFLICTS, Connection, is_outage, is_unstorable

_RACES_MAX: Final = 4
_LOOK_FOR_OVERDUE_SECONDS: Final = 0.1
_IDS_PER_LINE: Final = 50

log = structlog.get_logger()


class _Raced(Exception):
    """Another worker changed what was decided on; nothing of the batch was kept."""


_RACES: Final[tuple[type[Exception], ...]] = (_Raced, *CONFLICTS)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long unpaid stock is held, and by whose calendar days begin."""

    pay_within: timedelta
    # The platform closes an unpaid order at `pay_until`; news of a payment may come later.
    release_after: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Decider:
    """`hot` has connections of its own, so that no list or report ever delays a decision."""

    questions: Questions
    hot: Database
    terms: Terms

    async def write(self, _stop: asyncio.Event) -> None:
        """Until the queue is closed and empty."""
        while batch := await self.questions.take():
            await self._answer(batch)

    async def give_up(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.questions.give_up_overdue()
            await pause(stop, _LOOK_FOR_OVERDUE_SECONDS)

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        started = time.perf_counter()
        try:
            outcomes = await self._decide_against_races(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait need an answer
            await self._fail(batch, error)
            return
        for waiting in batch:
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcomes[_order(waiting.ask), waiting.digest])
        _report(batch, time.perf_counter() - started)

    async def _decide_against_races(self, batch: Sequence[Waiting]) -> "_Outcomes":
        for _ in range(_RACES_MAX):
            try:
                async with self.hot.transaction() as transaction:
                    return await _decide_all(transaction, batch, self.terms)
            except _RACES:
                metrics.RACED.inc()
        message = "too many rivals at once: ask again"
        raise Unavailable(message)

    async def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Nobody's fault: all ask again. Somebody's: the others must not fail with it."""
        if is_outage(error) or isinstance(error, Unavailable):
            log.warning("decisions_delayed", orders=len(batch), error=type(error).__name__)
            _give_all(batch, Unavailable("no decision is possible now: ask again"))
        elif len(batch) == 1 and is_unstorable(error):
            _give_all(batch, Unreadable("a value is out of range, or a text holds a NUL"))
        elif len(batch) > 1:
            middle = len(batch) // 2
            log.warning("decisions_split", orders=len(batch), error=type(error).__name__)
            await self._answer(batch[:middle])
            await self._answer(batch[middle:])
        else:
            # The database's own words quote the row; its code and the constraint say enough.
            log.error(
                "decision_failed",
                error=type(error).__name__,
                constraint=getattr(error, "constraint_name", None),
                trace=batch[0].traceparent[3:35],
            )
            _give_all(batch, Unavailable("it could not be decided: ask again"))


_Outcomes = dict[tuple[tuple[str, str], bytes], Outcome]


async def _decide_all(
    transaction: Transaction, batch: Sequence[Waiting], terms: Terms
) -> _Outcomes:
    """A constant number of statements; the first of two asks about one order is the one."""
    conn, now = transaction.conn, utc_now()
    first: dict[tuple[str, str], Waiting] = {}
    for waiting in batch:
        first.setdefault(_order(waiting.ask), waiting)
    answered = await queries.find_answered(conn, list(first))
    fresh = [waiting for order, waiting in first.items() if order not in answered]
    known = {order: _Known.of_row(row) for order, row in answered.items()}
    if fresh:
        asks = [waiting.ask for waiting in fresh]
        offers = await _find_offers(conn, asks)
        counters = await _count(conn, asks, offers)
        new = [
            _reservation(one, decide(one.ask, offers, counters, now=now), terms, now)
            for one in fresh
        ]
        await _store(transaction, new, counters, offers)
        known |= {(one.platform, one.order_id): _Known.of_new(one) for one in new}
    if len(fresh) < len(batch):
        metrics.REPEATED.inc(len(batch) - len(fresh))
    return {
        (order, waiting.digest): known[order].answer(waiting)
        for waiting in batch
        for order in (_order(waiting.ask),)
    }


async def _find_offers(conn: Connection, asks: Sequence[OrderAsk]) -> Mapping[SkuName, Offer]:
    names = {sku_name(ask, line) for ask in asks for line in ask.lines}
    return await queries.find_offers(conn, [name for name in names if name is not None])


async def _count(
    conn: Connection, asks: Sequence[OrderAsk], offers: Mapping[SkuName, Offer]
) -> Counters:
    """Lock the stock that is asked for, and look up what its buyers have."""
    stock, buyers = set(), set()
    for ask in asks:
        for line in ask.lines:
            name = sku_name(ask, line)
            offer = None if name is None else offers.get(name)
            if offer is None:
                continue
            wanted = stock_name(offer, line)
            if wanted is not None:
                stock.add(wanted)
            if offer.per_buyer_max is not None and ask.buyer is not None:
                buyers.add(BuyerName(offer.product_key, ask.buyer))
    return Counters(
        stock=await queries.lock_stock(conn, list(stock)) if stock else {},
        takings=await queries.find_takings(conn, list(buyers)) if buyers else {},
    )


def _reservation(
    waiting: Waiting, decision: Decision, terms: Terms, now: datetime
) -> NewReservation:
    ask, held = waiting.ask, decision.refusal is None
    out_order_id = new_hot_id()
    pay_until = now + terms.pay_within if held else None
    answer = {
        "order_id": ask.order_id,
        "refusal": decision.refusal,
        "detail": decision.detail,
        "out_order_id": str(out_order_id) if held else None,
        "pay_until": pay_until,
        "lines": [
            {"third_sku_id": take.offer.third_sku_id, "valid_from": begins, "valid_to": ends}
            for take in decision.takes
            for begins, ends in (
                validity(
                    take.offer.usage,
                    bought_at=ask.ordered_at,
                    day=take.day,
                    slot=take.slot,
                    zone=terms.zone,
                ),
            )
        ],
    }
    return NewReservation(
        out_order_id=out_order_id,
        merchant=ask.merchant,
        platform=ask.platform,
        order_id=ask.order_id,
        buyer=ask.buyer,
        ask_digest=waiting.digest,
        state=ReservationState.HELD if held else ReservationState.REFUSED,
        refusal=decision.refusal,
        answer=orjson.dumps(answer),
        pay_until=pay_until,
        release_at=None if pay_until is None else pay_until + terms.release_after,
        takes=decision.takes,
    )


async def _store(
    transaction: Transaction,
    new: Sequence[NewReservation],
    counters: Counters,
    offers: Mapping[SkuName, Offer],
) -> None:
    """Raises _Raced if the world has changed since it was looked at."""
    conn = transaction.conn
    taken = {bucket.stock_key: bucket.taken for bucket in counters.stock.values() if bucket.taken}
    if taken and await queries.hold_stock(conn, taken) < len(taken):
        raise _Raced
    if counters.taken_by:
        limits = {one.product_key: one.per_buyer_max or 0 for one in offers.values()}
        counted = await queries.count_takings(conn, counters.taken_by, limits=limits)
        if counted < len(counters.taken_by):
            raise _Raced
    if await queries.insert_reservations(conn, new) < len(new):
        raise _Raced
    if taken:
        await queries.insert_lines(conn, new)
    sold_out = [
        bucket.stock_key
        for bucket in counters.stock.values()
        if bucket.taken and bucket.left == bucket.taken
    ]
    transaction.emit(await say_crossings(conn, sold_out=sold_out, replenished=[]))
    for outcome, number in Counter(one.refusal or "held" for one in new).items():
        metrics.DECIDED.labels(outcome).inc(number)


@dataclass(frozen=True, slots=True)
class _Known:
    """How an order was decided, now or long ago."""

    merchant: str
    digest: bytes
    text: bytes

    @classmethod
    def of_row(cls, row: Answered) -> "_Known":
        return cls(row.merchant, row.ask_digest, row.answer.encode())

    @classmethod
    def of_new(cls, new: NewReservation) -> "_Known":
        return cls(new.merchant, new.ask_digest, new.answer)

    def answer(self, waiting: Waiting) -> Outcome:
        if self.merchant == waiting.ask.merchant and self.digest == waiting.digest:
            return self.text
        message = f"order {waiting.ask.order_id} was decided with other content"
        return Rejection(message, reason="ask_conflicted")


def _order(ask: OrderAsk) -> tuple[str, str]:
    return ask.platform, ask.order_id


def _give_all(batch: Sequence[Waiting], outcome: Outcome) -> None:
    for waiting in batch:
        if not waiting.outcome.done():
            waiting.outcome.set_result(outcome)


def _report(batch: Sequence[Waiting], seconds: float) -> None:
    metrics.COMMIT_SECONDS.observe(seconds)
    metrics.BATCH_SIZE.observe(len(batch))
    named = batch[:_IDS_PER_LINE]
    log.info(
        "orders_decided",
        count=len(batch),
        milliseconds=round(seconds * 1000, 1),
        order_ids=[waiting.ask.order_id for waiting in named],
        traces=[waiting.traceparent[3:35] for waiting in named],
    )


@asynccontextmanager
async def deciding(decider: Decider, *, writers: int) -> AsyncIterator[None]:
    """Decide beside the body; afterwards what was asked is still decided."""
    async with AsyncExitStack() as stack:
        for number in range(writers):
            await stack.enter_async_context(background(decider.write, name=f"decider-{number}"))
        await stack.enter_async_context(background(decider.give_up, name="decider-give-up"))
        try:
            yield
        finally:
            decider.questions.close()
