"""Asks what is queued, and hands the answers over in batches."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog
from prometheus_client import Counter, Histogram

from services.simulator.domain.faults import strikes
from services.simulator.domain.questions import Form, Reply
from services.simulator.gateway import Address, QuestionPoster
from services.simulator.handlers.hearing import Answered, hear
from services.simulator.handlers.platform_key import platform_key
from services.simulator.handlers.world import World
from services.simulator.queries import questions
from services.simulator.queries.questions import DueQuestion
from shared.clock import utc_now
from shared.messaging.background import pause
from shared.messaging.wake import Wake
from shared.postgres.connection import DELAYS

_POLL_SECONDS = 0.25
_OUTAGE_SECONDS = 0.5
_GATHER_SECONDS = 0.02
# Beyond the time-out: until then nobody else asks what we hold.
_LEASE_MARGIN_SECONDS = 5.0
_ROUNDS = 2

ASKED = Counter("qiao_simulator_questions_total", "Questions asked", ["form", "action"])
ANSWER_SECONDS = Histogram("qiao_simulator_question_seconds", "Time until the answer")
log = structlog.get_logger()


class Asker:
    def __init__(self, world: World, poster: QuestionPoster) -> None:
        self._world = world
        self._poster = poster
        self._taken: asyncio.Queue[DueQuestion] = asyncio.Queue()
        # Taken, and what came of them not written down yet.
        self._held = 0
        self._answered: list[Answered] = []
        self._answers = Wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Stops taking at the stop, and hears the answers that come until it is cut off."""
        senders = self._world.settings.simulator_spi_senders
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(self._ask()) for _ in range(senders)]
            working.append(group.create_task(self._hear()))
            while not stop.is_set():
                await self._take(stop)
            while self._held:
                await pause(asyncio.Event(), _GATHER_SECONDS)
            for task in working:
                task.cancel()

    async def _take(self, stop: asyncio.Event) -> None:
        settings = self._world.settings
        room = settings.simulator_spi_senders * _ROUNDS - self._held
        if room <= 0:
            await pause(stop, _GATHER_SECONDS)
            return
        lease = timedelta(
            seconds=settings.simulator_spi_timeout_seconds * _ROUNDS + _LEASE_MARGIN_SECONDS
        )
        try:
            async with self._world.pool.acquire() as conn:
                due = await questions.take_due(conn, now=utc_now(), lease=lease, limit=room)
        except DELAYS as outage:
            log.warning("questions_delayed", error=type(outage).__name__)
            await pause(stop, _OUTAGE_SECONDS)
            return
        self._held += len(due)
        for one in due:
            self._taken.put_nowait(one)
        if not due:
            await self._world.questions_queued.wait(_POLL_SECONDS)

    async def _ask(self) -> None:
        while True:
            due = await self._taken.get()
            sent_at, started = utc_now(), time.perf_counter()
            reply = await self._send(due)
            elapsed = time.perf_counter() - started
            if self._is_doubled(due):
                again = await self._send(due)
                self._world.count_second_answer(due.action, agrees=again.read() == reply.read())
            ANSWER_SECONDS.observe(elapsed)
            ASKED.labels(due.form, due.action).inc()
            self._answered.append(Answered(due, reply, sent_at, round(elapsed * 1000)))
            self._answers.ring()

    async def _send(self, due: DueQuestion) -> Reply:
        return await self._poster.ask(
            Address(
                due.client_key,
                due.client_secret,
                due.spi_url,
                due.trade_url,
                due.callback_token,
            ),
            due.form,
            due.action,
            due.body,
            key=await platform_key(self._world) if due.form is Form.TRADE else None,
        )

    def _is_doubled(self, due: DueQuestion) -> bool:
        """Only at its first try. A question has no name but its number."""
        faults = self._world.faults
        return due.attempts == 0 and strikes(
            faults.questions.doubled,
            seed=faults.seed,
            fault="question:doubled",
            entity=str(due.question_id),
        )

    async def _hear(self) -> None:
        while True:
            await self._answers.wait(_POLL_SECONDS)
            await asyncio.sleep(_GATHER_SECONDS)
            answered, self._answered = self._answered, []
            if answered:
                await self._write(answered)
                self._held -= len(answered)
                self._world.ring()

    async def _write(self, answered: Sequence[Answered]) -> None:
        """An answer that cannot be written is asked for again once the lease has run out."""
        try:
            async with self._world.pool.acquire() as conn, conn.transaction():
                await hear(self._world, conn, answered)
        except DELAYS as outage:
            log.warning("answers_lost", answers=len(answered), error=type(outage).__name__)
        except Exception as failure:
            if len(answered) == 1:
                log.exception("answer_unusable", question_id=answered[0].due.question_id)
                return
            log.warning("batch_failed", answers=len(answered), error=type(failure).__name__)
            for one in answered:
                await self._write([one])
