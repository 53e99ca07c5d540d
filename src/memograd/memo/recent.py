"""Results of calls with plain arguments, to be handed out without asking the store again."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, final

from memograd.memo.keys import Plain
from memograd.memo.values import is_immutable

MAX_ENTRIES = 4096
MAX_ENTRY_BYTES = 2048
"""Arguments and result together; so all of them take 8 MiB at most."""

_getsizeof = sys.getsizeof


class Result(NamedTuple):
    """A result, the identity of the code that made it, and how long that took in seconds."""

    identity: str
    value: Any
    cost_seconds: float


@final
class Recent:
    """A bounded table; the oldest goes first. Its readers check that the identity is still that of the code."""

    __slots__ = ("_results", "clear", "get")

    def __init__(self) -> None:
        self._results: dict[Plain, Result] = {}
        self.get = self._results.get
        self.clear = self._results.clear

    def keep(self, plain: Plain, result: Result) -> None:
        """Keep a result that nobody can change, of a call with plain arguments, if both are small."""
        if not is_immutable(result.value) or _size(plain, result.value) > MAX_ENTRY_BYTES:
            return
        while len(self._results) >= MAX_ENTRIES:
            try:
                # Dicts keep the order of insertion.
                self._results.pop(next(iter(self._results)), None)
            except (StopIteration, RuntimeError):
                return  # other threads change it
        self._results[plain] = result


def _size(plain: Plain, value: Any) -> int:
    # In one sum, because it is taken of every result that a store gives.
    return sum(map(_getsizeof, plain[1::2]), _getsizeof(value)) + (_size_of_items(value) if type(value) is tuple else 0)


def _size_of_items(items: tuple[Any, ...]) -> int:
    return sum(_getsizeof(item) + (_size_of_items(item) if type(item) is tuple else 0) for item in items)
