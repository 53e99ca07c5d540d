"""The index of a store on disk: an SQLite file that can be made again from the entries' own files.

It knows which entries a group has, who uses a blob, and what to evict. With the lines in `pending` it never knows less
than there is: an entry has its line before it has its file, and loses its file before its row. A row without a file is
harmless. Only a loss of power can take a line and leave the file, of an entry that is not durable; `verify` finds it.

One lock of the kernel's is held around every visit, and a connection lives as long as a transaction. So there is
nothing to inherit by a fork, to share between threads, or to outlive a file that was replaced; opening it costs 60 µs
beside the 600 µs of a commit. The journal is a rollback journal: WAL is safe only from SQLite 3.51.3 on, an older one
may come to the same file at any time, and readers, whom WAL would help, do not come here.

What lies in the directory before a visit cannot make SQLite write elsewhere. Somebody who may write there, and puts
a link in the place of the journal in the very moment of a visit, can.
"""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeVar, final

from memograd.errors import StoreError
from memograd.store.folder import Folder
from memograd.store.locks import database_guard, file_lock
from memograd.store.marker import LOCK
from memograd.store.pending import Mark, Pending
from memograd.store.place import Place
from memograd.store.rows import Row, Rows, RowsDamaged, RowsTorn

T = TypeVar("T")

FILE = Place("", "index.sqlite")

WAIT_SECONDS = 120.0
"""How long to wait for others: more than making the index of a million entries again takes."""

_BUSY_SECONDS = 10.0  # of SQLite's own locks, which only a stranger can hold
_LONGEST_VALUE_BYTES = 1 << 20
_BESIDE = ("-journal", "-wal", "-shm")

_SAFE = ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")
_ALWAYS = (*_SAFE, "journal_mode = TRUNCATE", "synchronous = FULL")
_PLANNING = (*_SAFE, "journal_mode = MEMORY", "cache_spill = OFF")
"""Where nothing is to be written: neither a journal nor pages for which there is no room."""

_ONCE = ("journal_mode = MEMORY", "synchronous = FULL")
"""For a file that gets its name only when it is complete."""

