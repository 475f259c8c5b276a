"""The short way for webhooks: what is whole and plain is taken without aiohttp.

aiohttp spends more on a request than all that we do with it. So each connection starts here. A
request that is written in the one way that leaves no doubt, and that is acceptable, is queued for
the next commit as it stands. The first one that is anything else, be it refused or a handshake or
another route, goes to aiohttp with all that has come, and the connection stays there: nothing is
answered here but 200 for what is durable, and 503 for what is not.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TypeAlias, cast

import orjson

from services.intake.http.keys import Intake
from services.intake.http.plain import NotPlain, PlainRequest, read_plain
from services.intake.http.webhooks import ROUTE, SUCCESS
from shared.errors import Unavailable
from shared.messaging.background import background, pause
from shared.metrics import REQUESTS
from shared.platforms.registry import PLATFORMS
from shared.web.connections import WatchedConnection

# aiohttp watches over what comes in many pieces, and over what does not come.
_UNFINISHED_BYTES_MAX = 64 * 1024
_UNFINISHED_SECONDS = 1.0
_IDLE_SECONDS = 75.0
_SWEEP_SECONDS = 0.5
_DRAIN_SECONDS = 2.0
# What a sender may send ahead of an answer.
_AHEAD_BYTES_MAX = 64 * 1024

Answer: TypeAlias = "asyncio.Future[Unavailable | None]"


class Front:
    """Makes the protocol of each connection, and looks after those that stay here."""

    def __init__(self, intake: Intake, aiohttp: Callable[[], WatchedConnection]) -> None:
        self.intake = intake
        self.aiohttp = aiohttp
        self.connections: set[_Connection] = set()
        self.accepted = REQUESTS.labels("POST", ROUTE, 200)
        self.unavailable = REQUESTS.labels("POST", ROUTE, 503)
        self.success = b""
        self._renew_success()

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self)

    def take(self, request: PlainRequest, *, began: float) -> Answer:
        """Queue the delivery. Raises NotPlain for whatever is not simply accepted."""
        platform = PLATFORMS.get(request.platform)
        if platform is None or len(request.body) > self.intake.body_bytes_max:
            raise NotPlain
        try:
            delivery = self.intake.receiver.receive(
                platform, request.client_key, request.headers, request.body
            )
            answer = (
                None
                if isinstance(delivery, bytes)
                else self.intake.queue.put(delivery, began=began)
            )
        except Exception:  # noqa: BLE001 - aiohttp's way meets it again, answers and reports it
            raise NotPlain from None
        if answer is None:
            raise NotPlain
        return answer

    async def sweep(self, stop: asyncio.Event) -> None:
        """Hand over what does not come to an end, close what is idle."""
        while not stop.is_set():
            self._renew_success()
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.connections):
                connection.look_after(now)
            await pause(stop, _SWEEP_SECONDS)

    async def drain(self) -> None:
        """Answer what is in hand, then close."""
        answers = [each.answer for each in self.connections if each.answer is not None]
        if answers:
            await asyncio.wait(answers, timeout=_DRAIN_SECONDS)
            # The answers are written in the turn after.
            await asyncio.sleep(0)
        for connection in tuple(self.connections):
            connection.close()

    def _renew_success(self) -> None:
        self.success = _answer(200, "OK", SUCCESS)


class _Connection(asyncio.Protocol):
    """One request at a time; what is sent ahead waits."""

    __slots__ = ("_data", "_front", "_since", "_transport", "_writable", "answer")

    def __init__(self, front: Front) -> None:
        self._front = front
        self._data = b""
        self._since = 0.0
        self._writable = True
        self.answer: Answer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._since = asyncio.get_running_loop().time()
        self._front.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._front.connections.discard(self)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._serve()

    def data_received(self, data: bytes) -> None:
        if not self._data:
            self._since = asyncio.get_running_loop().time()
        self._data += data
        if self.answer is not None or not self._writable:
            if len(self._data) > _AHEAD_BYTES_MAX:
                self._transport.pause_reading()
            return
        self._serve()

    def _serve(self) -> None:
        """Take the next request if it is there; its answer takes the one after it."""
        if self.answer is not None or not self._data or not self._writable:
            return
        try:
            request = read_plain(self._data)
            answer = None if request is None else self._front.take(request, began=self._since)
        except NotPlain:
            self._hand_over()
            return
        if request is not None and answer is not None:
            self._data = self._data[request.end :]
            self.answer = answer
            answer.add_done_callback(self._answered)
        elif len(self._data) > _UNFINISHED_BYTES_MAX:
            self._hand_over()

    def _answered(self, answer: Answer) -> None:
        self.answer = None
        if answer.cancelled() or self._transport.is_closing():
            return
        refusal = answer.result()
        if refusal is None:
            self._front.accepted.inc()
            self._transport.write(self._front.success)
        else:
            self._front.unavailable.inc()
            self._front.intake.counts.refuse(None, refusal.reason)
            self._transport.write(_unavailable(refusal))
        if self._data:
            # What was sent ahead begins to count now.
            self._since = asyncio.get_running_loop().time()
            self._transport.resume_reading()
            self._serve()

    def _hand_over(self) -> None:
        self._front.connections.discard(self)
        data, self._data = self._data, b""
        other = self._front.aiohttp()
        self._transport.resume_reading()
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        other.go_on_since(self._since, data)

    def look_after(self, now: float) -> None:
        if self.answer is not None:
            return
        if self._data and now - self._since > _UNFINISHED_SECONDS:
            self._hand_over()
        elif now - self._since > _IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        self._transport.close()


def _unavailable(refusal: Unavailable) -> bytes:
    body = orjson.dumps({"reason": refusal.reason, "detail": str(refusal)})
    retry = f"Retry-After: {refusal.retry_after_seconds}\r\n"
    return _answer(503, "Service Unavailable", body, retry)


def _answer(status: int, reason: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n{more}"
        f"Content-Length: {len(body)}\r\nDate: {formatdate(usegmt=True)}\r\n\r\n"
    )
    return head.encode() + body


@asynccontextmanager
async def fronting(
    intake: Intake, aiohttp: Callable[[], WatchedConnection]
) -> AsyncIterator[Front]:
    """What makes the protocols of a listening socket, and looks after them beside the body."""
    front = Front(intake, aiohttp)
    async with background(front.sweep, name="front-sweep"):
        try:
            yield front
        finally:
            await front.drain()
