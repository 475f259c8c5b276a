"""`qiao staff`: people who sign in."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import Json, print_item, print_list, say
from deploy.cli.secret_input import read_secret
from deploy.cli.system import Data, ask, everything, tell_problems

app = typer.Typer(help="员工 · people who sign in")


@app.command("add")
def add_staff(
    merchant: Annotated[str, typer.Option(help="商家短名 · the merchant's slug")],
    login: Annotated[str, typer.Option(help="登录名 · what the person signs in with")],
    name: Annotated[str, typer.Option(help="姓名 · the person's name")],
    role: Annotated[str, typer.Option(help="owner | manager | clerk | auditor")],
    data: Data = None,
    store: Annotated[
        list[str] | None, typer.Option(help="只在这些门店,可多次 · only in these stores [all]")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="密码文件 · file with the password")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """登记员工 · Add a person. The password is typed when asked, or piped in."""
    password = tell_problems(lambda: read_secret("密码 Password", file=password_file, confirm=True))
    body = {
        "merchant": merchant,
        "login": login,
        "name": name,
        "role": role,
        "stores": store or None,
        "password": password,
    }
    added = ask(data, lambda qiao: qiao.access.call("POST", "/v1/staff", body=body))
    print_item(added, as_json=as_json)


@app.command("deactivate")
def deactivate_staff(
    staff_id: Annotated[str, typer.Argument(help="员工编号 · the person's id")],
    reason: Annotated[str, typer.Option(help="原因 · why")],
    data: Data = None,
) -> None:
    """停用 · For good: the person's tokens are void within seconds."""
    path = f"/v1/staff/{staff_id}/deactivate"
    ask(data, lambda qiao: qiao.access.call("POST", path, body={"reason": reason}))
    say("✓ 已停用 · deactivated")


@app.command("list")
def list_staff(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    *,
    as_json: Json = False,
) -> None:
    """员工列表 · Every person."""
    found = ask(data, lambda qiao: everything(qiao.access, "/v1/staff", {"merchant": merchant}))
    columns = {
        "编号 Id": "staff_id",
        "姓名 Name": "name",
        "商家 Merchant": "merchant",
        "角色 Role": "role",
        "门店 Stores": "stores",
        "状态 State": "state",
        "最近登录 Last seen": "last_seen_at",
    }
    print_list(found, columns, as_json=as_json)
