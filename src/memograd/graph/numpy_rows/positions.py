"""Rows of functions that move elements by position."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import describe
from memograd.graph.numpy_rows.axes import axis_of
from memograd.graph.shapes import INDEX
from memograd.graph.traced import FUNCTIONS, OPTIONS, apply, as_traced, cast, common_dtype, implements, refuse


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements, or parts along an axis, by integer position; negative ones count from the end.

    Concrete positions are checked now, traced ones when the graph runs.
    """
    source: Any = as_traced(a, indices)
    if axis is None:
        source, axis = np.ravel(source), 0
    axis = axis_of(source, axis)
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
    source = as_traced(arr, indices)
    axis = axis_of(source, axis)
    if np.ndim(indices) != source.ndim or common_dtype(indices).kind not in "iu":
        raise ShapeError(f"take_along_axis: {np.ndim(indices)} axes of {common_dtype(indices)} are no positions in "
                         f"{describe(source.node)}: they are integers, with an axis for each of its axes")  # fmt: skip
    length, step = source.shape[axis], math.prod(source.shape[axis + 1 :])
    if not hasattr(indices, "node"):
        indices = _checked(np.asarray(indices), length, axis)
    wrapped = np.where(np.less(indices, 0), indices + length, indices)
    inside = np.logical_and(np.less_equal(0, wrapped), np.less(wrapped, length))
    starts = np.arange(source.size).reshape(source.shape)[(slice(None),) * axis + (slice(1),)]
    # A position outside of the axis must not reach its neighbour: it is sent outside of the whole array.
    return np.take(np.ravel(source), np.where(inside, starts + wrapped * step, source.size))


# Functions that only move elements: what they do to positions is what they do to values.
REARRANGEMENTS: tuple[Callable[..., Any], ...] = (
    np.roll, np.repeat, np.tile, np.flip, np.fliplr, np.flipud, np.rot90, np.diagonal, np.split, np.array_split,
    np.hsplit, np.vsplit, np.dsplit,
)  # fmt: skip


def _rearrangement(function: Callable[..., Any]) -> Callable[..., Any]:
    def row(x: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(x, "node") or any(hasattr(value, "node") for value in (*args, *kwargs.values())):
            refuse(f"np.{function.__name__} by traced numbers: the shape of its result depends on values",
                   "pass them as Python ints, or index with np.take")  # fmt: skip
        moved = function(np.arange(x.size, dtype=INDEX).reshape(x.shape), *args, **kwargs)
        flat = np.ravel(x)
        if isinstance(moved, (list, tuple)):
            return type(moved)(np.take(flat, part) for part in moved)
        return np.take(flat, moved)

    return row


for _function in REARRANGEMENTS:
    FUNCTIONS[_function] = _row = _rearrangement(_function)
    OPTIONS[_row] = frozenset(signature(_function).parameters)


def _at_least(function: Callable[..., Any]) -> Callable[..., Any]:
    def extended(x: Any) -> Any:
        return np.reshape(x, function(np.broadcast_to(0, x.shape)).shape) if hasattr(x, "node") else function(x)

    def row(*arrays: Any) -> Any:
        results = tuple(extended(x) for x in arrays)
        return results[0] if len(results) == 1 else results

    return row


for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    FUNCTIONS[_function] = _row = _at_least(_function)
    OPTIONS[_row] = frozenset()
