"""`qiao store`: where coupons are redeemed."""

from typing import Annotated

import typer

from deploy.cli.output import Json, print_item, print_list
from deploy.cli.system import Data, ask, everything

app = typer.Typer(help="门店 · stores")


@app.command("add")
def add_store(
    merchant: Annotated[str, typer.Option(help="商家短名 · the merchant's slug")],
    name: Annotated[str, typer.Option(help="名称 · what people call it")],
    poi_id: Annotated[str, typer.Option(help="平台门店编号 · its POI at the platform")],
    data: Data = None,
    store_id: Annotated[
        str | None, typer.Option(help="编号,不给则自动 · id [made up for you]")
    ] = None,
    time_zone: Annotated[str, typer.Option(help="时区 · time zone")] = "Asia/Shanghai",
    *,
    as_json: Json = False,
) -> None:
    """登记门店 · Add a store; the same again changes nothing."""
    body = {
        "store_id": store_id,
        "merchant": merchant,
        "name": name,
        "poi_id": poi_id,
        "time_zone": time_zone,
    }
    added = ask(data, lambda qiao: qiao.access.call("POST", "/v1/stores", body=body))
    print_item(added, as_json=as_json)


@app.command("list")
def list_stores(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    *,
    as_json: Json = False,
) -> None:
    """门店列表 · Every store."""
    found = ask(data, lambda qiao: everything(qiao.access, "/v1/stores", {"merchant": merchant}))
    columns = {
        "编号 Id": "store_id",
        "名称 Name": "name",
        "商家 Merchant": "merchant",
        "平台门店 POI": "poi_id",
        "营业 Open": "open",
        "时区 Time zone": "time_zone",
    }
    print_list(found, columns, as_json=as_json)
