"""`qiao terminal`: devices in stores that may redeem."""

import sys
from pathlib import Path
from typing import Annotated, Any

import segno
import typer

from deploy.cli import problems
from deploy.cli.output import Json, print_item, print_list, say
from deploy.cli.system import Data, Qiao, ask, everything, fail, tell_problems
from deploy.cli.terminal_key import TerminalKey, new_private_key, public_half, write_key_file
from shared.web.client import call

app = typer.Typer(help="收银终端 · devices in stores that may redeem")
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="密钥文件 · key file [terminal-<id>.json]"),
]
CodeOnly = Annotated[
    bool,
    typer.Option("--code-only", help="只要登记码,由设备自己登记 · only the code, as text and QR"),
]
TerminalId = Annotated[str, typer.Argument(help="终端编号 · the terminal's id")]


@app.command("add")
def add_terminal(
    store: Annotated[str, typer.Option(help="门店编号 · the store's id")],
    name: Annotated[str, typer.Option(help="名称,如 1 号收银机 · what people call it")],
    data: Data = None,
    key_file: KeyFile = None,
    *,
    code_only: CodeOnly = False,
    as_json: Json = False,
) -> None:
    """登记一台终端 · Add a terminal.

    Makes a key pair here, enrols with it and writes a key file for scripts and POS engineers.
    With --code-only a device enrols itself, and its key never leaves it.
    """
    body = {"store_id": store, "name": name}
    _invite(data, "/v1/terminals", body, key_file, code_only=code_only, as_json=as_json)


@app.command("roll")
def roll_terminal(
    terminal_id: TerminalId,
    data: Data = None,
    key_file: KeyFile = None,
    *,
    code_only: CodeOnly = False,
    as_json: Json = False,
) -> None:
    """换设备:旧密钥作废 · A new device or key: the old key and its tokens are void."""
    path = f"/v1/terminals/{terminal_id}/roll"
    _invite(data, path, {}, key_file, code_only=code_only, as_json=as_json)


@app.command("revoke")
def revoke_terminal(
    terminal_id: TerminalId,
    reason: Annotated[str, typer.Option(help="原因,如 设备丢失 · why")],
    data: Data = None,
) -> None:
    """永久停用 · For good: its tokens are void within seconds."""
    path = f"/v1/terminals/{terminal_id}/revoke"
    ask(data, lambda qiao: qiao.access.call("POST", path, body={"reason": reason}))
    say("✓ 已停用 · revoked")


@app.command("list")
def list_terminals(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    store: Annotated[str | None, typer.Option(help="只看此门店 · of this store")] = None,
    *,
    as_json: Json = False,
) -> None:
    """终端列表 · Every terminal."""
    found = ask(
        data,
        lambda qiao: everything(qiao.access, "/v1/terminals", {"merchant": merchant}),
    )
    found = [one for one in found if store in (None, one["store_id"])]
    columns = {
        "编号 Id": "terminal_id",
        "名称 Name": "name",
        "商家 Merchant": "merchant",
        "门店 Store": "store_id",
        "状态 State": "state",
        "最近使用 Last seen": "last_seen_at",
    }
    print_list(found, columns, as_json=as_json)


def _invite(
    data: Path | None,
    path: str,
    body: dict[str, str],
    key_file: Path | None,
    *,
    code_only: bool,
    as_json: bool,
) -> None:
    if code_only:
        invitation = ask(data, lambda qiao: qiao.access.call("POST", path, body=body))
        _show_code(invitation, as_json=as_json)
        return
    if key_file is not None and key_file.exists():
        # Before anything is registered that nobody could use.
        fail(problems.file_exists(key_file))
    key = ask(data, lambda qiao: _enrol(qiao, path, body))
    file = key_file or Path(f"terminal-{key.terminal_id}.json")
    tell_problems(lambda: write_key_file(file, key))
    say(f"✓ 密钥已写入 · key written to {file}")
    say(f"  qiao token --terminal {file}")
    shown = {
        "terminal_id": key.terminal_id,
        "merchant": key.merchant,
        "store_id": key.store_id,
        "key_file": str(file),
    }
    print_item(shown, as_json=as_json)


async def _enrol(qiao: Qiao, path: str, body: dict[str, str]) -> TerminalKey:
    invitation = await qiao.access.call("POST", path, body=body)
    return await enrol(qiao, invitation["enrolment_code"])


async def enrol(qiao: Qiao, code: str) -> TerminalKey:
    """Be the device: make a key and spend the code for it."""
    private_key = new_private_key()
    access_url = qiao.system.address("access")
    enrolled = await call(
        qiao.session,
        "POST",
        f"{access_url}/v1/terminals/enrol",
        body={"code": code, "public_key": public_half(private_key)},
    )
    return TerminalKey(
        terminal_id=enrolled["terminal_id"],
        merchant=enrolled["merchant"],
        store_id=enrolled["store_id"],
        store_name=enrolled["store_name"],
        access_url=access_url,
        redemption_url=qiao.system.address("redemption"),
        private_key=private_key,
    )


def _show_code(invitation: dict[str, Any], *, as_json: bool) -> None:
    print_item(invitation, as_json=as_json)
    if not as_json and sys.stdout.isatty():
        segno.make(invitation["enrolment_code"]).terminal(compact=True)
