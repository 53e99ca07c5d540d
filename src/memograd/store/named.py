"""A store that is named by its directory, and opened when it is used first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, TypeVar, final

from memograd.errors import StoreError, UnknownName
from memograd.store.disk import DiskStore
from memograd.store.protocol import Entry, Record, Stats, check_key

T = TypeVar("T")


@final
class NamedStore:
    """A store on disk that is opened when it is used first, and made again if its directory was deleted.

    Whoever names a directory wants what is in it, or a new store; whoever opens one wants that one.

    Parameters
    ----------
    root : path
    max_bytes : int, optional
        See `DiskStore`.

    Attributes
    ----------
    root : str

    Raises
    ------
    UnknownName
        When it is an address, and no directory. All that can be wrong with a directory is an error of the first use.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, NamedStore(os.path.join(folder, "new")) as store:
    ...     store.put(Entry("00" * 32, (b"value",))), os.listdir(folder)
    (True, ['new'])
    """

    __slots__ = ("_max_bytes", "_store", "root")

    def __init__(self, root: str | os.PathLike[str], *, max_bytes: int | None = None) -> None:
        name = os.fsdecode(root)
        if "://" in name:
            raise UnknownName(f"{name!r} is no store; give a directory, or 'memory:'")
        # Absolute, because the process may change its directory before the first use.
        self.root = os.path.abspath(name)
        self._max_bytes = max_bytes
        self._store: DiskStore | None = None

    def open(self) -> DiskStore:
        """Open it now, if it is not open.

        Raises
        ------
        StoreError
            As `DiskStore` does.
        """
        # Two threads may do so at one time; both stores are good, and the later one is used from then on.
        if self._store is None:
            self._store = DiskStore(self.root, max_bytes=self._max_bytes)
        return self._store

    @property
    def keyed(self) -> bool:
        """Whether entries that were not written with a secret key are refused: a name holds no key."""
        return False

    def put(self, entry: Entry) -> bool:
        """See `Store.put`."""
        return self._again(lambda store: store.put(entry))

    def get(self, key: str) -> Entry | None:
        """See `Store.get`."""
        return (self._store or self.open()).get(key)

    def peek(self, key: str) -> Record | None:
        """See `Store.peek`."""
        return self.open().peek(key)

    def touch(self, key: str) -> None:
        """See `Store.touch`."""
        self.open().touch(key)

    def delete(self, key: str) -> bool:
        """See `Store.delete`."""
        return self._again(lambda store: store.delete(key))

    def scan(self, group: str | None = None) -> Iterator[Record]:
        """See `Store.scan`."""
        return self._again(lambda store: store.scan(group))

    def lock(self, key: str, timeout_seconds: float | None = None) -> AbstractContextManager[None]:
        """See `Store.lock`."""
        check_key(key)
        return _Lock(self, key, timeout_seconds)

    def stats(self) -> Stats:
        """See `Store.stats`. Since it was opened last."""
        return self._again(DiskStore.stats)

    def gc(self, max_bytes: int) -> int:
        """See `Store.gc`."""
        return self._again(lambda store: store.gc(max_bytes))

    def close(self) -> None:
        """See `Store.close`."""
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _again(self, work: Callable[[DiskStore], T]) -> T:
        """Do something; once more, with a new store, if it failed because the directory is gone."""
        store = self.open()
        try:
            return work(store)
        except StoreError:
            if os.path.lexists(self.root):
                raise
        self._store = None
        return work(self.open())


@final
class _Lock(AbstractContextManager[None]):
    """The lock of a store that may have to be made again before it can be locked."""

    __slots__ = ("_key", "_lock", "_store", "_timeout_seconds")

    def __init__(self, store: NamedStore, key: str, timeout_seconds: float | None) -> None:
        self._store = store
        self._key = key
        self._timeout_seconds = timeout_seconds
        self._lock: AbstractContextManager[None] | None = None

    def __enter__(self) -> None:
        self._lock = self._store._again(self._taken)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.__exit__(kind, error, traceback)

    def _taken(self, store: DiskStore) -> AbstractContextManager[None]:
        lock = store.lock(self._key, self._timeout_seconds)
        lock.__enter__()
        return lock
