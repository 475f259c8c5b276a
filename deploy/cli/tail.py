"""`qiao tail`: what happens, as it happens."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deploy.cli.output import shown
from deploy.cli.system import Data, System, locate, tell_problems
from deploy.cli.times import read_time
from shared.contracts.envelope import Event, filter_subject
from shared.messaging.broker import connected
from shared.messaging.follow import follow

_COLOURS = {
    "platform": "dim",
    "order": "cyan",
    "coupon": "green",
    "intake": "red",
    "coupon.refused": "yellow",
    "coupon.pending": "yellow",
    "coupon.cancelled": "magenta",
    "order.contradicted": "red",
}
# What a person wants to see of an event's data, where it has it.
_TOLD = ("state", "coupon_id", "reason", "pay_amount_fen", "title", "name")


def tail(
    data: Data = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="事件类型,可多次:order.*、coupon.redeemed · types, repeatable"),
    ] = None,
    merchant: Annotated[str, typer.Option(help="只看此商家 · of this merchant only")] = "*",
    since: Annotated[str | None, typer.Option(help="从何时起:10m、2h · from when on")] = None,
    *,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="从流的开头 · from the start of the stream")
    ] = False,
    pretty: Annotated[
        bool | None,
        typer.Option("--pretty/--json", help="给人看 / 每行一条 JSON [终端上 --pretty]"),
    ] = None,
) -> None:
    """跟踪事件 · Follow events until Ctrl-C: the whole event in JSON, or a line for people."""
    for_people = sys.stdout.isatty() if pretty is None else pretty
    write = _pretty_writer() if for_people else _write_json
    start = tell_problems(lambda: read_time(since, option="--since") if since else None)
    subjects = subjects_of(types or [], merchant=merchant)
    system = tell_problems(lambda: locate(data))
    tell_problems(
        lambda: asyncio.run(
            _follow(system, subjects, write, since=start, from_start=from_start),
        )
    )


def subjects_of(types: Sequence[str], *, merchant: str) -> list[str]:
    """NATS filters for types as people write them; one that covers all makes the rest needless."""
    patterns = {_pattern(name) for name in types} or {">"}
    wide = {name for name in patterns if name.endswith(">")}
    narrow = {
        name
        for name in patterns
        if not any(other != name and name.startswith(other[:-1]) for other in wide)
    }
    return sorted(filter_subject(name, merchant=merchant) for name in narrow)


def _pattern(name: str) -> str:
    return f"{name[:-1]}>" if name.endswith("*") else name


async def _follow(
    system: System,
    subjects: Sequence[str],
    write: Callable[[Event], None],
    *,
    since: datetime | None,
    from_start: bool,
) -> None:
    async with connected(system.address("nats"), name="tail") as broker:
        try:
            async for event in follow(broker, subjects, since=since, from_start=from_start):
                write(event)
        except BrokenPipeError:
            # The reader (head, less) has seen enough; Python would complain again at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_json(event: Event) -> None:
    print(event.model_dump_json(), flush=True)


def _pretty_writer() -> Callable[[Event], None]:
    console = Console(highlight=False, soft_wrap=True)

    def write(event: Event) -> None:
        # Through print: rich would end the process when the reader has gone.
        with console.capture() as written:
            console.print(line(event))
        print(written.get(), end="", flush=True)

    return write


def line(event: Event) -> str:
    """One event in one line, with rich's markup."""
    family = event.type.partition(".")[0]
    colour = _COLOURS.get(event.type) or _COLOURS.get(family, "white")
    said_by_type = event.type.rpartition(".")[2]
    told = "  ".join(
        shown(name, value)
        for name in _TOLD
        if (value := event.data.get(name)) is not None and value != said_by_type
    )
    time = f"{event.time.astimezone():%H:%M:%S}"
    subject = str(event.data.get("order_id") or event.subject)
    return (
        f"[dim]{time}[/] [{colour}]{escape(event.type):<38}[/] {escape(event.merchant):<12} "
        f"{escape(subject)} [dim]v{event.version}[/]  {told}"
    )
