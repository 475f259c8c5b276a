"""Keeps programs running: starts them, notices when one dies, starts it again after a pause."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from deploy.embedded import logs
from deploy.embedded.process import Program, kill_group, start, stop

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# Who ran this long was well: the next death starts again with the first pause.
_WELL_AFTER_SECONDS = 30.0
_PROBE_EVERY_SECONDS = 0.1
_PROBE_AGAIN_SECONDS = 5.0
_UNREADY_PROBES = 3
_LAST_LINES = 15
# At this death in a row, and whenever their number has doubled since, the last lines are shown.
_SHOW_LINES_AT_DEATH = 4


class Event(StrEnum):
    """What the supervisor has to say about a program."""

    READY = "ready"
    DIED = "died"
    KEEPS_DYING = "keeps_dying"


@dataclass(frozen=True, kw_only=True)
class News:
    """One event, with what a person wants to know about it."""

    name: str
    event: Event
    exit_code: int | None = None
    pause_seconds: float = 0.0
    last_lines: str = ""


@dataclass
class Supervised:
    """A program and the process that runs it at the moment."""

    program: Program
    log: Path
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    # Ready, or dead so often that waiting longer is no use.
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    deaths_in_a_row: int = 0


class Supervisor:
    """Programs are added one by one and stopped together, or by name."""

    def __init__(self, log_folder: Path, report: Callable[[News], None]) -> None:
        self._log_folder = log_folder
        self._report = report
        self._supervised: dict[str, Supervised] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, program: Program) -> Supervised:
        """Start it, and start it again whenever it dies, until it is stopped."""
        supervised = Supervised(program, self._log_folder / f"{program.name}.log")
        self._supervised[program.name] = supervised
        self._tasks[program.name] = asyncio.create_task(
            self._keep_running(supervised), name=f"supervise {program.name}"
        )
        return supervised

    def names(self) -> Iterable[str]:
        """Everything that is kept running."""
        return tuple(self._tasks)

    def process_ids(self) -> Mapping[str, int]:
        """What runs at this moment."""
        return {
            name: supervised.process.pid
            for name, supervised in self._supervised.items()
            if supervised.process is not None and supervised.process.returncode is None
        }

    def restart(self, name: str) -> None:
        """Ask it to end, if it is one of ours; it is then started again as after a death."""
        supervised = self._supervised.get(name)
        if supervised is not None and supervised.process is not None:
            with contextlib.suppress(ProcessLookupError):
                supervised.process.send_signal(supervised.program.stop_signal)

    async def stop(self, names: Iterable[str], *, patience_seconds: float) -> None:
        """Stop these together; kill those that are not gone in time."""
        await asyncio.gather(*(self._stop(name, patience_seconds) for name in tuple(names)))

    async def _stop(self, name: str, patience_seconds: float) -> None:
        task = self._tasks.pop(name, None)
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        supervised = self._supervised[name]
        if supervised.process is not None:
            await stop(
                supervised.process,
                signal_number=supervised.program.stop_signal,
                patience_seconds=patience_seconds,
            )

    async def _keep_running(self, supervised: Supervised) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            exit_code = await self._run_once(supervised)
            if loop.time() - started > _WELL_AFTER_SECONDS:
                supervised.deaths_in_a_row = 0
            supervised.deaths_in_a_row += 1
            if supervised.deaths_in_a_row >= _SHOW_LINES_AT_DEATH:
                supervised.settled.set()
            pause = pause_seconds(supervised.deaths_in_a_row)
            self._report(self._news_of_death(supervised, exit_code, pause))
            await asyncio.sleep(pause)

    async def _run_once(self, supervised: Supervised) -> int | None:
        try:
            with logs.appending(supervised.log) as output:
                shown = None if supervised.program.on_terminal else output
                supervised.process = await start(supervised.program, output=shown)
        except OSError as failure:
            # A full disk or too many processes: both pass, so it is one more death.
            logs.try_to_append(supervised.log, f"{supervised.program.name}: {failure}\n")
            return None
        is_ready = supervised.program.is_ready
        if is_ready is None:
            return await supervised.process.wait()
        probing = asyncio.create_task(self._probe(supervised, is_ready))
        try:
            return await supervised.process.wait()
        finally:
            probing.cancel()
            supervised.ready.clear()

    async def _probe(self, supervised: Supervised, is_ready: Callable[[], Awaitable[bool]]) -> None:
        # Another process becomes ready: there is nothing to wait on but its answer.
        while not await is_ready():  # noqa: ASYNC110
            await asyncio.sleep(_PROBE_EVERY_SECONDS)
        supervised.ready.set()
        supervised.settled.set()
        self._report(News(name=supervised.program.name, event=Event.READY))
        failures = 0
        while supervised.program.restart_when_unready and failures < _UNREADY_PROBES:
            await asyncio.sleep(_PROBE_AGAIN_SECONDS)
            failures = 0 if await is_ready() else failures + 1
        if failures and supervised.process is not None:
            kill_group(supervised.process)

    def _news_of_death(self, supervised: Supervised, exit_code: int | None, pause: float) -> News:
        deaths = supervised.deaths_in_a_row
        keeps = deaths >= _SHOW_LINES_AT_DEATH and deaths.bit_count() == 1
        return News(
            name=supervised.program.name,
            event=Event.KEEPS_DYING if keeps else Event.DIED,
            exit_code=exit_code,
            pause_seconds=pause,
            last_lines=logs.last_lines(supervised.log, _LAST_LINES) if keeps else "",
        )


def pause_seconds(deaths_in_a_row: int) -> float:
    """Longer each time, and never the same for two that died together."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (deaths_in_a_row - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nobody guesses it for gain
