"""Writes answers: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")]
_NOTHING = "–"
_WIDTH_WITHOUT_TERMINAL = 160


def console() -> Console:
    """On a terminal as wide as it is; in a pipe wide enough to keep a row on its line."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_list(
    items: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool
) -> None:
    """`columns` maps a heading to the member shown under it. Any: items are JSON."""
    if as_json:
        print_json(items)
        return
    if not items:
        print("(没有 · none)", file=sys.stderr)
        return
    table = new_table(*columns)
    for item in items:
        table.add_row(*(shown(name, item.get(name)) for name in columns.values()))
    console().print(table)


def print_item(item: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: a line for each member."""
    if as_json:
        print_json(item)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in item.items():
        table.add_row(f"[dim]{name}[/]", shown(name, value))
    console().print(table)


def new_table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def shown(name: str, value: object) -> str:
    """A member as people read it: yuan for fen, local time for UTC."""
    if value is None or value in ([], ""):
        return _NOTHING
    if isinstance(value, list):
        return ", ".join(shown(name, part) for part in value)
    if isinstance(value, dict):
        return " · ".join(f"{member} {shown(member, part)}" for member, part in value.items())
    if isinstance(value, bool):
        text = "✓" if value else _NOTHING
    elif name.endswith("_fen") and isinstance(value, int):
        text = f"¥{value / 100:.2f}"
    elif isinstance(value, str) and name.endswith(("_at", "_until", "time", "since", "through")):
        text = local_time(value)
    elif isinstance(value, str) and value.startswith("sealed:"):
        text = "封存 sealed"
    else:
        text = str(value)
    return escape(text)


def local_time(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return text


def say(text: str) -> None:
    """A word to the person at the terminal; stdout is for what was asked for."""
    print(text, file=sys.stderr)
