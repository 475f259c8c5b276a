"""`qiao client`: credentials of programs."""

from typing import Annotated

import typer

from deploy.cli.output import Json, print_item, print_list, say
from deploy.cli.system import Data, ask, everything

app = typer.Typer(help="程序的凭据 · credentials of programs")


@app.command("add")
def add_client(
    merchant: Annotated[str, typer.Option(help="商家短名,* 为全部 · a merchant, or * for all")],
    name: Annotated[str, typer.Option(help="名称,如 POS 网关 · what people call it")],
    action: Annotated[
        list[str], typer.Option(help="准许的动作,可多次:orders:read … · may do, repeatable")
    ],
    data: Data = None,
    store: Annotated[
        list[str] | None, typer.Option(help="只在这些门店,可多次 · only in these stores [all]")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """登记程序 · Add a program. Its secret is shown this once."""
    body = {"merchant": merchant, "name": name, "actions": action, "stores": store or None}
    added = ask(data, lambda qiao: qiao.access.call("POST", "/v1/clients", body=body))
    print_item(added, as_json=as_json)
    say("! client_secret 只显示这一次 · is shown this once: keep it")


@app.command("revoke")
def revoke_client(
    client_id: Annotated[str, typer.Argument(help="客户端编号 · client_id")],
    reason: Annotated[str, typer.Option(help="原因 · why")],
    data: Data = None,
) -> None:
    """永久停用 · For good: its tokens are void within seconds."""
    path = f"/v1/clients/{client_id}/revoke"
    ask(data, lambda qiao: qiao.access.call("POST", path, body={"reason": reason}))
    say("✓ 已停用 · revoked")


@app.command("list")
def list_clients(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    *,
    as_json: Json = False,
) -> None:
    """程序列表 · Every program; secrets are never shown."""
    found = ask(data, lambda qiao: everything(qiao.access, "/v1/clients", {"merchant": merchant}))
    columns = {
        "编号 client_id": "client_id",
        "名称 Name": "name",
        "商家 Merchant": "merchant",
        "动作 Actions": "actions",
        "状态 State": "state",
        "最近使用 Last used": "last_used_at",
    }
    print_list(found, columns, as_json=as_json)
