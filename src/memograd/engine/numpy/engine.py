"""A planned graph as a callable: the emitted module, executed, with arenas to run it in."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from memograd.engine.numpy.emit import emit
from memograd.graph.node import Array
from memograd.graph.tracing import Graph
from memograd.plan.from_graph import Plan

Run = Callable[[Sequence[Any]], Sequence[Any]]


class NumpyProgram:
    """Runs an emitted module.

    Each call takes an arena of its own from a pool and gives it back, so that calls may overlap in threads and no
    memory is touched for the first time twice.

    Attributes
    ----------
    source : str
        The module; tracebacks and debuggers show its lines.
    constants : tuple of ndarray
        What the module's `bind` takes besides an arena.
    """

    def __init__(self, graph: Graph, plan: Plan, *, title: str, check_nan: bool = False) -> None:
        module = emit(graph, plan, title=title, check_nan=check_nan)
        self.source = module.source
        self.constants = module.constants
        self._arena_bytes = plan.schedule.arena_bytes
        filename = f"<memograd {title} {next(_SERIAL_NUMBERS)}>"
        self._bind = _execute(module.source, filename)
        weakref.finalize(self, linecache.cache.pop, filename, None).atexit = False
        self._idle: list[Run] = []

    def __call__(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs, given the inputs, both in the order of the graph's."""
        try:
            run = self._idle.pop()
        except IndexError:
            run = self._bind(_arena(self._arena_bytes), self.constants)
        try:
            # Silent like the evaluator: derivatives compute branches that a `where` then discards.
            with np.errstate(all="ignore"):
                return run(inputs)
        finally:
            self._idle.append(run)


def _arena(size_bytes: int) -> Array:
    """A block that starts at a cache line."""
    block = np.empty(size_bytes + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + size_bytes]


# The text of a module is kept as long as its program, and no longer.
_SERIAL_NUMBERS = itertools.count(1)


def _execute(source: str, filename: str) -> Callable[[Array, Sequence[Array]], Run]:
    # Entries whose second field is None are never checked against a file, so the text stays for tracebacks.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": "memograd.emitted"}
    exec(compile(source, filename, "exec"), namespace)
    bind: Callable[[Array, Sequence[Array]], Run] = namespace["bind"]
    return bind
