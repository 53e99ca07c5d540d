"""What a line of text opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from memograd.errors import BadSetting, UnknownName
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.open import MEMORY_BYTES, open_store

from .conformance import entry_of, key_of


def test_paths_and_memory(folder: Path) -> None:
    """A path is a directory, however it is written; "memory:" is memory."""
    for where in (folder / "store", str(folder / "store")):
        with open_store(where, max_bytes=1 << 20) as store:
            assert isinstance(store, DiskStore)
            store.put(entry_of(1, 10))
            assert store.stats().max_bytes == 1 << 20
    assert open_store(folder / "store").get(key_of(1)) is not None
    memory = open_store("memory:")
    assert isinstance(memory, MemoryStore)
    assert memory.stats().max_bytes == MEMORY_BYTES


def test_other_addresses_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a kind that no store has is no path, and makes no directory."""
    monkeypatch.chdir(folder)
    for where in ("redis://localhost", "file:///tmp/x"):
        with pytest.raises(UnknownName, match="give a directory, or 'memory:'"):
            open_store(where)
    with pytest.raises(BadSetting, match="takes no key"):
        open_store("memory:", key=b"a secret of some bytes")
    assert list(folder.iterdir()) == []
