"""Looking deliveries up, revealing one, and queueing them again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.deliveries import trace_parent
from services.intake.queries import answers, pending
from services.intake.queries import records as queries
from services.intake.queries.records import ConflictRow, DeliveryRow
from shared.clock import utc_now
from shared.contracts.intake import DeliveryRevealed
from shared.contracts.making import event
from shared.errors import NotFound, Rejection
from shared.messaging.outbox import Database
from shared.sealing.keyring import CannotOpen, Keyring
from shared.web.principal import EVERY_MERCHANT, Principal

_QUEUED_AT_ONCE = 10_000
# Ids are made a moment before the time that stands beside them.
_SLACK = timedelta(seconds=1)


def first_id(moment: datetime) -> UUID:
    """No delivery received at this moment or later has a smaller id: they start with the time."""
    milliseconds = int((moment - _SLACK).timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


async def find(
    database: Database, principal: Principal, delivery_id: UUID
) -> DeliveryRow | ConflictRow:
    """A delivery, or a conflicting one. Another merchant's is as unknown as one not there."""
    async with database.pool.acquire() as conn:
        row = await queries.find_delivery(conn, delivery_id) or await queries.find_conflict(
            conn, delivery_id
        )
    if row is None or principal.merchant not in (EVERY_MERCHANT, row.merchant):
        raise NotFound("no such delivery")
    return row


@dataclass(frozen=True, slots=True)
class Revealed:
    """The body as it came, and what was answered to a question."""

    body: bytes
    answer: bytes | None


async def reveal(
    database: Database, keyring: Keyring, principal: Principal, delivery_id: UUID
) -> Revealed:
    """What lies sealed. That it was looked at is on record before it is answered."""
    row = await find(database, principal, delivery_id)
    async with database.transaction() as transaction:
        sealed = await queries.find_body(transaction.conn, delivery_id)
        if sealed is None:
            raise NotFound("no such delivery")
        answer = await answers.find_answer_body(transaction.conn, delivery_id)
        await keyring.load_for(transaction.conn, [sealed, *([answer.body] if answer else [])])
        try:
            raw = keyring.open(sealed, context=str(delivery_id))
            answered = keyring.open(answer.body, context=answer.context) if answer else None
        except CannotOpen as cannot:
            raise Rejection(str(cannot), reason="cannot_open") from None
        revealed = DeliveryRevealed(
            delivery_id=delivery_id,
            platform=row.platform,
            client_key=row.client_key,
            event=row.event,
            revealed_by=principal.subject,
            revealed_at=utc_now(),
        )
        transaction.emit(
            [
                event(
                    revealed,
                    subject=str(delivery_id),
                    merchant=row.merchant,
                    traceparent=trace_parent(delivery_id),
                )
            ]
        )
    return Revealed(raw, answered)


async def queue_since(database: Database, since: datetime) -> int:
    """Queue every delivery since then once more, a bounded number with each commit."""
    queued, after = 0, UUID(int=max(first_id(since).int - 1, 0))
    while True:
        async with database.pool.acquire() as conn:
            number, last = await pending.queue_since(
                conn, since=since, after=after, limit=_QUEUED_AT_ONCE
            )
        queued += number
        if last is None:
            return queued
        after = last
