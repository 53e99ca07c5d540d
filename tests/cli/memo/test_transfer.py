"""`memograd memo export` and `import`: what comes back, and what is refused as a whole."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.memo.values import value_of
from memograd.store.archive import write_archive
from memograd.store.disk import DiskStore
from memograd.store.protocol import Entry

from .stored import ARRAY, DESCRIPTION, KEYS, made


def archive_of(*entries: Entry) -> None:
    """Write the file in.zip."""
    with open("in.zip", "wb") as file:
        write_archive(file, entries)


def test_export_and_import(run: Callable, found: Callable, store: Path, folder: Path) -> None:
    """What is exported comes back in another store exactly as it was, and is added only once."""
    assert found("export", "all.zip")["n_entries"] == 4
    outcome = run("memo", "import", "all.zip", "--store", "other", "--json")
    assert (outcome.record["n_imported"], outcome.record["n_present"]) == (4, 0)
    old, new = DiskStore(store), DiskStore("other")
    for key in (*KEYS, DESCRIPTION.key):
        assert new.get(key) == old.get(key)
    assert np.array_equal(value_of(new.get(KEYS[2])), ARRAY)
    again = run("memo", "import", "all.zip", "--store", "other", "--json").record
    assert (again["n_imported"], again["n_present"]) == (0, 4)
    assert run("memo", "export", "again.zip", "--store", "other").status == 0
    assert Path("again.zip").read_bytes() == Path("all.zip").read_bytes()


def test_import_changes_nothing_that_is_there(run: Callable, folder: Path, store: Path) -> None:
    """An entry of a file does not take the place of one that is there under its key."""
    archive_of(made(KEYS[0], 99.0))
    assert run("memo", "import", "in.zip", "--store", store).out == "0 entries imported, 1 were there\n"
    assert value_of(DiskStore(store).get(KEYS[0])) == 1.5


def test_export_holds_no_code(memo: Callable, store: Path) -> None:
    """A pickle stays where it is, and that is said."""
    DiskStore(store).put(made("ee" * 32, 1, pickled=True))
    outcome = memo("export", "all.zip", "--json")
    assert outcome.record["left_out"] == ["ee" * 32]
    assert "1 entry left out" in outcome.err
    assert not [name for name in zipfile.ZipFile("all.zip").namelist() if "ee" * 32 in name]


def test_export_that_cannot_be_written(memo: Callable, refused: Callable, store: Path) -> None:
    """A directory, a pipe, and a folder that is not there are refused."""
    for place in (".", "no such folder/a.zip", os.devnull, "a\0b"):
        assert "cannot be written" in refused("memo", "export", place, "--store", store)


class Bomb:
    """Leaves a mark when its pickle is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


POISONED = {
    "pickle": ([made(KEYS[0], Bomb(), pickled=True)], "may run code"),
    "unknown codec": ([Entry(KEYS[0], (), metadata={"codec": "module"})], "'module'"),
    "good and bad": ([made(KEYS[0], 1.5), Entry(KEYS[1], (), metadata={"codec": ["module"]})], "may run code"),
}


@pytest.mark.parametrize("name", POISONED)
def test_import_of_what_may_run_code(refused: Callable, folder: Path, name: str) -> None:
    """A file with a value that is not read without running something is refused as a whole, and nothing runs."""
    entries, words = POISONED[name]
    archive_of(*entries)
    line = refused("memo", "import", "in.zip", "--store", "new")
    assert line.startswith("memograd: in.zip: is not imported: ")
    assert words in line
    assert not Path("exploded").exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-30], lambda data: data.replace(b"value", b"Value"), lambda _: b""]
)
def test_import_of_a_damaged_file(refused: Callable, folder: Path, damage: Callable[[bytes], bytes]) -> None:
    """A file that is cut, changed or empty is refused as a whole."""
    archive_of(made(KEYS[0], 1.5), Entry(KEYS[1], (b"value",)))
    Path("in.zip").write_bytes(damage(Path("in.zip").read_bytes()))
    assert "is not imported" in refused("memo", "import", "in.zip", "--store", "new")


@pytest.mark.parametrize("place", ["no such file", ".", os.devnull, "a\0b"])
def test_import_of_no_file(refused: Callable, place: str) -> None:
    """What is no file is refused, and no store is made."""
    assert "is not imported" in refused("memo", "import", place, "--store", "new")


def test_import_into_a_foreign_directory(refused: Callable, folder: Path) -> None:
    """A directory that holds something else is not made a store."""
    archive_of(made(KEYS[0], 1.5))
    (folder / "foreign").mkdir()
    (folder / "foreign/thesis.tex").touch()
    assert "thesis.tex" in refused("memo", "import", "in.zip", "--store", "foreign")
