"""`memograd memo why`: what an entry was made from, and how the nearest other one differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memograd.memo.memoize import memoize
from memograd.store.disk import DiskStore
from memograd.store.protocol import Entry

from .stored import CODE, DESCRIPTION, KEYS


def test_why(memo: Callable, found: Callable) -> None:
    """An entry tells what it was made from, and how the nearest other of its function differs."""
    record = found("why", KEYS[0][:6])
    assert record["parts"]["function lab.scale"] == ["f0", "lab.py"]
    assert record["nearest"] == KEYS[1]
    assert record["differences"] == ["argument x was 2.5 and is 1.5"]
    assert memo("why", KEYS[0]).out.splitlines()[-1] == "argument x was 2.5 and is 1.5"
    assert found("why", DESCRIPTION.key)["parts"] == DESCRIPTION.metadata["parts"]
    alone = found("why", "cd")
    assert (alone["nearest"], alone["differences"]) == (None, [])


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"code": CODE},
        {"code": 5, "version": "None", "arguments": {}},
        {"code": CODE, "version": None, "arguments": {}},
        {"code": CODE, "version": "None", "arguments": {"x": "y"}},
        {"code": CODE, "version": "None", "arguments": {"x": [1, 2]}},
        {"parts": 5},
    ],
)
def test_why_of_foreign_metadata(refused: Callable, found: Callable, store: Path, metadata: dict[str, Any]) -> None:
    """An entry that does not say what it was made from is named, and is no neighbour of others."""
    key = "ee" * 32
    DiskStore(store).put(Entry(key, (b"",), group="lab.grid", metadata=metadata))
    assert "does not say" in refused("memo", "why", key, "--store", store)
    assert found("why", KEYS[2])["nearest"] is None


def test_why_of_a_lost_description(found: Callable, store: Path) -> None:
    """When what the code was made from was evicted, the arguments are told all the same."""
    DiskStore(store).delete(DESCRIPTION.key)
    record = found("why", KEYS[0])
    assert set(record["parts"]) == {"version=", "argument x"}
    assert record["differences"] == ["argument x was 2.5 and is 1.5"]


def test_why_of_a_memoized_function(run: Callable, folder: Path) -> None:
    """What a memoized function stores is understood."""
    scale = memoize(lambda x: 2 * x, store="made")
    assert [scale(1), scale(2)] == [2, 4]
    outcome = run("memo", "why", scale.call_info(2).key, "--store", "made", "--json")
    assert outcome.record["function"] == scale.group
    assert outcome.record["differences"] == ["argument x was 1 and is 2"]
    assert [name for name in outcome.record["parts"] if name.startswith("function")]
    assert run("memo", "ls", "--store", "made", "--json").record["n_entries"] == 2
