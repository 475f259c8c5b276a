"""One act: a transaction, what it says, what it revokes, and what the audit keeps of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.access.domain.chain import Entry
from services.access.handlers.audit import append
from services.access.queries.revocations import note_revocation
from shared.clock import utc_now
from shared.contracts.access import Revoked
from shared.contracts.envelope import EventData
from shared.contracts.making import event
from shared.messaging.outbox import Database, Transaction
from shared.postgres.connection import Connection


@dataclass(slots=True)
class Act:
    transaction: Transaction
    actor: str
    traceparent: str
    entries: list[Entry] = field(default_factory=list)
    revoked: dict[str, datetime] = field(default_factory=dict)

    @property
    def conn(self) -> Connection:
        return self.transaction.conn

    def say(
        self, data: EventData, *, subject: str, merchant: str, version: int, event_type: str
    ) -> None:
        self.transaction.emit(
            [
                event(
                    data,
                    subject=subject,
                    merchant=merchant,
                    version=version,
                    event_type=event_type,
                    traceparent=self.traceparent,
                )
            ]
        )

    def record(self, action: str, *, subject: str, merchant: str | None, **details: Any) -> None:
        """Have the audit keep it. Any: JSON without secrets and without personal data."""
        self.entries.append(Entry(utc_now(), self.actor, action, subject, merchant, details))

    async def revoke(
        self, kind: str, identity: str, *, merchant: str, version: int, reason: str
    ) -> None:
        """Void the principal's tokens up to now; its row must be locked by this transaction."""
        principal, revoked_at = f"{kind}:{identity}", utc_now()
        await note_revocation(self.conn, principal=principal, revoked_at=revoked_at, reason=reason)
        self.say(
            Revoked(principal=principal, revoked_at=revoked_at, reason=reason),
            subject=identity,
            merchant=merchant,
            version=version,
            event_type=f"{kind}.revoked",
        )
        self.revoked[principal] = revoked_at


@asynccontextmanager
async def acting(database: Database, *, actor: str, traceparent: str) -> AsyncIterator[Act]:
    """Open the transaction of an act. The audit comes last: its lock is shared by all acts."""
    async with database.transaction() as transaction:
        act = Act(transaction, actor, traceparent)
        yield act
        await append(transaction.conn, act.entries)
