"""What every store must do, whatever it keeps its entries in.

A store passes when every check of `CHECKS` passes: each takes a function that opens a new, empty store, bounded by the
bytes that it is given or not at all. Whoever writes a store adds it to the table in `test_conformance.py`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memograd.errors import BadSetting, LockTimeout, StoreError
from memograd.store.protocol import Entry, Store

KIB = 1024
SIZES = (0, 1, 100, 4095, 4096, 4097, 70_000, 3 << 20)
"""Of blobs: in the record, in files, mapped."""


class Open(Protocol):
    """Opens a new, empty store."""

    def __call__(self, max_bytes: int | None = None) -> Store: ...


Check = Callable[[Open], None]


def key_of(name: object) -> str:
    """A key for anything."""
    return blake3(repr(name).encode()).hexdigest()


def content(name: object, size_bytes: int) -> bytes:
    """As many bytes, told by the name."""
    return blake3(repr(name).encode()).digest(length=size_bytes)


def entry_of(name: object, *sizes: int, group: str = "f", cost_seconds: float = 1.0) -> Entry:
    """An entry that is told by the name: whoever reads it knows what must be in it."""
    blobs = tuple(content((name, index), size) for index, size in enumerate(sizes))
    return Entry(key_of(name), blobs, group=group, metadata={"name": repr(name)}, cost_seconds=cost_seconds)


def same(found: Entry | None, put: Entry) -> bool:
    """Whether an entry is what was put, with every byte and all that is known of it."""
    return found is not None and [*map(bytes, found.blobs)] == [*map(bytes, put.blobs)] and found == _with(put, found)


def _with(put: Entry, found: Entry) -> Entry:
    return Entry(
        put.key,
        found.blobs,
        group=put.group,
        metadata=put.metadata,
        cost_seconds=put.cost_seconds,
        created_seconds=put.created_seconds,
    )


def vanishing(store: Store, keys: Sequence[str], top_bytes: int, step_bytes: int = 4 * KIB) -> list[str]:
    """The keys in the order in which they are evicted while the store may keep less and less."""
    order: list[str] = []
    for limit in range(top_bytes, -1, -step_bytes):
        store.gc(limit)
        order += [key for key in keys if key not in order and store.peek(key) is None]
    return order


def what_was_put_comes_back(open_store: Open) -> None:
    """Blobs of every size and number, metadata, group, cost and time come back as they were."""
    store = open_store()
    entries = [entry_of("all", *SIZES), entry_of("none"), *(entry_of(("one", size), size) for size in SIZES)]
    assert all(store.put(entry) for entry in entries)
    assert all(same(store.get(entry.key), entry) for entry in entries)


def metadata_come_back(open_store: Open) -> None:
    """Whatever JSON can say comes back with its type."""
    metadata: dict[str, Any] = {"": None, "é\0\ud800": [True, 1, 1.5, -0.0, 10**30, "☃", {}], "a": {"b": [[{}]]}}
    store, entry = open_store(), Entry(key_of(1), (), group="名 \0 'x'", metadata=metadata, created_seconds=-1.5)
    store.put(entry)
    assert same(store.get(entry.key), entry)
    assert repr(store.get(entry.key)) == repr(entry)
    assert [record.key for record in store.scan(entry.group)] == [entry.key]


def a_miss_is_none(open_store: Open) -> None:
    """What is not there is None, False or nothing, and no error."""
    store = open_store()
    assert store.get(key_of(1)) is None
    assert store.peek(key_of(1)) is None
    assert store.delete(key_of(1)) is False
    assert list(store.scan()) == []
    store.touch(key_of(1))


def what_comes_out_cannot_be_written_to(open_store: Open) -> None:
    """A reader cannot change what the next one gets: neither blobs nor metadata."""
    store, entry = open_store(), entry_of(1, 10, 5_000, 2 << 20)
    store.put(entry)
    found = store.get(entry.key)
    assert found is not None
    assert all(memoryview(blob).readonly for blob in found.blobs)
    assert not isinstance(found.metadata, MutableMapping)
    assert same(store.get(entry.key), entry)


def what_went_in_may_change(open_store: Open) -> None:
    """Memory that is written to after it was put does not change the entry."""
    store, array, metadata = open_store(), np.arange(2_000.0), {"a": [1]}
    store.put(Entry(key_of(1), (array.data, array[:3].data), metadata=metadata))
    array[:] = 0
    metadata["a"].append(2)
    found = store.get(key_of(1))
    assert found is not None
    assert np.frombuffer(found.blobs[0]).tolist() == np.arange(2_000.0).tolist()
    assert np.frombuffer(found.blobs[1]).tolist() == [0.0, 1.0, 2.0]
    assert found.metadata == {"a": [1]}


def views_are_taken_flat(open_store: Open) -> None:
    """An array of several axes is its bytes in C order; one without elements is no bytes; one with gaps is refused."""
    store, array = open_store(), np.arange(6, dtype=np.int16).reshape(2, 3)
    store.put(Entry(key_of(1), (array.data, np.empty((0, 3)).data, np.array(1.0).data)))
    found = store.get(key_of(1))
    assert found is not None
    assert [*map(bytes, found.blobs)] == [array.tobytes(), b"", np.array(1.0).tobytes()]
    assert Entry(key_of(1), (array.data,)).blobs[0] == memoryview(array.tobytes())
    assert memoryview(Entry(key_of(1), (array.data,)).blobs[0]).readonly
    with pytest.raises(BadSetting):
        Entry(key_of(1), (array.T.data,))


def an_entry_is_replaced(open_store: Open) -> None:
    """What is put last is what is there, alone."""
    store = open_store()
    old, new = entry_of(1, 10, 9_000, 8_000), Entry(key_of(1), (b"new", content(1, 9_000)), group="g")
    for entry in (old, new, old, new):
        store.put(entry)
        assert same(store.get(key_of(1)), entry)
    assert [record.group for record in store.scan()] == ["g"]
    store.gc(0)
    assert store.stats().size_bytes == 0


def equal_blobs_are_independent(open_store: Open) -> None:
    """Entries with equal blobs do not notice when another with the same goes."""
    store, blob = open_store(), content("shared", 20_000)
    first, second = (Entry(key_of(name), (blob, blob, b"x"), metadata={"n": name}) for name in (1, 2))
    store.put(first)
    store.put(second)
    assert store.delete(first.key) is True
    assert store.get(first.key) is None
    assert same(store.get(second.key), second)
    assert store.delete(second.key) is True
    assert store.stats().size_bytes == 0


def wrong_keys_are_refused(open_store: Open) -> None:
    """A key is 64 hexadecimal digits in lower case; nothing else comes near a store."""
    store = open_store()
    for key in ("", "00", "../" * 22, "0" * 63 + "A", "0" * 64 + "\n", "/etc/passwd", "0" * 65):
        for use in (store.get, store.peek, store.delete, store.lock, lambda key: Entry(key, ())):
            with pytest.raises(BadSetting):
                use(key)


def wrong_metadata_are_refused(open_store: Open) -> None:
    """What JSON would change or not say is an error, and nothing is stored."""
    store = open_store()
    for value in ((1, 2), math.nan, math.inf, {1: 2}, {True: 1}, b"bytes", {1}, object(), np.float32(1)):
        with pytest.raises(BadSetting):
            store.put(Entry(key_of(1), (), metadata={"a": value}))
    assert store.get(key_of(1)) is None


def groups_are_scanned(open_store: Open) -> None:
    """A scan yields every record of a group, or of all, in the order of the keys, with the size of the blobs."""
    store = open_store()
    for name in range(20):
        store.put(entry_of(name, 10, name * 1_000, group=f"g{name % 3}"))
    everything = list(store.scan())
    assert [record.key for record in everything] == sorted(map(key_of, range(20)))
    assert [*store.scan("g1")] == [record for record in everything if record.group == "g1"]
    assert {record.metadata["name"]: record.size_bytes for record in everything} == {
        repr(name): 10 + name * 1_000 for name in range(20)
    }
    assert [*store.scan("g")] == []


def a_peek_says_what_is_known(open_store: Open) -> None:
    """Without the blobs, and without counting as an answer."""
    store, entry = open_store(), entry_of(1, 10, 5_000, cost_seconds=2.5)
    store.put(entry)
    record = store.peek(entry.key)
    assert record is not None
    assert (record.key, record.group, record.size_bytes) == (entry.key, "f", 5_010)
    assert (record.cost_seconds, record.created_seconds) == (2.5, entry.created_seconds)
    assert record.metadata == entry.metadata
    assert store.stats().n_hits == 0


def answers_are_counted(open_store: Open) -> None:
    """Hits and misses are those of this store since it was opened."""
    store = open_store()
    store.put(entry_of(1, 10))
    for name in (1, 1, 2):
        store.get(key_of(name))
    assert (store.stats().n_hits, store.stats().n_misses) == (2, 1)


def the_least_valuable_goes_first(open_store: Open) -> None:
    """Entries are evicted in the order of seconds saved × uses / bytes."""
    store = open_store()
    cases = {  # seconds, bytes, uses
        "cheap": (1.0, 64 * KIB, 1),
        "used": (1.0, 64 * KIB, 8),
        "small": (1.0, 16 * KIB, 1),
        "dear": (20.0, 64 * KIB, 1),
        "large": (1.0, 256 * KIB, 1),
        "worthless": (0.0, 4 * KIB, 50),
    }
    for name, (cost_seconds, size_bytes, uses) in cases.items():
        entry = entry_of(name, size_bytes, cost_seconds=cost_seconds)
        store.put(entry)
        for _ in range(uses - 1):
            store.get(entry.key)
    expected = sorted(cases, key=lambda name: cases[name][0] * cases[name][2] / cases[name][1])
    keys = [key_of(name) for name in cases]
    assert vanishing(store, keys, 520 * KIB) == [key_of(name) for name in expected]


def a_touch_is_a_use(open_store: Open) -> None:
    """An entry that was served from elsewhere is worth as much as one that was served from here."""
    store, keys = open_store(), [key_of(name) for name in range(3)]
    for name in range(3):
        store.put(entry_of(name, 32 * KIB))
    store.touch(keys[0])
    store.touch(keys[0])
    store.get(keys[1])
    assert vanishing(store, keys, 160 * KIB) == [keys[2], keys[1], keys[0]]


def what_nobody_asks_for_is_overtaken(open_store: Open) -> None:
    """Entries that were used often before, and never again, make room for new ones in the end."""
    store = open_store(700 * KIB)
    for name in range(5):
        store.put(entry_of(("old", name), 64 * KIB))
        for _ in range(5):
            store.get(key_of(("old", name)))
    for name in range(80):
        store.put(entry_of(("new", name), 64 * KIB))
    assert not any(store.peek(key_of(("old", name))) for name in range(5))


def a_bound_is_kept(open_store: Open) -> None:
    """However much is put, a store takes no more than it may, and has what was put last."""
    store = open_store(500 * KIB)
    bound = store.stats().max_bytes
    assert bound is not None
    for name in range(40):
        # Some are worth nothing, and are kept all the same until the next comes.
        entry = entry_of(name, (name * 7_919) % 100_000, 100, cost_seconds=name % 3)
        assert store.put(entry)
        assert store.stats().size_bytes <= bound
        assert same(store.get(entry.key), entry)
        assert entry.key in [record.key for record in store.scan("f")]
    assert store.stats().n_entries > 3


def what_is_larger_than_the_store_is_not_kept(open_store: Open) -> None:
    """It is no error and drops nothing: the answer is that it was not kept."""
    store = open_store(100 * KIB)
    small = entry_of("small", 1_000)
    store.put(small)
    assert store.put(entry_of("large", 200 * KIB)) is False
    assert store.get(key_of("large")) is None
    assert same(store.get(small.key), small)


def room_is_made_on_demand(open_store: Open) -> None:
    """`gc` says how many bytes it freed, and frees what it must and no more."""
    store = open_store()
    for name in range(10):
        store.put(entry_of(name, 32 * KIB))
    before = store.stats().size_bytes
    assert store.gc(before) == 0
    assert store.gc(0) == before
    assert store.stats().size_bytes == 0
    assert store.stats().n_entries == 0
    with pytest.raises(BadSetting):
        store.gc(-1)


def a_lock_is_held_by_one(open_store: Open) -> None:
    """Of many threads one at a time is inside; other keys are free."""
    store, inside, most = open_store(), [], []

    def enter(name: int) -> None:
        with store.lock(key_of("one")), store.lock(key_of(name)):
            inside.append(name)
            most.append(len(inside))
            time.sleep(0.001)
            inside.remove(name)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(enter, range(40)))
    assert most == [1] * 40


def a_lock_is_free_after_an_error(open_store: Open) -> None:
    """Whatever ends the block ends the lock; the error is the block's own."""
    store = open_store()
    with pytest.raises(FileNotFoundError, match="mine"), store.lock(key_of(1)):
        raise FileNotFoundError("mine")
    with store.lock(key_of(1), timeout_seconds=0):
        pass


