"""Answers as people read them, and as programs do."""

import json

import pytest

from deploy.cli.output import print_list, shown
from deploy.cli.tail import line
from shared.contracts.catalogue import CATALOGUE, EventType, sample_event

COLUMNS = {"商家 Merchant": "merchant", "名称 Name": "name"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("pay_amount_fen", 1990, "¥19.90"),
        ("refunded_amount_fen", 5, "¥0.05"),
        ("account_id", None, "–"),
        ("stores", [], "–"),
        ("stores", ["a", "b"], "a, b"),
        ("open", True, "✓"),
        ("name", "[red]", r"\[red]"),
        ("count", 0, "0"),
        ("died_at", "never", "never"),
        ("reason", "sealed:v1:AQGS…", "封存 sealed"),
    ],
)
def test_a_value_is_shown_as_people_read_it(name: str, value: object, text: str) -> None:
    assert shown(name, value) == text


def test_a_list_is_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([{"merchant": "yihetang", "name": "益禾堂"}], COLUMNS, as_json=False)
    heading, *rest = [text for text in capsys.readouterr().out.splitlines() if text.strip()]
    assert heading.split() == ["商家", "Merchant", "名称", "Name"]
    assert rest[-1].split() == ["yihetang", "益禾堂"]


def test_a_list_is_json_for_programs_and_holds_every_member(
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [{"merchant": "yihetang", "name": "益禾堂", "version": 3}]
    print_list(items, COLUMNS, as_json=True)
    assert json.loads(capsys.readouterr().out) == items


def test_an_empty_list_says_so_and_leaves_stdout_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_list([], COLUMNS, as_json=False)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "(没有 · none)\n")


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
def test_every_event_has_its_line(kind: EventType) -> None:
    event = sample_event(kind)
    text = line(event)
    assert event.type in text
    assert "\n" not in text
