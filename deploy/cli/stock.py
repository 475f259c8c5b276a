"""`qiao stock`: how many there are."""

from typing import Annotated

import typer

from deploy.cli.output import Json, print_list
from deploy.cli.system import Data, ask, everything

app = typer.Typer(help="库存 · how many there are")
_UNLIMITED = "unlimited"
_COLUMNS = {
    "规格 SKU": "sku_id",
    "日期 Day": "day",
    "时段 Slot": "slot",
    "总数 Total": "total",
    "已占 Held": "held",
    "已售 Sold": "sold",
    "剩余 Left": "left",
}


@app.command("show")
def show_stock(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    product: Annotated[str | None, typer.Option(help="只看此商品 · of this product")] = None,
    sku: Annotated[str | None, typer.Option(help="只看此规格 · of this SKU")] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="从哪天起 · from this day on")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="到哪天为止 · to this day")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """看库存 · Totals, what is held for unpaid orders, what is sold, what is left."""
    query = {
        "merchant": merchant,
        "product_id": product,
        "sku_id": sku,
        "from": since,
        "to": until,
    }
    found = ask(data, lambda qiao: everything(qiao.catalog, "/v1/stock", query))
    print_list(found, _COLUMNS, as_json=as_json)


@app.command("set")
def set_stock(
    sku_id: Annotated[str, typer.Argument(help="规格 · the SKU")],
    total: Annotated[str, typer.Argument(help="总数,或 unlimited · how many, or unlimited")],
    data: Data = None,
    day: Annotated[
        list[str] | None,
        typer.Option(metavar="DAY", help="哪天的,可多次 · for which day, repeatable"),
    ] = None,
    slot: Annotated[
        str | None, typer.Option(help="哪个时段,如 09:00-12:00 · for which slot of it")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """设定总数 · Set how many there are in all; never below what is sold and held."""
    days: list[str | None] = [*(day or ())] or [None]
    items = [{"sku_id": sku_id, "day": one, "slot": slot, "total": _count(total)} for one in days]
    answer = ask(data, lambda qiao: qiao.catalog.call("PUT", "/v1/stock", body={"items": items}))
    print_list(answer["items"], _COLUMNS, as_json=as_json)


@app.command("oversold")
def list_oversold(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    *,
    as_json: Json = False,
) -> None:
    """付款太晚、库存已售出的订单 · Orders paid after their stock had gone to others.

    They are served by themselves once there is stock again.
    """
    query = {"merchant": merchant, "state": "oversold"}
    found = ask(data, lambda qiao: everything(qiao.catalog, "/v1/reservations", query))
    columns = {
        "订单 Order": "order_id",
        "商家 Merchant": "merchant",
        "下单 Asked": "decided_at",
        "付款期限 Pay until": "pay_until",
        "明细 Lines": "lines",
    }
    print_list(found, columns, as_json=as_json)


def _count(text: str) -> int | None:
    if text == _UNLIMITED:
        return None
    if not (text.isascii() and text.isdigit()):
        raise typer.BadParameter(
            "整数或 unlimited · a whole number, or unlimited", param_hint="TOTAL"
        )
    return int(text)
