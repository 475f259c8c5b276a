"""What is heard of stores, and of coupons that were spent or taken back elsewhere."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from services.redemption.domain.records import Claim, Fact, FactKind, Store
from services.redemption.handlers.desk import OUTCOMES, Desk
from services.redemption.queries import coupons as queries
from services.redemption.queries.coupons import HeardFact, Released
from services.redemption.queries.issued_changes import end_refunded
from services.redemption.queries.stores import StoreVersion, keep_stores
from shared.contracts.access import StoreChanged
from shared.contracts.envelope import Event
from shared.contracts.intake import PlatformDelivery
from shared.contracts.making import event
from shared.contracts.observations import Observation, ObservationKind
from shared.contracts.redemption import CouponCancelled
from shared.platforms.registry import platform_named
from shared.postgres.connection import Connection

AT_THE_PLATFORM: Final = "taken back at the platform"
_FACTS: Final = {
    ObservationKind.COUPON_REDEEMED: FactKind.REDEEMED,
    ObservationKind.COUPON_REDEMPTION_CANCELLED: FactKind.AVAILABLE,
    ObservationKind.COUPON_REFUNDED: FactKind.REFUNDED,
}

log = structlog.get_logger()


async def on_store_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    latest: dict[str, StoreVersion] = {}
    for heard in events:
        data = StoreChanged.model_validate(heard.data)
        known = latest.get(data.store_id)
        if known is None or known.version < heard.version:
            latest[data.store_id] = StoreVersion(_store(data), heard.version)
    await keep_stores(conn, list(latest.values()))
    return ()


def _store(data: StoreChanged) -> Store:
    return Store(
        store_id=data.store_id,
        merchant=data.merchant,
        platform=data.platform,
        poi_id=data.poi_id,
        name=data.name,
        time_zone=data.time_zone,
        open=data.open,
    )


async def on_platform_delivery(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """Keep what is said of coupons, release what was taken back, hurry what waits for it."""
    heard = [fact for each in events for fact in _facts(each)]
    if not heard:
        return ()
    await queries.keep_facts(conn, latest_facts(heard))
    await queries.hurry_pending(
        conn,
        platforms=[each.platform for each in heard],
        coupon_ids=[each.fact.coupon_id for each in heard],
    )
    refunded = [each for each in heard if each.fact.kind is FactKind.REFUNDED]
    if refunded:
        await end_refunded(
            conn,
            platforms=[each.platform for each in refunded],
            coupon_ids=[each.fact.coupon_id for each in refunded],
            refunded_at=[each.fact.occurred_at for each in refunded],
        )
    taken_back = [each for each in heard if each.fact.kind is FactKind.AVAILABLE]
    if not taken_back:
        return ()
    released = await queries.release_taken_back(
        conn,
        platforms=[each.platform for each in taken_back],
        coupon_ids=[each.fact.coupon_id for each in taken_back],
        taken_back_at=[each.fact.occurred_at for each in taken_back],
        cause=AT_THE_PLATFORM,
    )
    times = {(each.platform, each.fact.coupon_id): each.fact.occurred_at for each in taken_back}
    return await _say_released(conn, released, times, cause_id=events[0].id)


def _facts(heard: Event) -> Iterator[HeardFact]:
    delivery = PlatformDelivery.model_validate(heard.data)
    for observation in platform_named(delivery.platform).observations(delivery):
        fact = _fact(observation)
        if fact is not None:
            yield HeardFact(delivery.platform, heard.merchant, fact)


def _fact(observation: Observation) -> Fact | None:
    kind = _FACTS.get(observation.kind)
    if kind is None or observation.coupon_id is None:
        return None
    return Fact(observation.coupon_id, kind, observation.occurred_at)


def latest_facts(heard: Sequence[HeardFact]) -> list[HeardFact]:
    """One a coupon, by the same rule as the statement that keeps it."""
    latest: dict[tuple[str, str], HeardFact] = {}
    for each in heard:
        key = (each.platform, each.fact.coupon_id)
        if key not in latest or _rank(each) > _rank(latest[key]):
            latest[key] = each
    return list(latest.values())


def _rank(heard: HeardFact) -> tuple[bool, datetime, bool]:
    fact = heard.fact
    return (
        fact.kind is FactKind.REFUNDED,
        fact.occurred_at,
        fact.kind is FactKind.AVAILABLE,
    )


async def release_contradicted(
    desk: Desk, store: Store, claims: Sequence[Claim], *, now: datetime, cause_id: UUID
) -> None:
    """The platform offers what we have spent: it was taken back there, and nobody told us."""
    available = [
        HeardFact(store.platform, store.merchant, Fact(claim.coupon_id, FactKind.AVAILABLE, now))
        for claim in claims
    ]
    async with desk.database.transaction() as transaction:
        # Locks the coupons before the ledger, as everybody does.
        await queries.keep_facts(transaction.conn, latest_facts(available))
        released = await queries.release_taken_back(
            transaction.conn,
            platforms=[store.platform] * len(claims),
            coupon_ids=[claim.coupon_id for claim in claims],
            taken_back_at=[now] * len(claims),
            cause=AT_THE_PLATFORM,
        )
        times = {(store.platform, claim.coupon_id): now for claim in claims}
        transaction.emit(await _say_released(transaction.conn, released, times, cause_id=cause_id))
    log.warning("ledger_corrected", coupon_ids=[claim.coupon_id for claim in claims])


async def _say_released(
    conn: Connection,
    released: Sequence[Released],
    times: dict[tuple[str, str], datetime],
    *,
    cause_id: UUID,
) -> Sequence[Event]:
    if not released:
        return ()
    versions = await queries.next_versions(
        conn,
        platforms=[each.platform for each in released],
        merchants=[each.merchant for each in released],
        coupon_ids=[each.coupon_id for each in released],
    )
    OUTCOMES.labels("cancel", "at_platform").inc(len(released))
    return [
        event(
            CouponCancelled(
                redemption_id=each.redemption_id,
                platform=each.platform,
                order_id=each.order_id,
                store_id=each.store_id,
                terminal_id=each.terminal_id,
                coupon_id=each.coupon_id,
                verify_id=each.verify_id,
                cancel_id=cause_id,
                cancelled_at=times[each.platform, each.coupon_id],
                reason=AT_THE_PLATFORM,
            ),
            subject=each.coupon_id,
            merchant=each.merchant,
            version=versions[each.platform, each.coupon_id],
            traceparent=each.traceparent,
        )
        for each in released
    ]
