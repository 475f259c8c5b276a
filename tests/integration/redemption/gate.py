"""A door between redemption and the platform that a test can hold shut, on either side."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from tests.support.waiting import eventually


class Door(StrEnum):
    OPEN = "open"
    # Requests are taken and wait here; the platform does not hear of them.
    HOLDING = "holding"
    # The platform hears and acts, and its answers are lost with the connection.
    DEAF = "deaf"
    # Nobody gets in.
    SHUT = "shut"


@dataclass
class Gate:
    url: str = ""
    door: Door = Door.OPEN
    held: int = 0
    lost: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def turn(self, door: Door) -> None:
        async with self._changed:
            self.door = door
            self.held = self.lost = 0
            self._changed.notify_all()

    async def until_held(self) -> None:
        async def look() -> bool:
            return self.held > 0

        await eventually(look, what="a request at the gate")

    async def until_lost(self) -> None:
        async def look() -> bool:
            return self.lost > 0

        await eventually(look, what="a lost answer")

    async def pass_on(
        self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.door is Door.SHUT:
            writer.transport.abort()
            return
        there = urlsplit(target)
        platform_reader, platform_writer = await asyncio.open_connection(there.hostname, there.port)
        pumps = {
            asyncio.create_task(self._requests(reader, platform_writer, writer)),
            asyncio.create_task(self._answers(platform_reader, writer)),
        }
        self._tasks |= pumps
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        self._tasks -= pumps
        for each in (platform_writer, writer):
            each.transport.abort()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(65536):
            if self.door is Door.SHUT:
                return
            if self.door is Door.HOLDING:
                self.held += 1
                async with self._changed:
                    await self._changed.wait_for(lambda: self.door is not Door.HOLDING)
                if back.is_closing() or reader.at_eof():
                    # Whoever asked is gone; what it asked was never heard.
                    return
            writer.write(data)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.door in (Door.DEAF, Door.SHUT):
                self.lost += 1
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def a_gate(target: str) -> AsyncIterator[Gate]:
    gate = Gate()
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        with contextlib.suppress(OSError):
            await gate.pass_on(target, reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    gate.url = f"http://{host}:{port}"
    try:
        yield gate
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
