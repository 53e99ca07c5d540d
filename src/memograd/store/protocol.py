"""What every store promises, and the records that go in and come out.

A store maps a key to an entry: some blobs of bytes, and what is known of them. It knows no arrays, functions or graphs.
A miss is None; an error is an exception; a value that is not what was put is neither, because it is never served.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, final

from memograd.errors import BadSetting

Blob: TypeAlias = bytes | memoryview

_set = object.__setattr__
_is_digest = re.compile("[0-9a-f]{64}").fullmatch


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored under a key.

    Attributes
    ----------
    key : str
        A digest of 256 bits, as 64 hexadecimal digits in lower case. It names the content: whoever computes the key
        computes the value.
    blobs : tuple of bytes or memoryview
        The value. Stores hand out what nobody can write to; large ones may be mapped from a file.
    group : str
        By which entries are found again, such as the name of a function.
    metadata : mapping
        What JSON can say: names to None, bool, int, finite float, str, lists and mappings of them. Every entry that is
        read has its own, which cannot be written to.
    cost_seconds : float
        How long it took to compute, and so what a hit saves.
    created_seconds : float
        When it was made, in seconds since the epoch.

    Raises
    ------
    BadSetting
        When an attribute cannot be.

    Examples
    --------
    >>> Entry("00" * 32, (b"value",), group="f", cost_seconds=0.5).size_bytes
    5
    >>> Entry("my key", ())
    Traceback (most recent call last):
    memograd.errors.BadSetting: 'my key' is no key; give 64 hexadecimal digits in lower case
    """

    key: str
    blobs: tuple[Blob, ...]
    group: str = field(default="", kw_only=True)
    metadata: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    cost_seconds: float = field(default=0.0, kw_only=True)
    created_seconds: float = field(default_factory=time.time, kw_only=True)

    def __post_init__(self) -> None:
        if any(type(blob) is not bytes for blob in self.blobs):
            object.__setattr__(self, "blobs", tuple(map(_flat, self.blobs)))
        _check(self)

    @classmethod
    def of_checked(
        cls,
        key: str,
        blobs: tuple[Blob, ...],
        group: str,
        metadata: Mapping[str, Any],
        cost_seconds: float,
        created_seconds: float,
    ) -> Self:
        """An entry of parts that were checked already, as a hit has them: a third of the time."""
        entry = object.__new__(cls)
        _set(entry, "key", key)
        _set(entry, "blobs", blobs)
        _set(entry, "group", group)
        _set(entry, "metadata", metadata)
        _set(entry, "cost_seconds", cost_seconds)
        _set(entry, "created_seconds", created_seconds)
        return entry

    @property
    def size_bytes(self) -> int:
        """The bytes of all blobs."""
        return sum(map(len, self.blobs))


@final
@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an entry without reading its blobs: see `Entry`.

    Examples
    --------
    >>> Record("00" * 32, group="f", size_bytes=5).size_bytes
    5
    """

    key: str
    group: str = field(default="", kw_only=True)
    metadata: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    cost_seconds: float = field(default=0.0, kw_only=True)
    created_seconds: float = field(default=0.0, kw_only=True)
    size_bytes: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        _check(self)


@final
@dataclass(frozen=True, slots=True)
class Stats:
    """How full a store is, and what it was asked since it was opened.

    Attributes
    ----------
    n_entries : int
    size_bytes : int
        What the entries take, the store's own bookkeeping of each included.
    max_bytes : int or None
        What they may take.
    n_hits, n_misses : int
        Answers of `get` since this store was opened, by this process.
    """

    n_entries: int
    size_bytes: int
    max_bytes: int | None
    n_hits: int = 0
    n_misses: int = 0


class Store(Protocol):
    """What every store does. All methods may be called from many threads at once, and in forked children.

    `tests/store/conformance.py` is the suite that every store must pass.
    """

    @property
    def keyed(self) -> bool:
        """Whether entries that were not written with this store's secret key are refused."""

    def put(self, entry: Entry) -> bool:
        """Store an entry, in the place of what was under its key.

        Returns
        -------
        bool
            False when the store decided not to keep it, because it is larger than the store. True means that it is
            there: whoever asks from now on gets it, after a crash as well, until it is evicted.

        Raises
        ------
        StoreError
            When it cannot be written. What was under the key is then still there, or nothing is.
        BadSetting
            When the metadata are not what JSON can say.
        """

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key, or None when there is none; what is damaged is reported, and is none.

        Raises
        ------
        StoreError
            When the store cannot be read.
        """

    def peek(self, key: str) -> Record | None:
        """Return what is known of an entry, without reading its blobs; it counts as no use."""

    def touch(self, key: str) -> None:
        """Count a use of an entry that was served from elsewhere. Writes nothing."""

    def delete(self, key: str) -> bool:
        """Drop an entry; return whether there was one."""

    def scan(self, group: str | None = None) -> Iterator[Record]:
        """Yield what is known of every entry, or of those of one group, in the order of their keys."""

    def lock(self, key: str, timeout_seconds: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock of a key: one thread of one process at a time, until it leaves the block or dies.

        Raises
        ------
        LockTimeout
            When another owner held it for longer than that.
        StoreError
            When this thread holds it already, or the store cannot be written.
        """

    def stats(self) -> Stats:
        """Return how full the store is, and what it was asked."""

    def gc(self, max_bytes: int) -> int:
        """Evict the least valuable entries until the others take no more than that; return the bytes it freed."""

    def close(self) -> None:
        """Write down what is only counted. The store may be used further, and closed again."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def is_key(name: object) -> bool:
    """Whether something is a key: a digest of 256 bits in hexadecimal digits.

    Examples
    --------
    >>> is_key("00" * 32), is_key("../../etc/passwd")
    (True, False)
    """
    return isinstance(name, str) and _is_digest(name) is not None


def check_key(key: str) -> None:
    """Check that a text is a key.

    Raises
    ------
    BadSetting
        When it is none.
    """
    if not isinstance(key, str) or _is_digest(key) is None:
        raise BadSetting(f"{key!r} is no key; give 64 hexadecimal digits in lower case")


def check_times(cost_seconds: float, created_seconds: float) -> None:
    """Check what is known of times.

    Raises
    ------
    BadSetting
        When one cannot be.
    """
    if not 0 <= cost_seconds < math.inf:
        raise BadSetting(f"cost_seconds={cost_seconds}, and not a finite number of at least 0")
    if not -math.inf < created_seconds < math.inf:
        raise BadSetting(f"created_seconds={created_seconds}, and not a finite number")


def _flat(blob: Blob) -> Blob:
    """The bytes of a blob in one row, not to be written to through it."""
    if isinstance(blob, bytes):
        return blob
    if not isinstance(blob, memoryview) or not blob.c_contiguous:
        raise BadSetting(f"a blob is bytes, or a memoryview without gaps, not {blob!r:.80}")
    # A view with no bytes, but of several axes, cannot be cast.
    return blob.cast("B").toreadonly() if blob.nbytes else b""


def _check(found: Entry | Record) -> None:
    check_key(found.key)
    try:
        found.group.encode()
    except UnicodeEncodeError as error:
        raise BadSetting(f"group {found.group!r} is not text that UTF-8 can write") from error
    check_times(found.cost_seconds, found.created_seconds)
