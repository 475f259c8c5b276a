"""What came again: the same body is a repeat, another body under the same id is a conflict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.domain.deliveries import Delivery, trace_parent
from services.intake.queries import deliveries as queries
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
        for sealed in again:
            delivery = sealed.delivery
            first = known[delivery.client_key, delivery.dedupe_key]
            if first.digest == delivery.digest:
                settlement.duplicates[delivery.client_key] += 1
                repeats[first.delivery_id] += 1
            else:
                settlement.conflicts[delivery.client_key] += 1
                await _raise_conflict(transaction, sealed, first.delivery_id)
        await queries.count_repeats(transaction.conn, sorted(repeats.items()))
    return settlement


async def _raise_conflict(
    transaction: Transaction, sealed: Sealed, first_delivery_id: UUID
) -> None:
    """A statement each: conflicts are rare, and each is worth it."""
    new = await queries.store_conflict(
        transaction.conn, sealed.delivery, sealed.body, first_delivery_id=first_delivery_id
    )
    if new:
        transaction.emit([_conflicted(sealed.delivery, first_delivery_id)])


def _conflicted(delivery: Delivery, first_delivery_id: UUID) -> Event:
    return event(
        DeliveryConflicted(
            delivery_id=delivery.delivery_id,
            first_delivery_id=first_delivery_id,
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
