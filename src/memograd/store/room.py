"""How a full store makes room: an entry is given its row, and the least valuable others go if they must."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

from memograd.store.entries import Entries
from memograd.store.index import Index
from memograd.store.pending import MANY_BYTES, Mark
from memograd.store.rows import Row, Rows

_SPARE = 16
"""A full store is emptied to all but one part of so many, so that not every put must count it anew."""


@final
class Room:
    """The room of a store on disk.

    Parameters
    ----------
    index : Index
    entries : Entries
    max_bytes : int or None
        What all entries may take.
    take_uses : callable
        What was counted of uses since it was asked last, to be written down on a visit to the index.
    """

    __slots__ = ("_entries", "_index", "_left", "_max_bytes", "_take_uses")

    def __init__(
        self, index: Index, entries: Entries, max_bytes: int | None, take_uses: Callable[[], Mapping[str, int]]
    ) -> None:
        self._index = index
        self._entries = entries
        self._max_bytes = max_bytes
        self._take_uses = take_uses
        # Where the pending lines ended when so many bytes at least were left.
        self._left: tuple[Mark, int] | None = None

    def admit(self, row: Row, *, durable: bool) -> None:
        """Give an entry its row, and make room for it; visit the index only if that may be needed."""
        marks = self._index.add(row, durable=durable)
        is_known = marks is not None and marks[1].size_bytes < MANY_BYTES
        max_bytes = self._max_bytes
        if max_bytes is None:
            if not is_known:
                self._index.change(lambda rows: rows.count_uses(self._take_uses()))
            return
        if is_known and marks and self._left and self._left[0] == marks[0] and self._left[1] >= row.size_bytes:
            # Nobody else stored anything since, and blobs that are there already only leave more room.
            self._left = marks[1], self._left[1] - row.size_bytes
            return
        size_bytes = self._index.change(lambda rows: self._make(rows, row, max_bytes))
        mark = self._index.pending.mark()
        self._left = (mark, max_bytes - size_bytes) if mark else None

    def _make(self, rows: Rows, row: Row, max_bytes: int) -> int:
        """Evict until an entry fits in; what all take then."""
        rows.count_uses(self._take_uses())
        if rows.size_bytes > max_bytes:
            victims = rows.victims(max(max_bytes - max_bytes // _SPARE, row.size_bytes), spare=row.key)
            self._entries.remove(victims.keys, victims.digests)
            rows.drop(victims)
        return rows.size_bytes
