"""A process may end at any moment: nothing that was acknowledged is lost, nothing wrong is served, the store opens."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.errors import StoreError
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.folder import Folder
from memograd.store.pending import Pending
from memograd.store.protocol import Entry

from .conformance import content, entry_of, fork, key_of, same

N_KILLS = 1_000
LONGEST_SECONDS = 0.006
ACKNOWLEDGED = struct.Struct("<II")
STARTED = b"started."
"""Said before or after the store is opened: the time until a writer is killed is counted from then."""

STEPS = ("open", "write", "fsync", "rename", "unlink", "mkdir", "close")
"""What a put asks the system for, beside SQLite's own."""


def fail(damage: Damage) -> None:
    """A crash damages nothing."""
    raise AssertionError(str(damage))


def written(writer: int, serial: int) -> Entry:
    """The entry that a writer puts: of all kinds, and with blobs that other writers use too."""
    sizes = ((10,), (5_000,), (100, 70_000), (4_096, 4_097))[serial % 4]
    entry = entry_of((writer, serial), *sizes)
    return Entry(entry.key, (*entry.blobs, content(("shared", serial % 5), 8_000)), created_seconds=0.0)


def write_for_ever(root: Path, writer: int, pipe: int) -> None:
    """Put entries, some of them twice, and acknowledge each."""
    if writer % 2:
        os.write(pipe, STARTED)
    store = DiskStore(root, report=fail)
    if not writer % 2:
        os.write(pipe, STARTED)
    for serial in count():
        store.put(written(writer, serial))
        if serial % 3 == 2:
            store.put(written(writer, serial - 1))
            store.get(key_of((writer, serial)))
        os.write(pipe, ACKNOWLEDGED.pack(writer, serial))


def killed(work: Callable[[int], None], seconds: float) -> bytes:
    """What a child wrote to its pipe until it was killed."""
    reading, writing = os.pipe()
    child = fork(lambda: work(writing))
    os.close(writing)
    assert os.read(reading, len(STARTED)) == STARTED
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


def test_nothing_acknowledged_is_lost_when_writers_are_killed(folder: Path) -> None:
    """1,000 writers, each killed at a random moment: every entry that one acknowledged is there and whole."""
    generator = np.random.default_rng(0)
    root, acknowledged = folder / "store", list[tuple[int, int]]()
    for writer in range(N_KILLS):
        said = killed(partial(write_for_ever, root, writer), generator.uniform(0, LONGEST_SECONDS))
        new = list(ACKNOWLEDGED.iter_unpack(said))
        acknowledged += new
        store = DiskStore(root, report=fail)
        assert all(same(store.get(key_of(name)), written(*name)) for name in [*new, *acknowledged[-3:]])
    assert len(acknowledged) > N_KILLS / 4  # they were not all killed before they began
    check_all(root, acknowledged)
    before = DiskStore(root).verify()
    assert (before.n_damaged, before.n_entries >= len(acknowledged)) == (0, True)
    (root / "index.sqlite").unlink()
    check_all(root, acknowledged)
    assert DiskStore(root).stats().size_bytes == before.size_bytes


def check_all(root: Path, acknowledged: list[tuple[int, int]]) -> None:
    """Every acknowledged entry is there, is whole, and is found by a scan; and so is whatever else is there."""
    store = DiskStore(root, report=fail)
    assert all(same(store.get(key_of(name)), written(*name)) for name in acknowledged)
    found = [record.key for record in store.scan("")]
    assert {key_of(name) for name in acknowledged} <= set(found)
    assert all(store.get(key) is not None for key in found)


@contextmanager
def at_step(number: int, happen: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Make something happen instead of the n-th thing that the system is asked for; yield what it was asked."""
    asked: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            asked.append(name)
            if len(asked) == number:
                happen(name)
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, counted(name, getattr(os, name)))
        yield asked


OLD = (entry_of("other", 10, 9_000), Entry(key_of("new"), (content("old", 9_000), content("shared", 6_000))))
NEW = Entry(key_of("new"), (content("new", 9_000), content("shared", 6_000), b"x"))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_writer_is_killed_at_every_step(folder: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool) -> None:
    """Whichever step of a put is its last: there is the old entry or the new one, and the index knows every file."""
    old = OLD if replaced else OLD[:1]
    for number in count(1):
        root = folder / str(number)
        assert all(DiskStore(root).put(entry) for entry in old)

        def put(number: int = number, root: Path = root) -> bool:
            with at_step(number, lambda _: os.kill(os.getpid(), signal.SIGKILL), monkeypatch):
                return DiskStore(root).put(NEW)

        died = os.waitpid(fork(put), 0)[1] != 0
        store = DiskStore(root, report=fail)
        found = store.get(NEW.key)
        assert same(found, NEW) or (died and (same(found, OLD[1]) if replaced else found is None))
        assert same(store.get(OLD[0].key), OLD[0])
        check_index(root)
        assert store.put(NEW)
        assert same(store.get(NEW.key), NEW)
        assert store.verify().n_damaged == 0
        if not died:
            break
    assert number > 30  # a put is that many steps, or nothing was tried


def check_index(root: Path) -> None:
    """Every file of an entry has its row, and each of its blobs."""
    with closing(sqlite3.connect(root / "index.sqlite")) as index:
        keys = {key for (key,) in index.execute("SELECT key FROM entries")}
    keys |= {row.key for row in Pending(Folder(root)).rows()}
    assert {path.stem for path in root.rglob("*.entry")} <= keys


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_the_system_refuses_at_every_step(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Whichever step of a put fails: it is a StoreError or was stored, and the store goes on as if nothing had been."""

    def refuse(step: str) -> None:
        if step != "close":  # that the system does whatever it says
            raise OSError(code, os.strerror(code))

    for number in count(1):
        store = DiskStore(folder / str(number), report=lambda damage: None)
        assert store.put(OLD[0])
        acknowledged, raised = False, False
        with at_step(number, refuse, monkeypatch) as asked:
            try:
                acknowledged = store.put(NEW)
            except StoreError:
                raised = True
        assert acknowledged or raised
        found = store.get(NEW.key)
        assert same(found, NEW) or (raised and found is None)
        assert same(store.get(OLD[0].key), OLD[0])
        assert store.put(NEW)
        assert same(store.get(NEW.key), NEW)
        with store.lock(NEW.key, 0):
            pass
        if len(asked) < number:
            break
    assert number > 30
