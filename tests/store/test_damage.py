"""Whatever happens to the files of a store, no wrong value is served, and damage is noticed when it is read."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from memograd.store import blobs
from memograd.store.damage import Damage, DamagedEntry
from memograd.store.disk import DiskStore
from memograd.store.folder import QUARANTINE_FILES
from memograd.store.protocol import Entry

from .conformance import content, entry_of, key_of, same

N_CHANGES = 10_000
N_INDEX_CHANGES = 400
SECRET = b"a secret of some bytes"

SHARED = content("shared", 9_000)
ENTRIES = (
    *(entry_of(name, 10, 200 * name) for name in range(12)),
    *(entry_of(("blobs", name), 4_096 + name, 6_000, 12) for name in range(6)),
    *(Entry(key_of(("shared", name)), (SHARED, bytes([name])), group="g") for name in range(3)),
    entry_of("mapped", 1 << 20),
)


@dataclass
class Kept:
    """A store with all of `ENTRIES`, and what it reports."""

    root: Path
    key: bytes | None
    reports: list[Damage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = DiskStore(self.root, key=self.key, report=self.reports.append)
        assert all(self.store.put(entry) for entry in ENTRIES)

    def files(self, *suffixes: str) -> list[Path]:
        """The files whose names end so."""
        return sorted(path for path in self.root.glob("??/*") if path.suffix in suffixes)

    def users(self) -> dict[Path, list[Entry]]:
        """For each file the entries that it takes to read: asked by taking the file away."""
        return {path: [entry for entry in ENTRIES if self.needs(entry, path)] for path in self.files(".entry", ".blob")}

    def needs(self, entry: Entry, path: Path) -> bool:
        """Whether an entry cannot be read without a file."""
        away = path.rename(path.with_suffix(".away"))
        found = self.store.get(entry.key)
        away.rename(path)
        return found is None

    def check_all(self) -> None:
        """Every entry is there, whole."""
        assert all(same(self.store.get(entry.key), entry) for entry in ENTRIES)


@pytest.fixture(params=[None, SECRET], ids=["checksums", "keyed"])
def kept(request: pytest.FixtureRequest, folder: Path) -> Kept:
    """A store without and with a key."""
    return Kept(folder / "store", request.param)


def changes(data: bytes, generator: np.random.Generator) -> bytes:
    """The bytes with one bit flipped, or cut, or with something added, or of another order."""
    kind, place = generator.random(), int(generator.integers(len(data)))
    if kind < 0.8:
        return data[:place] + bytes([data[place] ^ 1 << int(generator.integers(8))]) + data[place + 1 :]
    if kind < 0.9:
        return data[:place]
    if kind < 0.95:
        return data + generator.bytes(1 + place % 9)
    # Never the same bytes again: those of the tests are random.
    return data[place:] + data[:place] if 0 < place < len(data) else data[1:]


def write(path: Path, data: bytes) -> None:
    """Change a file where it lies."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def test_no_change_of_a_file_gives_a_wrong_value(kept: Kept) -> None:
    """Of 10,000 flipped bits, cuts and additions each is noticed when what it damaged is read, and none is served."""
    generator = np.random.default_rng(0)
    users = kept.users()
    kept.reports.clear()
    whole = {path: path.read_bytes() for path in users}
    paths = list(whole)
    # The large file is changed as well, but less often: it takes a millisecond.
    chance = np.array([0.05 if len(whole[path]) > 1 << 19 else 1.0 for path in paths])
    for _ in range(N_CHANGES // 2):
        path = paths[generator.choice(len(paths), p=chance / chance.sum())]
        write(path, changes(whole[path], generator))
        for n_seen, entry in enumerate(users[path]):
            assert kept.store.get(entry.key) is None
            assert len(kept.reports) == n_seen + 1
        other = ENTRIES[generator.integers(len(ENTRIES))]
        assert other in users[path] or same(kept.store.get(other.key), other)
        assert kept.reports[0].file == str(path.relative_to(kept.root))
        kept.reports.clear()
        write(path, whole[path])
    kept.check_all()
    assert len(list((kept.root / "quarantine").iterdir())) == QUARANTINE_FILES


def test_no_change_of_the_index_changes_an_answer(kept: Kept) -> None:
    """Whatever the index says, entries come as they are; when it cannot be used it is reported and made again."""
    generator = np.random.default_rng(1)
    index = kept.root / "index.sqlite"
    whole = index.read_bytes()
    n_made_again = 0
    for number in range(N_INDEX_CHANGES):
        write(index, changes(whole, generator))
        list(kept.store.scan("f"))
        kept.store.stats()
        kept.store.put(ENTRIES[number % len(ENTRIES)])
        kept.check_all()
        assert all(report.file == "index.sqlite" for report in kept.reports)
        n_made_again += bool(kept.reports)
        kept.reports.clear()
    assert n_made_again >= N_INDEX_CHANGES // 10  # one in ten is a cut; a flipped bit is seldom in the way
    kept.store.rebuild()
    assert sorted(record.key for record in kept.store.scan()) == sorted(entry.key for entry in ENTRIES)


def test_the_index_is_made_again_from_the_entries(kept: Kept) -> None:
    """Without the SQLite file every entry is there, in its group, with its size."""
    before, stats = list(kept.store.scan()), kept.store.stats()
    for name in ("index.sqlite", "index.sqlite-journal"):
        (kept.root / name).unlink()
    kept.store.rebuild()
    assert list(kept.store.scan()) == before
    (kept.root / "index.sqlite").unlink()
    assert (kept.store.stats().n_entries, kept.store.stats().size_bytes) == (stats.n_entries, stats.size_bytes)
    assert [record.key for record in kept.store.scan("g")] == sorted(key_of(("shared", name)) for name in range(3))
    assert kept.reports == []


def test_entries_and_blobs_in_each_others_places_are_noticed(kept: Kept) -> None:
    """A file under the name of another is damage, whole as it may be."""
    for suffix in (".entry", ".blob"):
        first, second = kept.files(suffix)[:2]
        shutil.copy(first, spare := first.with_suffix(".spare"))
        write(first, second.read_bytes())
        write(second, spare.read_bytes())
        spare.unlink()
    read = {entry.key: kept.store.get(entry.key) for entry in ENTRIES}
    assert all(found is None or same(found, entry) for entry in ENTRIES for found in [read[entry.key]])
    assert sum(found is None for found in read.values()) >= 4
    assert len(kept.reports) >= 4


def test_damage_heals(kept: Kept) -> None:
    """What was damaged is a plain miss from then on, and can be stored again."""
    for path in kept.files(".entry", ".blob"):
        write(path, b"damaged" + path.read_bytes()[7:])
    lost = [entry for entry in ENTRIES if kept.store.get(entry.key) is None]
    assert lost == list(ENTRIES)
    for entry in ENTRIES:
        assert kept.store.put(entry)
    kept.reports.clear()
    kept.check_all()
    assert kept.store.verify().n_damaged == 0
    assert kept.reports == []


def test_a_put_does_not_trust_a_damaged_blob(kept: Kept) -> None:
    """An entry with a blob that is there, and damaged, is stored whole; the damage is reported."""
    [path] = [path for path in kept.files(".blob") if path.stat().st_size == len(SHARED)]
    write(path, bytes(len(SHARED)))
    entry = Entry(key_of("new"), (SHARED,))
    kept.store.put(entry)
    assert [report.file for report in kept.reports] == [str(path.relative_to(kept.root))]
    assert same(kept.store.get(entry.key), entry)
    kept.check_all()


def test_an_audit_reads_every_byte(kept: Kept) -> None:
    """It finds all damage, removes what nobody uses, and leaves what is whole."""
    assert kept.store.verify().n_entries == len(ENTRIES)
    stats = kept.store.stats()
    records, blobs = kept.files(".entry"), kept.files(".blob")
    for path in (records[0], blobs[0]):
        write(path, path.read_bytes()[:-1])
    unused = kept.root / "ab" / ("ab" * 32 + ".blob")
    old, new = kept.root / "ab" / ".old.tmp", kept.root / "ab" / ".new.tmp"
    lock = kept.root / "locks" / key_of("an owner who died")
    for path in (unused, old, new, lock):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    kept.reports.clear()
    found = kept.store.verify()
    lost = [entry for entry in ENTRIES if kept.store.peek(entry.key) is None]
    assert found.n_entries == len(ENTRIES) - len(lost) < len(ENTRIES)
    assert {*map(str, (path.relative_to(kept.root) for path in (records[0], blobs[0])))} <= {
        report.file for report in kept.reports
    }
    assert (found.n_damaged, found.n_abandoned) == (len(kept.reports), 1)
    assert found.n_unused >= 1
    assert [path.exists() for path in (unused, old, new, lock)] == [False, False, True, False]
    assert found.size_bytes == kept.store.stats().size_bytes < stats.size_bytes
    kept.reports.clear()
    assert all(same(kept.store.get(entry.key), entry) for entry in ENTRIES if entry not in lost)
    assert kept.store.verify().n_damaged == 0


def test_damage_is_a_warning_by_default(folder: Path) -> None:
    """Who says nothing else gets a warning that names the file, where it is now, and why."""
    store = DiskStore(folder / "store")
    store.put(entry_of(1, 10))
    [path] = (folder / "store").rglob("*.entry")
    write(path, path.read_bytes()[:-1])
    with pytest.warns(DamagedEntry, match=r"\.entry: its content has changed .*quarantine/"):
        assert store.get(key_of(1)) is None
    assert store.get(key_of(1)) is None


@pytest.mark.parametrize("pattern", ["*", "??", "*/*.blob", "*/*.entry", "index*", "memograd*", "store.lock", "locks"])
def test_files_are_deleted_under_a_store_in_use(kept: Kept, pattern: str) -> None:
    """What is gone is a miss; what is put from then on is there, also for one who opens the store anew."""
    with kept.store.lock(key_of(1)):
        for path in kept.root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for entry in ENTRIES:
            found = kept.store.get(entry.key)
            assert found is None or same(found, entry)
        for entry in ENTRIES:
            assert kept.store.put(entry)
    kept.check_all()
    again = DiskStore(kept.root, key=kept.key)
    assert all(same(again.get(entry.key), entry) for entry in ENTRIES)
    assert again.stats().n_entries == len(ENTRIES)
    with again.lock(key_of(1), 0):
        pass


@pytest.mark.parametrize("size", [5_000, 1 << 20])
@pytest.mark.parametrize("key", [None, SECRET])
def test_a_forged_checksum_deceives_no_keyed_store_and_no_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: bytes | None, size: int
) -> None:
    """What has the checksum of another blob is found by its digest: on every read with a key, else by `verify`."""
    reports: list[Damage] = []
    store = DiskStore(tmp_path, key=key, report=reports.append)
    monkeypatch.setattr(blobs, "checksum", lambda data: b"all the same sum")
    entry = entry_of("forged", size)
    assert store.put(entry)
    [path] = tmp_path.glob("??/*.blob")
    path.chmod(0o644)
    path.write_bytes(bytes(size))
    assert (store.get(entry.key) is None) == (key is not None)
    store.verify()
    assert len(reports) >= 1
    assert not list(tmp_path.glob("??/*.blob"))
    assert store.get(entry.key) is None


@pytest.mark.parametrize("key", [None, SECRET])
def test_a_record_with_a_wrong_checksum_of_a_blob_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: bytes | None
) -> None:
    """It is not the blob that is damaged, if its digest is right: other entries may use it."""
    reports: list[Damage] = []
    store = DiskStore(tmp_path, key=key, report=reports.append)
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "checksum", lambda data: b"another checksum")
        assert store.put(ENTRIES[-1])
    assert store.verify().n_damaged == 1
    [damage] = reports
    assert damage.file.endswith(".entry")
    assert store.put(ENTRIES[-1])
    assert same(store.get(ENTRIES[-1].key), ENTRIES[-1])
