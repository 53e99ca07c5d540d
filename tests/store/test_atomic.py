"""A file is written whole or not at all, and whether it could be is known before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from memograd.store.atomic import check_writable, write_atomically

Act = Callable[[str | os.PathLike[str]], None]

ACTS: dict[str, Act] = {"write": lambda path: write_atomically(path, b"new"), "check": check_writable}


@pytest.fixture(params=ACTS)
def act(request: pytest.FixtureRequest) -> Act:
    """Writing, and finding out whether it can be done."""
    return ACTS[request.param]


def contents(folder: Path) -> dict[str, bytes]:
    """Return what a folder holds, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_written(tmp_path: Path) -> None:
    """A file comes into being, or takes the place of another, and nothing else is left."""
    for data in (b"", b"a" * 100_000, b"b"):
        write_atomically(tmp_path / "f", data)
        assert contents(tmp_path) == {"f": data}


def test_checked(tmp_path: Path) -> None:
    """Finding out whether a file can be written changes nothing."""
    (tmp_path / "old").write_bytes(b"old")
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new")
    assert contents(tmp_path) == {"old": b"old"}


PLACES = [
    "folder",
    "folder/",
    "no/f",
    "old/f",
    "old/",
    "no/",
    "x" * 300,
    "",
    ".",
    "loop",
    "pipe",
    "/proc/f",
    "/dev/null",
]


@pytest.mark.skipif(os.name != "posix", reason="pipes, links and these paths are those of POSIX")
@pytest.mark.parametrize("place", PLACES)
def test_impossible_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act, place: str) -> None:
    """A place where no regular file can be raises an OSError that says why, and everything stays as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir())
    with pytest.raises(OSError) as caught:
        act(place)
    assert caught.value.strerror
    assert sorted(os.listdir()) == before
    assert contents(tmp_path) == {"old": b"old"}
    assert not list((tmp_path / "folder").iterdir())


def test_links(tmp_path: Path, act: Act) -> None:
    """Through a link, also to a file that is not there yet, its target is written, and the link stays."""
    link = tmp_path / "link"
    link.symlink_to("target")
    act(link)
    write_atomically(link, b"newer")
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"newer"


def test_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    """When the working folder was removed, a relative path is refused like any other that cannot be."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(OSError):
        act("f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failing_at_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    """When the disk is full or Ctrl-C comes just before the end, the old file is whole, and the new one gone."""

    def fail(*_: object) -> None:
        raise error

    (tmp_path / "f").write_bytes(b"old")
    monkeypatch.setattr(failing, fail)
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "f", b"new")
    assert contents(tmp_path) == {"f": b"old"}


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_another_user(tmp_path: Path, act: Act) -> None:
    """In a folder of which one has no permission to write, nothing is written."""
    tmp_path.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            act(tmp_path / "f")
    finally:
        os.seteuid(0)
    assert list(tmp_path.iterdir()) == []
