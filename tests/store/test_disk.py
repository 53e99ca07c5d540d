"""A store in a directory: what is written when, what is shared, what others see."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from memograd.errors import BadSetting
from memograd.store import disk, room
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.folder import Folder
from memograd.store.pending import Pending
from memograd.store.protocol import Entry

from .conformance import content, entry_of, fork, key_of, same, vanishing

KIB = 1024


def files(root: Path) -> dict[str, tuple[int, int]]:
    """Every file and directory, with its time and length."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [root, *root.rglob("*")]}


def test_a_hit_writes_nothing(folder: Path) -> None:
    """Neither a hit nor a miss, a peek or a touch changes any file or directory."""
    store = DiskStore(folder / "store")
    entries = [entry_of(name, 10, 5_000, 2 << 20) for name in range(3)]
    for entry in entries:
        store.put(entry)
    before = files(folder)
    for _ in range(10):
        assert all(same(store.get(entry.key), entry) for entry in entries)
        store.get(key_of("none"))
        store.peek(entries[0].key)
        store.touch(entries[1].key)
    assert files(folder) == before


def test_uses_outlive_the_store(folder: Path) -> None:
    """What one process used is what another keeps; uses are written down in the end, and when there are many."""
    keys = [key_of(name) for name in range(3)]
    with DiskStore(folder / "store") as store:
        for name in range(3):
            store.put(entry_of(name, 32 * KIB))

    def use() -> bool:
        with DiskStore(folder / "store") as store:
            return all(store.get(key) is not None for key in (keys[0], keys[0], keys[1]))

    assert os.waitpid(fork(use), 0)[1] == 0
    assert vanishing(DiskStore(folder / "store"), keys, 160 * KIB) == [keys[2], keys[1], keys[0]]


def test_uses_of_many_entries_are_not_kept_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there are too many they are written down, all at once."""
    monkeypatch.setattr(disk, "MAX_COUNTED", 3)
    store = DiskStore(folder / "store")
    for name in range(4):
        store.put(entry_of(name, 32 * KIB))
    before = files(folder)
    for name in (1, 1, 2, 2):
        store.get(key_of(name))
    assert files(folder) == before
    store.get(key_of(3))
    assert files(folder) != before
    keys = [key_of(name) for name in range(4)]
    assert vanishing(DiskStore(folder / "store"), keys, 160 * KIB) == [keys[0], keys[3], keys[1], keys[2]]


def test_equal_blobs_are_stored_once(folder: Path) -> None:
    """Of any number of entries with the same blob there is one file; it goes with the last of them."""
    store, blob = DiskStore(folder / "store"), content("shared", 50_000)
    sizes = []
    for name in range(5):
        store.put(Entry(key_of(name), (blob, blob, bytes([name]) * 5_000)))
        sizes.append(store.stats().size_bytes)
    # A record of a block and an own blob of two for each, and one time the shared blob of 13.
    assert sizes == [(3 * n + 13) * 4 * KIB for n in range(1, 6)]
    assert len(list((folder / "store").glob("??/*.blob"))) == 6
    for name in range(5):
        assert store.delete(key_of(name))
    assert list((folder / "store").glob("??/*.*")) == []
    assert store.stats().size_bytes == 0


def test_an_entry_that_is_replaced_leaves_nothing(folder: Path) -> None:
    """The blobs of the old one go, unless another uses them."""
    store, shared = DiskStore(folder / "store"), content("shared", 5_000)
    store.put(Entry(key_of(1), (shared, content("old", 6_000))))
    store.put(Entry(key_of(2), (shared,)))
    store.put(Entry(key_of(1), (b"new",)))
    assert [path.stat().st_size for path in (folder / "store").glob("??/*.blob")] == [5_000]
    assert store.stats() == DiskStore(folder / "store").stats()
    assert store.verify().n_unused == 0


def test_what_is_on_disk_is_what_is_counted(folder: Path) -> None:
    """After any mixture of puts, deletions and evictions the size is that of the files, in whole blocks."""
    store, generator = DiskStore(folder / "store", max_bytes=400 * KIB), np.random.default_rng(0)
    for step in range(150):
        name, n_blobs = int(generator.integers(12)), int(generator.integers(4))
        sizes = map(int, generator.choice([10, 4_096, 20_000, 50_000], size=n_blobs))
        store.put(Entry(key_of(name), tuple(content(size, size) for size in sizes), cost_seconds=generator.random()))
        if step % 5 == 0:
            store.delete(key_of(int(generator.integers(12))))
    found = [path.stat().st_size for path in (folder / "store").glob("??/*.*")]
    assert store.stats().size_bytes == sum(-(-size // 4_096) * 4_096 for size in found) > 100 * KIB


def test_a_store_follows_nobody_who_changes_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is that of the moment when the store was opened."""
    monkeypatch.chdir(folder)
    store = DiskStore("store")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    store.put(entry_of(1, 10))
    assert DiskStore(folder / "store").get(key_of(1)) is not None
    assert list((folder / "elsewhere").iterdir()) == []


