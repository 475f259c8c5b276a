"""The data folder of `qiao up`: where each thing is, who may read it, and who is using it."""

import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.embedded import problems

LAYOUT = 1
_MASTER_KEY_BYTES = 32
_OPERATOR_SECRET_BYTES = 32


@dataclass(frozen=True)
class DataFolder:
    """Paths below `qiao up --data`."""

    root: Path

    @property
    def version_file(self) -> Path:
        return self.root / "version.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def run_file(self) -> Path:
        """What is running and where; only there while it runs."""
        return self.root / "run.json"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def master_key_file(self) -> Path:
        return self.root / "secrets" / "master_key"

    @property
    def operator_secret_file(self) -> Path:
        return self.root / "secrets" / "operator"

    @property
    def demo_sign_in_file(self) -> Path:
        return self.root / "secrets" / "demo_sign_in"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make what is missing. The version comes first: it says whose folder this is."""
        # Others may pass (PostgreSQL runs as another user when we are root) but not look around.
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not self.version_file.exists():
            write_private(self.version_file, json.dumps({"layout": LAYOUT}) + "\n")
        for folder in (self.logs, self.master_key_file.parent):
            folder.mkdir(mode=0o700, exist_ok=True)

    def master_key(self) -> str:
        """The key of all keys. Whoever loses it loses every sealed field."""
        return _read_or_make(self.master_key_file, _random_base64)

    def operator_secret(self) -> str:
        """What the CLI signs in with, as the client `operator`."""
        return _read_or_make(self.operator_secret_file, _random_token)

    def write_run_file(self, content: dict[str, Any]) -> None:
        """Say what is running; a reader never sees half of it."""
        write_private(self.run_file, json.dumps(content, indent=2) + "\n")

    def read_run_file(self) -> dict[str, Any] | None:
        """What `qiao up` says about itself, or None when it does not run here."""
        try:
            content: dict[str, Any] = json.loads(self.run_file.read_text())
        except FileNotFoundError:
            return None
        # Killed with -9, it could not remove the file.
        return content if _lives(content["process_id"]) else None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second `qiao up` out. The kernel frees the lock however this process ends."""
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(descriptor, 20).decode().strip() or "?"
                raise problems.already_running(self.root, holder) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_or_make(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        write_private(file, make() + "\n")
    return file.read_text().strip()


def _random_base64() -> str:
    return base64.b64encode(secrets.token_bytes(_MASTER_KEY_BYTES)).decode()


def _random_token() -> str:
    return secrets.token_urlsafe(_OPERATOR_SECRET_BYTES)


def write_private(file: Path, content: str) -> None:
    """Replace the file in one step by one that only we may read, safe on disk."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(file)
