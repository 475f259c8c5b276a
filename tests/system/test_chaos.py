"""`make chaos`: services are killed and NATS is away while customers come; then all agrees."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.embedded.nats import prepare_nats
from deploy.embedded.running import running
from tests.support.cli import Said, started_qiao
from tests.support.launched import Launched, running_qiao
from tests.support.servers import free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

SHORT = bool(os.environ.get("QIAO_SHORT"))
SERVICES = ("intake", "orders", "redemption", "access", "catalog", "simulator")
KILLS = 3 if SHORT else 20
SECONDS_BETWEEN_KILLS = (1.0, 4.0)
NATS_AWAY_SECONDS = 6.0 if SHORT else 60.0
ORDERS_PER_SECOND = 25


@dataclass
class Show:
    """A running `qiao simulate`."""

    launched: Launched
    process: asyncio.subprocess.Process

    async def statistics(self) -> dict[str, Any]:
        url = f"{self.launched.ready['simulator']}/sim/v1/stats"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            body: dict[str, Any] = await response.json()
            return body

    async def acknowledged(self) -> int:
        webhooks = (await self.statistics())["webhooks"]
        return sum(states.get("acknowledged", 0) for states in webhooks.values())

    async def until_customers_come(self) -> None:
        async def come() -> bool:
            return await self.acknowledged() > 20

        await eventually(come, within_seconds=120, what="customers come")

    async def kill(self, name: str) -> None:
        """Kill -9, as soon as it runs: it may still be on its way back from the last time."""

        async def process_id() -> int:
            return int(self.launched.run_file()["process_ids"].get(name, 0))

        os.kill(await eventually(process_id, within_seconds=60, what=name), signal.SIGKILL)

    async def end(self) -> Said:
        out, err = await self.process.communicate()
        said = Said(self.process.returncode or 0, out.decode(), err.decode())
        print(said.out)  # noqa: T201 - the figures are what it is run for
        return said


@asynccontextmanager
async def a_show(
    data: Path, *, orders: int, faults: str, seed: int, nats_url: str | None = None
) -> AsyncIterator[Show]:
    environment = {"QIAO_NATS_URL": nats_url} if nats_url else {}
    async with (
        running_qiao(data, environment=environment) as launched,
        started_qiao(
            *("simulate", "live-show", "--orders", str(orders), "--faults", faults),
            *("--rate", str(ORDERS_PER_SECOND), "--seed", str(seed), "--settle-seconds", "600"),
            data=data,
        ) as process,
    ):
        show = Show(launched, process)
        await show.until_customers_come()
        yield show


async def test_services_killed_at_any_moment_only_delay(tmp_path: Path) -> None:
    choice = random.Random(5)
    victims = [SERVICES[number % len(SERVICES)] for number in range(KILLS)]
    choice.shuffle(victims)
    seconds = KILLS * sum(SECONDS_BETWEEN_KILLS) / 2
    orders = round(ORDERS_PER_SECOND * (seconds + 10))
    async with a_show(tmp_path / "data", orders=orders, faults="all", seed=5) as show:
        for victim in victims:
            # Not a wait for something: the moment of the kill is what is random here.
            await asyncio.sleep(choice.uniform(*SECONDS_BETWEEN_KILLS))
            await show.kill(victim)
        said = await show.end()
    assert said.status == 0, said.err
    assert "Traceback" not in said.err, said.err


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_while_nats_is_away_webhooks_are_acknowledged_and_afterwards_all_catches_up(
    tmp_path: Path, how: signal.Signals
) -> None:
    """Gone at once, or frozen with its connections open: the second is harder to notice."""
    nats = prepare_nats(tmp_path / "nats", host="127.0.0.1", port=free_port())
    log, orders = tmp_path / "nats.log", round(ORDERS_PER_SECOND * (NATS_AWAY_SECONDS + 10))
    async with AsyncExitStack() as stack:
        # Not the embedded one: the supervisor would start that one anew within a second.
        process = await stack.enter_async_context(running(nats.program, log=log))
        show = await stack.enter_async_context(
            a_show(tmp_path / "data", orders=orders, faults="none", seed=6, nats_url=nats.url)
        )
        process.send_signal(how)
        before = await show.acknowledged()
        await asyncio.sleep(NATS_AWAY_SECONDS)
        during = await show.acknowledged() - before
        if how is signal.SIGSTOP:
            process.send_signal(signal.SIGCONT)
        else:
            await stack.enter_async_context(running(nats.program, log=log))
        said = await show.end()
        attempts = (await show.statistics())["webhook_attempts"]
    assert said.status == 0, said.err
    assert during > ORDERS_PER_SECOND * NATS_AWAY_SECONDS / 4
    assert set(attempts) == {"200"}


async def test_killed_servers_come_back_with_everything(tmp_path: Path) -> None:
    """PostgreSQL and NATS too: what was acknowledged is on disk."""
    async with a_show(
        tmp_path / "data", orders=ORDERS_PER_SECOND * 15, faults="all", seed=7
    ) as show:
        for server in ("nats", "postgres"):
            await show.kill(server)
            await asyncio.sleep(sum(SECONDS_BETWEEN_KILLS))
        said = await show.end()
    assert said.status == 0, said.err
    assert "Traceback" not in said.err, said.err
