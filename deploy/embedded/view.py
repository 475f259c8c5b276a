"""What `qiao up` says to the person who started it."""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from deploy.embedded.problems import Problem, Text
from deploy.embedded.supervisor import Event, News

_GREEN, _YELLOW, _RED, _FAINT, _PLAIN = "32", "33", "31", "2", "0"


class View:
    """Progress and warnings as plain lines; in colour on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ
        self._started = time.monotonic()
        self._greeted = False

    def step(self, text: Text) -> None:
        """Something that takes a moment begins."""
        self._line(f"  {self._coloured(_FAINT, '·')} {text.zh} {self._faint(text.en)}")

    def news(self, news: News) -> None:
        """A program became ready, or died."""
        if news.event is Event.READY:
            again = "恢复运行 · runs again" if self._greeted else self._seconds()
            self._line(f"  {self._coloured(_GREEN, '✓')} {news.name} {again}")
            return
        how = "could not be started" if news.exit_code is None else _ending(news.exit_code)
        self.warn(
            Text(
                f"{news.name} 已退出({how}),{news.pause_seconds:.1f} 秒后重启",
                f"{news.name} {how}, starting again in {news.pause_seconds:.1f} s",
            )
        )
        if news.event is Event.KEEPS_DYING:
            self._line(_indented(news.last_lines))

    def warn(self, text: Text) -> None:
        self._line(f"  {self._coloured(_YELLOW, '!')} {text.zh} · {text.en}")

    def problem(self, problem: Problem) -> None:
        self._line(f"\n{self._coloured(_RED, str(problem))}\n")

    def banner(
        self, addresses: Mapping[str, str], *, data: Path, sign_in: Mapping[str, Any] | None
    ) -> None:
        """Everything a person needs to begin."""
        rows = [f"    {name:<12}{address}" for name, address in addresses.items()]
        if sign_in:
            rows += ["", "  演示登录 Demo sign-in"]
            rows += [f"    {name:<12}{value}" for name, value in sign_in.items()]
        self._line(
            "\n".join(
                [
                    "",
                    f"  {self._coloured(_GREEN, 'Qiao 已就绪 is ready')} {self._seconds()}",
                    "",
                    *rows,
                    "",
                    self._faint(f"  数据 data {data} · 日志 logs {data / 'logs'}"),
                    self._faint("  按 Ctrl-C 停止 · Ctrl-C stops everything"),
                    "",
                ]
            )
        )

    def started(self) -> None:
        """From now on nobody waits: how long ago the start was is of no interest."""
        self._greeted = True

    def _seconds(self) -> str:
        """Since the start."""
        return self._faint(f"{time.monotonic() - self._started:.1f} s")

    def _faint(self, text: str) -> str:
        return self._coloured(_FAINT, text)

    def _coloured(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[{_PLAIN}m" if self._colours else text

    def _line(self, text: str) -> None:
        # A reader that has gone away is no reason to stop.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=self._stream, flush=True)


def _ending(exit_code: int) -> str:
    return f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with {exit_code}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def view_on(*, json_output: bool) -> View:
    """With --json, stdout is for one line only."""
    return View(sys.stderr if json_output else sys.stdout)
