"""Answers that wait for the next commit, and their way into the record beside the questions."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg
import structlog

from services.intake.domain.deliveries import trace_parent
from services.intake.domain.questions import Answered, answer_context, plain_reason
from services.intake.queries import answers as queries
from services.intake.queries.answers import NewAnswer, StoredAnswer
from shared.contracts.envelope import Event
from shared.contracts.intake import QuestionAnswered
from shared.contracts.making import event
from shared.errors import Unavailable
from shared.messaging.background import background
from shared.messaging.outbox import Database
from shared.platforms.registry import PLATFORMS
from shared.postgres.connection import is_outage
from shared.sealing.keyring import Keyring

_BATCH = 500
# After a small batch it waits a moment, so that the next one is worth its transaction; a question
# that comes alone is not held up by it.
_SMALL_BATCH = 20
_LINGER_SECONDS = 0.01
_NAMED_PER_LINE = 50

log = structlog.get_logger()


class _Waiting(NamedTuple):
    """The answer is None once the row is durable, or why it is not."""

    answered: Answered
    stored: asyncio.Future[Unavailable | None]


class AnswerQueue:
    """First come, first committed; over the limit there is no room."""

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    def put(self, answered: Answered) -> asyncio.Future[Unavailable | None]:
        """Await the result: None means durable. Raises Unavailable if there is no room."""
        if self._closed or len(self._waiting) >= self._entries_max:
            raise Unavailable("too many answers wait for a commit")
        stored: asyncio.Future[Unavailable | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(answered, stored))
        self._arrived.set()
        return stored

    async def take(self) -> list[_Waiting]:
        """Wait for answers and take as many as one commit may hold; none means closed."""
        while not self._waiting and not self._closed:
            self._arrived.clear()
            await self._arrived.wait()
        return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def close(self) -> None:
        """Take no more; who waits is still served."""
        self._closed = True
        self._arrived.set()


@dataclass(frozen=True, slots=True)
class AnswerWriter:
    """Stores answers in batches; each comes with the event that says what became of it."""

    queue: AnswerQueue
    database: Database
    keyring: Keyring

    async def write(self, _stop: asyncio.Event) -> None:
        """Until the queue is closed and empty."""
        while batch := await self.queue.take():
            await self._commit(batch)
            if len(batch) < _SMALL_BATCH:
                await asyncio.sleep(_LINGER_SECONDS)

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._store([waiting.answered for waiting in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait need an answer
            await self._fail(batch, error)
            return
        _tell(batch, None)
        _log([waiting.answered for waiting in batch])

    async def _store(self, answered: Sequence[Answered]) -> None:
        # Of the same question asked twice at once, the answer that came last.
        latest = {(each.delivery.client_key, each.delivery.dedupe_key): each for each in answered}
        in_order = [latest[key] for key in sorted(latest)]
        async with self.database.transaction() as transaction:
            stored = await queries.store_answers(
                transaction.conn, [self._row(each) for each in in_order]
            )
            transaction.emit(
                [
                    _said(each, latest[each.client_key, each.dedupe_key])
                    for each in stored
                    if each.outcome_before
                    != latest[each.client_key, each.dedupe_key].reply.outcome.value
                ]
            )

    def _row(self, answered: Answered) -> NewAnswer:
        delivery, reply = answered.delivery, answered.reply
        context = answer_context(delivery.client_key, delivery.dedupe_key)
        return NewAnswer(
            client_key=delivery.client_key,
            dedupe_key=delivery.dedupe_key,
            outcome=reply.outcome.value,
            reason=plain_reason(reply.reason),
            final=reply.final,
            body=self.keyring.seal(
                delivery.merchant,
                reply.body,
                context=context,
            ),
            milliseconds=answered.milliseconds,
            answered_at=answered.answered_at,
        )

    async def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Nobody's fault: all hear of it. Somebody's: the others must not fail with it."""
        outage = is_outage(error) or isinstance(error, asyncpg.InsufficientResourcesError)
        if not outage and len(batch) > 1:
            middle = len(batch) // 2
            await self._commit(batch[:middle])
            await self._commit(batch[middle:])
            return
        log.warning("answers_not_stored", count=len(batch), error=type(error).__name__)
        _tell(batch, Unavailable("the answer could not be stored"))


def _said(stored: StoredAnswer, answered: Answered) -> Event:
    delivery, reply = answered.delivery, answered.reply
    return event(
        QuestionAnswered(
            delivery_id=stored.delivery_id,
            platform=delivery.platform,
            client_key=delivery.client_key,
            account_id=delivery.account_id,
            event=delivery.event,
            outcome=reply.outcome.value,
            reason=plain_reason(reply.reason),
            milliseconds=answered.milliseconds,
            answered_at=answered.answered_at,
            order_ids=PLATFORMS[delivery.platform].order_ids(delivery.content),
        ),
        subject=str(stored.delivery_id),
        merchant=delivery.merchant,
        traceparent=trace_parent(stored.delivery_id),
    )


def _tell(batch: Sequence[_Waiting], outcome: Unavailable | None) -> None:
    for waiting in batch:
        if not waiting.stored.done():
            waiting.stored.set_result(outcome)


def _log(answered: Sequence[Answered]) -> None:
    named = answered[:_NAMED_PER_LINE]
    log.info(
        "questions_answered",
        count=len(answered),
        outcomes=dict(Counter(each.reply.outcome.value for each in answered)),
        milliseconds_most=max(each.milliseconds for each in answered),
        traces=[each.delivery.delivery_id.hex for each in named],
    )


@asynccontextmanager
async def storing_answers(writer: AnswerWriter) -> AsyncIterator[None]:
    """Store beside the body; afterwards what was taken in is still stored."""
    async with background(writer.write, name="answers"):
        try:
            yield
        finally:
            writer.queue.close()
