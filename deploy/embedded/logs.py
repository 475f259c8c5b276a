"""The log files of supervised programs: written by them, kept short and read by us."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MAX_LOG_BYTES = 20 * 1024 * 1024
_BYTES_PER_LINE = 400


@contextlib.contextmanager
def appending(log: Path) -> Iterator[IO[bytes]]:
    """Open it for a child. Only appending lets us cut the file while the child goes on writing."""
    with log.open("ab") as file:
        yield file


def try_to_append(log: Path, line: str) -> None:
    """Write one line of our own; on a full disk it is lost."""
    with contextlib.suppress(OSError), log.open("a") as file:
        file.write(line)


def keep_short(folder: Path, *, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Move what is too long to `<name>.log.1`, which replaces the one before.

    The child keeps the file open, so it is copied and cut. A line written in between is lost;
    the alternative, a pipe through the launcher, would cost a core while a million orders pass.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > max_bytes:
            with contextlib.suppress(OSError):
                shutil.copyfile(log, log.with_suffix(".log.1"))
            with log.open("r+b") as file:
                file.truncate(0)


def last_lines(log: Path, count: int) -> str:
    """Return the end of a log, without reading all of it."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _BYTES_PER_LINE * count))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])
