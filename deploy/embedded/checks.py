"""Looks for what would go wrong before anything is started."""

import contextlib
import errno
import getpass
import json
import os
import pwd
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded import problems
from deploy.embedded.data import LAYOUT, DataFolder
from deploy.embedded.postgres import MAJOR_VERSION

NEEDED_MB = 512
_OLDEST_PYTHON = (3, 11)
_BYTES_PER_MB = 1024 * 1024
_HIGHEST_PORT = 65535
# A server of an earlier run that was killed may need a moment to let its port go.
_PORT_PATIENCE_SECONDS = 3.0
_LOOK_AGAIN_SECONDS = 0.1


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Raise for a Python that is too old; the imports of `qiao up` must not be newer than that."""
    if version < _OLDEST_PYTHON:
        raise problems.python_too_old(".".join(map(str, version)))


def check_user(user_id: int | None = None) -> None:
    """Raise for a user without a name, as containers have them: PostgreSQL's tools want one."""
    user_id = os.geteuid() if user_id is None else user_id
    try:
        pwd.getpwuid(user_id)
    except KeyError:
        raise problems.user_without_name(user_id) from None


def check_data(data: DataFolder, *, needed_mb: int = NEEDED_MB) -> None:
    """Raise unless the folder is ours, or can become ours."""
    _check_folder(data)
    _check_space(data.root, needed_mb)
    _check_layout(data)
    _check_postgres(data.postgres)


def check_ports(ports: Mapping[str, tuple[str, int]], *, port_base: int) -> None:
    """Raise for the first that cannot be listened on; `ports` says who needs which, and where."""
    deadline = time.monotonic() + _PORT_PATIENCE_SECONDS
    for user, (host, port) in ports.items():
        if not 0 < port <= _HIGHEST_PORT:
            raise problems.port_forbidden(port, user=user, reason="no such port")
        while (failure := _failure_to_listen(host, port)) is not None:
            if failure.errno != errno.EADDRINUSE:
                reason = failure.strerror or str(failure)
                raise problems.port_forbidden(port, user=user, reason=reason)
            if time.monotonic() > deadline:
                raise problems.port_in_use(port, user=user, port_base=port_base)
            time.sleep(_LOOK_AGAIN_SECONDS)


def free_mb(folder: Path) -> int:
    """What an ordinary program may still write where the folder is."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize // _BYTES_PER_MB


def _check_folder(data: DataFolder) -> None:
    try:
        existing = _existing(data.root)
        if not existing.is_dir():
            raise problems.not_a_folder(existing)
        _check_writable(existing)
        inside = {path.name: path for path in existing.iterdir()} if data.root.exists() else {}
    except PermissionError as failure:
        raise problems.not_writable(Path(failure.filename or data.root), _user()) from None
    if inside and data.version_file.name not in inside:
        raise problems.not_ours(data.root)
    for path in inside.values():
        _check_writable(path)


def _check_writable(path: Path) -> None:
    needed = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
    if not path.is_socket() and not os.access(path, needed):
        raise problems.not_writable(path, _user())


def _check_space(root: Path, needed_mb: int) -> None:
    existing = _existing(root)
    # /proc, /sys and their like hold nothing, full or not.
    if os.statvfs(existing).f_blocks == 0:
        raise problems.no_disk(root)
    free = free_mb(existing)
    if free < needed_mb:
        raise problems.disk_full(root, free_mb=free, needed_mb=needed_mb)


def _existing(path: Path) -> Path:
    """Return the folder itself, or the nearest one above that is there already."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def _check_layout(data: DataFolder) -> None:
    if not data.version_file.exists():
        return
    try:
        found = json.loads(data.version_file.read_text())["layout"]
    except (ValueError, KeyError, TypeError):
        found = "?"
    if found != LAYOUT:
        raise problems.data_of_other_qiao(data.root, found=str(found), ours=str(LAYOUT))


def _check_postgres(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = (folder / "PG_VERSION").read_text().strip()
        if found != MAJOR_VERSION:
            raise problems.data_of_other_postgres(folder, found=found, ours=MAJOR_VERSION)


def _failure_to_listen(host: str, port: int) -> OSError | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
    except OSError as failure:
        return failure
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())
