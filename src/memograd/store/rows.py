"""What the index says, as SQL: which entries there are, which blobs they use, what they are worth.

Nothing here is believed where it matters. No value and no record comes from the index; a name that it gives is checked
before a file is touched, and what it says of sizes is counted again before anything is evicted.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from memograd.store.eviction import worth
from memograd.store.place import on_disk
from memograd.store.protocol import is_key

SCHEMA = (
    'CREATE TABLE entries (key TEXT PRIMARY KEY, "group" TEXT NOT NULL, cost_seconds REAL NOT NULL,'
    " record_bytes INTEGER NOT NULL, size_bytes INTEGER NOT NULL, uses INTEGER NOT NULL, worth REAL NOT NULL)",
    'CREATE INDEX entries_by_group ON entries ("group")',
    "CREATE INDEX entries_by_worth ON entries (worth)",
    "CREATE TABLE blobs (key TEXT NOT NULL, digest TEXT NOT NULL, size_bytes INTEGER NOT NULL,"
    " PRIMARY KEY (key, digest)) WITHOUT ROWID",
    "CREATE INDEX blobs_by_digest ON blobs (digest)",
    "CREATE TABLE totals (size_bytes INTEGER NOT NULL, floor REAL NOT NULL)",
)

_MOST = 1 << 53
"""More bytes or uses than that are no number that anyone counted."""


class RowsDamaged(sqlite3.DatabaseError):
    """The index says what it cannot say."""


class RowsTorn(RowsDamaged):
    """Whoever wrote to the index was killed in the middle: it must be made anew, but nobody did any damage."""


@final
@dataclass(frozen=True, slots=True)
class Row:
    """An entry, as the index knows it.

    Attributes
    ----------
    record_bytes : int
        The length of the record's file.
    sizes : mapping of str to int
        The digest and the length of each blob in a file of its own.
    """

    key: str
    group: str
    cost_seconds: float
    record_bytes: int
    sizes: Mapping[str, int]

    @property
    def blobs(self) -> dict[str, int]:
        """The digest of each blob, and what it takes on disk."""
        return {digest: on_disk(size_bytes) for digest, size_bytes in self.sizes.items()}

    @property
    def size_bytes(self) -> int:
        """What record and blobs take on disk, if nobody else uses the blobs."""
        return on_disk(self.record_bytes) + sum(self.blobs.values())


@final
@dataclass(frozen=True, slots=True)
class Victims:
    """What is to be removed: first the records' files, then the blobs', then the rows.

    Attributes
    ----------
    keys : tuple of str
    digests : tuple of str
        The blobs that only these entries use.
    left_bytes : int
        What the others take.
    floor : float
        The worth of the last that goes because there is no room: see `eviction`.
    """

    keys: tuple[str, ...]
    digests: tuple[str, ...]
    left_bytes: int
    floor: float


@final
class Rows:
    """The rows of an index, inside of a transaction."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def create(self) -> None:
        """Make the tables of a new index."""
        for statement in SCHEMA:
            self._connection.execute(statement)
        self._connection.execute("INSERT INTO totals VALUES (0, 0)")

    def check(self) -> None:
        """Check that there are these tables and nothing else: no view, no trigger.

        Raises
        ------
        RowsDamaged
            When there is anything else.
        """
        found = self._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if len(found) != len(SCHEMA) or set(found) != {(statement,) for statement in SCHEMA}:
            raise RowsDamaged("its tables are not those of an index")

    def add(self, row: Row) -> bool:
        """Put an entry in the place of what has its key, and keep the blobs of what was there.

        Returns
        -------
        bool
            Whether there are such: once the new record is in its place, `drop_others` drops them.
        """
        [(uses, old_bytes)] = self._connection.execute(
            "SELECT coalesce(max(uses), 1), coalesce(sum(record_bytes), 0) FROM entries WHERE key = ?", (row.key,)
        )
        value = worth(row.cost_seconds, _count(uses), row.size_bytes, self._floor)
        self._connection.execute(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.key, row.group, row.cost_seconds, on_disk(row.record_bytes), row.size_bytes, uses, value),
        )
        self._grow(on_disk(row.record_bytes) - _count(old_bytes))
        for digest, size_bytes in row.blobs.items():
            self._grow(0 if self._is_used(digest) else size_bytes)
            self._connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", (row.key, digest, size_bytes))
        [(n_blobs,)] = self._connection.execute("SELECT count(*) FROM blobs WHERE key = ?", (row.key,))
        return _count(n_blobs) > len(row.blobs)

    def others(self, row: Row) -> list[str]:
        """Return the digests of blobs that an entry used before it was put anew, and that nobody uses now."""
        found = [_name(digest) for digest, _ in self._blobs(row.key) if digest not in row.blobs]
        return [digest for digest in found if self._n_users(digest) == 1]

    def drop_others(self, row: Row) -> None:
        """Drop the blobs that an entry used before it was put anew."""
        for digest, size_bytes in self._blobs(row.key):
            if digest not in row.blobs:
                self._grow(-_count(size_bytes) if self._n_users(digest) == 1 else 0)
                self._connection.execute("DELETE FROM blobs WHERE key = ? AND digest = ?", (row.key, digest))

    def victim(self, key: str) -> Victims:
        """Return what must go with an entry. Writes nothing."""
        found = self._connection.execute("SELECT key, 0, record_bytes FROM entries WHERE key = ?", (key,))
        return self._plan(found, self.size_bytes, -1)

    def victims(self, max_bytes: int, spare: str = "") -> Victims:
        """Return what must go so that the others take no more than that, the least valuable first, but for one key.

        Everything is counted anew. Writes nothing, so that a full disk can be emptied.
        """
        found = self._connection.execute(
            "SELECT key, worth, record_bytes FROM entries WHERE key != ? ORDER BY worth, rowid", (spare,)
        )
        return self._plan(found, self.counted_bytes(), max_bytes)

    def drop(self, victims: Victims) -> None:
        """Drop entries."""
        for table in ("entries", "blobs"):
            self._connection.executemany(f"DELETE FROM {table} WHERE key = ?", [(key,) for key in victims.keys])
        self._connection.execute(
            "UPDATE totals SET size_bytes = ?, floor = max(floor, ?)", (victims.left_bytes, victims.floor)
        )

    def count_uses(self, uses: Mapping[str, int]) -> None:
        """Add uses to entries; one that is not there is left out."""
        floor = self._floor
        # On the right of SET a column has its old value.
        self._connection.executemany(
            "UPDATE entries SET uses = uses + :n, worth = :floor + cost_seconds * (uses + :n) / size_bytes"
            " WHERE key = :key",
            [{"key": key, "n": n, "floor": floor} for key, n in uses.items()],
        )

    def uses(self) -> dict[str, int]:
        """Return how often each entry was used, beyond its computation."""
        return {key: _count(n) - 1 for key, n in self._connection.execute("SELECT key, uses FROM entries")}

    def keys(self, group: str | None = None) -> list[str]:
        """Return the keys of all entries or of a group, in order."""
        where, values = ("", ()) if group is None else ('WHERE "group" = ?', (group,))
        found = self._connection.execute(f"SELECT key FROM entries {where} ORDER BY key", values)
        return [_name(key) for (key,) in found]

    def digests(self) -> set[str]:
        """Return the digests of all blobs that are used."""
        return {_name(digest) for (digest,) in self._connection.execute("SELECT DISTINCT digest FROM blobs")}

    @property
    def n_entries(self) -> int:
        """The number of entries."""
        [(n,)] = self._connection.execute("SELECT count(*) FROM entries")
        return int(n)

    @property
    def size_bytes(self) -> int:
        """What all entries take, a blob that several use counted once."""
        return _count(self._total("size_bytes"))

    @property
    def _floor(self) -> float:
        return _measure(self._total("floor"))

    def counted_bytes(self) -> int:
        """Return what all entries take, counted and not remembered."""
        [(size_bytes,)] = self._connection.execute(
            "SELECT (SELECT coalesce(sum(record_bytes), 0) FROM entries)"
            " + (SELECT coalesce(sum(size_bytes), 0) FROM (SELECT DISTINCT digest, size_bytes FROM blobs))"
        )
        return _count(size_bytes)

    def _plan(self, rows: Iterable[tuple[Any, Any, Any]], left_bytes: int, max_bytes: int) -> Victims:
        """Take entries as they come until the others take no more than that."""
        floor, keys, digests, users = 0.0, [], [], Counter[str]()
        for key, value, record_bytes in rows:
            if left_bytes <= max_bytes:
                break
            keys.append(_name(key))
            floor = max(floor, _measure(value))
            left_bytes -= _count(record_bytes)
            for digest, size_bytes in self._blobs(key):
                users[digest] += 1
                if users[digest] == self._n_users(digest):
                    digests.append(_name(digest))
                    left_bytes -= _count(size_bytes)
        return Victims(tuple(keys), tuple(digests), _count(left_bytes), floor)

    def _blobs(self, key: str) -> list[tuple[Any, Any]]:
        return self._connection.execute("SELECT digest, size_bytes FROM blobs WHERE key = ?", (key,)).fetchall()

    def _is_used(self, digest: str) -> bool:
        return (
            self._connection.execute("SELECT 1 FROM blobs WHERE digest = ? LIMIT 1", (digest,)).fetchone() is not None
        )

    def _n_users(self, digest: str) -> int:
        [(n,)] = self._connection.execute("SELECT count(*) FROM blobs WHERE digest = ?", (digest,))
        return int(n)

    def _total(self, column: str) -> Any:
        found = self._connection.execute(f"SELECT {column} FROM totals").fetchall()
        return found[0][0] if len(found) == 1 else None

    def _grow(self, size_bytes: int) -> None:
        self._connection.execute("UPDATE totals SET size_bytes = size_bytes + ?", (size_bytes,))


def _name(value: Any) -> str:
    """A key or digest that the index gave, fit to name a file."""
    if not is_key(value):
        raise RowsDamaged(f"it names an entry {value!r:.80}")
    return str(value)


def _count(value: Any) -> int:
    """A number of bytes or uses that the index gave."""
    if not isinstance(value, int) or not 0 <= value <= _MOST:
        raise RowsDamaged(f"it counts {value!r:.80}")
    return value


def _measure(value: Any) -> float:
    """What an entry is worth, as the index gave it."""
    if not isinstance(value, int | float) or not value >= 0:
        raise RowsDamaged(f"something in it is worth {value!r:.80}")
    return float(value)
