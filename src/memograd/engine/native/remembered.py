"""What has been lowered lately in this process: a graph that comes again is not lowered again.

Equal nodes are one node, so a graph is known by its nodes. To recognize it costs the trace; to lower it again would
cost ten times as much, even when the code cache has the machine code.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, final

T = TypeVar("T")

CAPACITY = 32
"""Of each kind. They hold their graphs, and some hundred kilobytes of code."""


@final
class Remembered(Generic[T]):
    """The values of the keys that were asked for last. Safe to use from several threads.

    Examples
    --------
    >>> squares = Remembered[int]()
    >>> squares.get(3, lambda: 9), squares.get(3, lambda: 1 // 0)
    (9, 9)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._capacity = capacity
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made unless it is known. If two threads make it at one time, one is kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            value = self._values.setdefault(key, value)
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
        return value
