"""Secrets that a person types or pipes in. Never an argument: those stay in the history."""

import sys
from pathlib import Path

import typer

from deploy.cli import problems


def read_secret(prompt: str, *, file: Path | None, confirm: bool = False) -> str:
    """From the file, else from the terminal without showing it, else from stdin. Raises Problem."""
    if file is not None:
        secret = _from_file(file)
    elif sys.stdin.isatty():
        secret = str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if not secret.strip():
        raise problems.missing_secret()
    return secret


def _from_file(file: Path) -> str:
    try:
        return file.read_text().rstrip("\r\n")
    except OSError:
        raise problems.unreadable_file(file, expected="one line with the secret") from None
