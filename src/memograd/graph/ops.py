"""The ops: a table with one row for each. What a node may say is here and nowhere else.

A row gives the arity, the attributes, the rule of shape and dtype, and the meaning in NumPy. Rules of
differentiation, costs and lowerings are rows in tables of their own (`gradient.rules`, `graph.count`, the engines'
lowerings); a repository test checks that every op has all its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.special

from memograd.errors import MalformedGraph
from memograd.graph import shapes
from memograd.graph.node import Array, DType, FrozenArray, Node, Shape, intern
from memograd.graph.philox import philox_bits

Kind = Literal["leaf", "elementwise", "view", "move", "reduction", "contraction", "random"]


@dataclass(frozen=True, slots=True)
class Op:
    """A row of the table.

    Attributes
    ----------
    arity : int or None
        Number of operands; None for one or more.
    attributes : tuple of str
        Their names, in the order in which a node holds them.
    kind : str
        ``view``: the result may share memory with the operand. ``elementwise``: result element i depends on the
        operands' elements i alone, so the result may take an operand's place.
    rule : callable
        Shape and dtype of the result (see `memograd.graph.shapes`).
    meaning : callable
        The NumPy function of operands and attributes (by keyword).
    """

    name: str
    arity: int | None
    attributes: tuple[str, ...]
    kind: Kind
    rule: shapes.Rule
    meaning: Callable[..., Array]


def make(op: str, *inputs: Node, **attributes: Hashable) -> Node:
    """The node of an op on operands, checked and interned. Every node but a leaf is made here.

    Raises
    ------
    ShapeError, DtypeError
        When the operands do not fit the op.
    MalformedGraph
        When there is no such op, or its arity or attributes are others.
    """
    row = OPS.get(op)
    if row is None:
        raise MalformedGraph(f"there is no op {op!r}")
    if row.arity != len(inputs) and (row.arity is not None or not inputs):
        wanted = "one or more" if row.arity is None else row.arity
        raise MalformedGraph(f"{op} takes {wanted} operands, not {len(inputs)}")
    if attributes.keys() != set(row.attributes):
        raise MalformedGraph(f"{op} has the attributes {row.attributes}, not {tuple(attributes)}")
    if attributes:
        check_attributes(op, attributes)
    shape, dtype = row.rule(op, inputs, attributes)
    return intern(op, inputs, tuple((name, attributes[name]) for name in row.attributes), shape, dtype)


def check_attributes(op: str, attributes: Mapping[str, Any]) -> None:
    """Raise MalformedGraph unless every attribute is of a type whose equal values are the same."""
    # True, 1.0 and an int64 are equal to 1: the node that was made first would stand for all of them.
    if not all(_is_plain(value) for value in attributes.values()):
        raise MalformedGraph(f"{op}: {dict(attributes)} are not Python ints, tuples of them, dtypes or constants")


def _is_plain(value: Any) -> bool:
    if type(value) is tuple:
        return all(_is_plain(part) for part in value)
    return type(value) is int or isinstance(value, (np.dtype, FrozenArray))


def make_like(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same op with the same attributes on other operands."""
    return make(node.op, *inputs, **dict(node.attributes))


def make_input(level: int, index: int, shape: Shape, dtype: DType) -> Node:
    """The leaf that stands for argument `index` of the trace at nesting depth `level`."""
    shapes.check_dtype("input", dtype)
    return intern("input", (), (("level", level), ("index", index)), shape, dtype)


def make_constant(value: Array) -> Node:
    """The leaf that holds a copy of an array, in this machine's byte order."""
    native = value.astype(value.dtype.newbyteorder("="), copy=False)
    shapes.check_dtype("constant", native.dtype)
    frozen = FrozenArray(native)
    return intern("constant", (), (("value", frozen),), frozen.array.shape, frozen.array.dtype)


