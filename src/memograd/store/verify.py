"""An audit of a store on disk: every byte is read, and what the index says is made again from it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import final

from memograd.errors import LockTimeout
from memograd.store.entries import Entries
from memograd.store.folder import Folder
from memograd.store.index import Index
from memograd.store.locks import DIRECTORY, file_lock
from memograd.store.place import Place
from memograd.store.rows import Rows


@final
@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    n_entries, size_bytes : int
        What is there, and whole.
    n_damaged : int
        What was set aside and reported.
    n_unused : int
        Blobs that no entry uses, removed.
    n_abandoned : int
        Files that writers left when they died, removed.
    """

    n_entries: int
    size_bytes: int
    n_damaged: int
    n_unused: int
    n_abandoned: int


def audit(folder: Folder, entries: Entries, index: Index) -> Audit:
    """Read every byte of a store; set aside what is damaged, remove what nobody uses, make the index again.

    Others may use the store meanwhile. They wait while the records are read, not while the blobs are.
    """
    n_before = entries.n_damaged
    entries.check()
    with index.locked():
        index.make()
        n_unused = entries.remove_unused(index.change(Rows.digests))
        n_entries, size_bytes = index.change(lambda rows: (rows.n_entries, rows.size_bytes))
        n_abandoned = folder.sweep()
    _sweep_locks(folder)
    return Audit(n_entries, size_bytes, entries.n_damaged - n_before, n_unused, n_abandoned)


def _sweep_locks(folder: Folder) -> None:
    """Remove the files of locks whose owners died: take each lock that is free, and let it go."""
    for name in folder.names(DIRECTORY):
        with suppress(LockTimeout), file_lock(folder, Place(DIRECTORY, name), timeout_seconds=0):
            pass
