"""From a function to its graph: run it once on stand-ins and keep what it did."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Importing these fills the tables of the traced array.
import memograd.graph.numpy_rows.elementwise
import memograd.graph.numpy_rows.forms
import memograd.graph.numpy_rows.indexing
import memograd.graph.numpy_rows.positions
import memograd.graph.numpy_rows.products
import memograd.graph.numpy_rows.reductions  # noqa: F401
from memograd.errors import TraceError
from memograd.graph.node import DType, Node, Shape
from memograd.graph.shapes import SUPPORTED_KINDS
from memograd.graph.trace import Origin, Trace
from memograd.graph.traced import TracedArray, innermost
from memograd.graph.tree import Structure, flatten, unflatten


@dataclass(frozen=True, slots=True)
class Graph:
    """What a function computes: frozen, and free of the trace that made it.

    Attributes
    ----------
    inputs, outputs : tuple of Node
    names : tuple of str
        One for each input, as one would write it: ``params[0]['W']``.
    origins : mapping of Node to Origin
        The line of the user's code behind each node.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    names: tuple[str, ...]
    origins: Mapping[Node, Origin]


@dataclass(frozen=True, slots=True)
class Spec:
    """What tracing needs to know of an argument; `weak` marks a Python scalar."""

    shape: Shape
    dtype: DType
    weak: type | None = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, taken apart: traced leaves, and the rest, which is part of the code.

    Attributes
    ----------
    structure : Structure
        Of ``(args, kwargs)``.
    names : tuple of str
        One for each leaf.
    dynamic : tuple of int
        Positions of the leaves that are arrays, NumPy scalars or Python floats.
    leaves : tuple
    """

    structure: Structure
    names: tuple[str, ...]
    dynamic: tuple[int, ...]
    leaves: tuple[Any, ...]

    @property
    def values(self) -> list[Any]:
        """The leaves to be traced."""
        return [self.leaves[i] for i in self.dynamic]

    @property
    def value_names(self) -> tuple[str, ...]:
        """The names of the leaves to be traced."""
        return tuple(self.names[i] for i in self.dynamic)

    def rebuild(self, values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments, with these in place of the traced leaves."""
        leaves = list(self.leaves)
        for i, value in zip(self.dynamic, values, strict=True):
            leaves[i] = value
        args, kwargs = unflatten(self.structure, leaves)
        return args, kwargs


def take_apart(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], only: Sequence[int] | None = None
) -> Arguments:
    """The arguments of a call of `function`; with `only`, just these positional ones are traced."""
    leaves, structure = flatten((args, dict(kwargs)))
    parameters = _parameter_names(function, len(args))
    chosen = {f"[0][{i}]" for i in only} if only is not None else None
    names, dynamic = [], []
    for i, (leaf, path) in enumerate(zip(leaves, structure.paths, strict=True)):
        where, _, rest = path[1:].partition("][")
        head, _, tail = rest.partition("]")
        names.append((parameters[int(head)] if where == "0" else head.strip("'")) + tail)
        wanted = chosen is None or (where == "0" and f"[0][{head}]" in chosen)
        if wanted and is_array(leaf):
            dynamic.append(i)
    return Arguments(structure, tuple(names), tuple(dynamic), tuple(leaves))


def is_array(leaf: Any) -> bool:
    """Whether a leaf is traced: an array or NumPy scalar of numbers, or a Python float (not an int: 3 is code)."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind in SUPPORTED_KINDS
    return isinstance(leaf, (float, TracedArray))


def spec_of(leaf: Any) -> Spec:
    """Shape and dtype of a leaf that `is_array`."""
    if isinstance(leaf, TracedArray):
        return Spec(leaf.shape, leaf.dtype, leaf.weak)
    if type(leaf) is float:
        return Spec((), np.dtype(np.float64), float)
    return Spec(np.shape(leaf), leaf.dtype.newbyteorder("="))


def trace(function: Callable[..., Any], arguments: Arguments) -> tuple[Graph, Structure]:
    """Run a function on stand-ins.

    Returns
    -------
    graph : Graph
        One input for each traced leaf of the arguments, one output for each leaf of the result.
    structure : Structure
        Of the result.

    Raises
    ------
    TraceError
        When the function does what tracing cannot follow, or returns what is no array.
    """
    with Trace() as running:
        stand_ins = []
        for index, leaf in enumerate(arguments.values):
            spec = spec_of(leaf)
            node = running.input(index, spec.shape, spec.dtype)
            stand_ins.append(TracedArray(node, running, spec.weak))
        args, kwargs = arguments.rebuild(stand_ins)
        leaves, structure = flatten(function(*args, **kwargs))
        outputs = tuple(
            _output(leaf, path, running, function) for leaf, path in zip(leaves, structure.paths, strict=True)
        )
    inputs = tuple(stand_in.node for stand_in in stand_ins)
    return Graph(inputs, outputs, arguments.value_names, running.origins), structure


def _output(leaf: Any, path: str, running: Trace, function: Callable[..., Any]) -> Node:
    if isinstance(leaf, TracedArray):
        innermost((leaf,))
        return leaf.node
    array = np.asarray(leaf)
    if array.dtype.kind not in SUPPORTED_KINDS:
        name = getattr(function, "__name__", repr(function))
        raise TraceError(f"{name} returned {type(leaf).__name__} at result{path}; return arrays and numbers only")
    return running.constant(array)


def _parameter_names(function: Callable[..., Any], n_args: int) -> list[str]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "argument")
    return names[:n_args] + [f"{rest}_{i}" for i in range(len(names), n_args)]
