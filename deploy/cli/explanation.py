"""Shows people why an order is what it is: the reason first, then what was seen and when."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from deploy.cli.output import console, local_time, new_table, shown

_SOURCES = {
    "webhook": "推送 webhook",
    "redemption": "本店 counter",
    "query": "回查 read back",
    "after_sales": "售后 after-sales",
}
_KINDS = {
    "order_created": "下单 created",
    "order_paid": "支付 paid",
    "order_closed": "关闭 closed",
    "order_settled": "结算 settled",
    "coupon_available": "可用 available",
    "coupon_redeemed": "核销 redeemed",
    "coupon_redemption_cancelled": "撤销核销 taken back",
    "coupon_refunding": "退款中 refunding",
    "coupon_refund_rejected": "退款被拒 refund rejected",
    "coupon_refunded": "已退款 refunded",
    "coupon_closed": "券关闭 closed",
}
# Any, throughout this file: what comes is the JSON of one answer.
_Json = Mapping[str, Any]


def print_explanation(explained: _Json) -> None:
    _print_head(explained)
    _print_coupons(explained["because"])
    _print_observations(explained)
    _print_versions(explained)


def _print_head(explained: _Json) -> None:
    because, out = explained["because"], console()
    flag = "  [red]矛盾 contradicted[/]" if explained["contradicted"] else ""
    out.print(
        f"[bold]{escape(explained['order_id'])}[/]  [bold cyan]{explained['state']}[/]{flag}"
        f"  {shown('pay_amount_fen', explained['pay_amount_fen'])}"
        f"  {shown('title', explained['title'])}"
    )
    out.print(f"因为 because  {_words(because['rule'])}")
    for words in because["contradictions"]:
        out.print(f"[red]矛盾 contradiction  {_words(words)}[/]")
    for words in because["open_questions"]:
        out.print(f"[yellow]待查 open  {_words(words)}[/]")
    out.print()


def _print_coupons(because: _Json) -> None:
    if not because["coupons"]:
        return
    table = new_table("券 Coupon", "状态 State", "为何 Why")
    for coupon in because["coupons"]:
        table.add_row(coupon["coupon_id"], coupon["state"], _words(coupon))
    console().print(table)


def _print_observations(explained: _Json) -> None:
    table = new_table(
        "看到 Seen", "发生 Happened", "来源 Source", "事实 Fact", "券 Coupon", "改变 Changed"
    )
    for seen in explained["observations"]:
        table.add_row(
            local_time(seen["seen_at"]),
            local_time(seen["occurred_at"]),
            _SOURCES.get(seen["source"], seen["source"]),
            _KINDS.get(seen["kind"], seen["kind"]),
            seen["coupon_id"] or "",
            _changed(seen["changed"]),
        )
    console().print(table)
    if explained["more_observations"]:
        console().print("[dim]还有更多,用 --json 查看 · there are more: --json[/]")


def _changed(changed: _Json) -> str:
    parts = [
        f"{before or '∅'} → [bold]{after}[/]"
        for before, after in (changed["order"], changed["coupon"])
        if before != after
    ]
    return "\n".join(parts) or "[dim]无 nothing[/]"


def _print_versions(explained: _Json) -> None:
    table = new_table("版本 Version", "事件 Event", "状态 State", "时间 At")
    for version in explained["versions"]:
        table.add_row(
            str(version["version"]),
            version["event_type"],
            f"{version['from_state'] or '∅'} → {version['to_state']}",
            local_time(version["changed_at"]),
        )
    console().print(table)


def _words(words: _Json) -> str:
    return f"{escape(words['zh'])} · {escape(words['en'])}"