_OF_THE_SYSTEM = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""Errors that are no fault of the file; all others are, and it is made again."""


@final
class Index:
    """The index in a store's directory.

    Parameters
    ----------
    folder : Folder
    rows : callable
        Reads the rows from the entries' files.
    discarded : callable
        Told why an index was found damaged, and where it lies now.
    distrusted : bool
        Whether others may write to the directory. Then a journal that is left over is not played back, because it
        could be anyone's, and SQLite would follow the names in it; the index is made again.
    """

    __slots__ = ("_discarded", "_distrusted", "_folder", "_rows", "pending")

    def __init__(
        self,
        folder: Folder,
        rows: Callable[[], Iterable[Row]],
        discarded: Callable[[str, str | None], None],
        *,
        distrusted: bool,
    ) -> None:
        self._folder = folder
        self._rows = rows
        self._discarded = discarded
        self._distrusted = distrusted
        self.pending = Pending(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the index until the end of the block: nobody else stores or removes an entry meanwhile."""
        with file_lock(self._folder, LOCK, WAIT_SECONDS, keep_file=True):
            yield

    def add(self, row: Row, *, durable: bool) -> tuple[Mark, Mark] | None:
        """Give an entry its row, before it has its file; only while the index is locked.

        Returns
        -------
        tuple of Mark, optional
            Where the pending lines ended before and after, if the row became one of them.
        """
        marks = self.pending.add(row, durable=durable)
        if marks is None:
            self.change(lambda rows: rows.add(row))
        return marks

    def change(self, work: Callable[[Rows], T]) -> T:
        """Do something to the rows, all of it or none; only while the index is locked.

        A damaged index is made again, and the work done on the new one; likewise, without a word, one whose last
        writer was killed.

        Raises
        ------
        StoreError
            When the index cannot be read or written.
        """
        if self._folder.status(FILE) is None:
            self.make()
        try:
            return self._attempt(work)
        except RowsTorn:
            pass
        except RowsDamaged as error:
            self._discarded(str(error), self._folder.set_aside(FILE))
        self.make()
        try:
            return self._attempt(work)
        except RowsDamaged as error:
            raise StoreError(f"{self._path}: is damaged as soon as it is made ({error}); is the disk well?") from error

    def plan(self, work: Callable[[Rows], T]) -> T:
        """Find something out from the rows; nothing is written, so that a full disk can be emptied."""
        if self._folder.status(FILE) is None:
            self.make()
        try:
            return self._attempt(work, is_plan=True)
        except RowsDamaged:
            return self.change(work)

    def make(self) -> None:
        """Make the index from the entries' files; only while it is locked. Uses are kept as far as they can be read."""
        rows, uses = list(self._rows()), self._uses()

        def fill(new: Rows) -> None:
            new.create()
            for row in rows:
                new.add(row)
            new.count_uses(uses)

        with self._folder.beside("", (), mode=0o666) as beside:
            self._run(beside, _ONCE, fill)
            # A journal that stays beside the new file would be played back on it.
            for suffix in ("", *_BESIDE):
                self._folder.clear(Place("", FILE.name + suffix))
            # No index is better than one that knows less than there is, if this is as far as we get.
            self.pending.renew()
            self._folder.publish(beside, FILE)

    def _uses(self) -> dict[str, int]:
        if self._folder.status(FILE) is None:
            return {}
        try:
            return self._attempt(Rows.uses)
        except RowsDamaged:
            return {}

    def _attempt(self, work: Callable[[Rows], T], *, is_plan: bool = False) -> T:
        self._check_files()
        pending = self.pending.rows()

        def checked(rows: Rows) -> T:
            rows.check()
            for row in pending:
                rows.add(row)
            return work(rows)

        pragmas = _PLANNING if is_plan else _ALWAYS
        result = self._run(FILE.name, pragmas, checked, end="ROLLBACK" if is_plan else "COMMIT")
        if pending and not is_plan:  # who dies before this adds them twice, which changes nothing
            self.pending.renew()
        return result

    def _check_files(self) -> None:
        """Nothing that lies where SQLite reads and writes is a link, or could be played back and is not ours."""
        found = {suffix: self._folder.status(Place("", FILE.name + suffix)) for suffix in ("", *_BESIDE)}
        for suffix, status in found.items():
            if status and not (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
                raise RowsDamaged(f"{FILE}{suffix} is no file of its own")
            if status and status.st_size and suffix in (_BESIDE if self._distrusted else _BESIDE[1:]):
                raise RowsDamaged(f"{FILE}{suffix} was left over, and could say anything")

    def _run(self, name: str, pragmas: Iterable[str], work: Callable[[Rows], T], *, end: str = "COMMIT") -> T:
        try:
            with database_guard, closing(_connect(f"{self._folder.root}/{name}", pragmas)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    result = work(Rows(connection))
                    connection.execute(end)
                except BaseException:
                    with suppress(sqlite3.Error):  # it rolled back itself, or will when it is opened next
                        connection.execute("ROLLBACK")
                    raise
                return result
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise self._judged(error) from error

    def _judged(self, error: Exception) -> Exception:
        """What an error of SQLite means: the system, the file, or a mistake in a statement of ours."""
        if isinstance(error, RowsDamaged | sqlite3.ProgrammingError):
            return error
        # The low byte is the kind; above it is more about the place.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _OF_THE_SYSTEM:
            return StoreError(f"{self._path}: cannot be read or written ({error}); see whether the disk is full")
        return RowsDamaged(str(error))

    @property
    def _path(self) -> str:
        return f"{self._folder.root}/{FILE}"


def _connect(path: str, pragmas: Iterable[str]) -> sqlite3.Connection:
    """Open a database that anyone may have written: nothing that it holds is run."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        if sys.version_info >= (3, 12):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection
