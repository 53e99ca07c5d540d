"""A store in a directory: nothing runs, nothing listens; many threads and processes may use it at once.

    memograd-store-1    an empty file whose name tells the version, and of a keyed store which key
    ab/abcd….entry      what is known of an entry, and its small blobs, sealed
    ab/abef….blob       a large blob, named by the digest of its content
    index.sqlite        groups, uses, sizes: can be made again from the files above
    index.pending       what the index is to be told of new entries
    locks/abcd…         a lock that somebody holds
    quarantine/         what was found damaged

A hit reads the entry's own file and nothing else: no index, no lock, and nothing is written. An entry is there from the
moment when its file gets its name.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self, final

from memograd.errors import BadSetting, StoreError
from memograd.store.blobs import part
from memograd.store.damage import Damage, Report, warn
from memograd.store.entries import Entries, sizes
from memograd.store.folder import Folder
from memograd.store.index import FILE, Index
from memograd.store.locks import DIRECTORY, HAS_FILE_LOCKS, file_lock, guard
from memograd.store.marker import enter, is_marked, settle
from memograd.store.place import Place
from memograd.store.protocol import Entry, Record, Stats, check_key
from memograd.store.record import encode
from memograd.store.refusal import refusal, told
from memograd.store.room import Room
from memograd.store.rows import Row
from memograd.store.seal import Seal
from memograd.store.verify import Audit, audit

MAX_COUNTED = 4096
"""Uses of so many entries are counted in memory before they are written down."""

DURABLE_COST_SECONDS = 0.1
"""What took so long to compute is worth the flushes of the disk: 0.5 ms on a fast one, 30 ms on a slow one."""


@final
class DiskStore:
    """A store in a directory.

    Parameters
    ----------
    root : path
        Made if need be.
    max_bytes : int, optional
        What the entries may take on disk; then the least valuable are evicted. Files in quarantine are not counted.
    key : bytes, optional
        A secret of at least 16 bytes, for a directory into which others can write. Every entry is authenticated with
        it, and one that was not written with it is refused: put there by somebody else, changed, or moved from one key
        to another. What nobody can refuse is an older entry of the same key put back; as a key names its content, that
        is as good as the newer one. Large blobs are then copied, not mapped, so that nobody can change them after they
        were checked. Several users of a system need a common group and a umask of 002: all of them write the index.

        Without a key a checksum (XXH3) of every byte protects from damage, and not from somebody who can write into the
        directory: he can make another content of one checksum, as he can write a whole valid entry.
    durable : bool
        Whether every entry is flushed to the disk before it counts as stored, so that a loss of power cannot take it.
        Otherwise only those are that took `DURABLE_COST_SECONDS` or longer. The others survive any crash of a process
        as well; when the power fails the last seconds of them may be gone, or torn, which is noticed.
    report : callable, optional
        Told of all damage. By default a warning, `DamagedEntry`.

    Raises
    ------
    StoreError
        When the directory cannot be made or read, holds something else, or a store of a later version.
    NotAuthentic
        When the store was made with another key, or with one and none is given, or the other way round.
    BadSetting
        When max_bytes is below 1, or the key has less than 16 bytes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root, DiskStore(root) as store:
    ...     store.put(Entry("00" * 32, (b"value",), group="f", metadata={"codec": "raw"}))
    ...     DiskStore(root).get("00" * 32).blobs
    True
    (b'value',)
    """

    __slots__ = (
        "__weakref__", "_durable", "_entries", "_folder", "_index", "_max_bytes", "_n_hits", "_n_misses", "_room",
        "_seal", "_uses",
    )  # fmt: skip

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        max_bytes: int | None = None,
        key: bytes | None = None,
        durable: bool = False,
        report: Report = warn,
    ) -> None:
        if max_bytes is not None and max_bytes < 1:
            raise BadSetting(f"max_bytes={max_bytes}; give at least 1, or None for no bound")
        if not HAS_FILE_LOCKS:
            raise StoreError(f"{root}: a store on disk takes the locks of a POSIX system; use 'memory:'")
        self._seal = Seal(key)
        self._folder = Folder(root)
        with told(self._folder.root, "open the store"):
            os.makedirs(self._folder.root, exist_ok=True)
            enter(self._folder, self._seal)

        def discarded(reason: str, set_aside: str | None) -> None:
            report(Damage(self._folder.root, str(FILE), reason, set_aside))

        self._entries = Entries(self._folder, self._seal, report)
        self._index = Index(self._folder, self._entries.rows, discarded, distrusted=self._seal.keyed)
        self._max_bytes = max_bytes
        self._durable = durable
        self._room = Room(self._index, self._entries, max_bytes, self._take_uses)
        self._n_hits = self._n_misses = 0
        self._uses: dict[str, int] = {}
        _opened.add(self)

    @property
    def keyed(self) -> bool:
        """Whether entries that were not written with this store's secret key are refused."""
        return self._seal.keyed

    def put(self, entry: Entry) -> bool:
        """See `Store.put`. Of an entry that is durable, True means that it is safe from a loss of power as well."""
        parts = tuple(map(part, entry.blobs))
        data = encode(entry, parts, self._seal)
        row = Row(entry.key, entry.group, float(entry.cost_seconds), len(data), sizes(parts))
        if self._max_bytes is not None and row.size_bytes > self._max_bytes:
            return False
        durable = self._durable or entry.cost_seconds >= DURABLE_COST_SECONDS
        with told(self._folder.root, "store an entry"):
            self._entries.write_blobs(parts, entry.blobs, durable=durable)
            with self._entries.beside(entry.key, data, durable=durable) as publish, self._index.locked():
                if not is_marked(self._folder, self._seal):
                    settle(self._folder, self._seal)
                replaces = self._entries.is_there(entry.key)
                # First the row, then the file: see `Index`.
                self._room.admit(row, durable=durable)
                # Before the row was there, an eviction may have taken blobs that nobody seemed to use.
                self._entries.write_missing_blobs(parts, entry.blobs, durable=durable)
                publish()
                if replaces:
                    self._entries.remove((), self._index.change(lambda rows: rows.others(row)))
                    self._index.change(lambda rows: rows.drop_others(row))
        return True

    def get(self, key: str) -> Entry | None:
        """See `Store.get`. Every byte is checked; takes no lock and writes nothing."""
        check_key(key)
        try:
            entry = self._entries.read(key)
        except OSError as error:
            raise refusal(self._folder.root, "read an entry", error) from error
        if entry is None:
            with guard:
                self._n_misses += 1
            return None
        with guard:
            self._n_hits += 1
            uses = self._uses
            uses[key] = uses.get(key, 0) + 1
        if len(uses) >= MAX_COUNTED:
            self.close()
        return entry

    def check(self, key: str) -> Entry | None:
        """Return the entry of a key as `get` does, and count nothing: for audits and copies, which are no uses."""
        check_key(key)
        try:
            return self._entries.read(key)
        except OSError as error:
            raise refusal(self._folder.root, "read an entry", error) from error

    def peek(self, key: str) -> Record | None:
        """See `Store.peek`."""
        check_key(key)
        with told(self._folder.root, "read an entry"):
            return self._entries.record(key)

    def touch(self, key: str) -> None:
        """See `Store.touch`. Written down with the next put or at the end; a crash loses it."""
        with guard:
            self._uses[key] = self._uses.get(key, 0) + 1
        if len(self._uses) >= MAX_COUNTED:
            self.close()

    def delete(self, key: str) -> bool:
        """See `Store.delete`."""
        check_key(key)
        with told(self._folder.root, "delete an entry"), self._index.locked():
            victims = self._index.change(lambda rows: rows.victim(key))
            was_there = self._entries.remove((key,), victims.digests) > 0
            self._index.change(lambda rows: rows.drop(victims))
            return was_there

    def scan(self, group: str | None = None) -> Iterator[Record]:
        """See `Store.scan`. Reads the record of each as it comes to it; what is evicted meanwhile is left out."""
        for key in self._keys(group):
            record = self.peek(key)
            if record is not None and group in {None, record.group}:
                yield record

    def lock(self, key: str, timeout_seconds: float | None = None) -> AbstractContextManager[None]:
        """See `Store.lock`. The lock is the kernel's: it is free the moment the process that holds it ends."""
        check_key(key)
        return file_lock(self._folder, Place(DIRECTORY, key), timeout_seconds)

    def stats(self) -> Stats:
        """See `Store.stats`."""
        with told(self._folder.root, "count the entries"):
            n_entries, size_bytes = self._totals()
        return Stats(n_entries, size_bytes, self._max_bytes, self._n_hits, self._n_misses)

    def gc(self, max_bytes: int) -> int:
        """See `Store.gc`. Removes what writers that died left behind, too."""
        if max_bytes < 0:
            raise BadSetting(f"max_bytes={max_bytes}; give at least 0")
        self.close()
        with told(self._folder.root, "remove entries"), self._index.locked():
            self._folder.sweep()
            before, victims = self._index.plan(lambda rows: (rows.counted_bytes(), rows.victims(max_bytes)))
            # Files first: on a full disk they make the room that the index takes to write this down.
            self._entries.remove(victims.keys, victims.digests)
            self._index.change(lambda rows: rows.drop(victims))
            return before - victims.left_bytes

    def verify(self) -> Audit:
        """Read every byte, set aside what is damaged, remove what nobody uses, and make the index again."""
        with told(self._folder.root, "verify the store"):
            return audit(self._folder, self._entries, self._index)

    def rebuild(self) -> None:
        """Make the index again from the entries' files."""
        with told(self._folder.root, "make the index"), self._index.locked():
            self._index.make()

    def close(self) -> None:
        """See `Store.close`."""
        with suppress(StoreError):  # uses are counted as well as may be, and the directory may be read-only
            self._write_uses()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _write_uses(self) -> None:
        uses = self._take_uses()
        # A directory that was deleted is not made again only to count what was in it.
        if uses and is_marked(self._folder, self._seal):
            with told(self._folder.root, "count uses"), self._index.locked():
                self._index.change(lambda rows: rows.count_uses(uses))

    def _take_uses(self) -> dict[str, int]:
        with guard:
            uses, self._uses = self._uses, {}
            return uses

    def _keys(self, group: str | None) -> list[str]:
        if not self._is_writable():
            return list(self._entries.keys())
        with told(self._folder.root, "list the entries"), self._index.locked():
            return self._index.plan(lambda rows: rows.keys(group))

    def _totals(self) -> tuple[int, int]:
        if not self._is_writable():
            rows = list(self._entries.rows())
            return len(rows), sum(row.size_bytes for row in rows)
        with self._index.locked():
            return self._index.plan(lambda rows: (rows.n_entries, rows.size_bytes))

    def _is_writable(self) -> bool:
        """Whether there can be an index; without one, the entries' files are read instead."""
        return os.access(self._folder.root, os.W_OK)


_opened: weakref.WeakSet[DiskStore] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Write down at the end of the process what is only counted."""
    for store in list(_opened):
        store.close()
