"""Publishes a batch and waits until the stream has acknowledged all of it."""

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import Header
from nats.js.errors import APIError, NoStreamResponseError

from shared.ids import new_id
from shared.messaging.queries import Outgoing

_ACK_SECONDS = 10.0
# The server's limit for one atomic batch.
_ATOMIC_MAX = 1000
# Others have a turn of the event loop between so many.
_PER_TURN = 50
# https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-50.md
_BATCH_ID = "Nats-Batch-Id"
_BATCH_SEQUENCE = "Nats-Batch-Sequence"
_BATCH_COMMIT = "Nats-Batch-Commit"
# The stream was made without leave to do so.
_BATCHES_DISABLED = 10174

log = structlog.get_logger()


@dataclass(slots=True)
class _Waiting:
    acknowledgements: int
    # The last acknowledgement. Any: the server's JSON.
    done: asyncio.Future[dict[str, Any]] = field(default_factory=asyncio.Future)


class Publisher:
    """Publishes batches as one where the server can: a quarter of the time and one sync.

    A batch is refused as a whole if an event of it is in the stream already, as after a crash
    between publishing and noting it; then its events are published one by one. Publishing an
    event twice is harmless: NATS drops it inside its duplicate window by `Nats-Msg-Id`, and
    consumers apply an event once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        # One reply subject for all: nats-py's own `publish_async` costs twice the time.
        self._inbox = client.new_inbox()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, _Waiting] = {}
        self._atomic = True

    async def start(self) -> None:
        """Listen for acknowledgements; nats-py listens again after it has reconnected."""
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acknowledge)

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Raises one of BROKER_OUTAGES if an acknowledgement is missing after some seconds."""
        for start in range(0, len(outgoing), _ATOMIC_MAX):
            batch = outgoing[start : start + _ATOMIC_MAX]
            if not (self._atomic and len(batch) > 1 and await self._publish_as_one(batch)):
                await self._publish_one_by_one(batch)

    async def _publish_as_one(self, batch: Sequence[Outgoing]) -> bool:
        """False if the server has refused the batch, or does not know of batches."""
        batch_id, last = new_id().hex, len(batch)
        number, waiting = self._expect(1)
        try:
            for sequence, event in enumerate(batch, 1):
                if sequence % _PER_TURN == 0:
                    await asyncio.sleep(0)
                headers = {
                    Header.MSG_ID: str(event.event_id),
                    _BATCH_ID: batch_id,
                    _BATCH_SEQUENCE: str(sequence),
                }
                if sequence == last:
                    headers[_BATCH_COMMIT] = "1"
                await self._send(event, headers, reply=number if sequence == last else None)
            answer = await self._wait(waiting)
        except APIError as refusal:
            self._atomic = refusal.err_code != _BATCHES_DISABLED
            log.warning("batch_refused_by_stream", events=last, code=refusal.err_code)
            return False
        finally:
            del self._waiting[number]
        # A server from before batches takes the last event and says nothing of the others.
        self._atomic = answer.get("count") == last
        return self._atomic

    async def _publish_one_by_one(self, batch: Sequence[Outgoing]) -> None:
        number, waiting = self._expect(len(batch))
        try:
            for event in batch:
                await self._send(event, {Header.MSG_ID: str(event.event_id)}, reply=number)
            await self._wait(waiting)
        finally:
            del self._waiting[number]

    def _expect(self, acknowledgements: int) -> tuple[str, _Waiting]:
        number, waiting = str(next(self._numbers)), _Waiting(acknowledgements)
        self._waiting[number] = waiting
        return number, waiting

    async def _send(
        self, event: Outgoing, headers: Mapping[str, str], *, reply: str | None
    ) -> None:
        await self._client.publish(
            event.subject,
            event.payload,
            reply="" if reply is None else f"{self._inbox}.{reply}",
            headers=dict(headers),
        )

    @staticmethod
    async def _wait(waiting: _Waiting) -> dict[str, Any]:
        async with asyncio.timeout(_ACK_SECONDS):
            return await waiting.done

    async def _acknowledge(self, message: Msg) -> None:
        waiting = self._waiting.get(message.subject[len(self._inbox) + 1 :])
        if waiting is None or waiting.done.done():
            return
        if not message.data:
            # A status instead of an answer: nobody keeps this subject.
            waiting.done.set_exception(NoStreamResponseError())
            return
        waiting.acknowledgements -= 1
        failed = b'"error"' in message.data
        if failed or not waiting.acknowledgements:
            answer = json.loads(message.data)
            if failed:
                waiting.done.set_exception(_error(answer["error"]))
            else:
                waiting.done.set_result(answer)


def _error(told: Mapping[str, Any]) -> APIError:
    """Not APIError.from_error: that raises what it should return."""
    return APIError(
        code=told.get("code"), description=told.get("description"), err_code=told.get("err_code")
    )