def slices_of(ranges: tuple[tuple[int, int, int], ...]) -> tuple[slice, ...]:
    """The Python slices of ranges `(start, length, step)`."""
    # A negative stop would count from the end.
    stops = (start + length * step for start, length, step in ranges)
    return tuple(
        slice(start, stop if stop >= 0 else None, step) if length else slice(0, 0)
        for (start, length, step), stop in zip(ranges, stops, strict=True)
    )


def _unslice(x: Array, *, shape: Shape, ranges: tuple[tuple[int, int, int], ...]) -> Array:
    result = np.zeros(shape, x.dtype)
    result[slices_of(ranges)] = x
    return result


def _scatter_add(x: Array, indices: Array, *, axis: int, length: int) -> Array:
    result = np.zeros((*x.shape[:axis], length, *x.shape[axis + indices.ndim :]), x.dtype)
    place: Any = (slice(None),) * axis + (indices,)
    np.add.at(result, place, x)
    return result


def _leaf(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> shapes.Form:
    raise MalformedGraph(f"{op} is a leaf: use make_input or make_constant")


def _unbound(**attributes: Any) -> Array:
    raise MalformedGraph(f"the input {attributes} has no value: it belongs to another trace")


UNARY: dict[str, np.ufunc] = {
    "negative": np.negative,
    "absolute": np.absolute,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "erf": scipy.special.erf,
    "logistic": scipy.special.expit,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_not": np.logical_not,
}

BINARY: dict[str, np.ufunc] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logaddexp": np.logaddexp,
    "arctan2": np.arctan2,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}

_OTHERS = (
    Op("input", 0, ("level", "index"), "leaf", _leaf, _unbound),
    Op("constant", 0, ("value",), "leaf", _leaf, lambda *, value: value.array),
    Op("cast", 1, ("dtype",), "elementwise", shapes.cast, lambda x, *, dtype: x.astype(dtype)),
    Op("where", 3, (), "elementwise", shapes.where, np.where),
    Op("matmul", 2, (), "contraction", shapes.matmul, np.matmul),
    Op("sum", 1, ("axes",), "reduction", shapes.reduction(may_be_empty=True),
       lambda x, *, axes: np.sum(x, axis=axes, dtype=x.dtype)),
    Op("max", 1, ("axes",), "reduction", shapes.reduction(), lambda x, *, axes: np.max(x, axis=axes)),
    Op("min", 1, ("axes",), "reduction", shapes.reduction(), lambda x, *, axes: np.min(x, axis=axes)),
    Op("argmax", 1, ("axes",), "reduction", shapes.position,
       lambda x, *, axes: np.argmax(x, axis=axes[0])),
    Op("argmin", 1, ("axes",), "reduction", shapes.position,
       lambda x, *, axes: np.argmin(x, axis=axes[0])),
    Op("cumsum", 1, ("axis",), "move", shapes.along_axis,
       lambda x, *, axis: np.cumsum(x, axis=axis, dtype=x.dtype)),
    Op("broadcast_to", 1, ("shape",), "view", shapes.broadcast_to, np.broadcast_to),
    Op("reshape", 1, ("shape",), "view", shapes.reshape, np.reshape),
    Op("transpose", 1, ("axes",), "view", shapes.transpose, np.transpose),
    Op("slice", 1, ("ranges",), "view", shapes.slice_, lambda x, *, ranges: x[slices_of(ranges)]),
    Op("unslice", 1, ("shape", "ranges"), "move", shapes.unslice, _unslice),
    Op("take", 2, ("axis",), "move", shapes.take, np.take),
    Op("scatter_add", 2, ("axis", "length"), "move", shapes.scatter_add, _scatter_add),
    Op("concatenate", None, ("axis",), "move", shapes.concatenate,
       lambda *arrays, axis: np.concatenate(arrays, axis=axis)),
    Op("random_bits", 2, ("shape",), "random", shapes.random_bits, philox_bits),
)  # fmt: skip

OPS: Mapping[str, Op] = {
    **{
        name: Op(name, ufunc.nin, (), "elementwise", shapes.elementwise(ufunc), ufunc)
        for name, ufunc in (UNARY | BINARY).items()
    },
    **{row.name: row for row in _OTHERS},
}
