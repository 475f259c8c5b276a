"""One server for as long as a block lasts, without the supervisor: for tests and benchmarks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.embedded import logs
from deploy.embedded.process import Program, start, stop

_READY_SECONDS = 30.0
_STOP_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.02
_LAST_LINES = 20


class NotReady(Exception):
    """The program ended, or did not answer in time; the message holds its last lines."""


@asynccontextmanager
async def running(program: Program, *, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start it, wait until it is ready, and stop it at the end of the block."""
    with log.open("ab") as output:
        process = await start(program, output=output)
    try:
        await _wait_until_ready(program, process, log)
        yield process
    finally:
        await stop(process, signal_number=program.stop_signal, patience_seconds=_STOP_SECONDS)


async def _wait_until_ready(
    program: Program, process: asyncio.subprocess.Process, log: Path
) -> None:
    deadline = asyncio.get_running_loop().time() + _READY_SECONDS
    while program.is_ready is not None and not await program.is_ready():
        late = asyncio.get_running_loop().time() > deadline
        if process.returncode is not None or late:
            reason = "not ready in time" if late else f"ended with {process.returncode}"
            message = f"{program.name}: {reason}\n{logs.last_lines(log, _LAST_LINES)}"
            raise NotReady(message)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
