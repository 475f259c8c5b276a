"""What came again: the same body is a repeat, another body under the same id is a conflict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.domain.deliveries import Delivery, trace_parent
from services.intake.queries import deliveries as queries
from services.intake.queries.deliveries import Conflict
from shared.contracts.envelope import Event
from shared.contracts.intake import DeliveryConflicted
from shared.contracts.making import event
from shared.messaging.outbox import Database, Transaction
from shared.platforms.registry import PLATFORMS


@dataclass(frozen=True, slots=True)
class Settlement:
    """How many deliveries of each application were no new ones."""

    duplicates: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Sealed:
    delivery: Delivery
    body: bytes


async def settle(database: Database, again: Sequence[Sealed]) -> Settlement:
    """Count repeats; store conflicts and raise each of them once, all in one transaction."""
    settlement = Settlement()
    async with database.transaction() as transaction:
        known = {
            (each.client_key, each.dedupe_key): each
            for each in await queries.find_known(
                transaction.conn, [sealed.delivery for sealed in again]
            )
        }
        repeats: Counter[UUID] = Counter()
        conflicts: dict[tuple[UUID, bytes], Conflict] = {}
        for sealed in again:
            delivery = sealed.delivery
            first = known[delivery.client_key, delivery.dedupe_key]
            if first.digest == delivery.digest:
                settlement.duplicates[delivery.client_key] += 1
                repeats[first.delivery_id] += 1
                continue
            settlement.conflicts[delivery.client_key] += 1
            conflict = Conflict(delivery, sealed.body, first.delivery_id, times=0)
            conflicts.setdefault((first.delivery_id, delivery.digest), conflict).times += 1
        if repeats:
            await queries.count_repeats(transaction.conn, sorted(repeats.items()))
        if conflicts:
            await _raise_conflicts(transaction, [conflicts[key] for key in sorted(conflicts)])
    return settlement


async def _raise_conflicts(transaction: Transaction, conflicts: Sequence[Conflict]) -> None:
    stored = await queries.store_conflicts(transaction.conn, conflicts)
    transaction.emit(
        [_conflicted(each) for each in conflicts if each.delivery.delivery_id in stored]
    )


def _conflicted(conflict: Conflict) -> Event:
    delivery = conflict.delivery
    return event(
        DeliveryConflicted(
            delivery_id=delivery.delivery_id,
            first_delivery_id=conflict.first_delivery_id,
            platform=delivery.platform,
            client_key=delivery.client_key,
            account_id=delivery.account_id,
            event=delivery.event,
            msg_id=delivery.msg_id or "",
            received_at=delivery.received_at,
            order_ids=PLATFORMS[delivery.platform].order_ids(delivery.content),
        ),
        subject=str(delivery.delivery_id),
        merchant=delivery.merchant,
        event_id=delivery.delivery_id,
        traceparent=trace_parent(delivery.delivery_id),
    )
