"""What others may do to the directory of a store: nothing is served that was not stored, nothing outside is touched."""

from __future__ import annotations

import math
import os
import resource
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from memograd.errors import NotAuthentic, StoreError
from memograd.store.blobs import part
from memograd.store.damage import Damage
from memograd.store.disk import DiskStore
from memograd.store.folder import Folder
from memograd.store.place import Place
from memograd.store.protocol import Entry
from memograd.store.record import MAX_RECORD_BYTES, Reference, encode
from memograd.store.rows import SCHEMA
from memograd.store.seal import Seal

from .conformance import content, entry_of, fork, key_of, same

SECRET = b"a secret of some bytes"
OTHER_SECRET = b"another secret of some bytes"
TREASURE = b"what must not be read, moved or changed" * 200

ENTRY = entry_of("entry", 10, 9_000)
BYSTANDER = entry_of("bystander", 10, 8_000)


class Scene:
    """A store with two entries, a file outside of it, and what was reported."""

    def __init__(self, folder: Path, key: bytes | None) -> None:
        self.root, self.outside, self.key = folder / "store", folder / "outside", key
        self.reports: list[Damage] = []
        self.store = self.open()
        self.store.put(ENTRY)
        self.store.put(BYSTANDER)
        self.outside.mkdir()
        self.treasure = self.outside / "treasure"
        self.treasure.write_bytes(TREASURE)

    def open(self) -> DiskStore:
        """The store, opened anew."""
        return DiskStore(self.root, key=self.key, report=self.reports.append)

    def record(self, entry: Entry = ENTRY) -> Path:
        """The file of an entry."""
        return self.root / entry.key[:2] / f"{entry.key}.entry"

    def blob(self) -> Path:
        """The file of the entry's large blob."""
        [reference] = [found for found in map(part, ENTRY.blobs) if isinstance(found, Reference)]
        return self.root / reference.digest[:2] / f"{reference.digest}.blob"

    def check_outside(self) -> None:
        """Nothing outside of the store was moved, changed or made."""
        assert self.treasure.read_bytes() == TREASURE
        assert [path.name for path in self.outside.iterdir()] == ["treasure"]


@pytest.fixture(params=[None, SECRET], ids=["checksums", "keyed"])
def scene(request: pytest.FixtureRequest, folder: Path) -> Scene:
    """A store without and with a key."""
    return Scene(folder, request.param)


def symbolic_link(path: Path, treasure: Path) -> None:
    """A link to a file outside."""
    path.symlink_to(treasure)


def link_to_directory(path: Path, treasure: Path) -> None:
    """A link to a directory outside."""
    path.symlink_to(treasure.parent)


def relative_link(path: Path, treasure: Path) -> None:
    """A link out of the directory by its parents."""
    path.symlink_to(os.path.relpath(treasure, path.parent))


def dangling_link(path: Path, treasure: Path) -> None:
    """A link to where a file could be made."""
    path.symlink_to(treasure.with_name("made"))


def hard_link(path: Path, treasure: Path) -> None:
    """Another name of a file outside."""
    path.hardlink_to(treasure)


def pipe(path: Path, treasure: Path) -> None:
    """A pipe that nobody writes to: whoever opens it waits."""
    os.mkfifo(path)


def unix_socket(path: Path, treasure: Path) -> None:
    """A socket."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # its name may not be long
    try:
        with closing(socket.socket(socket.AF_UNIX)) as made:
            made.bind("s")
        os.rename("s", path.name)
    finally:
        os.fchdir(before)
        os.close(before)


def directory(path: Path, treasure: Path) -> None:
    """A directory with something in it."""
    path.mkdir()
    (path / "something").write_bytes(b"")


def sparse_file(path: Path, treasure: Path) -> None:
    """A file of a tebibyte that takes no space."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


def device(path: Path, treasure: Path) -> None:
    """A file without end."""
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


PLANTED = (
    symbolic_link,
    link_to_directory,
    relative_link,
    dangling_link,
    hard_link,
    pipe,
    unix_socket,
    directory,
    sparse_file,
    device,
)


@contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """End the test when something waits for ever."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"nothing happened for {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("where", ["record", "blob"])
def test_nothing_but_a_regular_file_is_read(scene: Scene, plant: Callable[[Path, Path], None], where: str) -> None:
    """Whatever lies in the place of a file is reported, set aside as it is, and a miss; then the entry can be put."""
    path = scene.record() if where == "record" else scene.blob()
    path.unlink()
    plant(path, scene.treasure)
    with alarm(20):
        assert scene.store.get(ENTRY.key) is None
        assert [report.file for report in scene.reports] == [str(path.relative_to(scene.root))]
        assert not os.path.lexists(path)
        assert scene.store.put(ENTRY)
        assert same(scene.store.get(ENTRY.key), ENTRY)
    assert same(scene.store.get(BYSTANDER.key), BYSTANDER)
    scene.check_outside()


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_lies_in_the_way_of_a_put(scene: Scene, plant: Callable[[Path, Path], None]) -> None:
    """It is replaced or set aside, never written through."""
    for path in (scene.record(), scene.blob()):
        path.unlink()
        plant(path, scene.treasure)
    with alarm(20):
        try:
            scene.store.put(ENTRY)
        except StoreError:
            assert plant is directory  # nothing can be renamed to it; a get sets it aside
            scene.store.get(ENTRY.key)
            scene.store.put(ENTRY)
        assert same(scene.store.get(ENTRY.key), ENTRY)
    scene.check_outside()


@pytest.mark.parametrize("plant", [symbolic_link, link_to_directory, relative_link, dangling_link, hard_link, pipe])
@pytest.mark.parametrize("name", ["fan-out", "quarantine", "locks", "store.lock"])
def test_no_directory_leads_outside(scene: Scene, plant: Callable[[Path, Path], None], name: str) -> None:
    """A link in the place of a directory or a lock is not followed: the answer is right, or an error that says why."""
    path = scene.record().parent if name == "fan-out" else scene.root / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    plant(path, scene.treasure)
    scene.record(BYSTANDER).unlink(missing_ok=True)
    scene.record(BYSTANDER).write_bytes(b"damaged")  # something for the quarantine
    with alarm(20):
        assert same(scene.store.get(ENTRY.key), ENTRY) if name != "fan-out" else scene.store.get(ENTRY.key) is None
        assert scene.store.get(BYSTANDER.key) is None
        for work in (lambda: scene.store.put(ENTRY), lambda: waited(scene.store), scene.store.verify):
            with suppress(StoreError):
                work()
    scene.check_outside()


def waited(store: DiskStore) -> None:
    """Take a lock."""
    with store.lock(ENTRY.key, 1):
        pass


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
def test_the_index_is_a_file_of_its_own(scene: Scene, plant: Callable[[Path, Path], None], suffix: str) -> None:
    """Whatever lies in the place of SQLite's files is reported and set aside; nothing is written to where it leads."""
    path = scene.root / f"index.sqlite{suffix}"
    path.unlink(missing_ok=True)
    plant(path, scene.treasure)
    with alarm(20):
        assert len(list(scene.store.scan())) == 2
        assert scene.store.put(entry_of("new", 5_000))
        assert scene.store.stats().n_entries == 3
    if plant is not sparse_file or suffix != "-journal":  # zeros are no journal that SQLite would play back
        assert {report.file for report in scene.reports} == {"index.sqlite"}
    scene.check_outside()


def crafted(script: str) -> Callable[[Path], None]:
    """An SQLite file that some SQL makes."""

    def craft(path: Path) -> None:
        path.unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)

    return craft


def text(data: bytes) -> Callable[[Path], None]:
    """A file that holds something else."""

    def craft(path: Path) -> None:
        path.unlink()
        path.write_bytes(data)

    return craft


