"""The supervisor with small programs of the test's own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.embedded.logs import keep_short, last_lines
from deploy.embedded.process import Program
from deploy.embedded.supervisor import Event, News, Supervisor, pause_seconds
from tests.support.waiting import until

_SLEEP = "import time; time.sleep(60)"
_STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def _python(name: str, code: str, is_ready: Callable[[], Awaitable[bool]] | None = None) -> Program:
    return Program(name=name, command=(sys.executable, "-c", code), is_ready=is_ready)


@asynccontextmanager
async def _supervising(folder: Path) -> AsyncIterator[tuple[Supervisor, list[News]]]:
    heard: list[News] = []
    supervisor = Supervisor(folder, heard.append)
    try:
        yield supervisor, heard
    finally:
        await supervisor.stop(supervisor.names(), patience_seconds=1)


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def _yes() -> bool:
    return True


async def test_what_is_killed_comes_back_under_another_number(tmp_path: Path) -> None:
    async with _supervising(tmp_path) as (supervisor, heard):
        supervised = supervisor.add(_python("sleeper", _SLEEP, _yes))
        await asyncio.wait_for(supervised.ready.wait(), 10)
        first = supervisor.process_ids()["sleeper"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.process_ids().get("sleeper") not in {None, first})
        await asyncio.wait_for(supervised.ready.wait(), 10)
    deaths = [news for news in heard if news.event is Event.DIED]
    assert [news.exit_code for news in deaths] == [-signal.SIGKILL]
    assert [news.event for news in heard].count(Event.READY) == 2


async def test_who_keeps_dying_is_shown_with_its_last_lines(tmp_path: Path) -> None:
    async with _supervising(tmp_path) as (supervisor, heard):
        supervised = supervisor.add(_python("broken", "print('no key'); raise SystemExit(3)", _no))
        await asyncio.wait_for(supervised.settled.wait(), 30)
        await until(lambda: len(heard) == 4)
    assert [news.event for news in heard] == [*[Event.DIED] * 3, Event.KEEPS_DYING]
    assert heard[-1].last_lines.splitlines()[-1] == "no key"
    assert not supervised.ready.is_set()


async def _no() -> bool:
    return False


async def test_a_stop_ends_all_at_once_and_kills_who_will_not_go(tmp_path: Path) -> None:
    async with _supervising(tmp_path) as (supervisor, _):
        supervisor.add(_python("gentle", _SLEEP))
        supervisor.add(_python("stubborn", _STUBBORN))
        await until(lambda: len(supervisor.process_ids()) == 2)
        running = set(supervisor.process_ids().values())
        before = asyncio.get_running_loop().time()
        await supervisor.stop(supervisor.names(), patience_seconds=0.5)
        assert asyncio.get_running_loop().time() - before < 2
    assert [number for number in running if _alive(number)] == []


async def test_a_stop_during_a_pause_does_not_start_it_again(tmp_path: Path) -> None:
    async with _supervising(tmp_path) as (supervisor, heard):
        supervisor.add(_python("brief", "pass"))
        await until(lambda: bool(heard))
        await supervisor.stop(["brief"], patience_seconds=1)
        assert supervisor.process_ids() == {}
        assert supervisor.names() == ()


async def test_a_program_that_cannot_be_started_is_one_that_died(tmp_path: Path) -> None:
    async with _supervising(tmp_path) as (supervisor, heard):
        supervisor.add(Program(name="missing", command=(str(tmp_path / "nowhere"),)))
        await until(lambda: bool(heard))
    assert heard[0].exit_code is None
    assert "nowhere" in last_lines(tmp_path / "missing.log", 1)


def test_pauses_grow_differ_and_stay_bounded() -> None:
    for deaths, (shortest, longest) in {
        1: (0.25, 0.5),
        4: (2, 4),
        7: (15, 30),
        60: (15, 30),
    }.items():
        pauses = {pause_seconds(deaths) for _ in range(50)}
        assert len(pauses) > 10
        assert shortest <= min(pauses) <= max(pauses) <= longest


async def test_a_long_log_is_cut_while_its_program_goes_on_writing(tmp_path: Path) -> None:
    code = "import sys, time\nwhile True: print('x' * 99, flush=True); time.sleep(0.001)"
    async with _supervising(tmp_path) as (supervisor, _):
        supervisor.add(_python("talker", code))
        log = tmp_path / "talker.log"
        await until(lambda: log.exists() and log.stat().st_size > 5_000)
        keep_short(tmp_path, max_bytes=5_000)
        await until(lambda: 0 < log.stat().st_size < 5_000)
        assert set(last_lines(log, 3).splitlines()) <= {"x" * 99}
    assert (tmp_path / "talker.log.1").stat().st_size > 5_000
