"""A trace: one run of a user's function on stand-ins for its arguments, and where each node came from.

Owns nesting (a transformation inside a traced function is a trace inside a trace) and origins. Knows nodes, not
NumPy's protocols: those are in `memograd.graph.traced`.
"""

from __future__ import annotations

import linecache
import os
import sys
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import numpy as np
import scipy

from memograd.graph.node import Array, DType, Node, Shape
from memograd.graph.ops import make_constant, make_input

_PACKAGE = Path(__file__).parent.parent
# Frames in these folders are never the user's line. nn is absent: a layer's line says more than the call of it.
_INTERNAL = tuple(
    f"{folder}{os.sep}"
    for folder in (
        _PACKAGE / "graph",
        _PACKAGE / "gradient",
        _PACKAGE / "engine",
        Path(np.__file__).parent,
        Path(scipy.__file__).parent,
    )
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The line of the user's code that made a node, or whose derivative made it.

    Attributes
    ----------
    offset : int
        Where in the function's bytecode: it grows along a line, and falls back when the line runs again.
    adjoint_of : Node or None
        The primal node, when this node is its finished adjoint.
    """

    filename: str
    line: int
    function: str
    offset: int = 0
    derivative: bool = False
    adjoint_of: Node | None = None

    def __str__(self) -> str:
        place = f"{self.filename}:{self.line} in {self.function}"
        return f"the derivative of {place}" if self.derivative else place

    @property
    def source(self) -> str:
        """The text of the line, stripped; empty when there is no source."""
        return linecache.getline(self.filename, self.line).strip()

    def differentiated(self) -> Origin:
        """The origin of nodes made by this line's derivative."""
        return replace(self, derivative=True, adjoint_of=None)


class Trace:
    """A run of a function on stand-ins, as a context manager; inside it, nodes are recorded with their origin.

    Attributes
    ----------
    level : int
        Nesting depth, 1 for the outermost. Inputs are numbered by level, so that two nested traces cannot
        mistake each other's arguments (perturbation confusion: Siskind & Pearlmutter 2005).
    origins : dict of Node to Origin
    is_open : bool
        False once the function returned; its stand-ins are then worthless.
    origin : Origin or None
        When set, the origin of what is recorded next, instead of the line that runs.
    """

    __slots__ = ("_captured", "_token", "is_open", "level", "origin", "origins")

    def __init__(self) -> None:
        self.level = len(_open_traces.get()) + 1
        self.origins: dict[Node, Origin] = {}
        self.origin: Origin | None = None
        self.is_open = False
        self._captured: dict[int, tuple[Array, Node]] = {}
        self._token: Token[tuple[Trace, ...]] | None = None

    def __enter__(self) -> Trace:
        self._token = _open_traces.set((*_open_traces.get(), self))
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._token is not None
        _open_traces.reset(self._token)
        self.is_open = False
        self._captured.clear()

    def input(self, index: int, shape: Shape, dtype: DType) -> Node:
        """The stand-in for argument `index`."""
        return make_input(self.level, index, shape, dtype)

    def constant(self, value: Array) -> Node:
        """The node of a concrete array that the function uses; the array may change afterwards."""
        if value.ndim == 0:
            return make_constant(value)
        # One array used often is one node, as long as it still holds what it held: comparing is cheaper than
        # hashing and, unlike identity, notices a write in between.
        array, node = self._captured.get(id(value), (None, None))
        if array is value and node is not None and _same_bytes(value, node["value"].array):
            return node
        node = make_constant(value)
        self._captured[id(value)] = (value, node)
        return node

    def record(self, node: Node) -> Node:
        """Remember where a node came from; the first origin stays."""
        if node not in self.origins:
            self.origins[node] = self.origin or user_line()
        return node


_open_traces: ContextVar[tuple[Trace, ...]] = ContextVar("open_traces", default=())


def open_trace(level: int) -> Trace:
    """The open trace at a nesting depth."""
    return _open_traces.get()[level - 1]


def is_current(trace: Trace) -> bool:
    """Whether a trace is open in this context: a new thread starts with none."""
    current = _open_traces.get()
    return trace.level <= len(current) and current[trace.level - 1] is trace


def open_depth() -> int:
    """How many traces are open."""
    return len(_open_traces.get())


def user_line() -> Origin:
    """The innermost line that runs outside of memograd's core, NumPy and SciPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return Origin(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, frame.f_lasti)


@lru_cache(maxsize=4096)
def _is_internal(filename: str) -> bool:
    return filename.startswith(_INTERNAL) or filename.startswith("<__array_function__")


def _same_bytes(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    unsigned = np.dtype(f"u{a.dtype.itemsize}")
    return bool(np.array_equal(np.ascontiguousarray(a).view(unsigned), b.view(unsigned)))