TABLES = ";".join(SCHEMA) + "; INSERT INTO totals VALUES (0, 0);"
KEY = "ab" * 32
CRAFTED = {
    "empty": text(b""),
    "no database": text(b"hello" * 1_000),
    "only a header": text(b"SQLite format 3\0" + bytes(84)),
    "other tables": crafted("CREATE TABLE users (name TEXT)"),
    "a table is missing": crafted(TABLES + "DROP TABLE totals"),
    "no totals": crafted(TABLES + "DELETE FROM totals"),
    "many totals": crafted(TABLES + "INSERT INTO totals VALUES (1, 1)"),
    "totals of text": crafted(TABLES + "UPDATE totals SET size_bytes = 'x', floor = 'y'"),
    "totals below zero": crafted(TABLES + "UPDATE totals SET size_bytes = -1"),
    "a trigger": crafted(TABLES + "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END"),
    "a view": crafted(TABLES + "DROP TABLE totals; CREATE VIEW totals AS SELECT 0 AS size_bytes, 0 AS floor"),
    "a name that leads outside": crafted(
        TABLES + "INSERT INTO entries VALUES ('../../outside/treasure', 'f', 0, 1, 1, 1, 0)"
    ),
    "a name that is no text": crafted(TABLES + "INSERT INTO entries VALUES (x'00ff', 'f', 0, 1, 1, 1, 0)"),
    "no text": crafted(TABLES + "INSERT INTO entries VALUES (CAST(x'ff' AS TEXT), 'f', 0, 1, 1, 1, 0)"),
    "a blob that leads outside": crafted(
        TABLES
        + f"INSERT INTO entries VALUES ('{KEY}', 'f', 0, 1, 1, 1, 0);"
        + f"INSERT INTO blobs VALUES ('{KEY}', '/etc/passwd', 1)"
    ),
    "a value too large": crafted(TABLES + "INSERT INTO entries VALUES (zeroblob(9000000), 'f', 0, 1, 1, 1, 0)"),
    "sizes beyond counting": crafted(
        TABLES
        + f"INSERT INTO entries VALUES ('{KEY}', 'f', 1e308, {2**63 - 1}, {2**63 - 1}, {2**63 - 1}, 9e999);"
        + f"INSERT INTO entries VALUES ('{'cd' * 32}', 'f', 1e308, {2**63 - 1}, 0, {2**63 - 1}, 9e999)"
    ),
    "in write-ahead mode": crafted(TABLES + "PRAGMA journal_mode = WAL; INSERT INTO totals VALUES (2, 2)"),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_index_leads_nowhere(scene: Scene, name: str) -> None:
    """No index, whatever it says, changes a value, touches a file outside, or keeps the store from working."""
    CRAFTED[name](scene.root / "index.sqlite")
    with alarm(20):
        for entry in (ENTRY, BYSTANDER):
            assert same(scene.store.get(entry.key), entry)
        list(scene.store.scan())
        list(scene.store.scan("f"))
        assert scene.store.put(entry_of("new", 5_000))
        scene.store.stats()
        scene.store.close()
        assert scene.store.delete(key_of("new"))
        scene.store.gc(1 << 40)
        for entry in (ENTRY, BYSTANDER):
            assert same(scene.store.get(entry.key), entry)
        assert scene.store.verify().n_entries == 2
        assert len(list(scene.store.scan("f"))) == 2
        scene.store.gc(0)
    assert scene.store.stats().size_bytes == 0
    assert {report.file for report in scene.reports} <= {"index.sqlite"}
    scene.check_outside()


@pytest.mark.parametrize("name", ["other tables", "a trigger", "a view"])
def test_an_index_with_anything_else_in_it_is_not_used(scene: Scene, name: str) -> None:
    """A trigger would run with our statements: what is not exactly the index's tables is refused before."""
    CRAFTED[name](scene.root / "index.sqlite")
    assert scene.store.stats().n_entries == 2
    assert [report.reason for report in scene.reports] == ["its tables are not those of an index"]


def test_the_group_of_an_entry_is_what_its_record_says(scene: Scene) -> None:
    """An index that lists an entry under another group does not put it there."""
    with closing(sqlite3.connect(scene.root / "index.sqlite")) as connection:
        connection.execute("UPDATE entries SET \"group\" = 'other'")
        connection.commit()
    assert list(scene.store.scan("other")) == []
    assert scene.reports == []


def test_a_left_over_journal_is_played_back_only_where_nobody_else_writes(scene: Scene) -> None:
    """SQLite would follow the names that a journal holds: in a keyed store the index is made again instead."""
    child = fork(lambda: die_within_a_transaction(scene.root / "index.sqlite"))
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (scene.root / "index.sqlite-journal").stat().st_size > 0
    assert scene.store.stats().n_entries == 2
    assert len(scene.reports) == (scene.key is not None)


def die_within_a_transaction(path: Path) -> None:
    """Change the file, and end before it is committed."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE half (done)")
    connection.executemany("INSERT INTO half VALUES (?)", [("x" * 5_000,)] * 100)
    os.kill(os.getpid(), signal.SIGKILL)


def sealed(scene: Scene, body: bytes) -> bytes:
    """The file of an entry with a seal that fits, and whatever in it."""
    whole = encode(Entry(ENTRY.key, ()), (), seal := Seal(scene.key))
    return whole[:16] + seal.of(body) + body


def body_of(
    sizes: tuple[int, ...] = (),
    held: bytes = b"",
    *,
    key: str = ENTRY.key,
    cost_seconds: float = 0.0,
    created_seconds: float = 0.0,
    group: bytes = b"f",
    metadata: bytes = b"{}",
    n_blobs: int | None = None,
) -> bytes:
    """What `encode` writes behind the seal, with whatever in it."""
    lengths = len(group), len(metadata), len(sizes) if n_blobs is None else n_blobs
    head = struct.pack("<32sddIII", bytes.fromhex(key), cost_seconds, created_seconds, *lengths)
    return head + struct.pack(f"<{len(sizes)}q", *sizes) + group + metadata + held


CRAFTED_BODIES = {
    "nothing": b"",
    "half a head": body_of()[:20],
    "more blobs than there are": body_of(n_blobs=1),
    "blobs beyond all": body_of(n_blobs=2**32 - 1),
    "more than there is": body_of((10**12,)),
    "a digest cut off": body_of((~8_000,), bytes(31)),
    "a blob that is nowhere": body_of((~(10**12),), bytes(32)),
    "something after it": body_of((1,), b"xy"),
    "a length that is negative": body_of((-(2**63),), b""),
    "a cost that is no number": body_of(cost_seconds=math.nan),
    "a negative cost": body_of(cost_seconds=-1.0),
    "a time without end": body_of(created_seconds=math.inf),
    "a group that is no UTF-8": body_of(group=b"\xff"),
    "metadata that are no UTF-8": body_of(metadata=b"\xff"),
    "another key": body_of(key="00" * 32),
}


@pytest.mark.parametrize("name", CRAFTED_BODIES)
def test_a_crafted_record_is_damage(scene: Scene, name: str) -> None:
    """Even with a seal that fits, a record that makes no sense is reported and set aside."""
    path = scene.record()
    path.unlink()
    path.write_bytes(sealed(scene, CRAFTED_BODIES[name]))
    assert scene.store.get(ENTRY.key) is None
    assert len(scene.reports) == 1
    assert scene.store.verify().n_entries == 1
    assert scene.store.put(ENTRY)
    assert same(scene.store.get(ENTRY.key), ENTRY)


@pytest.mark.parametrize("metadata", [b"", b"[]", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}"])
def test_crafted_metadata_are_no_more_than_an_error(scene: Scene, metadata: bytes) -> None:
    """They are parsed when they are asked for: a scan takes them for damage, and who reads them gets a StoreError."""
    path = scene.record()
    path.unlink()
    path.write_bytes(sealed(scene, body_of(metadata=metadata)))
    found = scene.store.get(ENTRY.key)
    assert found is not None
    with pytest.raises(StoreError, match="metadata"):
        dict(found.metadata)
    assert scene.store.peek(ENTRY.key) is None
    assert len(scene.reports) == 1


def test_a_record_too_long_is_not_read(scene: Scene) -> None:
    """The length is looked at before anything else."""
    path = scene.record()
    path.unlink()
    with path.open("wb") as file:
        file.truncate(MAX_RECORD_BYTES + 1)
    assert scene.store.get(ENTRY.key) is None
    assert "bytes" in scene.reports[0].reason


def test_what_was_not_written_with_the_key_is_refused(folder: Path) -> None:
    """Entries written without the key, with another, or moved from another call, are misses and reported."""
    scene = Scene(folder, SECRET)
    forged = Entry(ENTRY.key, (b"forged",))
    files = {
        "unkeyed": encode(forged, forged.blobs, Seal(None)),
        "another key": encode(forged, forged.blobs, Seal(OTHER_SECRET)),
        "of another call": scene.record(BYSTANDER).read_bytes(),
    }
    for content_of_file in files.values():
        scene.record().unlink(missing_ok=True)
        scene.record().write_bytes(content_of_file)
        assert scene.store.get(ENTRY.key) is None
    assert [("key of this store" in report.reason) for report in scene.reports] == [True, True, False]
    assert same(scene.store.get(BYSTANDER.key), BYSTANDER)


def test_an_older_entry_of_the_same_key_is_served(folder: Path) -> None:
    """That it was put back cannot be seen, and does no harm: whoever computes the key computes the value."""
    scene = Scene(folder, SECRET)
    old = scene.record().read_bytes()
    scene.store.put(Entry(ENTRY.key, (*ENTRY.blobs, b"newer")))
    scene.record().unlink()
    scene.record().write_bytes(old)
    scene.store.put(entry_of("the blob too", 1))
    found = scene.store.get(ENTRY.key)
    assert found is not None
    assert [*map(bytes, found.blobs)] == list(ENTRY.blobs)


def test_a_store_is_opened_with_the_key_that_made_it(folder: Path) -> None:
    """With another, with none, or with one where there was none, it is an error that says which."""
    keyed, plain = Scene(folder / "keyed", SECRET), Scene(folder / "plain", None)
    for root, key, message in (
        (keyed.root, OTHER_SECRET, "with another key"),
        (keyed.root, None, "with a key"),
        (plain.root, SECRET, "without a key"),
    ):
        with pytest.raises(NotAuthentic, match=message):
            DiskStore(root, key=key)
    for scene in (keyed, plain):
        assert same(scene.open().get(ENTRY.key), ENTRY)
        assert scene.reports == []


def test_the_key_is_not_in_the_store(folder: Path) -> None:
    """Neither it nor what is derived from it can be read from any file or name."""
    scene = Scene(folder, SECRET)
    everything = b"".join(path.read_bytes() for path in scene.root.rglob("*") if path.is_file())
    names = "".join(map(str, scene.root.rglob("*")))
    assert SECRET not in everything
    assert SECRET.decode() not in names
    assert SECRET.hex() not in names


def test_large_blobs_of_others_are_not_mapped(folder: Path) -> None:
    """In a keyed store a blob that changes after it was read does not change the value."""
    for key, mapped in ((None, True), (SECRET, False)):
        store = DiskStore(folder / str(mapped), key=key)
        entry = entry_of("large", 2 << 20)
        store.put(entry)
        found = store.get(entry.key)
        assert found is not None
        [path] = (folder / str(mapped)).rglob("*.blob")
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.write(b"changed")
        assert (bytes(found.blobs[0][:7]) == b"changed") is mapped


def test_a_later_version_is_refused(folder: Path) -> None:
    """When it is opened, and when it is written to after somebody brought it to a later version; a get is a miss."""
    scene = Scene(folder, None)
    (scene.root / "memograd-store-1").rename(scene.root / "memograd-store-2")
    for path in scene.root.rglob("*.entry"):
        path.rename(path.with_suffix(".entry-2"))
    for work in (scene.open, lambda: scene.store.put(ENTRY)):
        with pytest.raises(StoreError, match="is a store of version 2, and this memograd knows 1; upgrade it"):
            work()
    assert scene.store.get(ENTRY.key) is None
    assert scene.reports == []
    assert len(list(scene.root.rglob("*.entry-2"))) == 2


def test_a_directory_of_something_else_is_refused(folder: Path) -> None:
    """Nothing is written where there is anything that no store made; a file is no directory."""
    scene = Scene(folder, None)
    with pytest.raises(StoreError, match=r"is no store, and holds 'treasure'; name a new or empty directory"):
        DiskStore(scene.outside)
    with pytest.raises(StoreError, match="cannot open the store"):
        DiskStore(scene.treasure)
    with pytest.raises(StoreError, match="cannot open the store"):
        DiskStore(scene.treasure / "below")
    scene.check_outside()


def test_a_store_whose_directory_is_gone(folder: Path) -> None:
    """A get is a miss; a put is an error that says so."""
    scene = Scene(folder, None)
    shutil.rmtree(scene.root)
    assert scene.store.get(ENTRY.key) is None
    with pytest.raises(StoreError, match="was it deleted"):
        scene.store.put(ENTRY)
    assert not scene.root.exists()
    scene.store.close()


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[None]:
    """A disk of its own, that only root can make."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this system does not let us mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk(folder: Path) -> None:
    """What was stored stays readable; the error says what to do; when there is room again, storing goes on."""
    root = folder / "disk"
    with small_disk(root, 1 << 20):
        store, stored = DiskStore(root / "store"), list[Entry]()
        entries = (entry_of(name, 10, 5_000 + name) for name in count())
        with pytest.raises(StoreError, match=r"No space left|full"):
            stored.extend(entry for entry in entries if store.put(entry))
        assert len(stored) > 20
        assert all(same(store.get(entry.key), entry) for entry in stored)
        for number in range(2_000, 2_050):
            with pytest.raises(StoreError):
                store.put(entry_of(number, 10, 9_000))
        assert all(same(store.get(entry.key), entry) for entry in stored)
        assert store.gc(700_000) > 0
        assert store.stats().n_entries == len(list(store.scan())) < len(stored)
        assert store.put(after := entry_of("after", 10, 5_000))
        assert same(store.get(after.key), after)
        assert store.verify().n_damaged == 0


def test_a_limit_on_the_size_of_files(folder: Path) -> None:
    """A process that may not write long files gets an error for a long entry, stores short ones, and reads all."""
    scene = Scene(folder, None)

    def limited() -> bool:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, resource.RLIM_INFINITY))
        with pytest.raises(StoreError, match="cannot store an entry"):
            scene.store.put(entry_of("long", 1 << 20))
        assert scene.store.put(entry_of("short", 1_000))
        return same(scene.store.get(ENTRY.key), ENTRY) and scene.store.get(key_of("long")) is None

    assert os.waitpid(fork(limited), 0)[1] == 0


