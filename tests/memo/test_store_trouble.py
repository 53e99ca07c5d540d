"""A store that fails costs one warning, and never a result."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from memograd.errors import StoreError
from memograd.memo.complaints import MemoWarning
from memograd.memo.memoize import memoize
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore


class Calls(list[Any]):
    """What functions under test were called with. To memoize, it is always the same, as a logger would be."""

    __memo_key__ = "calls"


CALLS = Calls()
RATE = 2.0


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def scaled(x: Any) -> Any:
    """Something with a global."""
    CALLS.append(x)
    return x * RATE


class Broken(MemoryStore):
    """A store of which some methods fail."""

    __slots__ = ("fails",)

    def __init__(self, *fails: str) -> None:
        super().__init__(1 << 20)
        self.fails = fails

    def _fail(self, name: str) -> None:
        if name in self.fails:
            raise StoreError(f"{name} fails")

    def get(self, key: str) -> Any:
        self._fail("get")
        return super().get(key)

    def put(self, entry: Any) -> bool:
        self._fail("put")
        return super().put(entry)

    def lock(self, key: str, timeout_seconds: float | None = None) -> Any:
        self._fail("lock")
        return super().lock(key, timeout_seconds)


@pytest.mark.parametrize(
    ("fails", "says"), [("get", "computed again"), ("put", "not stored"), ("lock", "without a lock")]
)
def test_a_store_that_fails_costs_one_warning(fails: str, says: str) -> None:
    """Whatever of a store fails, every call returns, and it is said once."""
    f = memoize(scaled, store=Broken(fails), bypass=False)
    with pytest.warns(MemoWarning, match=says) as told:
        assert [f(np.float64(x)) for x in range(5)] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert len(told) == 1
    assert told[0].filename == __file__


def test_a_store_that_is_deleted_beneath(tmp_path: Path) -> None:
    """Calls go on."""
    f = memoize(scaled, store=DiskStore(tmp_path / "s"))
    argument = np.ones(2)
    f(argument)
    shutil.rmtree(tmp_path / "s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MemoWarning)
        assert f(argument).tolist() == [2.0, 2.0]


def test_a_store_that_is_deleted_during_a_call(tmp_path: Path) -> None:
    """The call returns its result, with one warning that says what to do; and so do later calls."""
    root = tmp_path / "store"

    def delete(x: np.float64) -> np.float64:
        if not CALLS:
            shutil.rmtree(root)
        CALLS.append(x)
        return x + 1

    f = memoize(delete, store=DiskStore(root), version=1, bypass=False)
    with pytest.warns(MemoWarning, match="was it deleted") as told:
        assert f(np.float64(1)) == 2
    assert len(told) == 1
    assert [f(np.float64(1)), f(np.float64(1))] == [2, 2]
    f = memoize(delete, store=DiskStore(root), version=1, bypass=False)
    assert [f(np.float64(1)), f(np.float64(1)), len(CALLS)] == [2, 2, 4]


def _full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_costs_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Every call returns its result, small or large, and once it is said what to do."""
    f = memoize(lambda x: np.full(size, x), store=DiskStore(tmp_path), bypass=False)
    monkeypatch.setattr(os, "write", _full)
    with pytest.warns(MemoWarning, match="not stored: .*No space left on device.*; free some space") as told:
        assert [f(x)[0] for x in (1, 2, 3, 1)] == [1, 2, 3, 1]
    assert len(told) == 1
    monkeypatch.undo()
    assert [f(x)[0] for x in (1, 1)] == [1, 1]
    assert f.stats()["hits"] == 1


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_directory_that_can_only_be_read_costs_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """What is stored is found; what is new is computed without a lock, and not stored, which is said once."""
    f = memoize(scaled, store=DiskStore(tmp_path), bypass=False)
    assert f(np.float64(1)) == 2.0
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(code, os.strerror(code))
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.warns(MemoWarning, match="without a lock, and may not be stored") as told:
        assert [f(np.float64(x)) for x in (1, 2, 3)] == [2.0, 4.0, 6.0]
    assert len(told) == 1
    assert f.stats()["hits"] == 1


def test_files_that_are_deleted_beneath_are_computed_again(tmp_path: Path) -> None:
    """Entries, blobs, or the index: no call fails, and nothing wrong comes out."""
    f = memoize(lambda x: np.full(1_000, x), store=DiskStore(tmp_path, report=lambda damage: None), bypass=False)
    for pattern in ("*/*.entry", "*/*.blob", "index*", "locks", "??"):
        assert f(1)[0] == 1
        for path in list(tmp_path.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert [f(1)[0], f(2)[0]] == [1, 2]


def _later_version(root: Path) -> Path:
    root.mkdir()
    (root / "memograd-store-999").touch()
    return root


def _foreign(root: Path) -> Path:
    root.mkdir()
    (root / "letter.txt").touch()
    return root


def _file(root: Path) -> Path:
    root.write_text("something else")
    return root


NO_STORE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "later version": (_later_version, "upgrade it"),
    "foreign directory": (_foreign, "holds 'letter.txt'"),
    "file": (_file, "cannot open the store"),
    "place where nothing can be made": (lambda _: Path("/proc/memograd"), "cannot open the store"),
}


@pytest.mark.parametrize("name", NO_STORE)
def test_a_path_that_can_be_no_store_costs_one_warning(name: str, tmp_path: Path) -> None:
    """Every call returns its result, and the first says what is wrong; to memoize is no error."""
    make, says = NO_STORE[name]
    f = memoize(scaled, store=make(tmp_path / "store"), bypass=False)
    with pytest.warns(MemoWarning, match=says) as told:
        assert [f(np.float64(x)) for x in (1, 2, 1)] == [2.0, 4.0, 2.0]
    assert len(told) == 1


def test_a_path_whose_store_is_deleted_is_a_new_store(tmp_path: Path) -> None:
    """Between calls and during one: without a warning, and results are kept again."""
    root = tmp_path / "store"

    def delete(x: np.float64) -> np.float64:
        if not CALLS:
            shutil.rmtree(root)
        CALLS.append(x)
        return x + 1

    f = memoize(delete, store=root, bypass=False)
    assert [f(np.float64(1)), f(np.float64(1)), len(CALLS)] == [2, 2, 1]
    shutil.rmtree(root)
    assert [f(np.float64(1)), f(np.float64(1)), len(CALLS)] == [2, 2, 2]
    assert f.is_cached(np.float64(1))


def test_a_path_is_that_of_the_directory_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may go elsewhere before the first call; until then nothing is made."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    f = memoize(scaled, store="store")
    assert not (tmp_path / "store").exists()
    monkeypatch.chdir("elsewhere")
    f(np.float64(1))
    assert (tmp_path / "store").is_dir()


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": [1]}), pd.Series([1]), pl.DataFrame({"a": [1]})], ids=repr)
def test_frames_without_pyarrow_are_not_stored(frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call returns its frame, and the warning says what to install; one that is stored is computed again."""
    store = MemoryStore(1 << 24)
    f = memoize(lambda frame: frame, store=store, bypass=False)
    f(frame[:0])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.warns(MemoWarning, match=r"not stored: .*pip install 'memograd\[frames\]'"):
        assert len(f(frame)) == 1
    with pytest.warns(MemoWarning, match="computed again: .*pip install"):
        assert len(f(frame[:0])) == 0
