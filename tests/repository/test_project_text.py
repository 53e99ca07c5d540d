"""What every file of the package says about itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "memograd"
FILES = sorted(PACKAGE.rglob("*.py"))
UNFINISHED = ("TODO", "FIXME")

Check = Callable[[str], Iterator[str]]


def missing_docstrings(source: str) -> Iterator[str]:
    """A module, and each of its public functions and classes, has a docstring."""
    tree = ast.parse(source)
    if not ast.get_docstring(tree):
        yield "the module has no docstring"
    definitions = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    for node in definitions:
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"line {node.lineno}: {node.name} has no docstring"


def unfinished_business(source: str) -> Iterator[str]:
    """Nothing is left to be done in the sources."""
    for number, line in enumerate(source.splitlines(), start=1):
        yield from (f"line {number}: {mark}" for mark in UNFINISHED if mark in line)


BAD: list[tuple[Check, str]] = [
    (missing_docstrings, "import math"),
    (missing_docstrings, "'doc'\ndef f(): ..."),
    (missing_docstrings, "'doc'\nasync def f(): ..."),
    (missing_docstrings, "'doc'\nclass A:\n x = 1"),
    (unfinished_business, "x = 1  # TODO: two"),
    (unfinished_business, "'''FIXME'''"),
]

GOOD = "'doc'\ndef _f(): ...\ndef f():\n 'doc'\nclass A:\n 'doc'\n def g(self): ..."


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
@pytest.mark.parametrize("check", [missing_docstrings, unfinished_business])
def test_file(check: Check, path: Path) -> None:
    """Every file keeps the rule that the check's docstring states."""
    assert list(check(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(("check", "source"), BAD)
def test_check_finds_what_is_wrong(check: Check, source: str) -> None:
    """A source in which one thing is wrong does not pass."""
    assert len(list(check(source))) == 1


@pytest.mark.parametrize("check", [missing_docstrings, unfinished_business])
def test_check_passes_what_is_right(check: Check) -> None:
    """A source in which nothing is wrong passes, private functions and methods without docstrings included."""
    assert list(check(GOOD)) == []


def test_files_are_found() -> None:
    """The checks read the package, not an empty folder."""
    assert PACKAGE / "errors.py" in FILES
