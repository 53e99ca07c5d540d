"""A function of NumPy code becomes instructions of ONNX, for any number of rows.

It is traced with two different numbers of rows, and the graphs are walked side by side: lengths that differ are
multiples of the number of rows, all else must be the same. So nothing here knows what a layer is, and a user's function
is translated like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from memograd.errors import CannotLower
from memograd.graph.node import DType, Node
from memograd.graph.simplify import simplify
from memograd.graph.tracing import Graph, take_apart, trace
from memograd.graph.walk import topological
from memograd.train.onnx.operators import ELEMENTWISE, READ_IN_PLACE, SHAPED, Step
from memograd.train.onnx.program import ROWS, Program, Shape

# Primes, so that no other length is one of them, or a multiple, by chance.
_N_ROWS = (1009, 1013)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a program.

    Attributes
    ----------
    name : str
    dtype : dtype
    shape : tuple of int
        With `ROWS` for the number of rows.
    """

    name: str
    dtype: DType
    shape: Shape


def lower(program: Program, function: Callable[..., Any], arguments: Sequence[Value]) -> list[Value]:
    """Append the instructions of a function to a program.

    Parameters
    ----------
    program : Program
    function : callable
        Of NumPy code that can be traced.
    arguments : sequence of Value
        What it is called with. One at least has rows.

    Returns
    -------
    results : list of Value
        One for each array of the function's result.

    Raises
    ------
    CannotLower
        When an op has no operator, or a value depends on the number of rows; the message names it and its line.

    Examples
    --------
    >>> program = Program([])
    >>> x = Value("x", np.dtype(np.float32), (ROWS, 3))
    >>> lower(program, lambda x: np.tanh(x[:, :2]), [x])[0].shape
    (-1, 2)
    >>> [step.operator for step in program.instructions]
    ['Slice', 'Tanh']
    """
    graphs = [_traced(function, arguments, n_rows) for n_rows in _N_ROWS]
    return _Lowering(program, graphs, arguments).results()


def _traced(function: Callable[..., Any], arguments: Sequence[Value], n_rows: int) -> Graph:
    shapes = [[n_rows if length == ROWS else length for length in value.shape] for value in arguments]
    pairs = zip(arguments, shapes, strict=True)
    examples = tuple(np.broadcast_to(np.zeros((), value.dtype), shape) for value, shape in pairs)
    graph, _ = trace(function, take_apart(function, examples, {}))
    return simplify(graph)


