"""How many signed webhooks one intake process acknowledges durably, and how fast.

`make bench`. Real PostgreSQL with fsync and
synchronous_commit on, real nats-server that syncs every message, one intake process with its
relay at work, the generator on the same cores.
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

from deploy.embedded.process import Program
from deploy.embedded.running import running
from tests.benchmarks.generator import Load, Result
from tests.support.access import MASTER_KEY, running_access
from tests.support.servers import apply_init, free_port, temporary_nats, temporary_postgres

CLIENT_KEY = "bench"
SECRET = "0123456789abcdef0123456789abcdef"
BODY_BYTES = 1024
TARGET_PER_SECOND = 8000
_PATH = f"/webhooks/douyin/{CLIENT_KEY}"
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_IDS_AT_ONCE = 20_000
_CATCH_UP_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: float
    connections: int = 384

    @classmethod
    def of_environment(cls) -> "Plan":
        return cls(2, 3.0) if os.environ.get("QIAO_SHORT") else cls(5, 8.0)


@dataclass(frozen=True)
class Round:
    """`cpu_us` is what one acknowledged request cost the intake process, until published."""

    result: Result
    cpu_us: float
    catch_up_seconds: float
    missing: int

    @property
    def per_second(self) -> float:
        return self.result.acknowledged / self.result.seconds

    @property
    def published_per_second(self) -> float:
        return self.result.acknowledged / (self.result.seconds + self.catch_up_seconds)


@dataclass
class Report:
    plan: Plan
    bare: list[Result] = field(default_factory=list)
    full: list[Round] = field(default_factory=list)
    half: list[Round] = field(default_factory=list)
    half_rate: float = 0.0
    memory_mb: float = 0.0
    durability: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(each.missing for each in (*self.full, *self.half))


@dataclass(frozen=True)
class Bench:
    """The servers of a run, and where intake listens."""

    port: int
    process_id: int
    postgres_url: str
    folder: Path

    async def load(self, name: str, plan: Plan, *, rate: float = 0.0) -> Round:
        """One round, and what came of it: nothing acknowledged may be missing."""
        file = self.folder / name
        cpu_before = _cpu_seconds(self.process_id)
        result = await generate(self.port, name, plan, file, rate=rate)
        catch_up = await self._until_published()
        cpu = _cpu_seconds(self.process_id) - cpu_before
        return Round(
            result,
            cpu / max(result.acknowledged, 1) * 1e6,
            catch_up,
            await self._count_missing(file.read_text().split()),
        )

    async def _until_published(self) -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        while (await self._value("SELECT count(*) FROM deliveries_pending")) > 0:
            if loop.time() - started > _CATCH_UP_SECONDS:
                break
            await asyncio.sleep(0.05)
        return loop.time() - started

    async def _count_missing(self, ids: list[str]) -> int:
        found = 0
        for start in range(0, len(ids), _IDS_AT_ONCE):
            keys = [f"msg:{each}" for each in ids[start : start + _IDS_AT_ONCE]]
            found += await self._value(
                "SELECT count(*) FROM deliveries WHERE dedupe_key = ANY($1)", keys
            )
        return len(ids) - found

    async def _value(self, statement: str, *arguments: object) -> int:
        conn = await asyncpg.connect(self.postgres_url, server_settings={"search_path": "intake"})
        try:
            return int(await conn.fetchval(statement, *arguments))
        finally:
            await conn.close()

    def memory_mb(self) -> float:
        """The most that the process ever held."""
        status = Path(f"/proc/{self.process_id}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


async def measure(plan: Plan) -> Report:
    report = Report(plan)
    with tempfile.TemporaryDirectory(prefix="qiao-bench-") as name:
        folder = Path(name)
        async with serving_bare(folder) as port:
            for number in range(plan.rounds):
                file = folder / "bare-acknowledged"
                report.bare.append(await generate(port, f"bare{number}", plan, file))
        async with serving_intake(folder) as bench:
            report.durability = await _durability(bench.postgres_url)
            await bench.load("warm", Plan(1, 1.0))
            for number in range(plan.rounds):
                report.full.append(await bench.load(f"full{number}", plan))
            report.half_rate = statistics.median(each.per_second for each in report.full) / 2
            for number in range(plan.rounds):
                report.half.append(await bench.load(f"half{number}", plan, rate=report.half_rate))
            report.memory_mb = bench.memory_mb()
    return report


async def generate(port: int, name: str, plan: Plan, file: Path, *, rate: float = 0.0) -> Result:
    load = Load(
        port=port,
        path=_PATH,
        secret=SECRET,
        prefix=name,
        seconds=plan.seconds,
        connections=plan.connections,
        body_bytes=BODY_BYTES,
        acknowledged_file=str(file),
        rate=rate,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.benchmarks.generator", json.dumps(asdict(load))),
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
async def serving_intake(folder: Path) -> AsyncIterator[Bench]:
    async with (
        temporary_postgres(folder / "postgres", durable=True) as postgres,
        temporary_nats(folder / "nats") as nats,
    ):
        url = postgres.url("postgres")
        await apply_init(url)
        async with running_access(url, nats.url) as access:
            port = free_port()
            program = Program(
                name="intake",
                command=(sys.executable, "-m", "services.intake"),
                environment={
                    "QIAO_POSTGRES_URL": url,
                    "QIAO_NATS_URL": nats.url,
                    "QIAO_MASTER_KEY": MASTER_KEY,
                    "QIAO_ACCESS_URL": access.url,
                    "QIAO_INTAKE_PORT": str(port),
                },
                stop_signal=signal.SIGTERM,
                is_ready=lambda: _answers(f"http://127.0.0.1:{port}/readyz"),
            )
            async with running(program, log=folder / "intake.log") as process:
                token = await access.operator_token()
                await _add_app(f"http://127.0.0.1:{port}", token)
                yield Bench(port, process.pid, url, folder)


async def _add_app(intake_url: str, token: str) -> None:
    body = {"client_key": CLIENT_KEY, "merchant": "yihetang", "secret": SECRET}
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{intake_url}/v1/apps", json=body) as response,
    ):
        response.raise_for_status()


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
