"""What can keep Qiao from starting, each with what to do next, in Chinese and in English."""

from dataclasses import dataclass
from pathlib import Path

_HIGH_PORT_BASE = 60000


@dataclass(frozen=True)
class Text:
    """One thing said twice."""

    zh: str
    en: str


class Problem(Exception):
    """A reason not to start that a person can do something about."""

    def __init__(self, what: Text, remedy: Text, *, detail: str = "") -> None:
        super().__init__(what.en)
        self.what = what
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        detail = f"\n\n{self.detail}" if self.detail else ""
        return (
            f"✗ {self.what.zh}\n  → {self.remedy.zh}\n"
            f"✗ {self.what.en}\n  → {self.remedy.en}{detail}"
        )


def python_too_old(version: str) -> Problem:
    return Problem(
        Text(f"Python {version} 太旧,需要 3.11 或更新。", f"Python {version} is too old."),
        Text("请安装 Python 3.11 或更新的版本。", "Install Python 3.11 or newer."),
    )


def user_without_name(user_id: int) -> Problem:
    return Problem(
        Text(
            f"用户编号 {user_id} 在本机没有用户名,PostgreSQL 无法启动。",
            f"User id {user_id} has no name on this machine, and PostgreSQL does not start "
            "without one.",
        ),
        Text(
            "换一个有名字的用户(或在 /etc/passwd 中登记),或用 QIAO_POSTGRES_URL 指定别处的数据库。",
            "Run it as a user with a name (or add one to /etc/passwd), or name a database "
            "elsewhere with QIAO_POSTGRES_URL.",
        ),
    )


def port_in_use(port: int, *, user: str, port_base: int) -> Problem:
    other = port_base + 100 if port_base < _HIGH_PORT_BASE else 7000
    return Problem(
        Text(f"端口 {port}({user} 要用)已被占用。", f"Port {port}, needed by {user}, is in use."),
        Text(
            f"停止占用它的程序(ss -ltnp 'sport = :{port}' 可查),或换一组端口:"
            f"qiao up --port-base {other}",
            f"Stop what uses it (ss -ltnp 'sport = :{port}' names it), or choose other ports: "
            f"qiao up --port-base {other}",
        ),
    )


def port_forbidden(port: int, *, user: str, reason: str) -> Problem:
    return Problem(
        Text(
            f"无法监听端口 {port}({user} 要用):{reason}。",
            f"Cannot listen on port {port}, needed by {user}: {reason}.",
        ),
        Text(
            "请检查 --host 与 --port-base(1024 到 65000)。",
            "Check --host and --port-base (1024 to 65000).",
        ),
    )


def already_running(data: Path, holder: str) -> Problem:
    return Problem(
        Text(
            f"{data} 已被另一个 qiao up 使用(进程 {holder})。",
            f"Another qiao up is running on {data} (process {holder}).",
        ),
        Text(
            f"先停止它(kill {holder}),或用 --data 指定另一个目录(同时换 --port-base)。",
            f"Stop it first (kill {holder}), or give another folder with --data "
            "(and other ports with --port-base).",
        ),
    )


def not_a_folder(data: Path) -> Problem:
    return Problem(
        Text(f"{data} 不是文件夹。", f"{data} is not a folder."),
        Text("请用 --data 指定一个文件夹。", "Give a folder with --data."),
    )


def not_writable(data: Path, user: str) -> Problem:
    return Problem(
        Text(f"用户 {user} 无权写入 {data}。", f"User {user} may not write to {data}."),
        Text(
            f"改变其所有者(sudo chown -R {user} {data}),或用 --data 指定另一个目录。",
            f"Change its owner (sudo chown -R {user} {data}), or give another folder with --data.",
        ),
    )


def not_ours(data: Path) -> Problem:
    return Problem(
        Text(
            f"{data} 里已有别的文件,不是 Qiao 的数据目录。",
            f"{data} holds other files and is not a data folder of Qiao.",
        ),
        Text(
            "请用 --data 指定一个空的或不存在的文件夹。",
            "Give an empty or a new folder with --data.",
        ),
    )


def data_of_other_qiao(data: Path, *, found: str, ours: str) -> Problem:
    return Problem(
        Text(
            f"{data} 由另一版本的 Qiao 写成(数据格式 {found},本版本为 {ours})。",
            f"{data} was written by another version of Qiao (data layout {found}, ours is {ours}).",
        ),
        Text(
            "请用写成它的版本,或用 --data 指定另一个目录。",
            "Use the version that wrote it, or give another folder with --data.",
        ),
    )


def data_of_other_postgres(data: Path, *, found: str, ours: str) -> Problem:
    return Problem(
        Text(
            f"{data} 是 PostgreSQL {found} 的数据,本版本使用 PostgreSQL {ours}。",
            f"{data} holds data of PostgreSQL {found}; this Qiao runs PostgreSQL {ours}.",
        ),
        Text(
            f"用 PostgreSQL {found} 的 pg_dumpall 导出再导入新目录,或用 --data 指定另一个目录。",
            f"Dump it with pg_dumpall of PostgreSQL {found} and load it into a new folder, "
            "or give another folder with --data.",
        ),
    )


def disk_full(data: Path, *, free_mb: int, needed_mb: int) -> Problem:
    return Problem(
        Text(
            f"磁盘空间不足:{data} 所在磁盘只剩 {free_mb} MB,至少需要 {needed_mb} MB。",
            f"The disk is full: {free_mb} MB left where {data} is, {needed_mb} MB are needed.",
        ),
        Text(
            "请清理磁盘,或用 --data 指定另一块磁盘上的目录。",
            "Free some space, or give a folder on another disk with --data.",
        ),
    )


def no_disk(data: Path) -> Problem:
    return Problem(
        Text(
            f"{data} 不在磁盘上,不能存放数据。", f"{data} is not on a disk: nothing is kept there."
        ),
        Text("请用 --data 指定磁盘上的目录。", "Give a folder on a disk with --data."),
    )


def data_gone(data: Path) -> Problem:
    return Problem(
        Text(
            f"{data} 在运行中被移走或删除,已全部停止。",
            f"{data} was moved or removed while Qiao was running; everything has been stopped.",
        ),
        Text("把它移回原处,再运行 qiao up。", "Move it back and run qiao up again."),
    )


def folder_closed(folder: Path, account: str) -> Problem:
    return Problem(
        Text(
            f"PostgreSQL 不能以 root 运行,而用户 {account} 无法进入 {folder}。",
            f"PostgreSQL does not run as root, and user {account} cannot enter {folder}.",
        ),
        Text(
            f"以普通用户运行,或执行 chmod o+x {folder},或用 --data 指定别处的目录。",
            f"Run as an ordinary user, or chmod o+x {folder}, or give a folder elsewhere "
            "with --data.",
        ),
    )


def did_not_start(name: str, *, log: Path, last_lines: str) -> Problem:
    return Problem(
        Text(f"{name} 没能启动。", f"{name} did not start."),
        Text(f"完整日志:{log}", f"The whole log: {log}"),
        detail=last_lines,
    )


def server_unreachable(name: str, *, variable: str, reason: str) -> Problem:
    return Problem(
        Text(f"{variable} 所指的 {name} 无法使用:{reason}", f"{name} of {variable}: {reason}"),
        Text(
            f"检查 {variable} 与该服务器,或取消该变量以使用内置的。",
            f"Check {variable} and that server, or unset it to use the embedded one.",
        ),
    )
