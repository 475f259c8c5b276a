"""Starts `qiao up` as a user would, for tests of the whole."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from deploy.embedded.services import NATS_PORT_OFFSET, SERVICES
from tests.support.servers import ROOT

_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_MAX_STDERR_BYTES = 1024 * 1024


@dataclass
class Launched:
    """A running `qiao up`, and what it said."""

    process: asyncio.subprocess.Process
    data: Path
    port_base: int
    errors: IO[bytes]
    ready: dict[str, Any] = field(default_factory=dict)

    def run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.data / "run.json").read_text())
        return content

    def said(self) -> str:
        """Everything on stderr so far."""
        # Without moving the place where the child writes on: it is the same open file.
        return os.pread(self.errors.fileno(), _MAX_STDERR_BYTES, 0).decode()

    async def until_ready(self) -> None:
        """Read the one line of stdout; fail with stderr when it does not come."""
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), _READY_SECONDS)
            self.ready = json.loads(line)
        except (TimeoutError, ValueError) as failure:
            raise AssertionError(f"qiao up did not become ready\n{self.said()}") from failure

    async def stop(self) -> tuple[int, float]:
        """Ask it to stop; return the exit status and how long that took."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        self.process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(self.process.wait(), _STOP_SECONDS)
        return status, loop.time() - asked


@asynccontextmanager
async def launching(
    data: Path,
    *options: str,
    port_base: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Launched]:
    """`qiao up --json`, not waited for; stopped at the end of the block if it still runs."""
    base = free_port_base() if port_base is None else port_base
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli.entry", "up", "--json"),
            *("--data", str(data), "--port-base", str(base), *options),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        launched = Launched(process, data, base, errors)
        try:
            yield launched
        finally:
            await _end(launched)


async def _end(launched: Launched) -> None:
    if launched.process.returncode is None:
        with contextlib.suppress(TimeoutError):
            await launched.stop()
    if launched.process.returncode is None:
        launched.process.kill()
        await launched.process.wait()


@asynccontextmanager
async def running_qiao(
    data: Path,
    *options: str,
    port_base: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Launched]:
    """`qiao up --json`, ready."""
    async with launching(data, *options, port_base=port_base, environment=environment) as launched:
        await launched.until_ready()
        yield launched


def free_port_base() -> int:
    """Return a base all of whose ports are free, below those that the system hands out."""
    offsets = [service.port_offset for service in SERVICES] + [0, NATS_PORT_OFFSET]
    while True:
        base = random.randrange(10_000, 30_000, 50)
        with contextlib.suppress(OSError):
            for offset in offsets:
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", base + offset))
            return base


def processes_in(data: Path) -> dict[int, str]:
    """Everything alive that was started for this data folder, by its environment or arguments."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            told = command + b"\0" + (folder / "environ").read_bytes()
            if os.fsencode(data) in told and command:
                found[int(folder.name)] = command.replace(b"\0", b" ").decode()
    return found
