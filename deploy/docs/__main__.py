"""`python -m deploy.docs` writes the drawn documents; with `--check` it only compares."""

import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from deploy.docs import after_sales, asyncapi, cli, events, openapi, orders, questions, redemption

_FOLDER = Path(__file__).parent.parent.parent / "docs"
DOCUMENTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "after-sales.md": after_sales.render,
        "asyncapi.yaml": asyncapi.render,
        "cli.md": cli.render,
        "events.md": events.render,
        "orders.md": orders.render,
        "platform-questions.md": questions.render,
        "redemption.md": redemption.render,
        **openapi.documents(),
    }
)


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m deploy.docs [--check]", file=sys.stderr)
        return 2
    stale = [name for name, render in DOCUMENTS.items() if not _is(name, render())]
    if not arguments:
        for name in stale:
            (_FOLDER / name).parent.mkdir(exist_ok=True)
            (_FOLDER / name).write_text(DOCUMENTS[name]())
            print(f"docs/{name}")
        return 0
    for name in stale:
        print(_difference(name, DOCUMENTS[name]()))
    if stale:
        print("✗ 文档与代码不一致 · documents differ from the code: run python -m deploy.docs")
    return 1 if stale else 0


def _is(name: str, content: str) -> bool:
    file = _FOLDER / name
    return file.exists() and file.read_text() == content


def _difference(name: str, content: str) -> str:
    file = _FOLDER / name
    before = file.read_text().splitlines() if file.exists() else []
    lines = difflib.unified_diff(before, content.splitlines(), f"docs/{name}", "code", lineterm="")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
