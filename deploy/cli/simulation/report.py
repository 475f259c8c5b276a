"""The closing table."""

from collections.abc import Iterable, Mapping

from rich.table import Table

from deploy.cli.output import console, new_table
from deploy.cli.simulation.books import told
from deploy.cli.simulation.verdict import Verdict

_FIRST = 5
_CLAIMS = {
    "lost": "已确认却无记录 acknowledged, not on record",
    "forgeries_accepted": "伪造被接受 forgeries accepted",
    "differing_orders": "订单与平台不同 orders that differ",
    "unheard_orders": "订阅者不知道 orders a subscriber missed",
    "spent_twice": "一券两用 coupons spent twice",
    "ledger_differences": "账与平台不符 ledger differs",
    "changed_answers": "同问不同答 repeated, answered otherwise",
    "pending": "仍无结果 still pending",
    "dead_letters": "死信 dead letters",
    "foreign_events": "不在目录中的事件 events not in the catalogue",
    "still_waiting_for": "超时仍在等 not caught up in time",
}


def print_report(verdict: Verdict) -> None:
    out = console()
    out.print(_what_happened(verdict))
    out.print(_states(verdict))
    out.print(_claims(verdict))
    if verdict.good:
        out.print(
            f"[green]✓ 全部一致 everything agrees[/] "
            f"({verdict.seconds:.1f} s, {verdict.catching_up_seconds:.1f} s 追平 catching up)"
        )
        return
    out.print("[red]✗ 有不一致 something is off[/]")
    for line in _next_steps(verdict):
        out.print(line, soft_wrap=True, markup=False)


def _what_happened(verdict: Verdict) -> Table:
    table = new_table(
        f"{verdict.scenario} · faults {verdict.faults} · seed {verdict.seed}", "数 Count", ""
    )
    hooks = verdict.webhooks
    table.add_row("订单 orders placed", str(verdict.orders_placed))
    table.add_row(
        "推送 webhooks sent",
        str(sum(hooks.get("sent", {}).values())),
        _listed(hooks.get("sent", {})),
    )
    table.add_row("已确认 acknowledged", str(hooks.get("acknowledged", 0)))
    table.add_row("平台丢失 lost by the platform", str(hooks.get("lost", 0)))
    table.add_row("平台放弃 given up by the platform", str(hooks.get("failed", 0)))
    table.add_row(
        "入库 deliveries",
        str(verdict.deliveries.get("accepted", 0)),
        _listed({k: v for k, v in verdict.deliveries.items() if k != "accepted"}),
    )
    table.add_row("核销 coupons redeemed", str(verdict.redeemed))
    table.add_row("撤销 taken back", str(verdict.cancelled))
    table.add_row("退款 refunds", "", _listed(verdict.refunds))
    table.add_row(
        "拒绝 refused", str(sum(verdict.refused.values())), _listed(verdict.refused, most=8)
    )
    table.add_row("重问 questions repeated", str(verdict.repeats))
    table.add_row("订阅者听到 events heard", str(sum(verdict.events_heard.values())))
    injected = verdict.faults_injected
    table.add_row("制造的故障 faults injected", str(sum(injected.values())), _listed(injected))
    return table


def _states(verdict: Verdict) -> Table:
    table = new_table("订单状态 State", "我方 Ours", "平台 Platform")
    for state in sorted({*verdict.orders_by_state, *verdict.books_by_state}):
        ours = verdict.orders_by_state.get(state, 0)
        theirs = verdict.books_by_state.get(state, 0)
        mark = "" if ours == theirs else " [red]≠[/]"
        table.add_row(state, str(ours), f"{theirs}{mark}")
    return table


def _claims(verdict: Verdict) -> Table:
    table = new_table("必须为零 Must be zero", "")
    for name, count in verdict.must_be_zero.items():
        table.add_row(_CLAIMS[name], "[green]0[/]" if count == 0 else f"[red]{count}[/]")
    return table


def _next_steps(verdict: Verdict) -> Iterable[str]:
    for found in told(verdict.differing_orders)[:_FIRST]:
        yield f"  {found['order_id']}: {'; '.join(found['differences'])}"
        yield f"    → qiao order explain {found['order_id']}"
    for order_id in verdict.unheard_orders[:_FIRST]:
        yield f"  {order_id}: 订阅者未听到 not heard of → qiao tail --since 1h | grep {order_id}"
    for text in (*verdict.spent_twice[:_FIRST], *verdict.ledger_differences[:_FIRST]):
        yield f"  {text}"
    for redemption_id in verdict.pending[:_FIRST]:
        yield f"  核销 redemption {redemption_id} 无结果 is pending"
    for message_id in verdict.lost[:_FIRST]:
        yield f"  推送 webhook {message_id} 无记录 is not on record"
    for letter in verdict.dead_letters[:_FIRST]:
        yield f"  {letter['service']}: {letter['subject']} {letter['cause']} {letter['detail']}"
        yield f"    → qiao dead-letters show {letter['dead_letter_id']}"
    for text in verdict.still_waiting_for:
        yield f"  {text}"


def _listed(counts: Mapping[str, int], *, most: int = 12) -> str:
    largest = sorted(counts.items(), key=lambda item: -item[1])[:most]
    rest = sum(counts.values()) - sum(count for _, count in largest)
    parts = [f"{name} {count}" for name, count in largest if count]
    return ", ".join([*parts, *([f"… {rest}"] if rest else [])])
