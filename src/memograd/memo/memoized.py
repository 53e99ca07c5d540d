"""What all memoized things share: keys, look-up, storing, and what they tell of themselves.

The flavours differ in the order of events between a miss and a result: functions, coroutines, generators.
"""

from __future__ import annotations

import functools
import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from memograd.errors import CannotDigest, StoreError
from memograd.memo.codecs.packing import CannotStore
from memograd.memo.complaints import Complaints
from memograd.memo.keys import CallKey, KeyMaker, Plain
from memograd.memo.recent import Recent, Result
from memograd.memo.report import CallInfo, Parts, Tally, nearest
from memograd.memo.settings import Settings
from memograd.memo.shelf import MISS, Shelf, parts_of
from memograd.memo.values import blobs_of, is_immutable, value_of
from memograd.memo.worth import Worth

UNKEYED: Final = None
"""In place of a call with a key: it is made without memo."""


class Call(NamedTuple):
    """A call on its way.

    Attributes
    ----------
    key : CallKey
    plain, values : tuple
        What the key was made from.
    args, kwargs : tuple, dict
        The arguments.
    looked_seconds : float
        How long key and look-up took.
    """

    key: CallKey
    plain: Plain | None
    values: tuple[Any, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    looked_seconds: float


class Memoized(ABC):
    """Something that looks before it computes; made by `memoize`.

    Pickled by name, as functions are: what reads it must have memoized it too.

    Attributes
    ----------
    group : str
        Under which its entries stand in the store: module and qualified name.
    settings : Settings
    """

    def __init__(self, function: Callable[..., Any], settings: Settings) -> None:
        functools.update_wrapper(self, function)
        self.__memo_function__ = function
        name = getattr(function, "__qualname__", type(function).__qualname__)
        self.group = f"{function.__module__}.{name}"
        self.settings = settings
        self._function = function
        self._keys = KeyMaker(function, ignore=settings.ignore, version=settings.version)
        self._tally = Tally()
        self._worth = Worth()
        self._recent = Recent()
        self._shelf = Shelf(self.group, self._keys, settings, self._tally, Complaints())

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the call: the stored one, or a new one that is stored."""

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else Bound(self, instance)

    def __repr__(self) -> str:
        return f"<memoized {self.group}>"

    def __reduce__(self) -> str:
        name: str = self._function.__qualname__
        return name

    def call_info(self, *args: Any, **kwargs: Any) -> CallInfo:
        """What is known of a call, without making it."""
        key = self._keys.key(self._keys.bind(*args, **kwargs))
        record = self.settings.store.peek(key.digest)
        if record is None:
            return CallInfo(key.digest, False)
        return CallInfo(key.digest, True, record.cost_seconds, record.size_bytes, record.created_seconds)

    def is_cached(self, *args: Any, **kwargs: Any) -> bool:
        """Whether a call would be answered from the store."""
        return self.call_info(*args, **kwargs).is_cached

    def why(self, *args: Any, **kwargs: Any) -> list[str]:
        """Why a call is not stored: how its key differs from that of the nearest call that is, a line for each part."""
        values = self._keys.bind(*args, **kwargs)
        key = self._keys.key(values)
        if self.settings.store.peek(key.digest) is not None:
            return ["it is stored"]
        own = _parts(parts_of(key.identity), repr(self.settings.version), self._keys.told(key, values))
        lines = nearest(own, self._stored(key))
        if lines is None:
            return [f"no call of {self.group} is stored"]
        return lines or ["the key is the same; its entry was lost or evicted"]

    def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Drop the entry of a call; whether there was one."""
        self._recent.clear()
        return self.settings.store.delete(self._keys.key(self._keys.bind(*args, **kwargs)).digest)

    def clear(self) -> int:
        """Drop all entries of functions of this name, those of their former code as well; return how many."""
        self._recent.clear()
        store = self.settings.store
        records = list(store.scan(self.group))
        return sum(store.delete(record.key) and "code" in record.metadata for record in records)

    def stats(self) -> dict[str, Any]:
        """What happened to the calls in this process; `seconds_saved` is net of what remembering cost."""
        tally = self._tally
        return {**asdict(tally), "seconds_saved": tally.seconds_saved, "is_bypassed": self._worth.is_bypassed}

    def _stored(self, key: CallKey) -> Iterator[tuple[Parts, float]]:
        """What stored calls were made from, and when."""
        described: dict[str, Parts] = {key.identity.digest: parts_of(key.identity)}
        for record in self.settings.store.scan(self.group):
            code = record.metadata.get("code")
            if code is not None:
                if code not in described:
                    described[code] = self._shelf.parts_of(code) or {}
                known = record.metadata
                yield _parts(described[code], known["version"], known["arguments"]), record.created_seconds

    def _key(self, values: tuple[Any, ...]) -> CallKey | None:
        """The key, or None when there is none and the call is to be made all the same."""
        try:
            return self._keys.key(values)
        except CannotDigest as error:
            self._tally.refused += 1
            if self.settings.on_refuse == "raise":
                raise
            self._shelf.complain("refused", f"{self.group} is called without memo: {error}")
            return None

    def _look(self, args: tuple[Any, ...], kwargs: dict[str, Any], start: float) -> tuple[Any, Call | None]:
        """The stored value; or `MISS` and the call to be made, or `UNKEYED`."""
        values = self._keys.bind(*args, **kwargs)
        plain = self._keys.plain(values)
        recent = self._recent.get(plain) if plain is not None else None
        if recent is not None and self._is_current(recent):
            self._hit(recent.cost_seconds, start)
            return recent.value, None
        key = self._key(values)
        if key is None:
            return MISS, UNKEYED
        value = self._recall(key, plain, start)
        if value is not MISS:
            return value, None
        return MISS, Call(key, plain, values, args, kwargs, time.perf_counter() - start)

    def _is_current(self, recent: Result) -> bool:
        try:
            return self._keys.identity().digest == recent.identity
        except CannotDigest:
            return False

    def _is_bypassed(self) -> bool:
        return self._worth.is_bypassed and self.settings.bypass

    def _bypassed(self, start: float) -> None:
        """Count a call that was made without looking."""
        self._tally.bypassed += 1
        self._worth.called(time.perf_counter() - start)

    def _recall(self, key: CallKey, plain: Plain | None, start: float) -> Any:
        """The stored value, or `MISS`."""
        value, cost = self._shelf.recall(key.digest)
        if value is not MISS:
            if plain is not None:
                self._recent.keep(plain, Result(key.identity.digest, value, cost))
            self._hit(cost, start)
        return value

    def _recall_again(self, call: Call) -> Any:
        """The value that another has stored meanwhile, or `MISS`; waiting for others is no cost of remembering."""
        return self._recall(call.key, call.plain, time.perf_counter())

    def _hit(self, cost: float, start: float) -> None:
        overhead = time.perf_counter() - start
        self._tally.hits += 1
        self._tally.recalled_seconds += cost
        self._tally.overhead_seconds += overhead
        self._worth.remembered(cost, overhead)

    def _missed(self, cost: float, start: float) -> None:
        overhead = max(time.perf_counter() - start - cost, 0.0)
        self._tally.misses += 1
        self._tally.computed_seconds += cost
        self._tally.overhead_seconds += overhead
        self._worth.remembered(cost, overhead)

    def _keep(self, call: Call, value: Any, cost: float) -> Any:
        """Store a new value; return what later calls will get, or the value itself when it is not stored.

        Arrays are read-only then, the first time as ever after: code that writes into results fails at once, and not
        only on the second run. What is pickled comes back writeable, so it is returned as it is.
        """
        try:
            blobs = blobs_of(value, pickled=self.settings.pickle)
        except CannotStore as error:
            self._shelf.not_kept("codec", str(error))
            return value
        entry = self._shelf.keep(call.key, call.values, blobs, cost)
        if entry is None:
            return value
        if call.plain is not None:
            self._recent.keep(call.plain, Result(call.key.identity.digest, value, cost))
        if self.settings.pickle or is_immutable(value):
            return value
        try:
            return value_of(entry)
        except StoreError as error:
            self._shelf.complain("read", f"a result of {self.group} cannot be read back: {error}")
            return value


class Bound:
    """A memoized method of an instance: the function with its first argument in place."""

    __slots__ = ("__self__", "_memoized")

    def __init__(self, memoized: Memoized, instance: Any) -> None:
        self._memoized = memoized
        self.__self__ = instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._memoized(self.__self__, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._memoized, name)
        return functools.partial(found, self.__self__) if name in _OF_CALLS else found

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.__self__, self._memoized._function.__name__)

    @property
    def __signature__(self) -> inspect.Signature:
        """Without the first parameter."""
        signature = inspect.signature(self._memoized._function)
        return signature.replace(parameters=list(signature.parameters.values())[1:])


_OF_CALLS = ("call_info", "is_cached", "why", "invalidate")


def _parts(code: Parts, version: str, arguments: Parts) -> Parts:
    """What a key was made from, by name."""
    return {**code, "version=": [version, version], **{f"argument {name}": told for name, told in arguments.items()}}
