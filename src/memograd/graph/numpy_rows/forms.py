"""Rows of functions that give the same elements another form, join arrays, or ask for their form."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import describe
from memograd.graph.numpy_rows.axes import Axis, axes_of, axis_of, joint_shape
from memograd.graph.shapes import BOOL
from memograd.graph.traced import apply, as_traced, cast, common_dtype, implements, refuse


@implements(np.reshape)
def reshape(x: Any, /, shape: Any, order: str = "C") -> Any:
    """The same elements in another shape; one length may be -1."""
    if order != "C":
        refuse(f"np.reshape(order={order!r}) of a traced array has no row", "transpose, then reshape in C order")
    wanted = [operator.index(n) for n in (shape if isinstance(shape, Sequence) else (shape,))]
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
    gone = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(x, axis)
    if any(x.shape[i] != 1 for i in gone):
        raise ShapeError(f"squeeze: axes {tuple(gone)} of {describe(x.node)} are not all of length 1")
    return np.reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in gone))


@implements(np.transpose, np.permute_dims)
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; reversed if none is given."""
    order = tuple(axis_of(x, i) for i in axes) if axes is not None else tuple(reversed(range(x.ndim)))
    return x if order == tuple(range(x.ndim)) else apply("transpose", x, axes=order)


@implements(np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    order = list(range(x.ndim))
    i, j = axis_of(x, axis1), axis_of(x, axis2)
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
    wanted = tuple(operator.index(n) for n in (shape if isinstance(shape, Sequence) else (shape,)))
    return x if wanted == x.shape else apply("broadcast_to", x, shape=wanted)


@implements(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any) -> Any:
    """Each array in their common shape."""
    shape = joint_shape("broadcast_arrays", *(np.shape(x) for x in arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Joined along an axis that exists."""
    dtype = common_dtype(*arrays)
    parts: list[Any] = [as_traced(cast(x, dtype), *arrays) for x in arrays]
    if axis is None:
        parts, axis = [np.ravel(x) for x in parts], 0
    return apply("concatenate", *parts, axis=axis_of(parts[0], axis))


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
    return np.where(_triangle(m, k), m, np.zeros((), m.dtype))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """Zero below the k-th diagonal."""
    return np.where(_triangle(m, k - 1), np.zeros((), m.dtype), m)


def _triangle(m: Any, k: int) -> Any:
    return np.tri(m.shape[-2:][0], m.shape[-1], k=k, dtype=bool)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with that diagonal."""
    if v.ndim == 2:
        return np.diagonal(v, offset=k)
    if v.ndim != 1:
        raise ShapeError(f"diag: {describe(v.node)} is neither a vector nor a matrix")
    n = len(v) + abs(k)
    # Column j holds v[j − k] above the main diagonal and v[j] below; the zeros before and behind v never show.
    columns = np.pad(v, (k, 0) if k > 0 else (0, -k))
    return np.where(np.eye(n, k=k, dtype=bool), columns, np.zeros((), v.dtype))


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours."""
    if n < 0:
        raise ShapeError(f"diff: the number of times is {n}, which is negative")
    subtract = np.not_equal if a.dtype == BOOL else np.subtract
    for _ in range(n):
        moved = np.moveaxis(a, axis, 0)
        a = np.moveaxis(subtract(moved[1:], moved[:-1]), 0, axis)
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
    """The dtype of arrays, dtypes and Python scalars together."""
    return np.result_type(*((x.weak(0) if x.weak else x.dtype) if hasattr(x, "node") else x for x in arrays))


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
