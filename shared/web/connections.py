"""How long a connection may take over a request, and how many may be open."""

import asyncio
import resource
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from shared.messaging.background import pause

# A head comes at once, in one piece or a few.
_HEAD_SECONDS = 5.0
_SWEEP_SECONDS = 0.5
# Files, the database, NATS and calls to others.
_DESCRIPTORS_OF_OTHERS = 100
_TIMED_OUT = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: 67\r\n\r\n"
    b'{"reason":"head_too_slow","detail":"send the headers without rest"}'
)
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: application/json\r\nContent-Length: 76\r\n\r\n"
    b'{"reason":"too_many_connections","detail":"close connections or come later"}'
)


class WatchedConnection(web.RequestHandler):
    """aiohttp's connection, which knows since when a request has been coming in."""

    __slots__ = ("_began", "_head_since")

    # Any: aiohttp's own arguments.
    def __init__(self, manager: web.Server, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._head_since: float | None = None
        self._began: float | None = None

    def data_received(self, data: bytes) -> None:
        if self._head_since is None and self._current_request is None and not self._messages:
            self._head_since = self._began = self._loop.time()
        super().data_received(data)
        if self._messages or self._current_request is not None:
            self._head_since = None

    def go_on_since(self, began: float, data: bytes) -> None:
        """Take over what somebody else has read, which began to come in then."""
        self.data_received(data)
        self._began = began
        if self._head_since is not None:
            self._head_since = began

    def take_began(self) -> float:
        """When the first byte of this request came; of one that was sent ahead: now."""
        began, self._began = self._began, None
        return self._loop.time() if began is None else began

    def look_after(self, now: float) -> None:
        since, transport = self._head_since, self.transport
        if since is not None and transport is not None and now - since > _HEAD_SECONDS:
            self._head_since = None
            transport.write(_TIMED_OUT)
            transport.close()


def began_at(request: web.Request) -> float:
    """When its first byte came, by the clock of the loop."""
    protocol = request.protocol
    if isinstance(protocol, WatchedConnection):
        return protocol.take_began()
    return asyncio.get_running_loop().time()


class TurnedAway(asyncio.Protocol):
    """What a connection over the limit is told."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        open_now = cast("asyncio.Transport", transport)
        open_now.write(_TOO_MANY)
        open_now.close()


async def watch(server: web.Server, stop: asyncio.Event) -> None:
    while not stop.is_set():
        now = asyncio.get_running_loop().time()
        for connection in server.connections:
            if isinstance(connection, WatchedConnection):
                connection.look_after(now)
        await pause(stop, _SWEEP_SECONDS)


def at_most(
    connections_max: int,
    open_now: Callable[[], int],
    factory: Callable[[], asyncio.Protocol],
) -> Callable[[], asyncio.Protocol]:
    """The factory, as long as fewer are open than both the setting and the system allow."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(connections_max, max(1, descriptors - _DESCRIPTORS_OF_OTHERS))
    turned_away = TurnedAway()

    def make() -> asyncio.Protocol:
        return factory() if open_now() < limit else turned_away

    return make
