"""`qiao order`: where an order is, and why."""

from typing import Annotated

import typer

from deploy.cli.explanation import print_explanation
from deploy.cli.output import Json, print_item, print_json, print_list
from deploy.cli.system import Data, ask, everything, tell_problems
from deploy.cli.times import read_time

app = typer.Typer(help="订单 · orders")
OrderId = Annotated[str, typer.Argument(help="订单号 · the platform's order id")]
_READINGS = {
    "商家 Merchant": "merchant",
    "范围 Span": "span",
    "已回查至 Read back through": "read_through",
    "读过 Orders read": "orders_read",
    "补正 Healed": "orders_moved",
    "上次失败 Last failure": "last_failure",
}
_MISSED = {
    "商家 Merchant": "merchant",
    "漏报的事实 Fact never told": "kind",
    "条数 Facts": "facts",
    "订单 Orders": "orders",
}
_COUPONS = {"券 Coupon": "coupon_id", "状态 State": "state", "变于 Changed": "changed_at"}


@app.command("list")
def list_orders(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    state: Annotated[str | None, typer.Option(help="paid | redeemed | refunded …")] = None,
    since: Annotated[str | None, typer.Option(help="从何时起:2h、3d · from when on")] = None,
    limit: Annotated[int, typer.Option(min=1, help="最多几条 · at most")] = 50,
    *,
    as_json: Json = False,
) -> None:
    """订单列表,新的在前 · Orders, the newest first."""
    start = tell_problems(lambda: read_time(since, option="--since").isoformat() if since else None)
    query = {"merchant": merchant, "state": state, "from": start, "limit": str(min(limit, 500))}
    found = ask(data, lambda qiao: everything(qiao.orders, "/v1/orders", query, most=limit))
    columns = {
        "订单 Order": "order_id",
        "商家 Merchant": "merchant",
        "状态 State": "state",
        "券 Coupons": "coupon_count",
        "实付 Paid": "pay_amount_fen",
        "商品 Title": "title",
        "支付于 Paid at": "paid_at",
    }
    print_list(found, columns, as_json=as_json)


@app.command("show")
def show_order(order_id: OrderId, data: Data = None, *, as_json: Json = False) -> None:
    """看一张订单 · One order with its coupons."""
    order = ask(data, lambda qiao: qiao.orders.call("GET", f"/v1/orders/{order_id}"))
    if as_json:
        print_json(order)
        return
    print_item({name: value for name, value in order.items() if name != "coupons"}, as_json=False)
    print_list(order["coupons"], _COUPONS, as_json=False)


@app.command("explain")
def explain_order(order_id: OrderId, data: Data = None, *, as_json: Json = False) -> None:
    """为什么是这个状态 · Every observation, what it changed, and why the state is what it is."""
    explained = ask(data, lambda qiao: qiao.orders.call("GET", f"/v1/orders/{order_id}/explain"))
    if as_json:
        print_json(explained)
    else:
        print_explanation(explained)


@app.command("missed")
def show_missed(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    since: Annotated[str, typer.Option(help="从何时起:2h、3d · from when on")] = "1h",
    *,
    as_json: Json = False,
) -> None:
    """漏了什么、何时补上 · What the platform never told us, and when we read it back."""
    start = tell_problems(lambda: read_time(since, option="--since").isoformat())
    query = {"since": start} | ({"merchant": merchant} if merchant else {})
    found = ask(data, lambda qiao: qiao.orders.call("GET", "/v1/reconciliation", query=query))
    if as_json:
        print_json(found)
        return
    print_list(found["items"], _READINGS, as_json=False)
    print_list(found["missed"], _MISSED, as_json=False)
