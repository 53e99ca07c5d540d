"""Stores one above the other: near ones that are fast and small, far ones that are slow, large, and shared."""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import Self, TypeVar, final

from memograd.errors import BadSetting, StoreError
from memograd.store.damage import TierFailed
from memograd.store.locks import guard
from memograd.store.protocol import Entry, Record, Stats, Store

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Tier:
    """A store, and what it is used for among others.

    Attributes
    ----------
    store : Store
    shared : bool
        Whether others may write to it. Then the store must have been opened with a key.
    writes : bool
        Whether entries are put there, when they are computed and when they are found further down.

    Raises
    ------
    StoreError
        When it is shared and has no key.

    Examples
    --------
    >>> from memograd.store.memory import MemoryStore
    >>> Tier(MemoryStore(1 << 20), shared=True)
    Traceback (most recent call last):
    memograd.errors.StoreError: a shared store without a key would serve whatever others put there; open it with a key
    """

    store: Store
    shared: bool = False
    writes: bool = True

    def __post_init__(self) -> None:
        if self.shared and not self.store.keyed:
            raise StoreError("a shared store without a key would serve whatever others put there; open it with a key")


def warn(error: StoreError) -> None:
    """Report as a warning that a tier failed."""
    warnings.warn(str(error), TierFailed, stacklevel=2)


@final
class Tiers:
    """Several stores as one.

    An entry is looked for from the first to the last, and put into those above the one where it was found. A tier that
    fails is reported and passed over; only if that may change the answer is it an error: no other had the entry.

    Parameters
    ----------
    *tiers : Tier
        The nearest first.
    report : callable, optional
        Told of every failure that changes no answer. By default a warning, `TierFailed`.

    Attributes
    ----------
    tiers : tuple of Tier

    Raises
    ------
    BadSetting
        When there is no tier, or none that is written to.

    Examples
    --------
    >>> from memograd.store.memory import MemoryStore
    >>> near, far = MemoryStore(1 << 20), MemoryStore(1 << 30)
    >>> far.put(Entry("00" * 32, (b"value",)))
    True
    >>> Tiers(Tier(near), Tier(far)).get("00" * 32).blobs, near.get("00" * 32).blobs
    ((b'value',), (b'value',))
    """

    __slots__ = ("_n_hits", "_n_misses", "_report", "_written", "tiers")

    def __init__(self, *tiers: Tier, report: Callable[[StoreError], None] = warn) -> None:
        self.tiers = tiers
        self._written = tuple(tier.store for tier in tiers if tier.writes)
        if not self._written:
            raise BadSetting(f"{len(tiers)} tiers, and none that is written to; give at least one")
        self._report = report
        self._n_hits = self._n_misses = 0

    @property
    def keyed(self) -> bool:
        """Whether every tier has a key."""
        return all(tier.store.keyed for tier in self.tiers)

    def put(self, entry: Entry) -> bool:
        """See `Store.put`. All tiers are tried before an error of one is raised; True when one of them has it."""
        return any(self._each(lambda store: store.put(entry)))

    def get(self, key: str) -> Entry | None:
        """See `Store.get`."""
        found = self._first(lambda store: store.get(key))
        with guard:
            self._n_hits += found is not None
            self._n_misses += found is None
        if found is None:
            return None
        entry, depth = found
        self._fill(entry, depth)
        return entry

    def peek(self, key: str) -> Record | None:
        """See `Store.peek`."""
        found = self._first(lambda store: store.peek(key))
        return found and found[0]

    def touch(self, key: str) -> None:
        """See `Store.touch`."""
        for tier in self.tiers:
            tier.store.touch(key)

    def delete(self, key: str) -> bool:
        """See `Store.delete`. From the tiers that are written to."""
        return any(self._each(lambda store: store.delete(key)))

    def scan(self, group: str | None = None) -> Iterator[Record]:
        """See `Store.scan`. An entry of several tiers comes once, as the nearest has it."""
        merged = heapq.merge(*(tier.store.scan(group) for tier in self.tiers), key=lambda record: record.key)
        return (next(same) for _, same in groupby(merged, key=lambda record: record.key))

    def lock(self, key: str, timeout_seconds: float | None = None) -> AbstractContextManager[None]:
        """See `Store.lock`. The lock of the last tier that is written to: the most others see it."""
        return self._written[-1].lock(key, timeout_seconds)

    def stats(self) -> Stats:
        """See `Store.stats`. Sums: an entry of two tiers counts twice. Hits and misses are those of all together."""
        found = [tier.store.stats() for tier in self.tiers]
        bounds = [stats.max_bytes for stats in found]
        return Stats(
            sum(stats.n_entries for stats in found),
            sum(stats.size_bytes for stats in found),
            None if None in bounds else sum(bound or 0 for bound in bounds),
            self._n_hits,
            self._n_misses,
        )

    def gc(self, max_bytes: int) -> int:
        """See `Store.gc`. Each tier that is written to keeps no more than that."""
        return sum(self._each(lambda store: store.gc(max_bytes)))

    def close(self) -> None:
        """See `Store.close`."""
        for tier in self.tiers:
            tier.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _each(self, work: Callable[[Store], T]) -> list[T]:
        """The answers of all tiers that are written to; the first error only when all were asked."""
        answers, errors = [], []
        for store in self._written:
            try:
                answers.append(work(store))
            except StoreError as error:
                errors.append(error)
        if errors:
            self._tell(errors[1:])
            raise errors[0]
        return answers

    def _first(self, ask: Callable[[Store], T | None]) -> tuple[T, int] | None:
        """The first answer that is not None, and from how deep; an error only when there is none."""
        errors = []
        for depth, tier in enumerate(self.tiers):
            try:
                answer = ask(tier.store)
            except StoreError as error:
                errors.append(error)
                continue
            if answer is not None:
                self._tell(errors)
                return answer, depth
        if errors:
            raise errors[0]
        return None

    def _tell(self, errors: list[StoreError]) -> None:
        for error in errors:
            self._report(error)

    def _fill(self, entry: Entry, depth: int) -> None:
        """Put an entry into the tiers above the one that has it, and count the use in those below."""
        for tier in self.tiers[depth + 1 :]:
            tier.store.touch(entry.key)
        for tier in self.tiers[:depth]:
            try:
                if tier.writes:
                    tier.store.put(entry)
            except StoreError as error:
                self._tell([error])
