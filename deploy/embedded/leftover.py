"""Ends a PostgreSQL that outlived its launcher, and clears away what one that died left."""

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

_LEAVE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.05


async def end_leftover_server(folder: Path) -> None:
    """Return when nothing runs on the cluster in `folder`.

    PostgreSQL trusts any living process whose number is in the pid file. After a reboot, or in a
    container, that is often somebody else, and the server would refuse to start.
    """
    pid_file = folder / "postmaster.pid"
    process_id = _first_number(pid_file)
    if process_id is None:
        return
    if _runs_in(process_id, folder):
        await _end(process_id, folder)
    pid_file.unlink(missing_ok=True)


def _first_number(pid_file: Path) -> int | None:
    try:
        return abs(int(pid_file.read_text().split(maxsplit=1)[0]))
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _runs_in(process_id: int, folder: Path) -> bool:
    """Whether it is a server on this cluster: PostgreSQL works in its data folder.

    A process that we may not look at is another user's, and the cluster is not his.
    """
    if not Path("/proc/self").exists():
        shown = subprocess.run(
            ("ps", "-p", str(process_id), "-o", "command="),
            capture_output=True,
            text=True,
            check=False,
        )
        return str(folder) in shown.stdout
    try:
        return Path(f"/proc/{process_id}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False


async def _end(process_id: int, folder: Path) -> None:
    for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal_number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await _gone(process_id, folder)
            return


async def _gone(process_id: int, folder: Path) -> None:
    # It is not our child, so nothing tells us when it ends.
    while _runs_in(process_id, folder):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
