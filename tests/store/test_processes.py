"""Many processes on one store at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from memograd.errors import LockTimeout
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.protocol import Entry

from .conformance import content, entry_of, fork, key_of, same

SECRET = b"a secret of some bytes"


def fail(damage: Damage) -> None:
    """Nothing that processes do to each other is damage."""
    raise AssertionError(str(damage))


def all_succeed(children: list[int]) -> bool:
    """Whether every child ended as it should."""
    return [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)


def entry(number: int) -> Entry:
    """One of thirty entries, of all sizes; some share blobs."""
    own = entry_of(number, 10 + number, 4_000 + 300 * number)
    return Entry(own.key, (*own.blobs, content(number % 4, 9_000)), group="f", created_seconds=0.0)


def use(store: DiskStore, seed: int) -> bool:
    """Do everything at random; whether every answer was right."""
    generator = np.random.default_rng(seed)
    for number in map(int, generator.integers(30, size=120)):
        found, what = store.get(key_of(number)), generator.random()
        assert found is None or same(found, entry(number))
        if found is None or what < 0.2:
            store.put(entry(number))
        elif what < 0.35:
            store.delete(found.key)
        elif what < 0.37:
            store.gc(50_000)
        elif what < 0.38:
            assert store.verify().n_damaged == 0
        elif what < 0.40:
            assert all(record.group == "f" for record in store.scan("f"))
        elif what < 0.42:
            store.rebuild()
    return True


@pytest.mark.parametrize("key", [None, SECRET], ids=["checksums", "keyed"])
def test_readers_and_writers_agree(folder: Path, key: bytes | None) -> None:
    """Eight processes that put, get, delete, evict, audit and rebuild see right values or none, and nothing damaged."""
    root = folder / "store"
    stores = [DiskStore(root, max_bytes=250_000, key=key, report=fail) for _ in range(8)]
    children = [fork(partial(use, store, seed)) for seed, store in enumerate(stores)]
    assert all_succeed(children)
    store = DiskStore(root, key=key, report=fail)
    stats = store.stats()
    found = store.verify()
    assert (found.n_entries, found.size_bytes, found.n_abandoned) == (stats.n_entries, stats.size_bytes, 0)


def test_children_are_born_while_threads_write(folder: Path) -> None:
    """A child writes and locks as well, whatever the threads were doing that its parent has and it has not."""
    store, over = DiskStore(folder / "store", report=fail), threading.Event()

    def write(seed: int) -> None:
        while not over.is_set():
            with store.lock(key_of("busy"), 30):
                store.put(entry(seed))

    def work(number: int) -> bool:
        signal.alarm(20)  # or it would wait for ever, for a thread that it does not have
        return store.put(entry(number)) and store.stats().n_entries > 0

    with ThreadPoolExecutor(3) as threads:
        writing = [threads.submit(write, seed) for seed in range(3)]
        children = []
        for number in range(3, 40):
            children.append(fork(partial(work, number % 20)))
            time.sleep(0.003)
        succeeded = [os.waitpid(child, 0)[1] for child in children]
        over.set()
        assert [thread.result() for thread in writing] == [None] * 3
    assert succeeded == [0] * len(children)


def test_a_store_is_made_once(folder: Path) -> None:
    """Of processes that make a store at once with different keys, one kind gets it, and the others an error."""
    for number in range(20):
        root = folder / str(number)
        children = [fork(partial(DiskStore, root, key=key)) for key in (None, SECRET) * 2]
        statuses = [os.waitpid(child, 0)[1] == 0 for child in children]
        assert statuses in ([True, False, True, False], [False, True, False, True])


def test_one_of_many_processes_holds_a_lock(folder: Path) -> None:
    """Sixteen processes take the same lock many times: one at a time is inside, and none is passed over."""
    store, inside, counter = DiskStore(folder / "store"), folder / "inside", folder / "counter"
    counter.write_text("0")

    def enter(timeout_seconds: float | None) -> bool:
        for _ in range(25):
            with store.lock(key_of(1), timeout_seconds):
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
                counter.write_text(str(int(counter.read_text()) + 1))
                inside.unlink()
        return True

    assert all_succeed([fork(partial(enter, seconds)) for seconds in (None, 60.0) * 8])
    assert counter.read_text() == str(16 * 25)
    assert list((folder / "store" / "locks").iterdir()) == []


def waiting(inside: AbstractContextManager[object]) -> int:
    """A child that enters a block, says so, and stays there until its end."""
    reading, writing = os.pipe()

    def hold() -> None:
        with inside:
            os.write(writing, b"x")
            time.sleep(60)

    child = fork(hold)
    os.close(writing)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    return child


@pytest.mark.parametrize("timeout_seconds", [None, 30.0])
def test_a_lock_ends_with_its_owner(folder: Path, timeout_seconds: float | None) -> None:
    """When the owner is killed, the one who waits has the lock within a second, and removes its file at the end."""
    store = DiskStore(folder / "store")
    owner = waiting(store.lock(key_of(1)))
    with pytest.raises(LockTimeout), store.lock(key_of(1), 0.01):
        pass
    waiter = fork(lambda: waited(store, timeout_seconds))
    time.sleep(0.1)
    assert os.waitpid(waiter, os.WNOHANG) == (0, 0)
    os.kill(owner, signal.SIGKILL)
    killed = time.monotonic()
    os.waitpid(owner, 0)
    assert os.waitpid(waiter, 0)[1] == 0
    assert time.monotonic() - killed < 1
    assert list((folder / "store" / "locks").iterdir()) == []


def waited(store: DiskStore, timeout_seconds: float | None) -> bool:
    """Take the lock."""
    with store.lock(key_of(1), timeout_seconds):
        return True


def test_a_lock_ends_with_its_owner_and_not_with_its_children(folder: Path) -> None:
    """A process that was forked while its parent held a lock does not keep it when the parent is killed."""
    store = DiskStore(folder / "store")
    children: list[int] = []
    reading, writing = os.pipe()

    def work() -> None:
        with store.lock(key_of(1)):
            os.write(writing, waiting(nullcontext()).to_bytes(4, "little"))
            time.sleep(60)

    owner = fork(work)
    children.append(int.from_bytes(os.read(reading, 4), "little"))
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    with store.lock(key_of(1), 1.0):
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    os.close(writing)


def test_a_child_does_not_end_its_parents_lock(folder: Path) -> None:
    """A child that leaves the block in which it was forked leaves the lock, and its file, to the parent."""
    store = DiskStore(folder / "store")
    leaving = -1
    with store.lock(key_of(1)):
        leaving = os.fork()
        if leaving:
            assert os.waitpid(leaving, 0)[1] == 0
            other = fork(lambda: waited(store, 0))
            assert os.waitpid(other, 0)[1] != 0
    if not leaving:
        os._exit(0)
    assert all_succeed([fork(lambda: waited(store, 0))])


def test_nested_locks_of_many_keys_do_not_deadlock(folder: Path) -> None:
    """Calls that hold the lock of one key and take that of another, in whatever order, wait only for their own keys."""
    store = DiskStore(folder / "store")

    def nested(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(40)
        for outer in order:
            # What a call needs is computed from it: a later number never needs an earlier one.
            with store.lock(key_of(int(outer)), 30), store.lock(key_of(int(outer) + 1), 30):
                pass
        return True

    assert all_succeed([fork(partial(nested, seed)) for seed in range(4)])
