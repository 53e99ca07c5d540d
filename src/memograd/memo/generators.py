"""Memoized generators: stored as they are drained, then replayed.

Only what is drained to its end is stored. What is sent or thrown into a generator may change what it yields, so then
nothing is stored, and a replay goes over to a generator that really runs. Generators that run at the same time do not
wait for each other, for one thread may drain two of them in turn; and they are never bypassed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, final

from memograd.errors import StoreError
from memograd.memo.codecs.packing import CannotStore, Form
from memograd.memo.codecs.table import packer, unpacker
from memograd.memo.memoized import UNKEYED, Call, Memoized
from memograd.memo.shelf import MISS
from memograd.memo.values import blobs_of, blobs_of_form, is_immutable, unpickled

MAX_ITEMS, MAX_BYTES = 1 << 20, 1 << 30
"""A generator that yields more is not stored: it may have no end, and all that it yields is held in memory."""


@final
class MemoizedGenerator(Memoized):
    """A generator function whose generators are replayed. Arguments are read when it is called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        """A generator of the stored items, or one that runs and is stored when it comes to its end.

        Raises
        ------
        CannotDigest
            When an argument has no digest, unless on_refuse is "call".
        """
        start = time.perf_counter()
        found, call = self._look(args, kwargs, start)
        if found is not MISS:
            return Replay(lambda: self.run(args, kwargs), *found)
        if call is UNKEYED:
            return self.run(args, kwargs)
        return Recording(self, call)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Generator[Any, Any, Any]:
        """A generator that runs."""
        running: Generator[Any, Any, Any] = self._function(*args, **kwargs)
        return running

    def keep(self, call: Call, tape: Tape, returned: Any, cost: float, overhead: float) -> None:
        """Store what a generator yielded, and what it returned."""
        begun = time.perf_counter()
        try:
            self._shelf.keep(call.key, call.values, tape.blobs(returned), cost)
        except (CannotStore, StoreError) as error:
            self.forget("codec", str(error))
        self._missed(cost, begun - overhead - cost)

    def forget(self, kind: str, reason: str) -> None:
        """Say that what a generator yields is not stored."""
        self._shelf.not_kept(kind, reason)

    @property
    def is_pickled(self) -> bool:
        """Whether items are pickled."""
        return self.settings.pickle


@final
class Tape:
    """What a generator yielded so far, each item as it was when it was yielded."""

    __slots__ = ("_forms", "_items", "_n_items", "_packer", "_pickled", "_size_bytes")

    def __init__(self, *, pickled: bool) -> None:
        self._pickled = pickled
        self._packer = packer()
        self._forms: list[Form] = []
        self._items: list[Any] = []
        self._size_bytes = self._n_items = 0

    def add(self, item: Any) -> Any:
        """Record an item; return what a replay will yield.

        Raises
        ------
        CannotStore
            When no codec can hold it, or when it is too much.
        """
        name = f"item {self._n_items}"
        self._n_items += 1
        copied = self._pickled_copy(item) if self._pickled else self._packed_copy(item, name)
        if self._n_items > MAX_ITEMS or self._size_bytes > MAX_BYTES:
            raise CannotStore(f"{name} is too much: a generator is held in memory while it is recorded")
        return copied

    def blobs(self, returned: Any) -> tuple[Any, ...]:
        """All items, and what the generator returned, as the blobs of an entry."""
        if self._pickled:
            return blobs_of((self._items, returned), pickled=True)
        form = ["tuple", [["list", self._forms], self._packer.pack(returned, "the value that it returned")]]
        return blobs_of_form(form, self._packer.blobs)

    def _packed_copy(self, item: Any, name: str) -> Any:
        blobs = self._packer.blobs
        first = len(blobs)
        form = self._packer.pack(item, name)
        # The generator, or who gets the item, may write into it.
        blobs[first:] = map(bytes, blobs[first:])
        self._forms.append(form)
        self._size_bytes += sum(map(len, blobs[first:]))
        return item if is_immutable(item) else unpacker(blobs).unpack(form)

    def _pickled_copy(self, item: Any) -> Any:
        (data,) = blobs_of(item, pickled=True)
        self._items.append(unpickled(data))
        self._size_bytes += len(data)
        return item


@final
class Recording(Generator[Any, Any, Any]):
    """A generator that runs and is recorded."""

    def __init__(self, memoized: MemoizedGenerator, call: Call) -> None:
        self._memoized = memoized
        self._call = call
        self._running = memoized.run(call.args, call.kwargs)
        self._tape: Tape | None = Tape(pickled=memoized.is_pickled)
        self._cost = 0.0
        self._overhead = call.looked_seconds

    def send(self, value: Any) -> Any:
        """The next item."""
        if value is not None:
            self._tape = None
        begun = time.perf_counter()
        try:
            item = self._running.send(value)
        except StopIteration as end:
            self._cost += time.perf_counter() - begun
            self._end(end.value)
            raise
        except BaseException:
            self._tape = None
            raise
        self._cost += time.perf_counter() - begun
        return self._record(item)

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None) -> Any:
        """Raise an exception where the generator waits. From then on nothing is stored."""
        self._tape = None
        return self._running.throw(value if value is not None else kind)

    def _record(self, item: Any) -> Any:
        if self._tape is None:
            return item
        begun = time.perf_counter()
        try:
            return self._tape.add(item)
        except (CannotStore, StoreError) as error:
            self._tape = None
            self._memoized.forget("codec", str(error))
            return item
        finally:
            self._overhead += time.perf_counter() - begun

    def _end(self, returned: Any) -> None:
        tape, self._tape = self._tape, None
        if tape is not None:
            self._memoized.keep(self._call, tape, returned, self._cost, self._overhead)


@final
class Replay(Generator[Any, Any, Any]):
    """A generator of stored items, which runs only if something is sent or thrown into it."""

    def __init__(self, run: Callable[[], Generator[Any, Any, Any]], items: list[Any], returned: Any) -> None:
        self._start = run
        self._items = items
        self._returned = returned
        self._n_yielded = 0
        self._running: Generator[Any, Any, Any] | None = None

    def send(self, value: Any) -> Any:
        """The next item."""
        if self._running is None and value is None:
            return self._next()
        return self._run().send(value)

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None) -> Any:
        """Raise an exception where the generator would wait."""
        return self._run().throw(value if value is not None else kind)

    def close(self) -> None:
        """End it."""
        if self._running is not None:
            self._running.close()
        self._end()

    def _next(self) -> Any:
        if self._n_yielded >= len(self._items):
            returned = self._returned
            self._end()
            raise StopIteration(returned)
        self._n_yielded += 1
        return self._items[self._n_yielded - 1]

    def _end(self) -> None:
        self._items, self._returned, self._n_yielded = [], None, 0
        self._running = _ended()

    def _run(self) -> Generator[Any, Any, Any]:
        """The generator itself, where the replay is."""
        if self._running is None:
            self._running = self._start()
            for _ in range(self._n_yielded):
                next(self._running)
        return self._running


def _ended() -> Generator[Any, Any, Any]:
    """A generator that has nothing to yield."""
    yield from ()
