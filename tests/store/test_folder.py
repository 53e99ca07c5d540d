"""The files of a store: what is set aside, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from memograd.store.folder import QUARANTINE, Folder
from memograd.store.place import Place

PLACE = Place("ab", "file")


def test_a_good_file_in_the_place_of_a_damaged_one_stays(folder: Path) -> None:
    """Between the moment when damage is found and when it is moved, another may have put things right."""
    found = Folder(folder)
    found.make("ab")
    path = folder / "ab" / "file"
    path.write_bytes(b"damaged")
    damaged = path.stat().st_ino
    path.rename(path.with_name("kept, so that its number is not given to another"))
    path.write_bytes(b"good")
    assert found.set_aside(PLACE, damaged) is None
    assert path.read_bytes() == b"good"
    assert list((folder / QUARANTINE).iterdir()) == []
    moved = found.set_aside(PLACE, path.stat().st_ino)
    assert moved is not None
    assert (folder / moved).read_bytes() == b"good"
    assert found.set_aside(PLACE) is None


def test_a_file_written_beside_is_gone_when_the_block_fails(folder: Path) -> None:
    """What was published has all its bytes and cannot be written to."""
    found = Folder(folder)
    names = []

    def fail() -> None:
        with found.beside("ab", (b"first",)):
            names.extend(found.names("ab"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert len(names) == 1
    assert found.names("ab") == []
    with found.beside("ab", (b"a", memoryview(b"b"), b"")) as name:
        found.publish(name, PLACE)
    assert found.names("ab") == ["file"]
    contents = found.read(PLACE, 10)
    assert contents is not None
    assert contents.data == b"ab"
    assert (folder / "ab" / "file").stat().st_mode & 0o222 == 0
