"""How many deliveries one orders process turns into orders and events.

`python -m tests.benchmarks.orders [deliveries]`. Real PostgreSQL with fsync and synchronous_commit
on, real nats-server that syncs every message, one orders process with its relay at work. The
deliveries lie in the stream before it starts: half of them payments, half redemptions.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvloop
from rich.console import Console

from deploy.embedded.nats import Nats
from deploy.embedded.postgres import Postgres
from deploy.embedded.process import Program
from deploy.embedded.running import running
from shared.contracts.envelope import Event
from shared.messaging.broker import Broker, connected
from shared.messaging.queries import Outgoing
from tests.integration.orders.support import an_order_id, certificate, paid
from tests.support.access import MASTER_KEY
from tests.support.servers import (
    apply_init,
    free_port,
    migrate_service,
    temporary_nats,
    temporary_postgres,
)

_DELIVERIES = 20_000
_PUBLISHED_AT_ONCE = 1000
_CATCH_UP_SECONDS = 300.0
_LOOK_AGAIN_SECONDS = 0.02
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    deliveries: int
    applied_seconds: float
    published_seconds: float
    cpu_seconds: float
    memory_mb: float
    events: int
    durability: str


async def measure(deliveries: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="qiao-bench-") as name:
        async with _servers(Path(name)) as (postgres, nats):
            url = postgres.url("postgres")
            await apply_init(url)
            await migrate_service(url, "orders")
            async with connected(nats.url, name="bench") as broker:
                await _say(broker, deliveries)
            return await _run(Path(name), url, nats.url, deliveries)


@asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[tuple[Postgres, Nats]]:
    async with (
        temporary_postgres(folder / "postgres", durable=True) as postgres,
        temporary_nats(folder / "nats") as nats,
    ):
        yield postgres, nats


async def _say(broker: Broker, deliveries: int) -> None:
    await broker.jetstream()
    for start in range(0, deliveries, _PUBLISHED_AT_ONCE):
        events: list[Event] = []
        for number in range(start, min(start + _PUBLISHED_AT_ONCE, deliveries), 2):
            order_id = an_order_id()
            events += [paid(order_id), certificate("verify", order_id, f"c{number}", seconds=60)]
        await broker.publish([_outgoing(number, one) for number, one in enumerate(events)])


def _outgoing(number: int, event: Event) -> Outgoing:
    return Outgoing(number, event.id, event.nats_subject, event.model_dump_json().encode())


async def _run(folder: Path, url: str, nats_url: str, deliveries: int) -> Measured:
    program = Program(
        name="orders",
        command=(sys.executable, "-m", "services.orders"),
        environment={
            "QIAO_POSTGRES_URL": url,
            "QIAO_NATS_URL": nats_url,
            "QIAO_MASTER_KEY": MASTER_KEY,
            "QIAO_ACCESS_URL": f"http://127.0.0.1:{free_port()}",
            "QIAO_ORDERS_PORT": str(free_port()),
        },
    )
    conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        url, server_settings={"search_path": "orders"}
    )
    try:
        async with running(program, log=folder / "orders.log") as process:
            await _until(conn, "SELECT count(*) >= 1 FROM observations")
            started, cpu_before = time.perf_counter(), _cpu_seconds(process.pid)
            before = int(await conn.fetchval("SELECT count(*) FROM observations"))
            await _until(conn, f"SELECT count(*) >= {deliveries} FROM observations")  # noqa: S608
            applied = time.perf_counter() - started
            await _until(conn, "SELECT count(*) = 0 FROM outbox_pending")
            return Measured(
                deliveries=deliveries - before,
                applied_seconds=applied,
                published_seconds=time.perf_counter() - started,
                cpu_seconds=_cpu_seconds(process.pid) - cpu_before,
                memory_mb=_memory_mb(process.pid),
                events=int(await conn.fetchval("SELECT count(*) FROM outbox")),
                durability=await _durability(conn),
            )
    finally:
        await conn.close()


async def _until(conn: "asyncpg.Connection[asyncpg.Record]", statement: str) -> None:
    deadline = time.perf_counter() + _CATCH_UP_SECONDS
    while not await conn.fetchval(statement):
        if time.perf_counter() > deadline:
            raise TimeoutError(statement)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _durability(conn: "asyncpg.Connection[asyncpg.Record]") -> str:
    names = ("fsync", "synchronous_commit", "full_page_writes")
    shown = [f"{name}={await conn.fetchval(f'SHOW {name}')}" for name in names]
    return " ".join([*shown, "nats sync_interval=always"])


def _cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _memory_mb(process_id: int) -> float:
    """The most that the process ever held."""
    status = Path(f"/proc/{process_id}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _show(measured: Measured) -> None:
    per_second = measured.deliveries / measured.applied_seconds
    published = measured.deliveries / measured.published_seconds
    cpu_us = measured.cpu_seconds / measured.deliveries * 1e6
    Console(width=100, highlight=False).print(
        f"orders: {measured.deliveries:,} deliveries, {measured.events:,} events said"
        f" · {os.cpu_count()} cores shared with PostgreSQL and NATS"
        f" · load average {os.getloadavg()[0]:.1f}\n{measured.durability}\n"
        f"applied per second                {per_second:10,.0f}\n"
        f"  and published too               {published:10,.0f}\n"
        f"CPU of orders per delivery, µs    {cpu_us:10,.0f}\n"
        f"  deliveries a second of one core {1e6 / cpu_us:10,.0f}\n"
        f"memory of orders at its most, MB  {measured.memory_mb:10,.0f}"
    )


async def main() -> None:
    deliveries = int(sys.argv[1]) if len(sys.argv) > 1 else _DELIVERIES
    _show(await measure(deliveries))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
