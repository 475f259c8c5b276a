"""`qiao after-sales`: refunds that are asked of us, why they wait, and a person's word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from deploy.cli.output import Json, console, new_table, print_item, print_json, print_list, shown
from deploy.cli.system import Data, ask, everything, tell_problems
from deploy.cli.times import read_time
from shared.clock import utc_now

app = typer.Typer(help="售后 · after-sales: refunds that are asked of us")
AfterSaleId = Annotated[
    str, typer.Argument(help="售后单号 · the platform's id of the after-sale", metavar="ID")
]
Merchant = Annotated[str | None, typer.Option(help="哪个商家的 · of which merchant")]
Reason = Annotated[str | None, typer.Option(help="为什么(封存保管) · why; kept sealed")]
Coupons = Annotated[
    list[str] | None,
    typer.Option("--coupon", help="只退这张券,可多次给 · only this coupon; may be repeated"),
]
_LIST = {
    "售后单 After-sale": "after_sale_id",
    "订单 Order": "order_id",
    "商家 Merchant": "merchant",
    "状态 State": "state",
    "原因 Reason": "reason",
    "金额 Amount": "amount_fen",
    "申请于 Asked": "asked_at",
    "平台自动通过于 Passes": "answer_until",
}
_COUPONS = {
    "券 Coupon": "coupon_id",
    "核销侧 Redemption": "state",
    "订单侧 Order": "order_says",
    "已用次数 Used": "times_used",
    "过期 Expired": "expired",
    "裁定 Ruling": "ruling",
    "原因 Reason": "reason",
}
_LOCKS = {"锁 Lock": "lock_id", "状态 State": "state", "券 Coupons": "coupon_ids"}
_STEPS = {
    "时间 At": "at",
    "步骤 Step": "step",
    "从 From": "from_state",
    "到 To": "to_state",
    "谁 By": "done_by",
    "原因 Reason": "reason",
    "说明 Words": "words",
}
_APART = frozenset({"judgement", "locks", "steps", "because"})


@app.command("list")
def list_after_sales(
    data: Data = None,
    merchant: Merchant = None,
    state: Annotated[
        str | None, typer.Option(help="pending 等人决定 | approving | approved | rejected …")
    ] = None,
    order: Annotated[str | None, typer.Option(help="只看此订单 · of this order")] = None,
    due: Annotated[
        str | None,
        typer.Option(help="此时之前会自动通过的:4h、时刻 · passed by the platform before then"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="最多几条 · at most")] = 50,
    *,
    as_json: Json = False,
) -> None:
    """售后列表,新的在前 · After-sales, the newest first."""
    before = tell_problems(lambda: _due(due).isoformat() if due else None)
    query = {
        "merchant": merchant,
        "state": state,
        "order_id": order,
        "due_before": before,
        "limit": str(min(limit, 500)),
    }
    found = ask(data, lambda qiao: everything(qiao.orders, "/v1/after-sales", query, most=limit))
    print_list(found, _LIST, as_json=as_json)


@app.command("show")
def show_after_sale(
    after_sale_id: AfterSaleId,
    data: Data = None,
    merchant: Merchant = None,
    *,
    as_json: Json = False,
) -> None:
    """申请了什么、规则怎么看、锁住了什么、走过哪些步骤 · What was asked, ruled, locked and done."""
    found = ask(
        data,
        lambda qiao: qiao.orders.call(
            "GET", f"/v1/after-sales/{after_sale_id}", query=_query(merchant)
        ),
    )
    if as_json:
        print_json(found)
        return
    _print(found)


@app.command("allow")
def allow(
    after_sale_id: AfterSaleId,
    data: Data = None,
    merchant: Merchant = None,
    coupon: Coupons = None,
    reason: Reason = None,
    *,
    as_json: Json = False,
) -> None:
    """同意退款:先锁券,再答复平台 · Allow the refund: coupons are locked, the platform is told."""
    body = {"decision": "allow", "coupon_ids": coupon or None, "reason": reason}
    _decide(after_sale_id, body, data, merchant, as_json=as_json)


@app.command("refuse")
def refuse(
    after_sale_id: AfterSaleId,
    data: Data = None,
    merchant: Merchant = None,
    reason: Reason = None,
    *,
    as_json: Json = False,
) -> None:
    """拒绝退款:平台收到后放开券 · Refuse it: coupons are free again once the platform knows."""
    _decide(
        after_sale_id, {"decision": "refuse", "reason": reason}, data, merchant, as_json=as_json
    )


def _decide(
    after_sale_id: str,
    body: Mapping[str, Any],
    data: Data,
    merchant: str | None,
    *,
    as_json: bool,
) -> None:
    decided = ask(
        data,
        lambda qiao: qiao.orders.call(
            "POST",
            f"/v1/after-sales/{after_sale_id}/decision",
            body=body,
            query=_query(merchant),
        ),
    )
    if as_json:
        print_json(decided)
    else:
        print_item(_plain(decided), as_json=False)


def _due(text: str) -> datetime:
    """A length of time lies ahead here."""
    time, now = read_time(text, option="--due"), utc_now()
    return now + (now - time) if text.strip()[-1] in "smhd" else time


def _query(merchant: str | None) -> dict[str, str]:
    return {"merchant": merchant} if merchant else {}


def _print(found: Mapping[str, Any]) -> None:
    print_item(_plain(found), as_json=False)
    if found["because"] is not None:
        words = found["because"]
        console().print(f"因为 because  {escape(words['zh'])} · {escape(words['en'])}")
    judgement = found["judgement"]
    if judgement is not None:
        rules = "  ".join(f"{name}={value}" for name, value in judgement["rules"].items())
        console().print(f"规则 rules  {escape(judgement['rules_of'])}: {escape(rules)}")
        print_list(judgement["coupons"], _COUPONS, as_json=False)
    if found["locks"]:
        print_list(found["locks"], _LOCKS, as_json=False)
    table = new_table(*_STEPS)
    for step in found["steps"]:
        table.add_row(*(shown(name, step[name]) for name in _STEPS.values()))
    console().print(table)


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in _APART}
