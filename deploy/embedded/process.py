"""Child processes that never outlive the launcher, not even when it is killed with -9."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.embedded.account import Account

_PR_SET_PDEATHSIG = 1
_PARENT_DIED_EXIT_CODE = 125
_AFTER_KILL_SECONDS = 2.0
# Loaded here, not in the child: between fork and exec nothing may allocate or take a lock.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to start, how to tell that it is ready, and how to stop it."""

    name: str
    command: Sequence[str]
    # On top of our own; None takes a variable away.
    environment: Mapping[str, str | None] = field(default_factory=dict)
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # What the kernel sends to the child when the launcher is gone.
    orphan_signal: signal.Signals = signal.SIGKILL
    # Left out where nothing waits for it.
    is_ready: Callable[[], Awaitable[bool]] | None = None
    # For a program that can go on living without doing its work.
    restart_when_unready: bool = False
    # Shows its output to the person instead of keeping it in a log.
    on_terminal: bool = False


async def start(
    program: Program, *, output: IO[bytes] | int | None, errors: IO[bytes] | None = None
) -> asyncio.subprocess.Process:
    """Start it in a process group of its own: the terminal's Ctrl-C reaches only the launcher."""
    launcher = os.getpid()

    def in_child() -> None:
        if program.account is not None:
            program.account.become()
        # Last: becoming another user would clear it.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(program.orphan_signal))
        if os.getppid() != launcher:
            os._exit(_PARENT_DIED_EXIT_CODE)

    return await asyncio.create_subprocess_exec(
        *program.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT if errors is None else errors,
        env=_merged(os.environ, program.environment),
        cwd=program.folder,
        start_new_session=True,
        preexec_fn=in_child,
    )


def _merged(ours: Mapping[str, str], own: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**ours, **own}.items() if value is not None}


async def stop(
    process: asyncio.subprocess.Process, *, signal_number: signal.Signals, patience_seconds: float
) -> bool:
    """Ask it to end; kill its group after `patience_seconds`. True when it ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal_number)
    try:
        async with asyncio.timeout(patience_seconds):
            await process.wait()
    except TimeoutError:
        kill_group(process)
        async with asyncio.timeout(_AFTER_KILL_SECONDS):
            await process.wait()
        return False
    return True


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill the process and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
