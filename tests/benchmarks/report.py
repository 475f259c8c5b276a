"""Prints what was measured, with everything one needs to know to repeat it."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks.intake import BODY_BYTES, TARGET_PER_SECOND, Report, Round


def show(report: Report) -> None:
    console = Console(width=100)
    settings = " ".join(f"{name}={value}" for name, value in report.durability.items())
    console.print(
        f"\n[bold]intake[/bold] · {BODY_BYTES} byte bodies, each signed, each with its own Msg-Id"
        f" · {os.cpu_count()} cores shared with the generator, PostgreSQL and NATS"
        f"\n{settings} · nats sync_interval=always · one intake process, relay on"
        f" · load average {os.getloadavg()[0]:.1f} · {platform.python_implementation()}"
        f" {platform.python_version()}"
        f"\n{report.plan.rounds} rounds of {report.plan.seconds:.0f} s,"
        f" {report.plan.connections} connections; median (lowest – highest)\n"
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("wanted", justify="right")
    for what, measured, *wanted in _rows(report):
        table.add_row(what, measured, *wanted)
    console.print(table)


def _rows(report: Report) -> Iterable[tuple[str, ...]]:
    bare = [each.acknowledged / each.seconds for each in report.bare]
    full = [each.per_second for each in report.full]
    wanted = f"≥ {TARGET_PER_SECOND:,}"
    yield "durably acknowledged per second", _spread(full, "{:,.0f}"), wanted
    yield "  p50 / p99 at that rate, ms", _latencies(report.full)
    yield (
        "  published too, per second",
        _spread([each.published_per_second for each in report.full], "{:,.0f}"),
    )
    yield "  relay caught up after, s", _spread([each.catch_up_seconds for each in report.full])
    yield (
        "  CPU of intake per request until published, µs",
        _spread([each.cpu_us for each in report.full], "{:.0f}"),
    )
    yield "bare aiohttp POST per second, same run", _spread(bare, "{:,.0f}")
    yield "  intake as a share of it", f"{statistics.median(full) / statistics.median(bare):.0%}"
    half = f"at half that rate, {report.half_rate:,.0f}/s, from the intended time of sending"
    yield half, ""
    yield "  p50, ms", _spread([each.result.p50_ms for each in report.half])
    yield "  p99, ms", _spread([each.result.p99_ms for each in report.half]), "< 60"
    yield "  relay caught up after, s", _spread([each.catch_up_seconds for each in report.half])
    yield (
        "  CPU of intake per request until published, µs",
        _spread([each.cpu_us for each in report.half], "{:.0f}"),
    )
    yield "memory of intake at its most, MB", f"{report.memory_mb:.0f}", "< 150"
    rounds = [*report.full, *report.half]
    acknowledged = sum(each.result.acknowledged for each in rounds)
    lost = f"{acknowledged:,} and {report.missing}"
    yield "acknowledged in all, and not in the record", lost, "0"
    refused = sum(each.result.refused + each.result.unanswered for each in rounds)
    yield "refused or unanswered", f"{refused}"


def _latencies(rounds: Sequence[Round]) -> str:
    p50 = statistics.median(each.result.p50_ms for each in rounds)
    p99 = statistics.median(each.result.p99_ms for each in rounds)
    return f"{p50:.1f} / {p99:.1f}"


def _spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    middle = form.format(statistics.median(values))
    return f"{middle} ({form.format(min(values))} – {form.format(max(values))})"
