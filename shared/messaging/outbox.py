"""An event leaves with the transaction that caused it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.contracts.envelope import Event
from shared.messaging import queries
from shared.messaging.wake import Wake
from shared.postgres.connection import Connection, Pool


@dataclass(slots=True)
class Transaction:
    """An open transaction and the events that will leave with it."""

    conn: Connection
    events: list[Event] = field(default_factory=list)

    def emit(self, events: Sequence[Event]) -> None:
        self.events.extend(events)


class Database:
    """The pool, and the bell that tells the relay of new events."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.published = Wake()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit what the body did together with the events it emitted, or nothing at all."""
        async with self.pool.acquire() as conn:
            async with conn.transaction():
                transaction = Transaction(conn)
                yield transaction
                if transaction.events:
                    await queries.store_events(conn, transaction.events)
            if transaction.events:
                self.published.ring()
