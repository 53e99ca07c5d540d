"""Rows of functions that take axes away or run along one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.numpy_rows.axes import Axis, accumulator, axes_of, axis_of, count_of, kept_shape
from memograd.graph.traced import apply, as_traced, cast, common_dtype, implements, refuse


def _reduce(op: str, x: Any, axis: Axis, keepdims: bool) -> Any:
    axes = axes_of(x, axis)
    result = apply(op, x, axes=axes)
    return np.reshape(result, kept_shape(x.shape, axes)) if keepdims else result


@implements(np.sum)
def sum(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Add up along axes."""
    return _reduce("sum", cast(x, accumulator(x, dtype)), axis, keepdims)


@implements(np.mean)
def mean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum, divided by the number of elements."""
    x = cast(x, np.dtype(dtype or (x.dtype if x.dtype.kind == "f" else np.float64)))
    return np.sum(x, axis=axis, keepdims=keepdims) / float(count_of(x, axis))


@implements(np.var)
def var(x: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The mean square deviation from the mean."""
    x = cast(x, np.dtype(dtype or (x.dtype if x.dtype.kind == "f" else np.float64)))
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    freedom = count_of(x, axis) - ddof
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / float(freedom if freedom > 0 else 0)


@implements(np.std)
def std(x: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The root of the variance; its derivative where that is 0 is not defined (NaN)."""
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
def prod(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product along axes, as a balanced tree of products: its derivative is right where factors are 0."""
    axes = axes_of(x, axis)
    rest = [i for i in range(x.ndim) if i not in axes]
    kept = kept_shape(x.shape, axes) if keepdims else tuple(x.shape[i] for i in rest)
    x = cast(x, accumulator(x, dtype))
    if not count_of(x, axis):
        return np.ones(kept, x.dtype)
    factors = np.reshape(np.transpose(x, (*axes, *rest)), (count_of(x, axis), -1))
    while len(factors) > 1:
        half = len(factors) // 2
        pairs = factors[:half] * factors[half : 2 * half]
        factors = pairs if len(factors) % 2 == 0 else np.concatenate([pairs, factors[-1:]])
    return np.reshape(factors, kept)


@implements(np.cumsum)
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sums along an axis."""
    x = cast(x if axis is not None else np.ravel(x), accumulator(x, dtype))
    return apply("cumsum", x, axis=axis_of(x, axis or 0))


@implements(np.average)
def average(x: Any, axis: Axis = None, weights: Any = None, keepdims: bool = False) -> Any:
    """The mean, weighted by an array of the same shape or along one axis."""
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    dtype = common_dtype(x, weights) if common_dtype(x).kind == "f" else common_dtype(x, weights, np.float64(0))
    x, weights = (as_traced(cast(a, dtype), x, weights) for a in (x, weights))
    if weights.shape != x.shape:
        weights = np.broadcast_to(_along(weights, x, axis), x.shape)
    return np.sum(x * weights, axis=axis, keepdims=keepdims) / np.sum(weights, axis=axis, keepdims=keepdims)


def _along(weights: Any, x: Any, axis: Axis) -> Any:
    if axis is None or isinstance(axis, Sequence):
        refuse("np.average with weights of another shape needs one axis", "name the axis of the weights")
    place = axis_of(x, axis)
    if weights.shape != x.shape[place : place + 1]:
        raise ShapeError(f"average: weights {weights.shape} are not one for each part of {x.shape} along axis {axis}")
    return np.reshape(weights, (-1, *(1,) * (x.ndim - place - 1)))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The root of the sum of squares; its derivative at 0 is not defined (NaN)."""
    n_axes = len(axes_of(x, axis))
    if not (ord is None or (ord == 2 and n_axes == 1) or (ord == "fro" and n_axes == 2)):
        refuse(f"np.linalg.norm(ord={ord!r}) along {n_axes} axes of a traced array has no row",
               "write it with np.sum, np.abs, np.max")  # fmt: skip
    x = cast(x, x.dtype if x.dtype.kind == "f" else np.dtype(np.float64))
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
