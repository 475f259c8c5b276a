"""How many coupons whose codes are ours one redemption process redeems a second over HTTP.

`make bench`. Each is a scan and a redemption, two requests. Real PostgreSQL with fsync and
synchronous_commit on, real nats-server, one redemption process with its relay at work, the
generator on the same cores. The platform is away: what it has to hear waits in the table of
reports, and is tried at its own slow rate meanwhile.
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

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table

from deploy.embedded.process import Program
from deploy.embedded.running import running
from tests.benchmarks.tills import Queue, Result
from tests.support.access import Access, running_access
from tests.support.servers import apply_init, free_port, temporary_nats, temporary_postgres
from tests.support.waiting import eventually

MERCHANT = "yihetang"
TARGET_PER_SECOND = 1_500
STEADY_PER_SECOND = 300.0
STEADY_P95_MS = 30
_TILLS = 16
_CODES_AT_ONCE = 500
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: int
    connections: int = 64

    @classmethod
    def of_environment(cls) -> "Plan":
        return cls(2, 2) if os.environ.get("QIAO_SHORT") else cls(5, 6)


@dataclass(frozen=True)
class Round:
    """`spent` is what the ledger has of what was answered as redeemed."""

    result: Result
    cpu_us: float
    spent: int


@dataclass
class Report:
    plan: Plan
    full: list[Round] = field(default_factory=list)
    steady: list[Round] = field(default_factory=list)
    durability: dict[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    """A redemption process, its tills, and who may have codes issued."""

    port: int
    process_id: int
    postgres_url: str
    folder: Path
    access: Access
    tokens: list[str]

    async def round(self, name: str, codes: int, plan: Plan, *, rate: float = 0.0) -> Round:
        file = self.folder / name
        file.write_text("\n".join(await self._issue(name, codes)))
        before, spent = _cpu_seconds(self.process_id), await self.count_spent()
        result = await generate(Queue(self.port, self.tokens, str(file), plan.connections, rate))
        cpu = _cpu_seconds(self.process_id) - before
        return Round(result, cpu / codes * 1e6, await self.count_spent() - spent)

    async def _issue(self, name: str, number: int) -> list[str]:
        headers = {"Authorization": f"Bearer {await self.access.service_token('intake')}"}
        codes: list[str] = []
        while len(codes) < number:
            body = {
                "merchant": MERCHANT,
                "platform": "douyin",
                "client_key": "bench",
                "order_id": f"{name}-{len(codes)}",
                "count": min(_CODES_AT_ONCE, number - len(codes)),
                "third_sku_id": "tea",
                "title": "双人下午茶套餐",
                "pay_amount_fen": 990_000,
            }
            async with self.access.session.post(
                f"http://127.0.0.1:{self.port}/v1/issues", json=body, headers=headers
            ) as response:
                response.raise_for_status()
                codes += [each["code"] for each in (await response.json())["codes"]]
        return codes

    async def count_spent(self) -> int:
        return await self._value("SELECT count(*) FROM ledger WHERE state = 'spent'")

    async def knows_store(self) -> bool:
        return bool(await self._value("SELECT count(*) FROM stores"))

    async def _value(self, statement: str) -> int:
        settings = {"search_path": "redemption"}
        conn = await asyncpg.connect(self.postgres_url, server_settings=settings)
        try:
            return int(await conn.fetchval(statement))
        finally:
            await conn.close()


async def measure(plan: Plan) -> Report:
    report = Report(plan)
    with tempfile.TemporaryDirectory(prefix="qiao-bench-") as name:
        async with serving(Path(name)) as bench:
            report.durability = await _durability(bench.postgres_url)
            await bench.round("warm", 500, plan)
            for number in range(plan.rounds):
                codes = TARGET_PER_SECOND * plan.seconds
                report.full.append(await bench.round(f"full-{number}", codes, plan))
            for number in range(plan.rounds):
                codes = int(STEADY_PER_SECOND) * plan.seconds
                report.steady.append(
                    await bench.round(f"steady-{number}", codes, plan, rate=STEADY_PER_SECOND)
                )
    return report


async def generate(queue: Queue) -> Result:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.benchmarks.tills", json.dumps(asdict(queue))),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return Result(**json.loads(output))


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Bench]:
    async with (
        temporary_postgres(folder / "postgres", durable=True) as postgres,
        temporary_nats(folder / "nats") as nats,
    ):
        url = postgres.url("postgres")
        await apply_init(url)
        async with running_access(url, nats.url) as access:
            await access.add_merchant(MERCHANT)
            store = await access.add_store(MERCHANT, time_zone="Asia/Shanghai")
            terminals = [await access.add_terminal(store) for _ in range(_TILLS)]
            tokens = [await terminal.token() for terminal in terminals]
            port = free_port()
            program = Program(
                name="redemption",
                command=(sys.executable, "-m", "services.redemption"),
                environment={
                    "QIAO_POSTGRES_URL": url,
                    "QIAO_NATS_URL": nats.url,
                    "QIAO_MASTER_KEY": access.master_key,
                    "QIAO_ACCESS_URL": access.url,
                    "QIAO_INTAKE_URL": f"http://127.0.0.1:{free_port()}",
                    "QIAO_REDEMPTION_PORT": str(port),
                },
                stop_signal=signal.SIGTERM,
                is_ready=lambda: _answers(f"http://127.0.0.1:{port}/readyz"),
            )
            async with running(program, log=folder / "redemption.log") as process:
                bench = Bench(port, process.pid, url, folder, access, tokens)
                await eventually(bench.knows_store, what="store known")
                yield bench


def show(report: Report) -> None:
    console = Console(width=100)
    settings = " ".join(f"{name}={value}" for name, value in report.durability.items())
    console.print(
        f"\n[bold]redemption[/bold] of codes of ours · a scan and a redemption each, two requests"
        f" · {os.cpu_count()} cores shared with the generator, PostgreSQL and NATS"
        f"\n{settings} · one redemption process, relay on, platform away"
        f" · load average {os.getloadavg()[0]:.1f}"
        f"\n{report.plan.rounds} rounds, {report.plan.connections} connections of {_TILLS} tills;"
        " median (lowest – highest)\n"
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("what", "measured", "wanted"):
        table.add_column(heading)
    rate = _spread([each.result.per_second for each in report.full], "{:,.0f}")
    table.add_row("redemptions a second", rate, f"≥ {TARGET_PER_SECOND:,}")
    _add_latencies(table, report.full, wanted="")
    table.add_row(f"at {STEADY_PER_SECOND:.0f} a second, from the intended time", "", "")
    _add_latencies(table, report.steady, wanted=f"< {STEADY_P95_MS}")
    rounds = [*report.full, *report.steady]
    answered = sum(each.result.redeemed for each in rounds)
    spent = sum(each.spent for each in rounds)
    table.add_row(
        "answered as redeemed, and not in the ledger", f"{answered:,} and {answered - spent}", "0"
    )
    others: dict[str, int] = {}
    for each in rounds:
        for name, number in each.result.outcomes.items():
            if name != "redeemed":
                others[name] = others.get(name, 0) + number
    table.add_row("other answers", str(others or "none"), "none")
    console.print(table)


def _add_latencies(table: Table, rounds: list[Round], *, wanted: str) -> None:
    table.add_row("  both requests, p50 ms", _spread([each.result.pair_p50_ms for each in rounds]))
    p95 = _spread([each.result.pair_p95_ms for each in rounds])
    table.add_row("  both requests, p95 ms", p95, wanted)
    table.add_row("  both requests, p99 ms", _spread([each.result.pair_p99_ms for each in rounds]))
    cpu = _spread([each.cpu_us for each in rounds], "{:.0f}")
    table.add_row("  CPU of redemption for both, µs", cpu)


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
