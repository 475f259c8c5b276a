"""Answers a platform's question within its time: recorded, asked of its owner, recorded, answered.

Whatever goes wrong on the way, the platform hears "please retry" before it stops listening: a
queue that is full, a commit or an owner that is away or slow. The owner answers the same question
the same for ever; while it is away, a final answer that we have given is given again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from services.intake.domain.questions import Answered, Asked, answer_context
from services.intake.gateway import OwnerGateway
from services.intake.handlers import metrics
from services.intake.handlers.answers import AnswerQueue
from services.intake.handlers.queue import CommitQueue
from services.intake.queries import answers as queries
from shared.clock import utc_now
from shared.errors import Rejection, Unavailable
from shared.platforms.questions import Outcome, Pace, Reply, Verdict
from shared.postgres.connection import Pool
from shared.sealing.keyring import Keyring

# Of the time for an answer: what is left after the owner, for looking back and for the commit.
_OWNER_SHARE = 0.75
_CONFLICT, _UNREADABLE = 409, 422
_OTHER = "other"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answerer:
    queue: CommitQueue
    answers: AnswerQueue
    owners: OwnerGateway
    pool: Pool
    keyring: Keyring
    seconds: Mapping[Pace, float]

    async def answer(self, asked: Asked) -> Reply:
        """Always an answer, always in time."""
        until = asked.started + self.seconds[asked.question.pace]
        try:
            async with asyncio.timeout_at(until):
                reply = await self._reply(asked)
        except Unavailable as unavailable:
            reply = _without_answer(asked, Verdict.RETRY, unavailable.reason)
        except TimeoutError:
            reply = _without_answer(asked, Verdict.RETRY, "too_slow")
        except Exception:
            # A fault of ours is an outage to the platform: silence would be worse.
            log.exception("question_failed", trace=asked.delivery.delivery_id.hex)
            reply = _without_answer(asked, Verdict.RETRY, "failed")
        name = asked.question.event if asked.question.known else _OTHER
        metrics.QUESTION_SECONDS.labels(name).observe(_elapsed(asked))
        metrics.QUESTIONS.labels(name, reply.outcome.value).inc()
        return reply

    async def _reply(self, asked: Asked) -> Reply:
        refusal = await self.queue.put(asked.delivery)
        if refusal is not None:
            raise refusal
        if asked.ask is Verdict.NOTED:
            # Durable is all that a notice asks for.
            return _without_answer(asked, Verdict.NOTED)
        reply = await self._decide(asked)
        milliseconds = round(_elapsed(asked) * 1000)
        refusal = await self.answers.put(Answered(asked.delivery, reply, milliseconds, utc_now()))
        if refusal is not None:
            raise refusal
        return reply

    async def _decide(self, asked: Asked) -> Reply:
        if isinstance(asked.ask, Verdict):
            return _without_answer(asked, asked.ask)
        until = asked.started + self.seconds[asked.question.pace] * _OWNER_SHARE
        try:
            async with asyncio.timeout_at(until):
                answer = await self.owners.ask(asked.ask)
        except Rejection as rejection:
            return _turned_down(asked, rejection)
        except TimeoutError:
            return await self._given_before(asked, "owner_slow")
        except Unavailable:
            return await self._given_before(asked, "owner_away")
        return asked.platform.reply(asked.question, asked.ask, answer, asked.entry)

    async def _given_before(self, asked: Asked, reason: str) -> Reply:
        """The final answer to the same question, or else "ask again"."""
        delivery = asked.delivery
        async with self.pool.acquire() as conn:
            found = await queries.find_final_answer(
                conn, client_key=delivery.client_key, dedupe_key=delivery.dedupe_key
            )
            if found is None:
                return _without_answer(asked, Verdict.RETRY, reason)
            await self.keyring.load_for(conn, [found.body])
        body = self.keyring.open(
            found.body, context=answer_context(delivery.client_key, delivery.dedupe_key)
        )
        return Reply(body, Outcome(found.outcome), found.reason)


def _turned_down(asked: Asked, rejection: Rejection) -> Reply:
    """The owner understands and says no: the id means something else, or the body is odd."""
    if rejection.status == _CONFLICT:
        return _without_answer(asked, Verdict.CONFLICTED, rejection.reason)
    log.error(
        "question_turned_down",
        matter=asked.question.matter.value,
        trace=asked.delivery.delivery_id.hex,
        status=rejection.status,
        reason=rejection.reason,
    )
    if rejection.status == _UNREADABLE:
        return _without_answer(asked, Verdict.UNREADABLE, rejection.reason)
    # A route or a right that is missing is put right by people, not by the platform.
    return _without_answer(asked, Verdict.RETRY, rejection.reason)


def _without_answer(asked: Asked, verdict: Verdict, reason: str | None = None) -> Reply:
    return asked.platform.reply_without_answer(asked.question.channel, verdict, reason)


def _elapsed(asked: Asked) -> float:
    return asyncio.get_running_loop().time() - asked.started
