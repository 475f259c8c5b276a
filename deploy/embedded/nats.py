"""A real nats-server from a wheel: everything that is particular to that wheel is in this file."""

import asyncio
import contextlib
import json
import shutil
import signal
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.process import Program

CONFIGURATION = Path(__file__).parent.parent / "nats" / "nats-server.conf"
_PROBE_SECONDS = 2.0
_INBOX = "_INBOX.qiao.ready"
_ASK_JETSTREAM = (
    b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,'
    b'"name":"qiao-launcher"}\r\n'
    b"SUB " + _INBOX.encode() + b" 1\r\n"
    b"PUB $JS.API.INFO " + _INBOX.encode() + b" 0\r\n\r\n"
)


class NatsFailed(Exception):
    """There is no nats-server to start."""


@dataclass(frozen=True)
class Nats:
    """A server that can be started, and where it will be found."""

    program: Program
    url: str


def prepare_nats(folder: Path, *, host: str, port: int) -> Nats:
    """Return what to start; the streams are kept in `folder`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    program = Program(
        name="nats",
        command=(
            str(_binary()),
            *("--config", str(CONFIGURATION)),
            *("--addr", host, "--port", str(port)),
            *("--store_dir", str(folder)),
        ),
        stop_signal=signal.SIGTERM,
        orphan_signal=signal.SIGTERM,
        # After a full disk the server goes on without JetStream, for ever.
        restart_when_unready=True,
        is_ready=lambda: _jetstream_answers(host, port),
    )
    return Nats(program, f"nats://{host}:{port}")


def _binary() -> Path:
    beside_python = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = beside_python if beside_python.exists() else shutil.which("nats-server")
    if found is None:
        message = f"nats-server is not in {Path(sys.executable).parent}"
        raise NatsFailed(message)
    return Path(found)


async def _jetstream_answers(host: str, port: int) -> bool:
    """Ask JetStream for its state: a server whose disk was full answers pings without it."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_ASK_JETSTREAM)
                return await _reply(reader)
            finally:
                writer.close()
    return False


async def _reply(reader: asyncio.StreamReader) -> bool:
    async for line in reader:
        if line.startswith(b"HMSG"):  # only a header: nobody answers for JetStream
            return False
        if line.startswith(b"MSG"):
            answer = json.loads(await reader.readexactly(int(line.split()[-1])))
            return "error" not in answer
    return False
