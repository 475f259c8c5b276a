"""`qiao up` starts everything, keeps it running, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.plan import answers
from deploy.embedded.services import SERVICES
from tests.support.launched import Launched, launching, processes_in, running_qiao
from tests.support.servers import free_port, temporary_nats, temporary_postgres
from tests.support.waiting import eventually, until

_STOP_SECONDS = 5.0
_PRODUCTION = [service.name for service in SERVICES if not service.demo_only]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "data"


@pytest.fixture
def someones(data: Path) -> Path:
    data.mkdir()
    (data / "thesis.txt").write_text("years of work")
    return data


@pytest.fixture
def read_only(data: Path) -> Path:
    data.mkdir(mode=0o500)
    return data


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Launched]:
    """One for the tests that leave it as they found it."""
    async with running_qiao(tmp_path_factory.mktemp("shared") / "data", "--no-demo") as qiao:
        yield qiao


async def test_it_says_in_one_line_where_everything_is(shared: Launched) -> None:
    expected = {
        name: f"http://127.0.0.1:{shared.port_base + offset}"
        for offset, name in enumerate(_PRODUCTION, start=1)
    }
    assert shared.ready == {
        "ready": True,
        "console": None,
        **expected,
        "nats": f"nats://127.0.0.1:{shared.port_base + 22}",
        "postgres": f"postgresql://postgres@/qiao?host={shared.data / 'postgres-socket'}&port=5432",
    }
    assert all([await answers(f"{url}/readyz") for url in expected.values()])


async def test_secrets_and_the_run_file_are_readable_by_nobody_else(shared: Launched) -> None:
    data = shared.data
    private = [data / "run.json", *(data / "secrets").iterdir()]
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in private}
    assert modes == {"run.json": 0o600, "master_key": 0o600, "operator": 0o600}
    assert stat.S_IMODE((data / "secrets").stat().st_mode) == 0o700
    secret = (data / "secrets" / "operator").read_text().strip()
    assert secret not in (data / "run.json").read_text() + shared.said()
    assert shared.run_file()["operator_secret_file"] == str(data / "secrets" / "operator")


async def test_a_second_one_on_the_same_data_is_refused_with_the_number_of_the_first(
    shared: Launched,
) -> None:
    said = await _refusal(shared.data)
    assert str(shared.process.pid) in said
    assert "Another qiao up is running" in said
    assert await answers(f"{shared.ready['orders']}/readyz")


async def test_a_port_in_use_is_named_with_who_needs_it_and_what_to_do(
    shared: Launched, data: Path
) -> None:
    said = await _refusal(data, port_base=shared.port_base)
    assert f"Port {shared.port_base + 1}, needed by intake, is in use." in said
    assert f"端口 {shared.port_base + 1}" in said
    assert "--port-base" in said


async def test_killed_services_and_killed_servers_come_back(shared: Launched) -> None:
    first = shared.run_file()["process_ids"]
    assert set(first) == {"postgres", "nats", *_PRODUCTION}
    for process_id in first.values():
        os.kill(process_id, signal.SIGKILL)

    def all_new() -> bool:
        now = shared.run_file()["process_ids"]
        return set(now) == set(first) and not set(now.values()) & set(first.values())

    await until(all_new, within_seconds=60)
    for name in _PRODUCTION:
        await _ready(f"{shared.ready[name]}/readyz")


async def test_it_stops_within_five_seconds_and_finds_its_data_again(data: Path) -> None:
    async with running_qiao(data, "--no-demo") as qiao:
        conn = await asyncpg.connect(qiao.ready["postgres"])
        await conn.execute("CREATE TABLE orders.kept AS SELECT 42 AS answer")
        await conn.close()
        assert qiao.process.stdout is not None
        status, seconds = await qiao.stop()
        assert await qiao.process.stdout.read() == b""
    assert (status, processes_in(data)) == (0, {})
    assert seconds < _STOP_SECONDS
    assert not (data / "run.json").exists()
    secrets = _contents(data / "secrets")
    async with running_qiao(data, "--no-demo") as qiao:
        conn = await asyncpg.connect(qiao.ready["postgres"])
        assert await conn.fetchval("SELECT answer FROM orders.kept") == 42
        await conn.close()
    assert _contents(data / "secrets") == secrets


def _contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


async def test_with_the_demo_orders_flow_and_coupons_are_spent(data: Path) -> None:
    async with running_qiao(data) as qiao:
        assert (data / "secrets" / "demo_sign_in").stat().st_mode & 0o777 == 0o600
        conn = await asyncpg.connect(qiao.ready["postgres"])

        async def redeemed() -> int:
            count: int = await conn.fetchval("SELECT count(*) FROM redemption.redemptions")
            return count

        assert await eventually(redeemed, within_seconds=90) > 0
        assert await conn.fetchval("SELECT count(*) FROM orders.orders") > 0
        await conn.close()
        status, seconds = await qiao.stop()
    assert (status, processes_in(data)) == (0, {})
    assert seconds < _STOP_SECONDS


async def test_a_launcher_killed_with_9_leaves_nothing_and_hinders_no_new_start(
    data: Path,
) -> None:
    async with running_qiao(data, "--no-demo") as qiao:
        assert len(processes_in(data)) > len(_PRODUCTION) + 2
        qiao.process.kill()
        await qiao.process.wait()
        # At once, on the same ports: what is still ending must not be in the way.
        async with running_qiao(data, "--no-demo", port_base=qiao.port_base) as again:
            assert again.ready["ready"]
            await again.stop()
        await until(lambda: processes_in(data) == {})


async def test_signals_at_any_moment_of_the_start_end_it_and_leave_nothing(data: Path) -> None:
    for milliseconds in (100, 500, 1000, 1800, 3000):
        async with launching(data, "--no-demo") as qiao:
            # The moment is the point of this test.
            await asyncio.sleep(milliseconds / 1000)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
                if qiao.process.returncode is None:
                    qiao.process.send_signal(number)
            before = asyncio.get_running_loop().time()
            status = await asyncio.wait_for(qiao.process.wait(), _STOP_SECONDS)
            assert asyncio.get_running_loop().time() - before < _STOP_SECONDS
            assert status in {0, 130, -signal.SIGINT, -signal.SIGTERM}, qiao.said()
            assert "Traceback" not in qiao.said()
        assert processes_in(data) == {}, milliseconds
    async with running_qiao(data, "--no-demo") as qiao:
        assert qiao.ready["ready"]


async def test_a_single_ctrl_c_while_it_loads_is_quiet(data: Path) -> None:
    for milliseconds in (600, 900, 1300):
        async with launching(data, "--no-demo") as qiao:
            # The moment is the point of this test; before the first, Python itself still starts.
            await asyncio.sleep(milliseconds / 1000)
            qiao.process.send_signal(signal.SIGINT)
            status = await asyncio.wait_for(qiao.process.wait(), _STOP_SECONDS)
            assert status in {0, 130}, (milliseconds, qiao.said())
            assert "Traceback" not in qiao.said()


async def test_a_file_in_the_place_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is not a folder" in await _refusal(tmp_path / "file" / "data")


async def test_a_folder_of_other_files_is_left_alone(someones: Path) -> None:
    assert "not a data folder of Qiao" in await _refusal(someones)
    assert os.listdir(someones) == ["thesis.txt"]  # noqa: PTH208 - pathlib's blocks, says ruff


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_without_permission_is_refused(read_only: Path) -> None:
    assert "may not write" in await _refusal(read_only)


async def test_data_of_another_version_is_refused(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "version.json").write_text('{"layout": 1}')
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    assert "holds data of PostgreSQL 17; this Qiao runs PostgreSQL 18" in await _refusal(data)
    (data / "version.json").write_text('{"layout": 2}')
    assert "another version of Qiao" in await _refusal(data)


async def test_servers_of_the_environment_take_the_place_of_the_embedded_ones(
    data: Path, tmp_path: Path
) -> None:
    async with (
        temporary_postgres(tmp_path / "pg") as postgres,
        temporary_nats(tmp_path / "n") as nats,
    ):
        environment = {"QIAO_POSTGRES_URL": postgres.url("postgres"), "QIAO_NATS_URL": nats.url}
        async with running_qiao(data, "--no-demo", environment=environment) as qiao:
            assert qiao.ready["postgres"] == postgres.url("postgres")
            assert qiao.ready["nats"] == nats.url
            assert set(qiao.run_file()["process_ids"]) == set(_PRODUCTION)


async def test_an_unreachable_postgres_of_the_environment_is_named(data: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/qiao"
    said = await _refusal(data, environment={"QIAO_POSTGRES_URL": url})
    assert "QIAO_POSTGRES_URL" in said


async def _refusal(
    data: Path, *, port_base: int | None = None, environment: dict[str, str] | None = None
) -> str:
    async with launching(data, "--no-demo", port_base=port_base, environment=environment) as qiao:
        assert await asyncio.wait_for(qiao.process.wait(), 20) == 1, qiao.said()
        assert qiao.process.stdout is not None
        told = json.loads(await qiao.process.stdout.read())
        assert not told["ready"]
        assert all(
            told[part][language] for part in ("problem", "remedy") for language in ("zh", "en")
        )
        assert "Traceback" not in qiao.said()
        assert "→" in qiao.said()
        return qiao.said()


async def _ready(url: str) -> None:
    async with asyncio.timeout(30):
        while not await answers(url):  # noqa: ASYNC110 - another process becomes ready
            await asyncio.sleep(0.05)
