"""What a result depends on besides arguments and files: everything of it is told, and each change is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memograd.cli.train import ingredients as told
from memograd.cli.train.ingredients import ingredients, packages, sources


def test_all_is_told() -> None:
    """Where this package is installed as usual, nothing is missing."""
    assert ingredients() is not None


def test_sources(tmp_path: Path) -> None:
    """The name and the content of every source file count, its time does not; other files are not looked at."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text("x = 1")
    before = list(sources(tmp_path))
    os.utime(tmp_path / "a" / "b.py", (1, 1))
    (tmp_path / "notes.txt").touch()
    assert list(sources(tmp_path)) == before
    times = os.stat(tmp_path / "a" / "b.py")
    (tmp_path / "a" / "b.py").write_text("x = 2")
    os.utime(tmp_path / "a" / "b.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = list(sources(tmp_path))
    assert changed != before
    (tmp_path / "c.py").touch()
    assert list(sources(tmp_path)) != changed


def test_own_sources_are_all_of_them() -> None:
    """The files that are read are those of this package."""
    found = set(list(sources(told._SOURCE))[::2])
    assert {"__init__.py", os.path.join("train", "loop.py"), os.path.join("cli", "train", "ingredients.py")} <= found


def test_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an installer recorded of a package counts, also where the version stays."""
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "__init__.py").touch()
    record = tmp_path / "thing-1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("thing/__init__.py,sha256=1,1")
    monkeypatch.syspath_prepend(tmp_path)
    before = list(packages(("thing",)))
    record.write_text("thing/__init__.py,sha256=2,1")
    assert list(packages(("thing",))) != before
    record.unlink()
    with pytest.raises(OSError, match="RECORD"):
        list(packages(("thing",)))
    record.parent.rmdir()
    for name in ("thing", "no_such_package"):
        with pytest.raises(LookupError, match=name):
            list(packages((name,)))


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that chooses the code of a package counts, others do not."""
    before = ingredients()
    monkeypatch.setenv("SOMETHING", "else")
    assert ingredients() == before
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert ingredients() != before


@pytest.mark.parametrize("part", ["sources", "packages", "_python", "_machine"])
def test_every_part_counts(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Other code, packages, another Python or machine is another key; what cannot be told makes none."""
    before = ingredients()
    monkeypatch.setattr(told, part, lambda *_: iter(["other"]))
    assert ingredients() not in {before, None}

    def lost(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(told, part, lost)
    assert ingredients() is None
