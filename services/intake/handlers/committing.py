"""Group commit: what arrives while a commit is in flight shares the next one."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from services.intake.domain.deliveries import Delivery
from services.intake.handlers import metrics
from services.intake.handlers.counts import Counts
from services.intake.handlers.handover import Handover
from services.intake.handlers.queue import CommitQueue, Waiting
from services.intake.handlers.settling import Sealed, Settlement, settle
from services.intake.queries import deliveries as queries
from shared.errors import Unavailable
from shared.messaging.background import background, pause
from shared.messaging.outbox import Database
from shared.platforms.registry import PLATFORMS
from shared.postgres.connection import is_outage
from shared.sealing.keyring import Keyring

_STATEMENT_SECONDS = 4.0
_LOOK_FOR_OVERDUE_SECONDS = 0.1
_IDS_PER_LINE = 50

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Committer:
    """Takes batches off the queue, stores each in one statement, and answers who waits.

    `hot` has connections of its own, so that no list or report ever delays a commit.
    """

    queue: CommitQueue
    hot: Database
    database: Database
    keyring: Keyring
    counts: Counts
    handover: Handover

    async def write(self, _stop: asyncio.Event) -> None:
        """Until the queue is closed and empty."""
        while batch := await self.queue.take():
            await self._commit(batch)

    async def give_up(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.queue.give_up_overdue()
            await pause(stop, _LOOK_FOR_OVERDUE_SECONDS)

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        started = time.perf_counter()
        try:
            settlement = await self._store(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait need an answer
            await self._fail(batch, error)
            return
        _answer(batch, None)
        try:
            self._report([waiting.delivery for waiting in batch], settlement, started)
        except Exception:
            # Odd content may spoil a report, never the service that has stored it.
            log.exception("commit_report_failed")

    async def _store(self, batch: Sequence[Waiting]) -> Settlement:
        # Two commits that share keys then wait for each other and never deadlock.
        deliveries = sorted((waiting.delivery for waiting in batch), key=_key_order)
        async with self.hot.pool.acquire() as conn:
            await self.keyring.load(conn, {delivery.merchant for delivery in deliveries})
            bodies = [self._seal(delivery) for delivery in deliveries]
            new = await queries.store_deliveries(
                conn, deliveries, bodies, timeout_seconds=_STATEMENT_SECONDS
            )
            if new == len(deliveries):
                self._hand_over([waiting.delivery for waiting in batch])
                return Settlement()
            stored = await queries.find_stored(conn, [each.delivery_id for each in deliveries])
        durable = [waiting for waiting in batch if waiting.delivery.delivery_id in stored]
        self._hand_over([waiting.delivery for waiting in durable])
        # They need not wait for what becomes of the others.
        _answer(durable, None)
        again = [
            Sealed(delivery, body)
            for delivery, body in zip(deliveries, bodies, strict=True)
            if delivery.delivery_id not in stored
        ]
        return await settle(self.database, again)

    def _hand_over(self, deliveries: Sequence[Delivery]) -> None:
        self.handover.put(deliveries)
        self.hot.published.ring()

    def _seal(self, delivery: Delivery) -> bytes:
        return self.keyring.seal(delivery.merchant, delivery.raw, context=str(delivery.delivery_id))

    async def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Nobody's fault: all try again. Somebody's: the others must not fail with it."""
        unanswered = [waiting for waiting in batch if not waiting.answer.done()]
        if is_outage(error):
            log.warning("commit_delayed", deliveries=len(batch), error=type(error).__name__)
            _answer(unanswered, Unavailable("the database is away or full: send it again"))
        elif len(unanswered) > 1:
            # By halves: one bad delivery among 500 is found in 18 commits.
            log.warning("commit_split", deliveries=len(batch), error=type(error).__name__)
            middle = len(unanswered) // 2
            await self._commit(unanswered[:middle])
            await self._commit(unanswered[middle:])
        else:
            # The database's own words quote the row; its code and the constraint say enough.
            log.error(
                "commit_failed",
                error=type(error).__name__,
                constraint=getattr(error, "constraint_name", None),
                traces=[waiting.delivery.delivery_id.hex for waiting in unanswered],
            )
            _answer(unanswered, Unavailable("it could not be stored: send it again"))

    def _report(
        self, deliveries: Sequence[Delivery], settlement: Settlement, started: float
    ) -> None:
        seconds = time.perf_counter() - started
        metrics.COMMIT_SECONDS.observe(seconds)
        metrics.BATCH_SIZE.observe(len(deliveries))
        came = Counter(delivery.client_key for delivery in deliveries)
        for client_key, number in came.items():
            duplicates = settlement.duplicates[client_key]
            conflicts = settlement.conflicts[client_key]
            accepted = number - duplicates - conflicts
            metrics.ACCEPTED.labels(client_key).inc(accepted)
            if duplicates:
                metrics.DUPLICATES.labels(client_key).inc(duplicates)
            if conflicts:
                metrics.CONFLICTS.labels(client_key).inc(conflicts)
            self.counts.count(
                client_key, accepted=accepted, duplicates=duplicates, conflicts=conflicts
            )
        for client_key, late in Counter(
            each.client_key for each in deliveries if each.late
        ).items():
            metrics.LATE.labels(client_key).inc(late)
        named = deliveries[:_IDS_PER_LINE]
        log.info(
            "deliveries_committed",
            count=len(deliveries),
            duplicates=settlement.duplicates.total(),
            conflicts=settlement.conflicts.total(),
            milliseconds=round(seconds * 1000, 1),
            order_ids=[
                order_id
                for each in named
                for order_id in PLATFORMS[each.platform].order_ids(each.content)
            ][:_IDS_PER_LINE],
            traces=[each.delivery_id.hex for each in named],
        )


def _key_order(delivery: Delivery) -> tuple[str, str]:
    return delivery.client_key, delivery.dedupe_key


def _answer(batch: Sequence[Waiting], outcome: Unavailable | None) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_result(outcome)


@asynccontextmanager
async def committing(committer: Committer, *, writers: int) -> AsyncIterator[None]:
    """Commit beside the body; afterwards what was taken in is still committed."""
    async with AsyncExitStack() as stack:
        for number in range(writers):
            await stack.enter_async_context(background(committer.write, name=f"writer-{number}"))
        await stack.enter_async_context(background(committer.give_up, name="give-up"))
        try:
            yield
        finally:
            committer.queue.close()
