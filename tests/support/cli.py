"""Runs `qiao` as a person or a program would."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.servers import ROOT

_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Any: JSON."""
        assert self.status == 0, self.err
        return json.loads(self.out)


async def run_qiao(
    *arguments: str,
    data: Path | None,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    within_seconds: float = 120.0,
) -> Said:
    """`qiao <arguments>` on the system of this data folder; `given` is piped in.

    One that takes too long is killed, and what it said until then is shown.
    """
    async with started_qiao(*arguments, data=data, environment=environment) as process:
        late = asyncio.get_running_loop().call_later(within_seconds, process.kill)
        out, err = await process.communicate(given.encode())
        late.cancel()
        return Said(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def started_qiao(
    *arguments: str, data: Path | None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Killed at the end of the block if it still runs."""
    known = {**os.environ, **(environment or {})}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.entry", *arguments),
        cwd=ROOT,
        env=known if data is None else {**known, "QIAO_DATA": str(data)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
