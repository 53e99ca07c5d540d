"""A store in the memory of one process."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Self, final

from memograd.errors import BadSetting
from memograd.store.eviction import worth
from memograd.store.locks import KeyLocks, guard
from memograd.store.metadata import Metadata, json_text
from memograd.store.protocol import Entry, Record, Stats, check_key

OVERHEAD_BYTES = 640
"""What an entry takes beside its blobs and metadata: objects, and places in tables. Measured: 600 bytes."""

_FEW = 64


@final
class MemoryStore:
    """A store in the memory of one process. A forked child has a copy that goes its own way.

    Parameters
    ----------
    max_bytes : int
        What the entries may take; then the least valuable are evicted.

    Raises
    ------
    BadSetting
        When max_bytes is below 1.

    Examples
    --------
    >>> with MemoryStore(max_bytes=1 << 20) as store:
    ...     store.put(Entry("00" * 32, (b"value",)))
    ...     store.get("00" * 32).blobs, store.get("11" * 32)
    True
    ((b'value',), None)
    """

    __slots__ = ("_floor", "_heap", "_kept", "_locks", "_max_bytes", "_n_hits", "_n_misses", "_serial", "_size_bytes")

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 1:
            raise BadSetting(f"max_bytes={max_bytes}; give at least 1")
        self._max_bytes = max_bytes
        self._kept: dict[str, _Kept] = {}
        # The worth of an entry only grows, so what stands here is at most what it is: see `_least`.
        self._heap: list[tuple[float, int, str]] = []
        self._locks = KeyLocks()
        self._floor = 0.0
        self._size_bytes = self._serial = self._n_hits = self._n_misses = 0

    @property
    def keyed(self) -> bool:
        """False: nobody else can write to it, and nothing proves it."""
        return False

    def put(self, entry: Entry) -> bool:
        """See `Store.put`. Blobs that are not bytes are copied: what they look at may change."""
        text = json_text(entry.metadata)
        size_bytes = entry.size_bytes + len(text) + OVERHEAD_BYTES
        if size_bytes > self._max_bytes:
            return False
        blobs = tuple(map(bytes, entry.blobs))
        with guard:
            self._drop(entry.key)
            self._evict(self._max_bytes - size_bytes)
            self._serial += 1
            kept = _Kept(replace(entry, blobs=blobs, metadata={}), text, size_bytes, self._serial)
            kept.use(self._floor)
            self._kept[entry.key] = kept
            self._size_bytes += size_bytes
            self._line_up(kept)
        return True

    def get(self, key: str) -> Entry | None:
        """See `Store.get`."""
        check_key(key)
        with guard:
            kept = self._kept.get(key)
            if kept is None:
                self._n_misses += 1
                return None
            self._n_hits += 1
            kept.use(self._floor)
        return replace(kept.entry, metadata=Metadata(kept.metadata))

    def peek(self, key: str) -> Record | None:
        """See `Store.peek`."""
        check_key(key)
        kept = self._kept.get(key)
        return kept and kept.record()

    def touch(self, key: str) -> None:
        """See `Store.touch`."""
        with guard:
            kept = self._kept.get(key)
            if kept is not None:
                kept.use(self._floor)

    def delete(self, key: str) -> bool:
        """See `Store.delete`."""
        check_key(key)
        with guard:
            return self._drop(key)

    def scan(self, group: str | None = None) -> Iterator[Record]:
        """See `Store.scan`."""
        with guard:
            found = {key: kept for key, kept in self._kept.items() if group in {None, kept.entry.group}}
        return (found[key].record() for key in sorted(found))

    def lock(self, key: str, timeout_seconds: float | None = None) -> AbstractContextManager[None]:
        """See `Store.lock`."""
        check_key(key)
        return self._locks.hold(key, timeout_seconds)

    def stats(self) -> Stats:
        """See `Store.stats`."""
        with guard:
            return Stats(len(self._kept), self._size_bytes, self._max_bytes, self._n_hits, self._n_misses)

    def gc(self, max_bytes: int) -> int:
        """See `Store.gc`."""
        if max_bytes < 0:
            raise BadSetting(f"max_bytes={max_bytes}; give at least 0")
        with guard:
            before = self._size_bytes
            self._evict(max_bytes)
            return before - self._size_bytes

    def close(self) -> None:
        """See `Store.close`. Nothing to do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _line_up(self, kept: _Kept) -> None:
        """Add an entry to the heap; what is there of entries that went is dropped when it is most of it."""
        heapq.heappush(self._heap, (kept.worth, kept.serial, kept.entry.key))
        if len(self._heap) > 2 * len(self._kept) + _FEW:
            self._heap = [(kept.worth, kept.serial, key) for key, kept in self._kept.items()]
            heapq.heapify(self._heap)

    def _drop(self, key: str) -> bool:
        kept = self._kept.pop(key, None)
        self._size_bytes -= kept.size_bytes if kept else 0
        return kept is not None

    def _evict(self, max_bytes: int) -> None:
        while self._size_bytes > max_bytes:
            kept = self._least()
            self._floor = max(self._floor, kept.worth)
            self._drop(kept.entry.key)

    def _least(self) -> _Kept:
        """The entry that is worth least; what the heap says of others is brought up to date on the way."""
        while True:
            value, serial, key = self._heap[0]
            kept = self._kept.get(key)
            if kept is None or kept.serial != serial:
                heapq.heappop(self._heap)
            elif kept.worth > value:
                heapq.heapreplace(self._heap, (kept.worth, serial, key))
            else:
                return kept


@final
class _Kept:
    """An entry, and what it is worth to keep it. Its metadata are text: every reader gets a copy of its own."""

    __slots__ = ("entry", "metadata", "serial", "size_bytes", "uses", "worth")

    def __init__(self, entry: Entry, metadata: str, size_bytes: int, serial: int) -> None:
        self.entry = entry
        self.metadata = metadata
        self.size_bytes = size_bytes
        self.serial = serial
        self.uses = 0
        self.worth = 0.0

    def use(self, floor: float) -> None:
        """Count a use."""
        self.uses += 1
        self.worth = worth(self.entry.cost_seconds, self.uses, self.size_bytes, floor)

    def record(self) -> Record:
        """What is known of the entry."""
        return Record(
            self.entry.key,
            group=self.entry.group,
            metadata=Metadata(self.metadata),
            cost_seconds=self.entry.cost_seconds,
            created_seconds=self.entry.created_seconds,
            size_bytes=self.entry.size_bytes,
        )
