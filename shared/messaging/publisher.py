"""Publishes a batch and waits until the stream has acknowledged every message of it."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import Header
from nats.js.errors import APIError, NoStreamResponseError

from shared.messaging.queries import Outgoing

_ACK_SECONDS = 10.0
_ERROR = b'"error"'


@dataclass(slots=True)
class _Batch:
    unacknowledged: int
    done: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Publisher:
    """One reply subject for all batches: nats-py's own `publish_async` costs twice the time.

    Publishing an event twice is harmless: NATS drops it inside its duplicate window by
    `Nats-Msg-Id`, and consumers apply an event once.
    """

    def __init__(self, client: Client, *, stream: str) -> None:
        self._client = client
        self._stream = stream
        self._inbox = client.new_inbox()
        self._numbers = itertools.count(1)
        self._batches: dict[str, _Batch] = {}

    async def start(self) -> None:
        """Listen for acknowledgements; nats-py listens again after it has reconnected."""
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acknowledge)

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Raises one of BROKER_OUTAGES if an acknowledgement is missing after some seconds."""
        if not outgoing:
            return
        number = str(next(self._numbers))
        batch = self._batches[number] = _Batch(len(outgoing))
        reply = f"{self._inbox}.{number}"
        try:
            for event in outgoing:
                await self._client.publish(
                    event.subject,
                    event.payload,
                    reply=reply,
                    headers={
                        Header.MSG_ID: str(event.event_id),
                        Header.EXPECTED_STREAM: self._stream,
                    },
                )
            async with asyncio.timeout(_ACK_SECONDS):
                await batch.done
        finally:
            del self._batches[number]

    async def _acknowledge(self, message: Msg) -> None:
        batch = self._batches.get(message.subject[len(self._inbox) + 1 :])
        if batch is None or batch.done.done():
            return
        if not message.data:
            # A status instead of an answer: nobody keeps this subject.
            batch.done.set_exception(NoStreamResponseError())
        elif _ERROR in message.data:
            batch.done.set_exception(APIError.from_error(json.loads(message.data)["error"]))
        else:
            batch.unacknowledged -= 1
            if not batch.unacknowledged:
                batch.done.set_result(None)
