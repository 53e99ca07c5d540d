"""A store on disk, and the command that looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memograd.store.disk import DiskStore

from .stored import ARRAY, DESCRIPTION, KEYS, made


@pytest.fixture
def store(folder: Path) -> Path:
    """A store of three entries of two functions, and what the code of one was made from."""
    path = folder / "store"
    with DiskStore(path) as opened:
        opened.put(made(KEYS[0], 1.5))
        opened.put(made(KEYS[1], 2.5))
        opened.put(made(KEYS[2], ARRAY, group="lab.grid"))
        opened.put(DESCRIPTION)
    return path


@pytest.fixture
def memo(run: Callable, store: Path) -> Callable:
    """Run an action on that store."""
    return lambda action, *arguments: run("memo", action, *arguments, "--store", store)


@pytest.fixture
def found(memo: Callable) -> Callable[..., dict[str, Any]]:
    """Run an action on that store that must succeed; give its JSON object."""

    def command(*arguments: str | Path) -> dict[str, Any]:
        outcome = memo(*arguments, "--json")
        assert (outcome.status, outcome.err) == (0, "")
        record: dict[str, Any] = outcome.record
        assert record["damage"] == []
        return record

    return command
