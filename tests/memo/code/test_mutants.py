"""Mutants of small projects: whatever of them returns something else has another identity."""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from memograd.memo.code.identity import identify

from .all_worlds import ALL
from .mutants import mutants
from .worlds import Sources, World, imported, see, write

# All 2,100 mutants take 50 seconds on an idle core; every eleventh still has all kinds.
EVERY = 11

# Enough for every project, and a mutant that loops for ever is stopped soon.
MAX_STEPS = 30_000


class TooLong(BaseException):
    """A mutant that does not stop."""


@pytest.mark.parametrize("world", ALL, ids=lambda world: world.name)
def test_a_mutant_that_returns_something_else_has_another_identity(world: World, tmp_path: Path) -> None:
    """No stored result of one version is ever served to another that would have computed something else."""
    before, n_changed = see(tmp_path, world.sources), 0
    for what, sources in list(versions(world.sources))[::EVERY]:
        found = outcome(tmp_path, sources)
        if found is not None and found[1] != before.result:
            n_changed += 1
            assert found[0] != before.identity.digest, what
    assert n_changed > 10


@pytest.mark.parametrize("world", ALL, ids=lambda world: world.name)
def test_sources_written_anew_from_their_trees_have_the_same_identity(world: World, tmp_path: Path) -> None:
    """No comment, blank line, bracket, quote or line number has a part in it."""
    rewritten = {name: ast.unparse(ast.parse(text)) for name, text in world.sources.items()}
    assert see(tmp_path / "new", rewritten).identity == see(tmp_path / "old", world.sources).identity


def versions(sources: Sources) -> list[tuple[str, Sources]]:
    """All mutants of all files, each with what was changed."""
    return [
        (f"{name}, {what}", {**sources, name: mutant})
        for name, text in sources.items()
        for what, mutant in mutants(text)
    ]


def outcome(folder: Path, sources: Sources) -> tuple[str, str] | None:
    """The identity of a mutant and what it does; None if it cannot be imported or has no identity."""
    write(folder, sources)
    try:
        with imported(folder) as main:
            return identify(main.run).digest, stopped(main.run, 3)
    except Exception:  # a mutant may fail in any way
        return None


def stopped(function: Any, *args: Any) -> str:
    """What a function returns, or fails with, within a number of steps."""
    steps = iter(range(MAX_STEPS))

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        if next(steps, None) is None:
            raise TooLong
        return count

    tracing = sys.gettrace()
    sys.settrace(count)
    try:
        with warnings.catch_warnings():
            # A mutant may forget to await.
            warnings.simplefilter("ignore")
            return repr(function(*args))
    except (TooLong, Exception) as error:
        return repr(error)
    finally:
        sys.settrace(tracing)
