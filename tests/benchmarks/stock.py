"""How many stock decisions one catalog process makes a second on one hot SKU.

`make bench`. Real PostgreSQL with fsync and synchronous_commit on, real nats-server, one catalog
process, the generator on the same cores. Beside it, as a baseline, the same generator against a
bare aiohttp POST that decides nothing.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table

from deploy.embedded.process import Program
from deploy.embedded.running import running
from tests.benchmarks.buyers import Result, Rush
from tests.support.access import Access, running_access
from tests.support.servers import apply_init, free_port, temporary_nats, temporary_postgres
from tests.support.waiting import eventually

MERCHANT = "yihetang"
STOCK = 500
TARGET_PER_SECOND = 2000
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Plan:
    rounds: int
    buyers: int
    connections: int = 256

    @classmethod
    def of_environment(cls) -> "Plan":
        return cls(2, 5_000) if os.environ.get("QIAO_SHORT") else cls(5, 10_000)


@dataclass(frozen=True)
class Round:
    """`counted` is total, held and sold of the SKU afterwards."""

    result: Result
    cpu_us: float
    counted: tuple[int, int, int]

    @property
    def held(self) -> int:
        return self.result.outcomes.get("held", 0)


@dataclass
class Report:
    plan: Plan
    bare: list[Result] = field(default_factory=list)
    # All want what only 500 can have; all get what they want.
    scarce: list[Round] = field(default_factory=list)
    plenty: list[Round] = field(default_factory=list)
    durability: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """A catalog process, and who may ask it."""

    url: str
    port: int
    process_id: int
    postgres_url: str
    access: Access

    async def round(self, name: str, plan: Plan, *, stock: int) -> Round:
        sku_id = await self._sell(name, stock)
        before = _cpu_seconds(self.process_id)
        token = await self.access.service_token("intake")
        result = await generate(
            Rush(self.port, token, MERCHANT, sku_id, name, plan.buyers, plan.connections)
        )
        cpu = _cpu_seconds(self.process_id) - before
        return Round(result, cpu / plan.buyers * 1e6, await self._counted(sku_id))

    async def _sell(self, name: str, stock: int) -> str:
        sku = {"sku_id": f"{name}-1", "title": name, "price_fen": 990}
        body = {"merchant": MERCHANT, "product_id": name, "kind": "meal", "title": name}
        await self._call("POST", "/v1/products", {**body, "per_buyer_max": 1, "skus": [sku]})
        await self._call("POST", f"/v1/products/{name}/publish", None)
        item = {"sku_id": sku["sku_id"], "total": stock}
        await self._call("PUT", "/v1/stock", {"items": [item]})
        return str(sku["sku_id"])

    async def _call(self, method: str, path: str, body: object) -> Any:
        """Any: JSON."""
        headers = {"Authorization": f"Bearer {await self.access.operator_token()}"}
        async with self.access.session.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            response.raise_for_status()
            return await response.json()

    async def _counted(self, sku_id: str) -> tuple[int, int, int]:
        answer = await self._call("GET", f"/v1/stock?sku_id={sku_id}", None)
        (row,) = answer["items"]
        return row["total"], row["held"], row["sold"]

    async def knows_merchant(self) -> bool:
        conn = await asyncpg.connect(self.postgres_url, server_settings={"search_path": "catalog"})
        try:
            return bool(await conn.fetchval("SELECT count(*) > 0 FROM merchants"))
        finally:
            await conn.close()


async def measure(plan: Plan) -> Report:
    report = Report(plan)
    with tempfile.TemporaryDirectory(prefix="qiao-bench-") as name:
        folder = Path(name)
        async with serving_bare(folder) as port:
            for number in range(plan.rounds):
                asked = Rush(port, "none", MERCHANT, "x", f"b{number}", plan.buyers, 256)
                report.bare.append(await generate(asked))
        async with serving_catalog(folder) as bench:
            report.durability = await _durability(bench.postgres_url)
            await bench.round("warm", Plan(1, 1_000), stock=STOCK)
            for number in range(plan.rounds):
                report.scarce.append(await bench.round(f"scarce-{number}-", plan, stock=STOCK))
                report.plenty.append(
                    await bench.round(f"plenty-{number}-", plan, stock=plan.buyers)
                )
    return report


async def generate(asked: Rush) -> Result:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.benchmarks.buyers", json.dumps(asdict(asked))),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return Result(**json.loads(output))


@asynccontextmanager
async def serving_bare(folder: Path) -> AsyncIterator[int]:
    port = free_port()
    program = Program(
        name="bare",
        command=(sys.executable, "-m", "tests.benchmarks.bare", str(port)),
        is_ready=lambda: _answers(f"http://127.0.0.1:{port}/"),
    )
    async with running(program, log=folder / "bare.log"):
        yield port


@asynccontextmanager
async def serving_catalog(folder: Path) -> AsyncIterator[Bench]:
    async with (
        temporary_postgres(folder / "postgres", durable=True) as postgres,
        temporary_nats(folder / "nats") as nats,
    ):
        url = postgres.url("postgres")
        await apply_init(url)
        async with running_access(url, nats.url) as access:
            await access.add_merchant(MERCHANT)
            port = free_port()
            program = Program(
                name="catalog",
                command=(sys.executable, "-m", "services.catalog"),
                environment={
                    "QIAO_POSTGRES_URL": url,
                    "QIAO_NATS_URL": nats.url,
                    "QIAO_MASTER_KEY": access.master_key,
                    "QIAO_ACCESS_URL": access.url,
                    "QIAO_CATALOG_PORT": str(port),
                    "QIAO_CATALOG_GIVE_UP_SECONDS": "5",
                },
                stop_signal=signal.SIGTERM,
                is_ready=lambda: _answers(f"http://127.0.0.1:{port}/readyz"),
            )
            async with running(program, log=folder / "catalog.log") as process:
                bench = Bench(f"http://127.0.0.1:{port}", port, process.pid, url, access)
                await eventually(bench.knows_merchant, what="merchant known")
                yield bench


def show(report: Report) -> None:
    console = Console(width=100)
    settings = " ".join(f"{name}={value}" for name, value in report.durability.items())
    console.print(
        f"\n[bold]stock[/bold] · {report.plan.buyers:,} buyers of one SKU, one piece each, a limit"
        f" of one for each · {os.cpu_count()} cores shared with the generator, PostgreSQL and NATS"
        f"\n{settings} · one catalog process · load average {os.getloadavg()[0]:.1f}"
        f"\n{report.plan.rounds} rounds, {report.plan.connections} connections;"
        " median (lowest – highest)\n"
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("what", "measured", "wanted"):
        table.add_column(heading)
    wanted = f"≥ {TARGET_PER_SECOND:,}"
    for rounds, what in (
        (report.scarce, f"decisions a second, {STOCK} in stock"),
        (report.plenty, "decisions a second, enough for all"),
    ):
        table.add_row(what, _spread([each.result.per_second for each in rounds], "{:,.0f}"), wanted)
        table.add_row("  p50, ms", _spread([each.result.p50_ms for each in rounds]), "")
        table.add_row("  p99, ms", _spread([each.result.p99_ms for each in rounds]), "")
        cpu = _spread([each.cpu_us for each in rounds], "{:.0f}")
        table.add_row("  CPU of catalog per decision, µs", cpu, "")
    bare = _spread([each.per_second for each in report.bare], "{:,.0f}")
    table.add_row("bare aiohttp POST per second, same run", bare, "")
    sold = " ".join(str(each.held) for each in report.scarce)
    table.add_row(f"sold of {STOCK}, each round", sold, f"{STOCK}")
    console.print(table)


def _spread(values: list[float], form: str = "{:.1f}") -> str:
    middle = form.format(statistics.median(values))
    return f"{middle} ({form.format(min(values))} – {form.format(max(values))})"


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status in {200, 404}
    except aiohttp.ClientError:
        return False


async def _durability(postgres_url: str) -> dict[str, str]:
    conn = await asyncpg.connect(postgres_url)
    try:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        return {name: await conn.fetchval("SELECT current_setting($1)", name) for name in names}
    finally:
        await conn.close()


def _cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
