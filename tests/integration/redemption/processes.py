"""Services as processes of their own, that can be killed."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.redemption.support import World
from tests.support.servers import ROOT, free_port
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Running:
    url: str
    process: asyncio.subprocess.Process
    log: Path

    async def kill(self) -> None:
        """As a power cut does: nothing is finished, nothing is said."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def a_service(
    name: str, environment: Mapping[str, str], *, folder: Path
) -> AsyncIterator[Running]:
    """`python -m services.<name>`, ready; killed at the end. It logs into the folder."""
    port = free_port()
    file = folder / f"{name}-{port}.log"
    with file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{name}"),
            cwd=ROOT,
            env={**os.environ, **environment, f"QIAO_{name.upper()}_PORT": str(port)},
            stderr=log,
        )
    running = Running(f"http://127.0.0.1:{port}", process, file)
    try:
        await _until_ready(running)
        yield running
    finally:
        await running.kill()


async def _until_ready(running: Running) -> None:
    async with aiohttp.ClientSession() as session:

        async def ready() -> bool:
            try:
                async with session.get(f"{running.url}/readyz") as response:
                    return response.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(ready, within_seconds=30, what=f"{running.log.stem} ready")


def environment_of(world: World, **changes: Any) -> dict[str, str]:
    settings = world.settings(**changes)
    return {
        "QIAO_POSTGRES_URL": settings.postgres_url.get_secret_value(),
        "QIAO_NATS_URL": settings.nats_url,
        "QIAO_MASTER_KEY": settings.master_key.get_secret_value(),
        "QIAO_ACCESS_URL": settings.access_url,
        "QIAO_INTAKE_URL": settings.intake_url,
        "QIAO_DOUYIN_BASE_URL": settings.douyin_base_url,
        "QIAO_DOUYIN_SHORT_LINK_ORIGINS": settings.douyin_short_link_origins,
        "QIAO_REDEMPTION_CALLS_PER_SECOND": str(settings.redemption_calls_per_second),
    }
