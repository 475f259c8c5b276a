"""`qiao merchant`: who sells."""

from typing import Annotated

import typer

from deploy.cli.output import Json, print_item, print_list
from deploy.cli.system import Data, ask, everything

app = typer.Typer(help="商家 · merchants")


@app.command("add")
def add_merchant(
    merchant: Annotated[str, typer.Argument(help="短名,如 yihetang · slug: a-z, 0-9 and -")],
    name: Annotated[str, typer.Option(help="名称,如 益禾堂 · what people call it")],
    data: Data = None,
    account_id: Annotated[
        str | None, typer.Option(help="平台账号(来客 account_id) · its id at the platform")
    ] = None,
    platform: Annotated[str, typer.Option(help="平台 · platform")] = "douyin",
    *,
    as_json: Json = False,
) -> None:
    """登记商家 · Add a merchant; the same again changes nothing."""
    body = {"merchant": merchant, "name": name, "platform": platform, "account_id": account_id}
    added = ask(data, lambda qiao: qiao.access.call("POST", "/v1/merchants", body=body))
    print_item(added, as_json=as_json)


@app.command("list")
def list_merchants(data: Data = None, *, as_json: Json = False) -> None:
    """商家列表 · Every merchant."""
    found = ask(data, lambda qiao: everything(qiao.access, "/v1/merchants"))
    columns = {
        "商家 Merchant": "merchant",
        "名称 Name": "name",
        "平台 Platform": "platform",
        "平台账号 Account": "account_id",
        "登记于 Since": "created_at",
    }
    print_list(found, columns, as_json=as_json)