def test_a_mapped_blob_outlives_its_entry(folder: Path) -> None:
    """Whoever holds it keeps it, whatever happens to the entry and the store."""
    store, entry = DiskStore(folder / "store"), entry_of(1, 3 << 20)
    store.put(entry)
    found = store.get(entry.key)
    assert found is not None
    store.delete(entry.key)
    del store
    array = np.frombuffer(found.blobs[0], np.uint8)
    assert array.tobytes() == entry.blobs[0]
    assert not array.flags.writeable


def test_where_descriptors_run_out_blobs_are_copied(folder: Path) -> None:
    """Holding more mapped blobs than the system lets one open is no error."""
    store = DiskStore(folder / "store")
    entries = [entry_of(name, 1 << 20) for name in range(3)]
    for entry in entries:
        store.put(entry)

    def hold_many() -> bool:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        held = [store.get(entries[number % 3].key) for number in range(300)]
        return all(same(found, entries[number % 3]) for number, found in enumerate(held))

    assert os.waitpid(fork(hold_many), 0)[1] == 0


def test_processes_notice_an_index_that_another_made(folder: Path) -> None:
    """A store in use goes on with an index that was replaced or deleted, and every row is in the new one."""
    first, second = DiskStore(folder / "store"), DiskStore(folder / "store")
    first.put(entry_of(1, 10))
    second.rebuild()
    first.put(entry_of(2, 10))
    (folder / "store" / "index.sqlite").unlink()
    second.put(entry_of(3, 10))
    first.rebuild()
    assert len(list(second.scan())) == len(list(first.scan())) == 3


def test_a_scan_does_not_hold_the_store(folder: Path) -> None:
    """Between two records others may put and delete; what went meanwhile is left out."""
    store = DiskStore(folder / "store")
    for name in range(5):
        store.put(entry_of(name, 10))
    scan = store.scan()
    first = next(scan)
    last = max(key_of(name) for name in range(5))
    store.delete(last)
    store.put(entry_of("new", 10))
    rest = [record.key for record in scan]
    assert len(rest) == 3
    assert first.key not in rest
    assert last not in rest


def test_settings_that_cannot_be(folder: Path) -> None:
    """A bound below one byte and a key that is short or no bytes are refused before anything is made."""
    for settings in ({"max_bytes": 0}, {"max_bytes": -1}, {"key": b"short"}, {"key": b""}, {"key": "x" * 32}):
        with pytest.raises(BadSetting):
            DiskStore(folder / "store", **settings)
    assert not (folder / "store").exists()


def test_the_index_says_what_was_wrong_with_it(folder: Path) -> None:
    """The report names the file, what SQLite said, and where it lies now."""
    reports: list[Damage] = []
    store = DiskStore(folder / "store", report=reports.append)
    store.put(entry_of(1, 10))
    (folder / "store" / "index.sqlite").write_bytes(b"no database at all" * 100)
    assert store.stats().n_entries == 1
    assert [(report.file, report.reason) for report in reports] == [("index.sqlite", "file is not a database")]
    assert (folder / "store" / str(reports[0].set_aside)).read_bytes().startswith(b"no database")


@pytest.mark.parametrize(("durable", "cost_seconds", "is_flushed"), [(False, 0.01, 0), (False, 0.1, 1), (True, 0.0, 1)])
@pytest.mark.parametrize("size", [10, 10_000])
def test_what_was_dear_is_flushed_to_the_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, durable: bool, cost_seconds: float, is_flushed: int, size: int
) -> None:
    """Every new file, its directory, and the line that tells the index; all else survives a crash, not a power cut."""
    store = DiskStore(folder / "store", durable=durable)
    store.put(entry_of("first", 10))
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    assert store.put(entry_of("new", size, cost_seconds=cost_seconds))
    n_files = 1 if size == 10 else 2
    n_new_directories = len(flushed) - 2 * n_files - 1
    assert n_new_directories in range(n_files + 1) if is_flushed else flushed == []


