"""Turns a batch of observations into orders, their versions and the events that say so."""

from collections import Counter as TallyOf
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter

from services.orders.domain.changes import CONTRADICTED, Step, steps
from services.orders.domain.orders import OrderView, Question, Snapshot, fold
from services.orders.handlers.after_sales.following import follow_refunds
from services.orders.queries import applying as queries
from services.orders.queries.applying import (
    NewObservation,
    OrderChange,
    OrderName,
    OrderUpdate,
    StoredOrder,
)
from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.observations import Observation, Source
from shared.contracts.orders import CouponSnapshot, CouponState, OrderChanged, OrderState
from shared.postgres.connection import Connection

OBSERVATIONS = Counter(
    "qiao_orders_observations_total",
    "Observations kept, those already known left out",
    ["source", "kind"],
)
VERSIONS = Counter("qiao_orders_versions_total", "Versions of orders", ["type"])
_REFUNDS = frozenset({CouponState.REFUNDING, CouponState.REFUNDED})
CONTRADICTIONS = Counter("qiao_orders_contradictions_total", "Contradictions raised")


@dataclass(frozen=True, slots=True)
class Said:
    """An observation: whose order it is about, what makes it the same, and who said it."""

    merchant: str
    platform: str
    observation_id: UUID
    observation: Observation
    traceparent: str
    event_id: UUID | None = None
    delivery_id: UUID | None = None

    @property
    def order_name(self) -> OrderName:
        return OrderName(self.merchant, self.platform, self.observation.order_id)


@dataclass(frozen=True, slots=True)
class Move:
    """What a batch makes of one order."""

    stored: StoredOrder
    view: OrderView
    steps: tuple[Step, ...]
    added: tuple[UUID, ...]
    events: tuple[Event, ...]
    read_back_at: datetime | None


async def apply_observations(
    conn: Connection, said: Sequence[Said], *, read_back_after: timedelta
) -> Sequence[Event]:
    """Keep what is new and move the orders it is about. The caller commits.

    Any number of batches may run at the same time: what is new is inserted first, then the
    orders are locked in key order, and only then all their observations are read.
    """
    names = sorted({one.order_name for one in said})
    if not names:
        return ()
    await queries.insert_orders(conn, names)
    keys = await queries.find_order_keys(conn, names)
    by_key = {(keys[one.order_name], one.observation_id): one for one in said}
    added = await queries.insert_observations(conn, _rows(by_key))
    if not added:
        return ()
    touched = sorted(added)
    orders = await queries.lock_orders(conn, touched)
    coupons = await queries.fetch_coupons(conn, touched)
    facts = await queries.fetch_facts(conn, touched)
    moves = []
    for order in orders:
        new = [by_key[order.order_key, each] for each in added[order.order_key]]
        known = order.snapshot._replace(coupons=coupons.get(order.order_key, ()))
        moves.append(_move(order, known, fold(facts[order.order_key]), new, read_back_after))
    await _store(conn, moves, coupons)
    _count(by_key, added, moves)
    events = [said_event for move in moves for said_event in move.events]
    refunds = _refunds(moves, coupons)
    return (*events, *await follow_refunds(conn, refunds)) if refunds else events


def _refunds(
    moves: Sequence[Move], coupons_before: Mapping[int, tuple[CouponSnapshot, ...]]
) -> Mapping[OrderName, OrderView]:
    """Orders in which somebody else than our own after-sales moved a refund."""
    touched = {}
    for move in moves:
        before = {one.coupon_id: one.state for one in coupons_before.get(move.stored.order_key, ())}
        changed = any(
            before.get(one.coupon_id) is not one.state
            and (_REFUNDS & {before.get(one.coupon_id), one.state})
            and one.decided_by.source is not Source.AFTER_SALES
            for one in move.view.coupons
        )
        if changed or move.view.snapshot.state is OrderState.REFUNDED:
            touched[move.stored.name] = move.view
    return touched


def _rows(by_key: Mapping[tuple[int, UUID], Said]) -> list[NewObservation]:
    return [
        NewObservation(order_key, observation_id, one.observation, one.event_id, one.delivery_id)
        for (order_key, observation_id), one in sorted(by_key.items(), key=lambda item: item[0])
    ]


