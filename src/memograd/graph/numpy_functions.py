"""What NumPy's functions mean on traced arrays: one row each, written in terms of ops or of other rows.

Importing this module fills the tables of `memograd.graph.traced`. A parameter that a row does not have is an
option that tracing does not know, and is refused by name. Rows read like the NumPy code they stand for: what they
call on traced arrays is traced in turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import DType, Shape, describe
from memograd.graph.shapes import BOOL, INDEX
from memograd.graph.traced import (
    FUNCTIONS,
    OPTIONS,
    apply,
    as_traced,
    cast,
    common_dtype,
    elementwise,
    implements,
    refuse,
    spread,
)

Axis = int | Sequence[int] | None


# Ufuncs that are made of other ufuncs


def _truth(x: Any) -> Any:
    return cast(x, BOOL)


def _mask(x: Any) -> Any:
    if common_dtype(x) != BOOL:
        refuse("bitwise operators work on masks of bool when traced", "compare first: (x > 0) & (y > 0)")
    return x


# Comparisons the other way round keep NaN's answer, unlike negations.
COMPOSED_UFUNCS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.positive: lambda x: x,
    np.fabs: lambda x: np.absolute(x * 1.0),
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1.0 / x,
    np.exp2: lambda x: np.power(2.0, x),
    np.log2: lambda x: np.log(x) / math.log(2.0),
    np.log10: lambda x: np.log(x) / math.log(10.0),
    np.deg2rad: lambda x: x * (math.pi / 180),
    np.radians: lambda x: x * (math.pi / 180),
    np.rad2deg: lambda x: x * (180 / math.pi),
    np.degrees: lambda x: x * (180 / math.pi),
    np.greater: lambda x, y: np.less(y, x),
    np.greater_equal: lambda x, y: np.less_equal(y, x),
    np.isinf: lambda x: np.equal(np.absolute(x), math.inf),
    np.logical_xor: lambda x, y: np.not_equal(_truth(x), _truth(y)),
    np.bitwise_and: lambda x, y: np.logical_and(_mask(x), _mask(y)),
    np.bitwise_or: lambda x, y: np.logical_or(_mask(x), _mask(y)),
    np.bitwise_xor: lambda x, y: np.not_equal(_mask(x), _mask(y)),
    np.invert: lambda x: np.logical_not(_mask(x)),
}
FUNCTIONS.update(COMPOSED_UFUNCS)


# NumPy, too, computes these powers by the cheaper op.
CHEAP_POWERS: dict[float, Callable[[Any], Any]] = {
    2: lambda x: x * x,
    1: lambda x: x,
    0.5: np.sqrt,
    -1: lambda x: 1.0 / x,
}


@implements(np.power)
def power(x: Any, exponent: Any) -> Any:
    """x to a power; a Python number 2, 1, 0.5 or −1 is a product, nothing, a root or a division."""
    if type(exponent) in (int, float) and exponent in CHEAP_POWERS and x.dtype.kind == "f":
        return CHEAP_POWERS[exponent](x)
    return elementwise(np.power, x, exponent)


@implements(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    """Products of (stacks of) matrices; a vector is a row on the left, a column on the right."""
    dtype = common_dtype(a, b)
    a, b = cast(a, dtype), cast(b, dtype)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul: {describe(a.node)} and {describe(b.node)}: a scalar is no matrix; use *")
    row, column = a.ndim == 1, b.ndim == 1
    a = a[None, :] if row else a
    b = b[:, None] if column else b
    if a.shape[:-2] != b.shape[:-2]:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a = np.broadcast_to(a, (*stack, *a.shape[-2:]))
        b = np.broadcast_to(b, (*stack, *b.shape[-2:]))
    product = apply("matmul", a, b)
    gone = ((product.ndim - 2,) if row else ()) + ((product.ndim - 1,) if column else ())
    return np.squeeze(product, gone) if gone else product


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """As `np.dot` of scalars, vectors and matrices."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) > 2:
        refuse(f"np.dot with {np.ndim(b)} axes on the right", "use @, which multiplies stacks of matrices")
    return np.matmul(a, b)


@implements(np.outer)
def outer(a: Any, b: Any) -> Any:
    """Products of every element of a with every element of b."""
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """Choose element by element."""
    if len(choices) != 2:
        refuse("np.where with one argument: the shape of its result depends on values",
               "write np.where(condition, a, b)")  # fmt: skip
    dtype = common_dtype(*choices)
    return apply("where", *spread("where", _truth(condition), *(cast(x, dtype) for x in choices)))


# Reductions


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(sorted(_axis(x, i) for i in (axis if isinstance(axis, Sequence) else (axis,))))


def _axis(x: Any, axis: int) -> int:
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"{describe(x.node)} has no axis {axis}")
    return int(axis % x.ndim)


