"""The default store works wherever the process does: on disk where that can be, else in memory with one warning."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from memograd.caches import user_cache
from memograd.memo import default
from memograd.memo.complaints import MemoWarning
from memograd.memo.default import default_store
from memograd.memo.memoize import memoize
from memograd.store import disk
from memograd.store.disk import DiskStore


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path))
    default_store.cache_clear()
    yield
    default_store.cache_clear()


def works() -> None:
    """A function is memoized by default, and nothing more is said."""
    square = memoize(_square)
    assert (square(3), square(3)) == (9, 9)
    assert square.stats()["hits"] >= 1
    assert square.stats()["not_stored"] == 0


def _square(x: int) -> int:
    return x * x


def _cube(x: int) -> int:
    return x**3


def test_results_lie_on_disk() -> None:
    """In the cache directory of the user, without a word."""
    works()
    assert DiskStore(user_cache("memo")).stats().n_entries == 2  # the result, and what the code was made from


def test_a_place_that_cannot_be_a_store() -> None:
    """A file where the directory would be: one warning that says so, and memory."""
    user_cache("memo").parent.mkdir(parents=True)
    user_cache("memo").write_text("something else")
    with pytest.warns(MemoWarning, match="in memory only, until the process ends"):
        works()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        works()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_can_only_be_read(tmp_path: Path) -> None:
    """One warning, and memory."""
    tmp_path.chmod(0o500)
    try:
        with pytest.warns(MemoWarning, match="in memory only"):
            works()
    finally:
        tmp_path.chmod(0o700)


def test_a_directory_that_can_only_be_read_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored there is found; new results go to memory."""
    works()
    default_store.cache_clear()
    before = DiskStore(user_cache("memo")).stats().n_entries
    assert before == 2
    monkeypatch.setattr(default.os, "access", lambda *_: False)
    with pytest.warns(MemoWarning, match="can only be read"):
        store = default_store()
    assert len(list(store.scan())) == before
    assert memoize(_cube)(2) == 8
    assert DiskStore(user_cache("memo")).stats().n_entries == before


def test_a_system_without_file_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as Windows: one warning that says what is missing."""
    monkeypatch.setattr(disk, "HAS_FILE_LOCKS", False)
    with pytest.warns(MemoWarning, match="POSIX"):
        works()


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a service: one warning."""

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.warns(MemoWarning, match="home directory"):
        works()