def _move(
    stored: StoredOrder,
    known: Snapshot,
    view: OrderView,
    new: Sequence[Said],
    read_back_after: timedelta,
) -> Move:
    taken = steps(None if stored.version == 0 else known, view.snapshot)
    causes = sorted(new, key=lambda one: one.observation.occurred_at)
    return Move(
        stored=stored,
        view=view,
        steps=taken,
        added=tuple(one.observation_id for one in new),
        events=tuple(
            _event(
                stored,
                step,
                version=stored.version + number,
                # What happened on the way was caused by what happened first.
                cause=causes[-1 if step.snapshot.state is view.snapshot.state else 0],
            )
            for number, step in enumerate(taken, start=1)
        ),
        read_back_at=_read_back_at(
            stored,
            view,
            was_asked=any(one.observation.source is Source.QUERY for one in new),
            after=read_back_after,
        ),
    )


def _event(stored: StoredOrder, step: Step, *, version: int, cause: Said) -> Event:
    now = step.snapshot
    return event(
        OrderChanged(
            order_id=stored.name.order_id,
            platform=stored.name.platform,
            account_id=now.account_id,
            state=now.state,
            previous_state=step.previous_state,
            contradicted=now.contradicted,
            coupon_count=now.coupon_count,
            coupons=now.coupons,
            platform_sku_id=now.platform_sku_id,
            title=now.title,
            original_amount_fen=now.original_amount_fen,
            pay_amount_fen=now.pay_amount_fen,
            refunded_amount_fen=now.refunded_amount_fen,
            created_at=now.created_at,
            paid_at=now.paid_at,
        ),
        subject=stored.name.order_id,
        merchant=stored.name.merchant,
        version=version,
        event_type=step.event_type,
        traceparent=cause.traceparent,
    )


def _read_back_at(
    stored: StoredOrder, view: OrderView, *, was_asked: bool, after: timedelta
) -> datetime | None:
    """When the platform is to be asked about this order, if anything is open.

    What only wants completing waits: the next regular reading is likely to bring it.
    """
    now = utc_now()
    newly_contradicted = view.snapshot.contradicted and not stored.snapshot.contradicted
    if newly_contradicted or Question.SAME_SECOND in view.questions:
        return min(now, stored.read_back_at or now)
    if view.questions & {Question.COUPON_COUNT, Question.REFUND_AMOUNT}:
        return stored.read_back_at or now + after
    return None if was_asked else stored.read_back_at


async def _store(
    conn: Connection,
    moves: Sequence[Move],
    coupons_before: Mapping[int, tuple[CouponSnapshot, ...]],
) -> None:
    updates = [
        OrderUpdate(
            order_key=move.stored.order_key,
            version=move.stored.version + len(move.steps),
            snapshot=move.view.snapshot,
            ordered_at=move.view.ordered_at,
            read_back_at=move.read_back_at,
        )
        for move in moves
        if move.steps
        or move.read_back_at != move.stored.read_back_at
        or move.view.ordered_at != move.stored.ordered_at
    ]
    if updates:
        await queries.update_orders(conn, updates)
    coupons = [
        (move.stored.order_key, coupon)
        for move in moves
        for coupon in move.view.snapshot.coupons
        if coupon not in coupons_before.get(move.stored.order_key, ())
    ]
    if coupons:
        await queries.upsert_coupons(conn, coupons)
    changes = [change for move in moves for change in _changes(move)]
    if changes:
        await queries.insert_changes(conn, changes)


def _changes(move: Move) -> list[OrderChange]:
    return [
        OrderChange(
            order_key=move.stored.order_key,
            version=said.version,
            event_id=said.id,
            event_type=step.event_type,
            from_state=step.previous_state,
            to_state=step.snapshot.state,
            observation_ids=move.added,
        )
        for step, said in zip(move.steps, move.events, strict=True)
    ]


def _count(
    by_key: Mapping[tuple[int, UUID], Said],
    added: Mapping[int, Sequence[UUID]],
    moves: Sequence[Move],
) -> None:
    """Counted before the commit: a batch that is rolled back is counted again."""
    observed = TallyOf(
        (one.source, one.kind)
        for order_key, observation_ids in added.items()
        for observation_id in observation_ids
        for one in (by_key[order_key, observation_id].observation,)
    )
    for (source, kind), number in observed.items():
        OBSERVATIONS.labels(source, kind).inc(number)
    for event_type, number in TallyOf(
        step.event_type for move in moves for step in move.steps
    ).items():
        VERSIONS.labels(event_type).inc(number)
        if event_type == CONTRADICTED:
            CONTRADICTIONS.inc(number)