def _reduce(op: str, x: Any, axis: Axis, keepdims: bool) -> Any:
    axes = _axes(x, axis)
    result = apply(op, x, axes=axes)
    return np.reshape(result, _kept(x.shape, axes)) if keepdims else result


def _kept(shape: Shape, axes: Sequence[int]) -> Shape:
    return tuple(1 if i in axes else length for i, length in enumerate(shape))


def _accumulator(x: Any, dtype: Any) -> DType:
    """NumPy adds bool and short integers up in long ones."""
    wanted: DType = np.dtype(dtype if dtype is not None else np.sum(np.empty(0, x.dtype)).dtype)
    return wanted


@implements(np.sum)
def sum(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Add up along axes."""
    return _reduce("sum", cast(x, _accumulator(x, dtype)), axis, keepdims)


@implements(np.mean)
def mean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum, divided by the number of elements."""
    x = cast(x, np.dtype(dtype or (x.dtype if x.dtype.kind == "f" else np.float64)))
    return np.sum(x, axis=axis, keepdims=keepdims) / float(_count(x, axis))


def _count(x: Any, axis: Axis) -> int:
    return math.prod(x.shape[i] for i in _axes(x, axis))


@implements(np.var)
def var(x: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The mean square deviation from the mean."""
    x = cast(x, np.dtype(dtype or (x.dtype if x.dtype.kind == "f" else np.float64)))
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / float(_count(x, axis) - ddof)


@implements(np.std)
def std(x: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The root of the variance; its derivative is infinite where the variance is 0."""
    return np.sqrt(np.var(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims))


@implements(np.max, np.amax)
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest along axes; equal ones share the derivative evenly."""
    return _reduce("max", x, axis, keepdims)


@implements(np.min, np.amin)
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest along axes; equal ones share the derivative evenly."""
    return _reduce("min", x, axis, keepdims)


@implements(np.ptp)
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest minus the smallest."""
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


@implements(np.argmax)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest is; the first of equal ones."""
    return _position("argmax", x, axis, keepdims)


@implements(np.argmin)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest is; the first of equal ones."""
    return _position("argmin", x, axis, keepdims)


def _position(op: str, x: Any, axis: int | None, keepdims: bool) -> Any:
    if axis is None:
        flat = apply(op, np.ravel(x), axes=(0,))
        return np.reshape(flat, (1,) * x.ndim) if keepdims else flat
    return _reduce(op, x, axis, keepdims)


@implements(np.prod)
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product along axes, as a balanced tree of products: its derivative is right where factors are 0."""
    axes = _axes(x, axis)
    rest = [i for i in range(x.ndim) if i not in axes]
    kept = _kept(x.shape, axes) if keepdims else tuple(x.shape[i] for i in rest)
    factors = np.reshape(np.transpose(cast(x, _accumulator(x, None)), (*axes, *rest)), (_count(x, axis), -1))
    while len(factors) > 1:
        half = len(factors) // 2
        pairs = factors[:half] * factors[half : 2 * half]
        factors = pairs if len(factors) % 2 == 0 else np.concatenate([pairs, factors[-1:]])
    return np.reshape(factors, kept) if len(factors) else np.ones(kept, factors.dtype)


@implements(np.cumsum)
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums along an axis."""
    x = cast(x if axis is not None else np.ravel(x), _accumulator(x, dtype))
    return apply("cumsum", x, axis=_axis(x, axis or 0))


@implements(np.average)
def average(x: Any, axis: Axis = None, weights: Any = None, keepdims: bool = False) -> Any:
    """The mean, weighted by an array of the same shape or along one axis."""
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if np.shape(weights) != np.shape(x):
        after = np.ndim(x) - _axis(as_traced(x), _only(axis)) - 1
        weights = np.reshape(weights, (*np.shape(weights), *(1,) * after))
    weighted, total = x * weights, weights + np.zeros(np.shape(x), common_dtype(weights))
    return np.sum(weighted, axis=axis, keepdims=keepdims) / np.sum(total, axis=axis, keepdims=keepdims)


def _only(axis: Axis) -> int:
    if not isinstance(axis, int):
        refuse("np.average with weights of another shape needs one axis", "name the axis of the weights")
    return axis


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The root of the sum of squares; its derivative at 0 is not defined (NaN)."""
    if ord not in (None, 2, "fro") or (ord == 2 and axis is None and x.ndim != 1):
        refuse(f"np.linalg.norm(ord={ord!r}) of a traced array has no row", "write it with np.sum, np.abs, np.max")
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


@implements(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """No smaller than a_min, no larger than a_max."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


# Shapes


@implements(np.reshape)
def reshape(x: Any, /, shape: Any, order: str = "C") -> Any:
    """The same elements in another shape; one length may be -1."""
    if order != "C":
        refuse(f"np.reshape(order={order!r}) of a traced array has no row", "transpose, then reshape in C order")
    wanted = [int(n) for n in (shape if isinstance(shape, Sequence) else (shape,))]
    if -1 in wanted:
        rest = math.prod(n for n in wanted if n != -1)
        if wanted.count(-1) > 1 or rest == 0 or x.size % rest:
            raise ShapeError(f"reshape: {describe(x.node)} has {x.size} elements, which do not fill {tuple(wanted)}")
        wanted[wanted.index(-1)] = x.size // rest
    return x if tuple(wanted) == x.shape else apply("reshape", x, shape=tuple(wanted))


@implements(np.ravel)
def ravel(x: Any) -> Any:
    """One axis."""
    return np.reshape(x, (-1,)) if x.size else np.reshape(x, (0,))


@implements(np.expand_dims)
def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """New axes of length 1."""
    axes = axis if isinstance(axis, Sequence) else (axis,)
    return np.reshape(x, np.expand_dims(np.broadcast_to(0, x.shape), axes).shape)


@implements(np.squeeze)
def squeeze(x: Any, axis: Axis = None) -> Any:
    """Without axes of length 1: all, or those named."""
    gone = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else _axes(x, axis)
    if any(x.shape[i] != 1 for i in gone):
        raise ShapeError(f"squeeze: axes {tuple(gone)} of {describe(x.node)} are not all of length 1")
    return np.reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in gone))


@implements(np.transpose, np.permute_dims)
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; reversed if none is given."""
    order = tuple(_axis(x, i) for i in axes) if axes is not None else tuple(reversed(range(x.ndim)))
    return x if order == tuple(range(x.ndim)) else apply("transpose", x, axes=order)


@implements(np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    order = list(range(x.ndim))
    i, j = _axis(x, axis1), _axis(x, axis2)
    order[i], order[j] = order[j], order[i]
    return np.transpose(x, order)


@implements(np.moveaxis)
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes put elsewhere."""
    # The strides-free twin whose axis i has length i tells where each axis went.
    marked = np.broadcast_to(0, tuple(range(x.ndim)))
    return np.transpose(x, np.moveaxis(marked, source, destination).shape)


@implements(np.broadcast_to)
def broadcast_to(x: Any, shape: int | Sequence[int]) -> Any:
    """New leading axes, and axes of length 1 stretched."""
    wanted = tuple(int(n) for n in shape) if isinstance(shape, Sequence) else (int(shape),)
    return x if wanted == x.shape else apply("broadcast_to", x, shape=wanted)


@implements(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any) -> Any:
    """Each array in their common shape."""
    shape = np.broadcast_shapes(*(np.shape(x) for x in arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Joined along an axis that exists."""
    dtype = common_dtype(*arrays)
    parts = [cast(x, dtype) for x in arrays]
    if axis is None:
        parts, axis = [np.ravel(x) for x in parts], 0
    return apply("concatenate", *parts, axis=_axis(parts[0], axis))


@implements(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Joined along a new axis."""
    return np.concatenate([np.expand_dims(x, axis) for x in arrays], axis=axis)


@implements(np.vstack)
def vstack(arrays: Sequence[Any]) -> Any:
    """Rows, or stacks of rows, one below the other."""
    return np.concatenate([np.atleast_2d(x) for x in arrays])


@implements(np.hstack)
def hstack(arrays: Sequence[Any]) -> Any:
    """Side by side."""
    parts = [np.atleast_1d(x) for x in arrays]
    return np.concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


@implements(np.column_stack)
def column_stack(arrays: Sequence[Any]) -> Any:
    """Vectors and matrices as columns of one matrix."""
    return np.concatenate([np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in arrays], axis=1)


@implements(np.pad)
def pad(x: Any, pad_width: Any, mode: str = "constant") -> Any:
    """Zeros around the array."""
    if mode != "constant":
        refuse(f"np.pad(mode={mode!r}) of a traced array has no row", "index with positions: x[..., indices]")
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    shape = tuple(low + n + high for n, (low, high) in zip(x.shape, widths, strict=True))
    ranges = tuple((low if n else 0, n, 1) for n, (low, _) in zip(x.shape, widths, strict=True))
    return apply("unslice", x, shape=shape, ranges=ranges)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """Zero above the k-th diagonal."""
    return np.where(_triangle(m, k), m, 0)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """Zero below the k-th diagonal."""
    return np.where(_triangle(m, k - 1), 0, m)


def _triangle(m: Any, k: int) -> Any:
    n_rows, n_columns = m.shape[-2:]
    return np.tri(n_rows, n_columns, k=k, dtype=bool)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with that diagonal."""
    if v.ndim == 2:
        return np.diagonal(v, offset=k)
    n = len(v) + abs(k)
    return np.where(np.eye(n, k=k, dtype=bool), np.take(v, np.clip(np.arange(n) - (k > 0) * k, 0, len(v) - 1)), 0)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours."""
    for _ in range(n):
        moved = np.moveaxis(a, axis, 0)
        a = np.moveaxis(moved[1:] - moved[:-1], 0, axis)
    return a


@implements(np.copy)
def copy(a: Any) -> Any:
    """Itself: a traced array never changes."""
    return a


# Questions of shape and dtype have concrete answers.


@implements(np.shape)
def shape(a: Any) -> Any:
    """The lengths of the axes."""
    return a.shape


@implements(np.ndim)
def ndim(a: Any) -> Any:
    """The number of axes."""
    return a.ndim


@implements(np.size)
def size(a: Any, axis: int | None = None) -> Any:
    """The number of elements, or the length of an axis."""
    return a.size if axis is None else a.shape[axis]


@implements(np.result_type)
def result_type(*arrays: Any) -> Any:
    """The dtype of the arrays together."""
    return common_dtype(*arrays)


@implements(np.zeros_like, np.empty_like)
def zeros_like(a: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Concrete zeros of the shape and dtype of `a`."""
    return np.zeros(a.shape if shape is None else shape, dtype or a.dtype)


@implements(np.ones_like)
def ones_like(a: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Concrete ones of the shape and dtype of `a`."""
    return np.ones(a.shape if shape is None else shape, dtype or a.dtype)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    """An array of the shape of `a` that holds one value, traced or not."""
    wanted = np.dtype(dtype or a.dtype)
    if hasattr(fill_value, "node"):
        return np.broadcast_to(cast(fill_value, wanted), np.shape(a))
    return np.full(np.shape(a), fill_value, wanted)


# Positions


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements, or parts along an axis, by integer position; negative ones count from the end.

    Concrete positions are checked now, traced ones when the graph runs.
    """
    source: Any = as_traced(a, indices)
    if axis is None:
        source, axis = np.ravel(source), 0
    axis = _axis(source, axis)
    if common_dtype(indices).kind not in "iu":
        refuse(f"np.take by positions of dtype {common_dtype(indices)}", "positions are integers: .astype(int)")
    if not hasattr(indices, "node"):
        indices = _checked(np.asarray(indices), source.shape[axis], axis)
    return apply("take", source, cast(as_traced(indices, source), INDEX), axis=axis)


def _checked(indices: Any, length: int, axis: int) -> Any:
    wrong = (indices < -length) | (indices >= length)
    if wrong.any():
        first = indices[wrong].flat[0]
        raise ShapeError(f"take: position {first} is out of bounds for axis {axis} of length {length}")
    return np.where(indices < 0, indices + length, indices).astype(INDEX)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """One element per position of `indices`, along an axis."""
    if axis is None:
        return np.take(np.ravel(arr), indices)
    axis = _axis(as_traced(arr, indices), axis)
    shape = np.shape(arr)
    rest = tuple(1 if i == axis else n for i, n in enumerate(np.shape(indices)))
    grid = np.arange(math.prod(rest)).reshape(rest)
    flat = np.reshape(np.moveaxis(arr, axis, -1), (-1,))
    # Row-major position of each chosen element in the array whose last axis is the chosen one.
    starts = np.moveaxis(np.moveaxis(grid, axis, -1) * shape[axis], -1, axis)
    length = shape[axis]
    wrapped = np.where(np.less(indices, 0), indices + length, indices)
    return np.take(flat, wrapped + starts)


# Functions that only move elements: what they do to positions is what they do to values.
REARRANGEMENTS: tuple[Callable[..., Any], ...] = (
    np.roll, np.repeat, np.tile, np.flip, np.fliplr, np.flipud, np.rot90, np.diagonal, np.split, np.array_split,
    np.hsplit, np.vsplit, np.dsplit, np.atleast_1d, np.atleast_2d, np.atleast_3d,
)  # fmt: skip


def _rearrangement(function: Callable[..., Any]) -> Callable[..., Any]:
    def row(x: Any, *args: Any, **kwargs: Any) -> Any:
        moved = function(np.arange(x.size, dtype=INDEX).reshape(x.shape), *args, **kwargs)
        flat = np.ravel(x)
        if isinstance(moved, (list, tuple)):
            return type(moved)(np.take(flat, part) for part in moved)
        return np.take(flat, moved)

    return row


for _function in REARRANGEMENTS:
    FUNCTIONS[_function] = _row = _rearrangement(_function)
    OPTIONS[_row] = frozenset(signature(_function).parameters)