def a_lock_is_waited_for_no_longer_than_asked(open_store: Open) -> None:
    """Then it is an error of its own, and the lock can be taken later."""
    store, held, over = open_store(), threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(key_of(1)):
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    start = time.monotonic()
    for timeout_seconds in (0, 0.05):
        with pytest.raises(LockTimeout), store.lock(key_of(1), timeout_seconds):
            pass
    assert 0.05 <= time.monotonic() - start < 10  # far above what a busy machine adds, and not for ever
    over.set()
    thread.join()
    with store.lock(key_of(1), 10):
        pass


def a_lock_is_not_taken_twice(open_store: Open) -> None:
    """A thread that would wait for itself is told, and goes on holding what it holds."""
    store = open_store()
    with store.lock(key_of(1)):
        with pytest.raises(StoreError, match="already"), store.lock(key_of(1), 10):
            pass
        with ThreadPoolExecutor(1) as other, pytest.raises(LockTimeout):
            other.submit(lambda: store.lock(key_of(1), 0).__enter__()).result()


def many_threads_agree(open_store: Open) -> None:
    """Threads that put, get and delete the same keys never see what nobody put."""
    store = open_store(400 * KIB)
    entries = [entry_of(name, 10, 5_000 * (1 + name % 3)) for name in range(12)]

    def work(seed: int) -> int:
        generator = np.random.default_rng(seed)
        for index in generator.integers(12, size=40):
            entry = entries[index]
            found = store.get(entry.key)
            assert found is None or [*map(bytes, found.blobs)] == list(entry.blobs)
            if found is None:
                store.put(entry)
            elif generator.random() < 0.3:
                store.delete(entry.key)
        return seed

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(work, range(6))) == [*range(6)]


