"""A connection to NATS that may be away at any time, for any length of time."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError

from shared.messaging.publisher import Publisher
from shared.messaging.queries import Outgoing
from shared.metrics import BROKER_CONNECTED

_RETRY_SECONDS = 0.5
_REQUEST_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
# A server that hangs keeps its connections: without this it looks connected for minutes.
_PING_SECONDS = 1
_PINGS_UNANSWERED_MAX = 2
# What a call on a connection raises while the server is away or coming back.
BROKER_OUTAGES: tuple[type[Exception], ...] = (nats.errors.Error, OSError, TimeoutError)

log = structlog.get_logger()


def stream_config() -> StreamConfig:
    named = json.loads((Path(__file__).parent / "streams.json").read_text())
    return StreamConfig(
        name=named["name"],
        description=named["description"],
        subjects=named["subjects"],
        retention=RetentionPolicy(named["retention"]),
        storage=StorageType(named["storage"]),
        discard=DiscardPolicy(named["discard"]),
        max_age=named["max_age_seconds"],
        max_bytes=named["max_bytes"],
        max_msg_size=named["max_msg_size"],
        duplicate_window=named["duplicate_window_seconds"],
        num_replicas=named["num_replicas"],
        allow_atomic=named["allow_atomic"],
    )


STREAM = "QIAO"


class Broker:
    """Hands out a JetStream context once the server is there and the stream exists."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self._name = name
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._publisher: Publisher | None = None
        self._ready = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._ready.is_set() and self._client is not None and self._client.is_connected

    async def jetstream(self) -> JetStreamContext:
        """Wait for the server, however long it takes."""
        await self._ready.wait()
        if self._jetstream is None:
            # Closed while somebody waited.
            raise nats.errors.ConnectionClosedError
        return self._jetstream

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Wait for the server, then until the stream has acknowledged every event."""
        await self._ready.wait()
        if self._publisher is None:
            raise nats.errors.ConnectionClosedError
        await self._publisher.publish(outgoing)

    async def connect(self) -> None:
        """Try until the server answers; nats-py reconnects by itself from then on."""
        while True:
            # Kept before it connects: a stop in the middle of that has to close it too.
            self._client = client = Client()
            try:
                await client.connect(
                    self._url,
                    name=f"qiao-{self._name}",
                    connect_timeout=2,
                    max_reconnect_attempts=-1,
                    ping_interval=_PING_SECONDS,
                    max_outstanding_pings=_PINGS_UNANSWERED_MAX,
                    # Typed too narrowly: it takes parts of a second.
                    reconnect_time_wait=_RETRY_SECONDS,  # type: ignore[arg-type]
                    error_cb=_ignore,
                    disconnected_cb=self._on_disconnected,
                    reconnected_cb=self._on_reconnected,
                )
                self._jetstream = client.jetstream(timeout=_REQUEST_SECONDS)
                await ensure_stream(self._jetstream)
                self._publisher = Publisher(client)
                await self._publisher.start()
            except BROKER_OUTAGES as outage:
                log.warning("broker_unreachable", error=type(outage).__name__)
                await self.close()
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                BROKER_CONNECTED.set(1)
                self._ready.set()
                return

    async def close(self) -> None:
        client = self._client
        self._client = self._jetstream = self._publisher = None
        if client is None:
            return
        # Flush what was sent (acks above all); a server that is away must not hold up the stop.
        if client.is_connected:
            with contextlib.suppress(*BROKER_OUTAGES):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await client.flush()
        with contextlib.suppress(*BROKER_OUTAGES):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await client.close()

    async def _on_disconnected(self) -> None:
        BROKER_CONNECTED.set(0)
        self._ready.clear()
        if self._client is not None:
            log.warning("broker_disconnected")

    async def _on_reconnected(self) -> None:
        BROKER_CONNECTED.set(1)
        self._ready.set()
        log.info("broker_reconnected")


async def ensure_stream(jetstream: JetStreamContext) -> None:
    """Create the stream, or bring it to the configuration named in streams.json."""
    config = stream_config()
    try:
        info = await jetstream.stream_info(STREAM)
    except NotFoundError:
        try:
            await jetstream.add_stream(config)
        except BadRequestError:
            # Another service was faster.
            await jetstream.stream_info(STREAM)
        return
    found = info.config
    if (found.subjects, found.max_bytes, bool(found.allow_atomic)) != (
        config.subjects,
        config.max_bytes,
        config.allow_atomic,
    ):
        await jetstream.update_stream(config)


async def _ignore(_error: Exception) -> None:
    """nats-py prints every failed reconnect to stderr otherwise; we log state changes."""


@asynccontextmanager
async def connected(url: str, *, name: str) -> AsyncIterator[Broker]:
    """Start connecting, and go on without waiting: a service works while NATS is away."""
    broker = Broker(url, name=name)
    connecting = asyncio.create_task(broker.connect(), name="broker-connect")
    try:
        yield broker
    finally:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting
        await broker.close()
