"""`qiao product`: what is sold."""

import json
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli import problems
from deploy.cli.output import Json, print_item, print_list
from deploy.cli.system import Data, Qiao, ask, everything, tell_problems

app = typer.Typer(help="商品 · what is sold")
ProductId = Annotated[str, typer.Argument(help="商品编号 · the product's id")]
Merchant = Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")]
_KINDS = "meal 团餐券 | voucher 代金券 | times_card 次卡 | ticket 门票 | course 课程"
_FEN_A_YUAN = 100


@app.command("add")
def add_product(
    merchant: Annotated[str, typer.Option(help="商家短名 · the merchant's slug")],
    data: Data = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="商品 JSON,- 为标准输入 · the product in JSON, - is stdin",
        ),
    ] = None,
    kind: Annotated[str, typer.Option(help=_KINDS)] = "meal",
    title: Annotated[str | None, typer.Option(help="名称 · what people call it")] = None,
    price: Annotated[str | None, typer.Option(metavar="YUAN", help="售价(元) · price")] = None,
    original_price: Annotated[
        str | None, typer.Option(metavar="YUAN", help="原价(元) · list price [the price]")
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="次卡可用几次 · uses of a times card")] = 1,
    stock: Annotated[int | None, typer.Option(min=0, help="库存 · how many there are")] = None,
    product_id: Annotated[
        str | None, typer.Option("--id", help="编号,不给则自动 · id [made up for you]")
    ] = None,
    *,
    publish: Annotated[bool, typer.Option("--publish", help="并上架 · and put it on sale")] = False,
    as_json: Json = False,
) -> None:
    """登记商品 · Add a product: one SKU by options, or anything by --file.

    The same again under its id changes nothing. docs/catalog.md lists the members of the file.
    """
    if file is not None:
        body = tell_problems(lambda: _read(file))
    else:
        sku = {"title": title, "price_fen": _fen(price, "--price"), "times": times}
        if original_price is not None:
            sku["original_price_fen"] = _fen(original_price, "--original-price")
        body = {"kind": kind, "title": title, "skus": [sku]}
    body = {**body, "merchant": merchant}
    if product_id is not None:
        body["product_id"] = product_id

    async def add(qiao: Qiao) -> dict[str, Any]:
        added: dict[str, Any] = await qiao.catalog.call("POST", "/v1/products", body=body)
        if stock is not None:
            items = [{"sku_id": sku["sku_id"], "total": stock} for sku in added["skus"]]
            await qiao.catalog.call("PUT", "/v1/stock", body={"items": items})
        if publish:
            path = f"/v1/products/{added['product_id']}/publish"
            added = await qiao.catalog.call("POST", path)
        return added

    print_item(ask(data, add), as_json=as_json)


@app.command("list")
def list_products(
    data: Data = None,
    merchant: Merchant = None,
    kind: Annotated[str | None, typer.Option(help=_KINDS)] = None,
    state: Annotated[
        str | None,
        typer.Option(help="draft | in_audit | rejected | on_sale | off_shelf | banned"),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="名称或编号 · in the title, or one of the ids")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """商品列表 · Products, newest first."""
    query = {"merchant": merchant, "kind": kind, "state": state, "text": text}
    found = ask(data, lambda qiao: everything(qiao.catalog, "/v1/products", query))
    rows = found if as_json else [{**one, "skus": _prices(one)} for one in found]
    columns = {
        "编号 Id": "product_id",
        "名称 Title": "title",
        "商家 Merchant": "merchant",
        "类型 Kind": "kind",
        "状态 State": "state",
        "规格 SKUs": "skus",
        "开售 From": "sale_from",
        "停售 To": "sale_to",
    }
    print_list(rows, columns, as_json=as_json)


@app.command("show")
def show_product(product_id: ProductId, data: Data = None, *, as_json: Json = False) -> None:
    """看一件商品 · One product with its SKUs and rules."""
    path = f"/v1/products/{product_id}"
    print_item(ask(data, lambda qiao: qiao.catalog.call("GET", path)), as_json=as_json)


@app.command("publish")
def publish_product(product_id: ProductId, data: Data = None, *, as_json: Json = False) -> None:
    """上架 · Put it on sale."""
    path = f"/v1/products/{product_id}/publish"
    print_item(ask(data, lambda qiao: qiao.catalog.call("POST", path)), as_json=as_json)


@app.command("withdraw")
def withdraw_product(product_id: ProductId, data: Data = None, *, as_json: Json = False) -> None:
    """下架 · Take it off the shelf: its orders are refused at once."""
    path = f"/v1/products/{product_id}/withdraw"
    print_item(ask(data, lambda qiao: qiao.catalog.call("POST", path)), as_json=as_json)


def _read(file: Path) -> dict[str, Any]:
    """Any: JSON. Raises Problem."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        body = json.loads(text)
    except (OSError, ValueError):
        body = None
    if not isinstance(body, dict):
        raise problems.unreadable_file(file, expected="a product in JSON, as docs/catalog.md says")
    return body


def _fen(yuan: str | None, option: str) -> int:
    """Whole fen; more than two places behind the point are a slip of the finger."""
    try:
        fen = Decimal(yuan or "") * _FEN_A_YUAN
    except InvalidOperation:
        fen = Decimal("0.5")
    if fen != fen.to_integral_value() or fen < 0:
        raise typer.BadParameter("元,例如 9.90 · yuan, such as 9.90", param_hint=option)
    return int(fen)


def _prices(product: dict[str, Any]) -> list[str]:
    return [f"{sku['title']} ¥{sku['price_fen'] / _FEN_A_YUAN:.2f}" for sku in product["skus"]]