def test_a_put_leaves_the_index_alone(folder: Path) -> None:
    """It adds a line; who only asks writes nothing, and who changes something has the lines taken over."""
    store = DiskStore(folder / "store")
    store.put(entry_of(0, 10))
    index, pending = folder / "store" / "index.sqlite", Pending(Folder(folder / "store"))
    before = index.read_bytes()
    for name in range(1, 5):
        store.put(entry_of(name, 10))
    assert index.read_bytes() == before
    assert [row.key for row in pending.rows()] == [key_of(name) for name in range(1, 5)]
    assert (store.stats().n_entries, len(list(store.scan("f")))) == (5, 5)
    assert (index.read_bytes(), len(pending.rows())) == (before, 4)
    store.delete(key_of(0))
    assert pending.rows() == []
    assert index.read_bytes() != before
    assert store.stats().n_entries == 4


def test_lines_are_taken_over_when_there_are_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they never take much longer to take over than a put should."""
    monkeypatch.setattr(room, "MANY_BYTES", 1_000)
    store, pending = DiskStore(folder / "store"), Pending(Folder(folder / "store"))
    most = 0
    for name in range(50):
        store.put(entry_of(name, 10))
        most = max(most, len(pending.rows()))
    assert 2 < most < 10
    assert store.stats().n_entries == 50


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"0123456789abcdef\nnonsense", None])
def test_damaged_lines_are_reported_and_the_index_made_again(folder: Path, content: bytes | None) -> None:
    """Whatever the file holds, and also when it is gone."""
    reports: list[Damage] = []
    store = DiskStore(folder / "store", report=reports.append)
    for name in range(3):
        store.put(entry_of(name, 10))
    path = folder / "store" / "index.pending"
    path.unlink() if content is None else path.write_bytes(content)
    assert store.stats().n_entries == 3
    assert all("index.pending" in report.reason for report in reports)
    assert len(reports) == 1
    assert store.put(entry_of(3, 10))
    assert store.stats().n_entries == 4


def test_a_line_without_an_end_is_no_damage(folder: Path) -> None:
    """The system may write a part of a line for a writer that is killed; its entry has no file yet, so none is lost."""
    reports: list[Damage] = []
    store = DiskStore(folder / "store", report=reports.append)
    path = folder / "store" / "index.pending"
    for name in range(3):
        before = path.read_bytes() if path.exists() else b""
        store.put(entry_of(name, 10))
    whole = path.read_bytes()
    line = whole[whole.rindex(b"\n") :]
    assert whole.startswith(before)
    for length in range(1, len(line)):
        path.write_bytes(whole + line[:length])
        assert DiskStore(folder / "store", report=reports.append).stats().n_entries == 3
        path.write_bytes(whole + line[:length] + line)
        assert DiskStore(folder / "store", report=reports.append).stats().n_entries == 3
    assert reports == []


def test_a_full_store_knows_what_others_put(folder: Path) -> None:
    """Two stores of one directory that put in turns never take more than its bound."""
    stores = [DiskStore(folder / "store", max_bytes=40 * 4 * KIB) for _ in range(2)]
    for name in range(120):
        assert stores[name % 2].put(entry_of(name, 10))
        found = [path.stat().st_size for path in (folder / "store").glob("??/*.*")]
        assert len(found) <= 40
    assert len(found) > 30


def test_uses_are_written_down_at_the_end_of_the_process(folder: Path) -> None:
    """Though nobody closes the store."""
    code = (
        "import sys; from memograd.store.disk import DiskStore\n"
        "store = DiskStore(sys.argv[1])\n"
        "for key in sys.argv[2:]: assert store.get(key)"
    )
    store = DiskStore(folder / "store")
    for name in range(3):
        store.put(entry_of(name, 32 * KIB))
    keys = [key_of(name) for name in range(3)]
    subprocess.run([sys.executable, "-c", code, folder / "store", keys[0], keys[0], keys[1]], check=True)
    assert vanishing(DiskStore(folder / "store"), keys, 160 * KIB) == [keys[2], keys[1], keys[0]]