def test_a_store_that_can_only_be_read(folder: Path) -> None:
    """Everything that reads works, damage is reported; everything that writes is an error that says why."""
    root, as_root = folder / "disk", os.geteuid() == 0  # whom permissions do not stop
    with small_disk(root, 4 << 20) if as_root else nullcontext():
        reports: list[Damage] = []
        store = DiskStore(root / "store", report=reports.append)
        store.put(ENTRY)
        store.put(BYSTANDER)
        store.get(ENTRY.key)
        [blob] = [path for path in root.rglob("*.blob") if path.stat().st_size == 8_000]
        blob.unlink()
        blob.write_bytes(content("other", 8_000))
        if as_root:
            subprocess.run(["mount", "-o", "remount,ro", root], check=True)
        else:
            permit(root, 0o555)
        for found in (store, DiskStore(root / "store", report=reports.append)):
            assert same(found.get(ENTRY.key), ENTRY)
            assert found.get(BYSTANDER.key) is None
            assert found.peek(key_of("none")) is None
            assert {record.key for record in found.scan("f")} == {ENTRY.key, BYSTANDER.key}
            assert found.stats().n_entries == 2
            for work in (
                partial(found.put, ENTRY),
                partial(found.delete, ENTRY.key),
                partial(waited, found),
                found.verify,
            ):
                with pytest.raises(StoreError, match=r"Read-only|readonly|cannot be read|denied"):
                    work()
            found.close()
        assert [report.set_aside for report in reports] == [None] * len(reports)
        with pytest.raises(StoreError):
            DiskStore(root / "new")
        if not as_root:
            permit(root, 0o755)


def permit(root: Path, mode: int) -> None:
    """Give a directory, and those below it, a mode."""
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            path.chmod(mode)


def test_a_folder_survives_what_is_not_utf8(folder: Path) -> None:
    """Names that are no text do not keep a store from being listed, audited or opened."""
    scene = Scene(folder, None)
    (scene.root / "ab").mkdir(exist_ok=True)
    for name in (b"\xff\xfe.entry", b"ab\xff.blob", b".\xff.tmp", b"\xffindex"):
        with open(os.fsencode(scene.root) + b"/ab/" + name, "wb"):
            pass
    assert scene.store.verify().n_entries == 2
    assert same(scene.open().get(ENTRY.key), ENTRY)
    assert Folder(scene.root).read(Place("ab", "none"), 10) is None
