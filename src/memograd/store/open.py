"""A store from one line of text."""

from __future__ import annotations

import os

from memograd.errors import BadSetting, UnknownName
from memograd.store.damage import Report, warn
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.protocol import Store

MEMORY = "memory:"
MEMORY_BYTES = 1 << 30


def open_store(
    where: str | os.PathLike[str], *, max_bytes: int | None = None, key: bytes | None = None, report: Report = warn
) -> Store:
    """Open a store, or make a new one.

    Parameters
    ----------
    where : path or str
        A directory, or "memory:".
    max_bytes : int, optional
        What the entries may take; then the least valuable are evicted. By default 1 GiB in memory, no bound on disk.
    key : bytes, optional
        A secret of at least 16 bytes: what was not written with it is refused. For directories to which others may
        write.
    report : callable, optional
        Told of all damage. By default a warning, `DamagedEntry`.

    Raises
    ------
    StoreError
        When the directory cannot be made or read, holds something else, or a store of a later version.
    NotAuthentic
        When the store was made with another key, or with one and none is given, or the other way round.
    UnknownName
        When it is an address of a kind that no store has.
    BadSetting
        When max_bytes is below 1, or the key has less than 16 bytes, or memory is given a key.

    Examples
    --------
    >>> with open_store("memory:") as store:
    ...     store.stats()
    Stats(n_entries=0, size_bytes=0, max_bytes=1073741824, n_hits=0, n_misses=0)
    """
    name = os.fsdecode(where)
    if name == MEMORY:
        if key is not None:
            raise BadSetting("a store in memory takes no key: nobody else can write to it")
        return MemoryStore(MEMORY_BYTES if max_bytes is None else max_bytes)
    if "://" in name:
        raise UnknownName(f"{name!r} is no store; give a directory, or {MEMORY!r}")
    return DiskStore(where, max_bytes=max_bytes, key=key, report=report)
