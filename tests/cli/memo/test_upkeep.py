"""`memograd memo verify`, `gc` and `rm`: what keeps a store whole and small."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memograd.cli.memo.command import DAMAGED
from memograd.cli.memo.upkeep import size

from .stored import ARRAY, KEYS


def only(folder: Path, suffix: str) -> Path:
    """The one file in a store with this suffix."""
    (path,) = folder.glob(f"*/*{suffix}")
    return path


def overwrite(path: Path, data: bytes) -> None:
    """Write into a file that is not meant to be written to."""
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.parametrize("options", [[], ["--rebuild"]])
def test_verify(memo: Callable, found: Callable, store: Path, options: list[str]) -> None:
    """A whole store is found whole; damage is told, set aside, and gives another exit status."""
    assert found("verify", *options)["n_entries"] == 4
    overwrite(only(store, ".blob"), bytes(16000))
    outcome = memo("verify", *options, "--json")
    assert outcome.status == DAMAGED
    assert outcome.record["n_damaged"] >= 1
    assert outcome.record["n_entries"] == 3
    assert "changed since it was written" in outcome.record["damage"][0]["reason"]
    assert outcome.err.startswith("damaged: ")


def test_verify_makes_the_index_again(memo: Callable, found: Callable, store: Path) -> None:
    """An index that is gone or damaged is made again, and nothing is lost by it."""
    (store / "index.sqlite").unlink()
    assert found("verify", "--rebuild")["n_entries"] == 4
    overwrite(store / "index.sqlite", b"no database" * 100)
    outcome = memo("verify", "--rebuild", "--json")
    assert outcome.record["n_entries"] == 4
    assert found("ls")["n_entries"] == 3


def test_gc(memo: Callable, found: Callable) -> None:
    """The store is emptied down to a size, and tells what it freed."""
    assert found("gc")["freed_bytes"] == 0
    record = found("gc", "--max-size", "10kB")
    assert record["n_entries"] == 2
    assert record["freed_bytes"] > ARRAY.nbytes
    assert memo("gc", "--max-size", "0").out.endswith("0 entries left, 0 bytes\n")


def test_rm(memo: Callable, found: Callable) -> None:
    """Entries go by key, by function, or all of them."""
    assert memo("rm", "aa").out == "removed 1 entry\n"
    assert found("rm", "--function", "lab.grid", "--yes")["n_removed"] == 1
    assert found("rm", "--all", "--yes")["n_removed"] == 2
    assert found("ls")["entries"] == []
    assert memo("ls").out == "no entries\n"
    assert memo("stats").out == "0 entries, 0 bytes on disk\n"


@pytest.mark.parametrize(("answer", "n_left"), [("yes\n", 0), ("no\n", 3), ("\n", 3)])
def test_rm_asks(memo: Callable, found: Callable, monkeypatch: pytest.MonkeyPatch, answer: str, n_left: int) -> None:
    """Without --yes a question is asked, and only yes is yes."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    outcome = memo("rm", "--all")
    assert outcome.status == 0
    assert "Remove 4 entries?" in outcome.err
    assert found("ls")["n_entries"] == n_left


def test_rm_without_anyone_to_ask(memo: Callable, found: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can answer, nothing is removed."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = memo("rm", "--all")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--yes" in outcome.err
    assert found("ls")["n_entries"] == 3


def test_damaged_entries_are_told(memo: Callable, store: Path) -> None:
    """A listing tells of an entry that is damaged, and lists the others."""
    overwrite(next(store.glob(f"aa/{KEYS[0]}.entry")), b"torn")
    outcome = memo("ls", "--json")
    assert outcome.status == 0
    assert len(outcome.record["entries"]) == 2
    assert outcome.record["damage"][0]["file"] == f"aa/{KEYS[0]}.entry"
    assert "damaged: " in outcome.err


def test_sizes() -> None:
    """Units are decimal or binary, in capitals or not."""
    texts = ["12", "12B", "1kb", "1KiB", "1.5MB", "2GiB", "1TB", " 3 MiB "]
    assert [size(text) for text in texts] == [12, 12, 1000, 1024, 1_500_000, 2 << 30, 10**12, 3 << 20]
