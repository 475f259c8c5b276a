"""PostgreSQL refuses to run as root. Here is whom it runs as when the launcher is root."""

import ctypes
import os
import pwd
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path

_ACCOUNTS = ("postgres", "nobody")
_PR_SET_SECUREBITS = 28
_KEEP_CAPABILITIES_WITH_USER = 1 << 2  # SECBIT_NO_SETUID_FIXUP
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAP_SETPCAP = 8
_CAPABILITY_VERSION_3 = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class NoAccess(Exception):
    """The account cannot reach a folder it needs."""

    def __init__(self, account: str, folder: Path) -> None:
        super().__init__(f"{account} cannot enter {folder}")
        self.account = account
        self.folder = folder


@dataclass(frozen=True)
class Account:
    """An ordinary user, and the one right of root's it keeps, if any."""

    name: str
    user_id: int
    group_id: int
    capability: int | None = None

    def become(self) -> None:
        """Turn the calling process into this user. Only to be called between fork and exec."""
        os.setgroups([])
        os.setgid(self.group_id)
        if self.capability is None or _LIBC is None:
            os.setuid(self.user_id)
            return
        # PR_SET_KEEPCAPS would do for open(), but access() would still answer without them.
        if _LIBC.prctl(_PR_SET_SECUREBITS, _KEEP_CAPABILITIES_WITH_USER, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        os.setuid(self.user_id)
        _keep_only(self.capability)

    def own(self, folder: Path) -> None:
        """Make the folder this user's."""
        os.chown(folder, self.user_id, self.group_id)


class NoAccount(Exception):
    """Root has nobody to become."""


def account_for(data: Path, binary: Path) -> Account | None:
    """Return None for an ordinary user; for root, whom to become to run `binary` on `data`.

    A folder like /root is closed to everybody else. Opening it for the world, as a chmod would,
    is not ours to do; the child keeps the right to pass instead (a capability), and nothing more.
    """
    if os.geteuid() != 0:
        return None
    entry = _owner_of(data) or _first_known()
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    closed = _closed_parent(data, account) or _closed_parent(binary, account)
    if closed is None:
        return account
    permitted = _permitted_capabilities()
    for capability in _that_open(binary):
        if permitted >> capability & permitted >> _CAP_SETPCAP & 1:
            return replace(account, capability=capability)
    raise NoAccess(account.name, closed)


def _that_open(binary: Path) -> tuple[int, ...]:
    """The smaller right first. It does not run a file that only its owner may run."""
    if binary.stat().st_mode & stat.S_IXOTH:
        return (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)
    return (_CAP_DAC_OVERRIDE,)


def _owner_of(data: Path) -> pwd.struct_passwd | None:
    if not data.exists() or data.stat().st_uid == 0:
        return None
    try:
        return pwd.getpwuid(data.stat().st_uid)
    except KeyError:
        return None


def _first_known() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"PostgreSQL does not run as root, and there is no user {' or '.join(_ACCOUNTS)}"
    raise NoAccount(message)


def _closed_parent(path: Path, account: Account) -> Path | None:
    """Return the outermost folder above `path` that the account may not enter."""
    for folder in reversed(path.resolve().parents):
        if folder.exists() and not _may_enter(folder.stat(), account):
            return folder
    return None


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.user_id:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.group_id:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _permitted_capabilities() -> int:
    if sys.platform != "linux":
        return 0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process_id", ctypes.c_int))


class _Word(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _keep_only(capability: int) -> None:
    """Drop every capability but this one, and let it survive the exec."""
    if _LIBC is None:
        return
    mask = 1 << capability
    header = _Header(_CAPABILITY_VERSION_3, 0)
    words = (_Word * 2)(_Word(mask, mask, mask), _Word(0, 0, 0))
    if _LIBC.capset(ctypes.byref(header), ctypes.byref(words)) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    if _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