def closing_loses_nothing(open_store: Open) -> None:
    """A store may be closed twice, and used after; it closes at the end of a block."""
    entry = entry_of(1, 10)
    with open_store() as store:
        store.put(entry)
        store.get(entry.key)
        store.close()
    store.close()
    assert same(store.get(entry.key), entry)


def a_child_may_go_on(open_store: Open) -> None:
    """A forked child puts and gets as its parent does, even where another thread of the parent holds a lock."""
    store, held, over = open_store(), threading.Event(), threading.Event()
    store.put(entry_of(1, 10, 5_000))

    def hold() -> None:
        with store.lock(key_of("held by the parent")):
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = fork(lambda: same_and_put(store))
    assert os.waitpid(child, 0)[1] == 0
    over.set()
    thread.join()


def same_and_put(store: Store) -> bool:
    """What the child does: read, write, read what it wrote, lock another key."""
    found = store.get(key_of(1))
    with store.lock(key_of(2), 10):
        put = store.put(entry_of(2, 10, 6_000))
    return found is not None and put and store.get(key_of(2)) is not None


def fork(work: Callable[[], object]) -> int:
    """Do something in a child, which ends with status 0 when the answer is true; return its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        status = 0 if work() else 1
    finally:
        os._exit(status)


def it_is_a_dictionary(open_store: Open) -> None:
    """Any sequence of puts, gets and deletes gives what a dictionary gives."""
    names = st.integers(0, 4)
    step = st.one_of(
        st.tuples(st.just("put"), names, st.lists(st.sampled_from([0, 1, 5_000, 6_000]), max_size=3)),
        st.tuples(st.sampled_from(["get", "delete"]), names, st.none()),
    )

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.lists(step, max_size=12))
    def run(steps: list[tuple[str, int, list[int] | None]]) -> None:
        store, model = open_store(), dict[str, Entry]()
        for what, name, sizes in steps:
            key = key_of(name)
            if what == "put":
                # Equal sizes give equal blobs, whatever the key.
                model[key] = Entry(key, tuple(content(size, size) for size in sizes or ()), metadata={"n": name})
                store.put(model[key])
            elif what == "delete":
                assert store.delete(key) is (model.pop(key, None) is not None)
            else:
                found = store.get(key)
                assert same(found, model[key]) if key in model else found is None
        assert [record.key for record in store.scan()] == sorted(model)
        store.gc(0)
        assert store.stats().size_bytes == 0

    run()


CHECKS: tuple[Check, ...] = (
    what_was_put_comes_back,
    metadata_come_back,
    a_miss_is_none,
    what_comes_out_cannot_be_written_to,
    what_went_in_may_change,
    views_are_taken_flat,
    an_entry_is_replaced,
    equal_blobs_are_independent,
    wrong_keys_are_refused,
    wrong_metadata_are_refused,
    groups_are_scanned,
    a_peek_says_what_is_known,
    answers_are_counted,
    the_least_valuable_goes_first,
    a_touch_is_a_use,
    what_nobody_asks_for_is_overtaken,
    a_bound_is_kept,
    what_is_larger_than_the_store_is_not_kept,
    room_is_made_on_demand,
    a_lock_is_held_by_one,
    a_lock_is_free_after_an_error,
    a_lock_is_waited_for_no_longer_than_asked,
    a_lock_is_not_taken_twice,
    many_threads_agree,
    closing_loses_nothing,
    a_child_may_go_on,
    it_is_a_dictionary,
)
