"""Every `qiao` command that a document shows is one that the program takes."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy.cli.main import app

ROOT = Path(__file__).parent.parent.parent
_PAGES = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "docs/*.md")
_IN_BLOCK = re.compile(r"^qiao (.+)$", re.MULTILINE)
_INLINE = re.compile(r"`qiao ([a-z][^`]* [^`]*)`")
_PLACEHOLDER = re.compile(r"<[^>]+>|…")


def documented() -> list[str]:
    found = set()
    for pattern in _PAGES:
        for page in ROOT.glob(pattern):
            # This one is generated from the commands themselves.
            if page.name != "cli.md":
                text = page.read_text()
                found |= {*_IN_BLOCK.findall(text), *_INLINE.findall(text)}
    # With brackets it is a pattern of commands, not one.
    return sorted(line for line in found if "[" not in line)


def parse(words: list[str]) -> None:
    """Find the command and let it read its arguments, without running it."""
    # Any: typer brings its own click and gives its classes no public names.
    command: Any = typer.main.get_command(app)
    while hasattr(command, "get_command"):
        found = command.get_command(typer.Context(command), words[0]) if words else None
        assert found is not None, f"no command {words[:1]}"
        command, words = found, words[1:]
        if not words:
            return
    command.make_context(command.name, list(words))


def problem(line: str) -> str | None:
    try:
        parse(shlex.split(_PLACEHOLDER.sub("something", line), comments=True))
    except typer.BadParameter as wrong:
        # A made-up value is no fault of the document; something left out is.
        return str(wrong) if type(wrong).__name__ == "MissingParameter" else None
    return None


@pytest.mark.parametrize("line", documented())
def test_a_documented_command_is_one_that_the_program_takes(line: str) -> None:
    assert problem(line) is None


def test_a_missing_option_is_noticed() -> None:
    assert problem("terminal add --store something") is not None
    with pytest.raises(Exception, match="No such option"):
        problem("terminal add --merchant something")


def test_there_are_commands_to_check() -> None:
    assert len(documented()) > 10