class _Lowering:
    """Two graphs of one function, and what their nodes are in the program.

    The value of a node may be smaller than the node, where ONNX is to broadcast it: it is spread when an operator needs
    it whole.
    """

    def __init__(self, program: Program, graphs: Sequence[Graph], arguments: Sequence[Value]) -> None:
        self._program = program
        self._graph, self._other = graphs
        self._twin = dict(zip(self._graph.inputs, self._other.inputs, strict=True))
        self._values = dict(zip(self._graph.inputs, arguments, strict=True))
        self._n_rows = next((value.name, value.shape.index(ROWS)) for value in arguments if ROWS in value.shape)

    def results(self) -> list[Value]:
        """What the outputs are, whole."""
        orders = (topological(graph.outputs) for graph in (self._graph, self._other))
        for node, twin in zip_longest(*orders):
            if node in self._values:
                continue
            if node is None or twin is None or node.op != twin.op:
                raise self._refusal(node or self._graph.outputs[0], "is computed in another way for other rows")
            self._twin[node] = twin
            self._check(node, twin)
            self._values[node] = self._value(node)
        return [Value(self._whole(node), node.dtype, self._shape(node)) for node in self._graph.outputs]

    def _value(self, node: Node) -> Value:
        operands = [self._values[source] for source in node.inputs]
        if node.op == "broadcast_to":
            return operands[0]
        if node.op == "constant":
            return self._constant(node)
        if node.op in ELEMENTWISE:
            names = tuple(operand.name for operand in operands)
            name = ELEMENTWISE[node.op](self._program, node.inputs[-1].dtype, names)
            return Value(name, node.dtype, _broadcast([operand.shape for operand in operands]))
        if node.op not in SHAPED:
            raise self._refusal(node, "has no operator in ONNX")
        names = tuple(map(self._whole, node.inputs))
        shapes, shape = tuple(map(self._shape, node.inputs)), self._shape(node)
        step = Step(self._program, node, names, shapes, shape, self._lengths)
        return Value(SHAPED[node.op](step), node.dtype, shape)

    def _constant(self, node: Node) -> Value:
        array = node["value"].array
        if self._shape(node) != node.shape:
            # Such as np.zeros(x.shape): what has a value for each row is one value, or depends on which row it is.
            if node.size and not np.array_equal(array, np.broadcast_to(array.flat[0], array.shape), equal_nan=True):
                raise self._refusal(node, "depends on the place of a row among the others")
            array = array.reshape(-1)[0]
        return Value(self._program.constant(np.asarray(array)), node.dtype, array.shape)

    def _check(self, node: Node, twin: Node) -> None:
        """Refuse what is not the same for any number of rows."""
        same = [self._twin[source] for source in node.inputs] == list(twin.inputs) and node.dtype == twin.dtype
        if node.op == "constant":
            same &= node.shape != twin.shape or _equal(node["value"].array, twin["value"].array)
        elif node.op == "slice":
            cuts = zip(self._shape(node.inputs[0]), node.inputs[0].shape, node["ranges"], twin["ranges"], strict=True)
            # The axis of the rows must stay whole.
            same &= all(cut == (other if n >= 0 else (0, length, 1)) for n, length, cut, other in cuts)
        elif node.op not in ("reshape", "broadcast_to"):  # their shapes are those of the nodes
            same &= node.attributes == twin.attributes
        if not same:
            raise self._refusal(node, "depends on the number of rows")
        self._shape(node)

    def _shape(self, node: Node) -> Shape:
        """The shape of a node for any number of rows."""
        shapes = node.shape, self._twin[node].shape
        if len(shapes[0]) != len(shapes[1]):
            raise self._refusal(node, "has other axes for other rows")
        return tuple(self._length(node, *lengths) for lengths in zip(*shapes, strict=True))

    def _length(self, node: Node, one: int, other: int) -> int:
        if one == other:
            return one
        multiple, rest = divmod(one, _N_ROWS[0])
        if rest or other != multiple * _N_ROWS[1]:
            raise self._refusal(node, "has a length that is no multiple of the number of rows")
        return ROWS * multiple

    def _whole(self, node: Node) -> str:
        """The name of a value that has the shape of the node."""
        value, shape = self._values[node], self._shape(node)
        if value.shape == shape:
            return value.name
        have = (1,) * (len(shape) - len(value.shape)) + value.shape
        # Spreading an axis to 1 leaves it as it is, so the number of rows is asked for only where it is needed.
        wanted = tuple(1 if length == n else n for length, n in zip(have, shape, strict=True))
        name = self._program.emit("Expand", value.name, self._lengths(wanted))
        self._values[node] = Value(name, value.dtype, shape)
        return name

    def _lengths(self, shape: Shape) -> str:
        """The name of a value that holds a shape : (n_axes,) int64."""
        if all(length >= 0 for length in shape):
            return self._program.integers(*shape)
        name, axis = self._n_rows
        n_rows = self._program.emit("Shape", name, start=axis, end=axis + 1)
        multiples = {
            n: n_rows if n == ROWS else self._program.emit("Mul", n_rows, self._program.integers(n // ROWS))
            for n in sorted(set(shape))
            if n < 0
        }
        parts = [multiples[n] if n < 0 else self._program.integers(n) for n in shape]
        return self._program.emit("Concat", *parts, axis=0)

    def _refusal(self, node: Node, reason: str) -> CannotLower:
        error = CannotLower(f"{node!r} {reason}, so the network cannot be exported")
        origins = self._graph.origins
        # A constant comes from no line, but what it is used by does.
        users = (user for user in topological(self._graph.outputs) if node is user or node in user.inputs)
        origin = next((origins[user] for user in users if user in origins), None)
        error.where = None if origin is None else str(origin)
        return error


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape to which ONNX broadcasts; of each axis, all lengths but 1 are equal."""
    axes = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1)
    return tuple(next((n for n in lengths if n != 1), 1) for lengths in axes)[::-1]


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


EVERY_ROW = ELEMENTWISE.keys() | SHAPED.keys() | READ_IN_PLACE
"""The ops that can be translated."""
