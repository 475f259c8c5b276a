"""How fast a platform's question is answered at 500 a second, through intake and catalog.

`make bench`. Real PostgreSQL with fsync and synchronous_commit on, real nats-server, one intake
and one catalog process, the platform's hand on the same cores. Each question is a pre-create
order of its own: recorded, decided on stock, recorded again, answered.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table

from deploy.embedded.process import Program
from deploy.embedded.running import running
from tests.benchmarks.asker import Asking, Result
from tests.benchmarks.stock import MERCHANT, Bench, _cpu_seconds
from tests.support.access import running_access
from tests.support.servers import apply_init, free_port, temporary_nats, temporary_postgres
from tests.support.waiting import eventually

CLIENT_KEY = "bench"
SECRET = "0123456789abcdef0123456789abcdef"
RATE = 500.0
P99_MS_MAX = 200.0


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: float

    @classmethod
    def of_environment(cls) -> "Plan":
        return cls(2, 4.0) if os.environ.get("QIAO_SHORT") else cls(5, 10.0)


@dataclass
class Report:
    plan: Plan
    rounds: list[Result] = field(default_factory=list)
    # By process, of each round: what one question cost it, events included.
    cpu_us: dict[str, list[float]] = field(default_factory=dict)
    asked: int = 0
    # Questions on record that have an answer beside them.
    answered: int = 0
    durability: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shop:
    port: int
    postgres_url: str
    third_sku_id: str
    process_ids: dict[str, int]

    async def round(self, name: str, plan: Plan) -> Result:
        asking = Asking(self.port, CLIENT_KEY, SECRET, self.third_sku_id, name, plan.seconds, RATE)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.benchmarks.asker", json.dumps(asdict(asking))),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return Result(**json.loads(output))

    def cpu_seconds(self) -> dict[str, float]:
        return {name: _cpu_seconds(each) for name, each in self.process_ids.items()}

    async def count(self, table: str) -> int:
        conn = await asyncpg.connect(self.postgres_url, server_settings={"search_path": "intake"})
        try:
            return int(await conn.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608
        finally:
            await conn.close()


async def measure(plan: Plan) -> Report:
    report = Report(plan)
    with tempfile.TemporaryDirectory(prefix="qiao-bench-") as name:
        async with serving(Path(name)) as shop:
            report.durability = await _durability(shop.postgres_url)
            warm = await shop.round("81", Plan(1, 1.0))
            for number in range(plan.rounds):
                before = shop.cpu_seconds()
                result = await shop.round(f"9{number}", plan)
                report.rounds.append(result)
                for process, seconds in shop.cpu_seconds().items():
                    cost = (seconds - before[process]) / max(sum(result.codes.values()), 1) * 1e6
                    report.cpu_us.setdefault(process, []).append(cost)
            report.asked = sum(sum(each.codes.values()) for each in (warm, *report.rounds))
            report.answered = await shop.count("delivery_answers")
    return report


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        postgres = await enter(temporary_postgres(folder / "postgres", durable=True))
        nats = await enter(temporary_nats(folder / "nats"))
        url = postgres.url("postgres")
        await apply_init(url)
        access = await enter(running_access(url, nats.url))
        await access.add_merchant(MERCHANT)
        ports = {name: free_port() for name in ("intake", "catalog")}
        environment = {
            "QIAO_POSTGRES_URL": url,
            "QIAO_NATS_URL": nats.url,
            "QIAO_MASTER_KEY": access.master_key,
            "QIAO_ACCESS_URL": access.url,
            "QIAO_CATALOG_URL": f"http://127.0.0.1:{ports['catalog']}",
            "QIAO_INTAKE_URL": f"http://127.0.0.1:{ports['intake']}",
            **{f"QIAO_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        }
        processes = {
            name: await enter(running(_program(name, port, environment), log=folder / name))
            for name, port in ports.items()
        }
        catalog_url = environment["QIAO_CATALOG_URL"]
        catalog = Bench(catalog_url, ports["catalog"], processes["catalog"].pid, url, access)
        await eventually(catalog.knows_merchant, what="merchant known")
        sku = {"sku_id": "bench-1", "third_sku_id": "bench-1", "title": "a", "price_fen": 990}
        body = {"merchant": MERCHANT, "product_id": "bench", "kind": "meal", "title": "a"}
        await catalog._call("POST", "/v1/products", {**body, "skus": [sku]})
        await catalog._call("POST", "/v1/products/bench/publish", None)
        await catalog._call("PUT", "/v1/stock", {"items": [{"sku_id": "bench-1", "total": None}]})
        app = {"client_key": CLIENT_KEY, "merchant": MERCHANT, "secret": SECRET}
        headers = {"Authorization": f"Bearer {await access.operator_token()}"}
        intake_url = environment["QIAO_INTAKE_URL"]
        async with access.session.post(f"{intake_url}/v1/apps", json=app, headers=headers) as added:
            added.raise_for_status()
        process_ids = {name: process.pid for name, process in processes.items()}
        yield Shop(ports["intake"], url, "bench-1", process_ids)


def _program(name: str, port: int, environment: dict[str, str]) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-m", f"services.{name}"),
        environment=environment,
        stop_signal=signal.SIGTERM,
        is_ready=lambda: _answers(f"http://127.0.0.1:{port}/readyz"),
    )


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def _durability(postgres_url: str) -> dict[str, str]:
    conn = await asyncpg.connect(postgres_url)
    try:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        return {name: await conn.fetchval("SELECT current_setting($1)", name) for name in names}
    finally:
        await conn.close()


def show(report: Report) -> None:
    console = Console(width=100)
    settings = " ".join(f"{name}={value}" for name, value in report.durability.items())
    console.print(
        f"\n[bold]questions[/bold] · {RATE:,.0f} pre-create orders a second, each of its own, open"
        f" loop, from the intended time of asking\n{os.cpu_count()} cores shared with the asker,"
        f" PostgreSQL, NATS and access · one intake, one catalog process · load average"
        f" {os.getloadavg()[0]:.1f}\n{settings} · nats sync_interval=always"
        f"\n{report.plan.rounds} rounds of {report.plan.seconds:.0f} s; median (lowest – highest)\n"
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("wanted", justify="right")
    table.add_row("p50, ms", _spread([each.p50_ms for each in report.rounds]), "")
    p99 = _spread([each.p99_ms for each in report.rounds])
    table.add_row("p99, ms", p99, f"≤ {P99_MS_MAX:.0f}")
    table.add_row("slowest, ms", _spread([each.max_ms for each in report.rounds]), "< 1500")
    for name, costs in report.cpu_us.items():
        table.add_row(f"CPU of {name} per question, µs", _spread(costs), "")
    others: Counter[str] = sum((Counter(each.codes) for each in report.rounds), Counter())
    del others["0"]
    told = ", ".join(f"{number} × {code}" for code, number in sorted(others.items()))
    table.add_row("answered otherwise (100: ask again)", told or "0", "0")
    table.add_row("asked, and answers on record", f"{report.asked:,} and {report.answered:,}", "")
    console.print(table)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} – {max(values):.1f})"
