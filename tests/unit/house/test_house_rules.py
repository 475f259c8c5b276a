"""Rules of the house that no other tool checks."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent
_FILE_LINES_MAX = 400
_FUNCTION_LINES_MAX = 60
_ROOMS = ("services", "shared", "deploy", "tests")


def python_files() -> list[Path]:
    return sorted(file for room in _ROOMS for file in (ROOT / room).rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_stay_small() -> None:
    too_long = {
        str(file.relative_to(ROOT)): lines
        for file in python_files()
        if (lines := len(file.read_text().splitlines())) > _FILE_LINES_MAX
    }
    assert too_long == {}


def test_functions_stay_small() -> None:
    too_long = {
        f"{file.relative_to(ROOT)}:{function.lineno} {function.name}": lines
        for file in python_files()
        for function in functions(ast.parse(file.read_text()))
        if (lines := (function.end_lineno or 0) - function.lineno) > _FUNCTION_LINES_MAX
    }
    assert too_long == {}


def service_folders() -> list[Path]:
    return sorted(file.parent for file in (ROOT / "services").glob("*/__main__.py"))


@pytest.mark.parametrize("folder", service_folders(), ids=lambda folder: folder.name)
def test_a_service_says_what_it_owns_hears_says_and_stores(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    missing = [word for word in ("Owns", "Hears", "Says", "Stores") if word not in docstring]
    assert missing == []


def test_sql_stands_only_in_queries() -> None:
    """A service's statements are found in one place."""
    words = ("SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM")
    strays = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in python_files()
        if file.is_relative_to(ROOT / "services") and "queries" not in str(file.relative_to(ROOT))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.lstrip().startswith(words)
    ]
    assert strays == []


def test_migrations_are_named_and_numbered() -> None:
    for folder in (*ROOT.glob("services/*/migrations"), *ROOT.glob("shared/*/migrations")):
        names = sorted(file.name for file in folder.iterdir())
        assert [name[:4] for name in names] == [f"{n:04}" for n in range(1, len(names) + 1)]
        for name in names:
            assert name.endswith(".sql"), name
            assert name.count("_") >= 2, f"{folder}: {name} is not NNNN_verb_object.sql"


def test_nothing_of_a_developers_machine_is_in_the_tree() -> None:
    """Lock files name the default registries; no file names a home or a scratch folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    forbidden = ("/" + "root/", "/" + "home/", "/" + "tmp/bash", "/" + "work/")
    hits = [
        f"{name}: {word}"
        for name in listed.split("\0")
        if name and (ROOT / name).is_file()
        for word in forbidden
        if word in (ROOT / name).read_text(errors="ignore")
    ]
    assert hits == []
