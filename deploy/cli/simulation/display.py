"""Shows how far a run has come: a bar on a terminal, plain lines elsewhere. Always on stderr."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.simulation.tally import Tally

_BAR_EVERY_SECONDS = 0.2
_LINE_EVERY_SECONDS = 5.0


class Display(Protocol):
    every_seconds: float

    def show(self, tally: Tally) -> None: ...

    def wait_for(self, reasons: Sequence[str]) -> None: ...


class Bar:
    every_seconds = _BAR_EVERY_SECONDS

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._orders = progress.add_task("下单 orders", total=None)
        self._visits = progress.add_task("到店 visits", total=None)
        self._waiting = progress.add_task("", total=None, visible=False)

    def show(self, tally: Tally) -> None:
        self._progress.update(self._orders, completed=len(tally.placed), total=tally.orders_planned)
        self._progress.update(self._visits, completed=tally.visits_done, total=tally.visits_planned)

    def wait_for(self, reasons: Sequence[str]) -> None:
        words = f"等待 waiting for: {'; '.join(reasons)}"
        self._progress.update(self._waiting, description=words, visible=True)


class Lines:
    every_seconds = _LINE_EVERY_SECONDS

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = ""
        self._last_at = 0.0

    def show(self, tally: Tally) -> None:
        self._say(
            f"下单 orders {len(tally.placed)}/{tally.orders_planned} · "
            f"到店 visits {tally.visits_done}/{tally.visits_planned}"
        )

    def wait_for(self, reasons: Sequence[str]) -> None:
        text = f"等待 waiting for: {'; '.join(reasons)}"
        if text != self._last and time.monotonic() - self._last_at >= 1:
            self._say(text)

    def _say(self, text: str) -> None:
        self._last, self._last_at = text, time.monotonic()
        print(f"{self._last_at - self._started:6.1f} s  {text}", file=sys.stderr, flush=True)


@asynccontextmanager
async def displaying() -> AsyncIterator[Display]:
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        yield Bar(progress)


@asynccontextmanager
async def shown_regularly(display: Display, tally: Tally) -> AsyncIterator[None]:
    async def show() -> None:
        while True:
            display.show(tally)
            await asyncio.sleep(display.every_seconds)

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing
        display.show(tally)
