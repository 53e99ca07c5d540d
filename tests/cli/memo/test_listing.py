"""`memograd memo ls` and `stats`: what is in the store, for people and for machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memograd.caches import user_cache
from memograd.store.disk import DiskStore

from .stored import ARRAY, KEYS, made


def test_ls(memo: Callable, found: Callable) -> None:
    """Entries are listed by function, with size, cost and age."""
    record = found("ls")
    assert record["n_entries"] == 3
    assert [entry["function"] for entry in record["entries"]] == ["lab.grid", "lab.scale", "lab.scale"]
    assert set(record["entries"][0]) == {"key", "function", "size_bytes", "cost_seconds", "created_seconds"}
    lines = memo("ls").out.splitlines()
    assert lines[0].split() == ["function", "size", "cost", "age", "key"]
    assert lines[1].split()[:5] == ["lab.grid", "16.0", "kB", "250", "ms"]
    assert lines[1].endswith(KEYS[2][:12])


def test_ls_of_a_function(memo: Callable, found: Callable) -> None:
    """A function and a limit choose entries, and the number of all is told."""
    assert [entry["key"] for entry in found("ls", "lab.grid")["entries"]] == [KEYS[2]]
    record = found("ls", "lab.scale", "--limit", "1")
    assert (len(record["entries"]), record["n_entries"]) == (1, 2)
    assert memo("ls", "--limit", "1").out.splitlines()[-1] == "and 2 more; see --limit"


def test_names_steer_no_terminal(memo: Callable, store: Path) -> None:
    """What a name could do to a terminal is escaped, and markup is text."""
    DiskStore(store).put(made("ee" * 32, 1, group="lab.\x1b[31m[red]\nname"))
    out = memo("ls").out
    assert "lab.\\x1b[31m[red]\\nname" in out
    assert "\x1b" not in out


def test_stats(memo: Callable, found: Callable) -> None:
    """Entries are counted and summed, in all and for each function."""
    record = found("stats")
    assert (record["n_entries"], record["n_descriptions"]) == (4, 1)
    assert record["size_bytes"] > ARRAY.nbytes
    assert [(row["function"], row["n_entries"]) for row in record["functions"]] == [("lab.grid", 1), ("lab.scale", 2)]
    assert record["functions"][1]["cost_seconds"] == 0.5
    assert memo("stats").out.splitlines()[-1].startswith("4 entries, 1 of which tell")


def test_default_store(run: Callable, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Without --store it is the directory where memoized functions keep results."""
    monkeypatch.setenv("HOME", str(folder / "home"))
    DiskStore(user_cache("memo")).put(made(KEYS[0], 1.5))
    outcome = run("memo", "ls", "--json")
    assert outcome.record["store"] == str(user_cache("memo"))
    assert outcome.record["n_entries"] == 1
