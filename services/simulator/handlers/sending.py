"""Sends what is queued: each copy up to three times, each answer kept."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.simulator.domain.webhooks import Copy, WebhookState
from services.simulator.gateway import Answer, WebhookPoster
from services.simulator.handlers.world import World
from services.simulator.queries import webhooks
from services.simulator.queries.webhooks import Attempt, Due
from shared.clock import utc_now
from shared.messaging.background import pause
from shared.messaging.wake import Wake
from shared.postgres.connection import DELAYS

_POLL_SECONDS = 0.25
_OUTAGE_SECONDS = 0.5
_RECORD_SECONDS = 0.02
# Beyond the time-out: until then nobody else sends what we hold.
_LEASE_MARGIN_SECONDS = 5.0
# How many each sender holds: the one it posts and those that wait for it.
_ROUNDS = 2
_OK = range(200, 300)

ATTEMPTS = Counter("qiao_simulator_webhook_attempts_total", "Webhooks sent", ["copy", "outcome"])
IN_FLIGHT = Gauge("qiao_simulator_webhooks_in_flight", "Webhooks taken and not yet answered")
ANSWER_SECONDS = Histogram("qiao_simulator_webhook_answer_seconds", "Time until the answer")
log = structlog.get_logger()


class Sender:
    """Takes what is due, posts it over a fixed number of workers, writes answers in batches."""

    def __init__(self, world: World, poster: WebhookPoster) -> None:
        self._world = world
        self._poster = poster
        self._taken: asyncio.Queue[Due] = asyncio.Queue()
        self._unanswered = 0
        self._room = Wake()
        self._answered: list[Attempt] = []
        self._answers = Wake()
        self._unwritten = 0
        self._written = Wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Stops taking at the stop, and writes down the answers that come until it is cut off."""
        senders = self._world.settings.simulator_webhook_senders
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(self._post()) for _ in range(senders)]
            working.append(group.create_task(self._record()))
            while not stop.is_set():
                await self._take(stop)
            while self._unanswered or self._unwritten:
                await self._written.wait(_POLL_SECONDS)
            for task in working:
                task.cancel()

    async def _take(self, stop: asyncio.Event) -> None:
        """Fill up when half of what the senders may hold is answered: small bites cost as much."""
        settings = self._world.settings
        most = settings.simulator_webhook_senders * _ROUNDS
        if self._unanswered > most // 2:
            await self._room.wait(_POLL_SECONDS)
            return
        lease = timedelta(
            seconds=settings.simulator_webhook_timeout_seconds * _ROUNDS + _LEASE_MARGIN_SECONDS
        )
        try:
            async with self._world.pool.acquire() as conn:
                due = await webhooks.take_due(
                    conn, now=utc_now(), lease=lease, limit=most - self._unanswered
                )
        except DELAYS as outage:
            log.warning("webhooks_delayed", error=type(outage).__name__)
            await pause(stop, _OUTAGE_SECONDS)
            return
        self._unanswered += len(due)
        IN_FLIGHT.set(self._unanswered)
        for one in due:
            self._taken.put_nowait(one)
        if not due:
            await self._world.webhooks_queued.wait(_POLL_SECONDS)

    async def _post(self) -> None:
        while True:
            due = await self._taken.get()
            sent_at, started = utc_now(), time.perf_counter()
            answer = await self._poster.post(
                url=due.webhook_url,
                body=due.body,
                msg_id=due.msg_id,
                secret=due.client_secret,
                copy=due.copy,
            )
            elapsed = time.perf_counter() - started
            ANSWER_SECONDS.observe(elapsed)
            state, due_at = self._outcome(due, answer)
            ATTEMPTS.labels(due.copy, state).inc()
            self._answered.append(
                Attempt(
                    webhook_id=due.webhook_id,
                    number=due.attempts + 1,
                    sent_at=sent_at,
                    milliseconds=round(elapsed * 1000),
                    status=answer.status,
                    error=answer.error,
                    state=state,
                    due_at=due_at,
                )
            )
            self._unwritten += 1
            self._answers.ring()
            self._unanswered -= 1
            IN_FLIGHT.set(self._unanswered)
            self._room.ring()

    def _outcome(self, due: Due, answer: Answer) -> tuple[WebhookState, datetime | None]:
        """Acknowledged is any 2xx. A forger tries once."""
        if answer.status in _OK:
            return WebhookState.ACKNOWLEDGED, None
        settings = self._world.settings
        tries = 1 if due.copy is Copy.FORGED else settings.simulator_webhook_tries
        if due.attempts + 1 >= tries:
            return WebhookState.FAILED, None
        delay = timedelta(seconds=settings.simulator_webhook_retry_seconds)
        return WebhookState.QUEUED, utc_now() + delay

    async def _record(self) -> None:
        while True:
            await self._answers.wait(_POLL_SECONDS)
            await asyncio.sleep(_RECORD_SECONDS)
            answered, self._answered = self._answered, []
            if answered:
                await self._write(answered)
                self._unwritten -= len(answered)
                self._written.ring()

    async def _write(self, answered: Sequence[Attempt]) -> None:
        """An answer that cannot be written is asked for again once the lease has run out."""
        try:
            async with self._world.pool.acquire() as conn, conn.transaction():
                await webhooks.add_attempts(conn, answered)
                await webhooks.save_outcomes(conn, answered, utc_now())
        except DELAYS as outage:
            log.warning("answers_lost", answers=len(answered), error=type(outage).__name__)
