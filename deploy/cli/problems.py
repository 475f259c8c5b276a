"""What can go wrong with a command, each with what to do next, in Chinese and in English."""

from pathlib import Path

from deploy.embedded.problems import Problem, Text
from shared.errors import Rejection, Unavailable

# What a refusal of a service usually means for the person at the terminal.
_REMEDIES = {
    "not_found": Text(
        "核对编号;各种 list 命令可以查到", "Check the id; the list commands show what there is"
    ),
    "unreadable": Text("核对参数的写法(--help)", "Check the arguments (--help)"),
    "forbidden": Text("换用有此权限的凭据", "Use credentials that allow this"),
    "wrong_merchant": Text("换用该商家的凭据", "Use credentials of that merchant"),
    "unauthorized": Text(
        "凭据与此系统不符:检查 --data,或 QIAO_OPERATOR_SECRET_FILE",
        "These credentials are not of this system: check --data or QIAO_OPERATOR_SECRET_FILE",
    ),
    "already_settled": Text("无需再做", "Nothing is left to do"),
    "retry_failed": Text(
        "查看服务日志中的原因,修好后再试,或 drop",
        "The service's log says why: mend it and retry, or drop it",
    ),
}
_LOOK = Text("原因见上;服务的日志里有更多", "The reason is above; the service's log has more")


def not_running(data: Path) -> Problem:
    return Problem(
        Text(f"{data} 上没有运行中的 Qiao。", f"No Qiao is running on {data}."),
        Text(
            "先运行 qiao up,或用 --data 指定它的数据目录;连接别处的系统:设置 QIAO_ACCESS_URL 等"
            "与 QIAO_OPERATOR_SECRET_FILE",
            "Start it with qiao up, or name its data folder with --data; for a system elsewhere "
            "set QIAO_ACCESS_URL … and QIAO_OPERATOR_SECRET_FILE",
        ),
    )


def no_address(name: str) -> Problem:
    variable = f"QIAO_{name.upper()}_URL"
    return Problem(
        Text(f"不知道 {name} 的地址。", f"The address of {name} is not known."),
        Text(f"设置 {variable}", f"Set {variable}"),
    )


def no_simulator() -> Problem:
    return Problem(
        Text("这个系统没有模拟平台。", "This system has no simulator."),
        Text(
            "用 qiao up(不带 --no-demo)启动;生产系统上不能演练",
            "Start it with qiao up, without --no-demo; a production system cannot rehearse",
        ),
    )


def already_rehearsing() -> Problem:
    return Problem(
        Text("这个系统上正在演练。", "A rehearsal is going on in this system."),
        Text("等它结束再开始", "Wait until it has ended"),
    )


def unreadable_file(file: Path, *, expected: str) -> Problem:
    return Problem(
        Text(f"读不懂文件 {file}。", f"Cannot read {file}."),
        Text(f"需要:{expected}", f"Expected: {expected}"),
    )


def unwritable_file(file: Path, *, reason: str) -> Problem:
    return Problem(
        Text(f"无法写入 {file}:{reason}。", f"Cannot write {file}: {reason}."),
        Text("换一个可写的位置(--key-file)", "Choose another place (--key-file)"),
    )


def file_exists(file: Path) -> Problem:
    return Problem(
        Text(f"{file} 已存在,不覆盖。", f"{file} exists and is not overwritten."),
        Text("换一个文件名,或先移走它", "Choose another name, or move it away first"),
    )


def wrong_option(option: str, *, expected: Text) -> Problem:
    return Problem(
        Text(f"{option} 的值无法理解。", f"The value of {option} is not understood."), expected
    )


def missing_secret() -> Problem:
    return Problem(
        Text("没有给出 secret。", "No secret was given."),
        Text(
            "在终端中输入,或从标准输入、--secret-file 给出(不接受命令行参数:会留在历史里)",
            "Type it when asked, pipe it in, or name --secret-file (never an argument: those "
            "stay in the shell's history)",
        ),
    )


def refused(rejection: Rejection) -> Problem:
    what = f"{rejection.reason}: {rejection}"
    return Problem(
        Text(f"被拒绝:{what}", f"Refused: {what}"), _REMEDIES.get(rejection.reason, _LOOK)
    )


def unavailable(outage: Unavailable) -> Problem:
    return Problem(
        Text(f"没有得到回答:{outage}", f"No answer: {outage}"),
        Text(
            "服务可能正在重启:稍后再试;仍不行则看 qiao up 的输出",
            "It may be restarting: try again in a moment; if it stays away, see what qiao up says",
        ),
    )


def always_refused(reason: str, *, times: int) -> Problem:
    return Problem(
        Text(
            f"最近 {times} 次核销全部因同一原因被拒({reason}),演练中止。",
            f"The last {times} redemptions were all refused for one reason ({reason}): the "
            "rehearsal stops.",
        ),
        Text(
            "该原因的处理办法见 docs/redemption.md;修好后重新演练",
            "docs/redemption.md says what to do about it; then rehearse again",
        ),
    )
