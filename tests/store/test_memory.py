"""A store in memory: what a child has of it, and what its entries cost."""

from __future__ import annotations

import os
import threading
import tracemalloc

from memograd.store.memory import OVERHEAD_BYTES, MemoryStore
from memograd.store.protocol import Entry

from .conformance import entry_of, fork, key_of, same


def test_a_child_has_a_copy_of_its_own() -> None:
    """What it puts the parent does not see, and it waits for no lock that a thread of the parent holds."""
    store, held, over = MemoryStore(1 << 20), threading.Event(), threading.Event()
    store.put(entry := entry_of(1, 10))

    def hold() -> None:
        with store.lock(key_of(1)):
            held.set()
            over.wait(30)

    def work() -> bool:
        with store.lock(key_of(1), 0):
            return store.put(entry_of(2, 10)) and same(store.get(entry.key), entry)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    assert os.waitpid(fork(work), 0)[1] == 0
    over.set()
    thread.join()
    assert store.get(key_of(2)) is None


def test_an_entry_takes_what_is_counted() -> None:
    """What is counted for each entry beside its blobs is what it takes, within a factor of two."""
    store, n = MemoryStore(1 << 30), 2_000
    tracemalloc.start()
    for number in range(n):
        store.put(Entry(key_of(number), (b"",), group="f", metadata={"codec": "raw"}))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert OVERHEAD_BYTES / 2 < taken / n < OVERHEAD_BYTES * 2


def test_putting_the_same_again_and_again_takes_no_more() -> None:
    """What is remembered of entries that were replaced or deleted does not pile up."""
    store, entries = MemoryStore(1 << 20), [entry_of(name, 10) for name in range(10)]
    tracemalloc.start()
    for _ in range(1_000):
        for entry in entries:
            store.put(entry)
        store.delete(entries[0].key)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 100_000  # 11,000 remembered puts would be ten times as much
    assert store.gc(0) > 0
    assert store.stats().n_entries == 0


def test_bytes_are_not_copied() -> None:
    """What nobody can change is kept as it is."""
    store, blob = MemoryStore(1 << 20), bytes(100_000)
    store.put(Entry(key_of(1), (blob,)))
    found = store.get(key_of(1))
    assert found is not None
    assert found.blobs[0] is blob
