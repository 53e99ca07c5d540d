"""Indexing of traced arrays: integers, slices, None, `...`, integer arrays and concrete masks, as NumPy has them.

An index becomes at most five nodes: a slice along every axis at once, a reshape, a transpose that brings the axes
indexed by arrays together, a reshape that merges them, and one take.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import describe
from memograd.graph.shapes import INDEX
from memograd.graph.traced import TracedArray, apply, implements, refuse

Entry = Any


@dataclass(frozen=True, slots=True)
class _Plan:
    """An index with one entry per axis of the operand, and None for each new axis."""

    entries: tuple[Entry, ...]

    @property
    def array_positions(self) -> list[int]:
        return [i for i, entry in enumerate(self.entries) if _is_array(entry)]


@implements(operator.getitem)
def getitem(x: Any, index: Any) -> Any:
    """The part of a traced array that an index names.

    Raises
    ------
    ShapeError
        For too many indices, or a position out of bounds.
    TraceError
        For a mask of traced values, whose number of elements depends on values.
    """
    entries = _expand(x, index if isinstance(index, tuple) else (index,))
    if not any(_is_array(entry) for entry in entries):
        return _basic(x, entries)
    # Beside arrays an integer is an array of no axes: NumPy broadcasts it with them.
    entries = [np.asarray(entry, INDEX) if isinstance(entry, int) else entry for entry in entries]
    kept = [slice(None) if _is_array(entry) else entry for entry in entries]
    return _gather(_basic(x, kept), _Plan(tuple(entries)))


def _expand(x: Any, index: tuple[Any, ...]) -> list[Entry]:
    entries: list[Entry] = []
    for entry in index:
        entries.extend(_normal(entry))
    n_axes = sum(entry is not None and entry is not Ellipsis for entry in entries)
    if n_axes > x.ndim or sum(entry is Ellipsis for entry in entries) > 1:
        raise ShapeError(f"too many indices for {describe(x.node)}: {n_axes}")
    rest = [slice(None)] * (x.ndim - n_axes)
    for i, entry in enumerate(entries):
        if entry is Ellipsis:
            return entries[:i] + rest + entries[i + 1 :]
    return entries + rest


def _normal(entry: Any) -> list[Entry]:
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return [entry]
    if isinstance(entry, TracedArray):
        if entry.dtype.kind == "b":
            refuse("a mask of traced values picks a number of elements that depends on values",
                   "write np.where(mask, x, 0) and sum, or multiply by the mask")  # fmt: skip
        if entry.dtype.kind not in "iu":
            refuse(f"indexing by a traced array of {entry.dtype}", "positions are integers: .astype(int)")
        return [entry]
    if isinstance(entry, (list, np.ndarray)):
        array = np.asarray(entry)
        if array.dtype.kind == "b":
            return list(np.nonzero(array))
        if array.size and array.dtype.kind not in "iu":
            raise ShapeError(f"positions are integers, not {array.dtype}")
        return [array.astype(INDEX)]
    return [operator.index(entry)]


def _is_array(entry: Entry) -> bool:
    return isinstance(entry, (np.ndarray, TracedArray))


def _basic(x: Any, entries: list[Entry]) -> Any:
    ranges, shape = [], []
    lengths = iter(enumerate(x.shape))
    for entry in entries:
        if entry is None:
            shape.append(1)
            continue
        axis, length = next(lengths)
        if isinstance(entry, slice):
            start, stop, step = entry.indices(length)
            count = len(range(start, stop, step))
            ranges.append((start, count, step) if count else (0, 0, 1))
            shape.append(count)
        else:
            ranges.append((_position(entry, length, axis, x), 1, 1))
    whole = tuple((0, length, 1) for length in x.shape)
    part = x if tuple(ranges) == whole else apply("slice", x, ranges=tuple(ranges))
    return np.reshape(part, tuple(shape))


def _position(entry: int, length: int, axis: int, x: Any) -> int:
    if not -length <= entry < length:
        raise ShapeError(f"index {entry} is out of bounds for axis {axis} of {describe(x.node)}")
    return entry % length


def _gather(x: Any, plan: _Plan) -> Any:
    axes = plan.array_positions
    arrays = [plan.entries[axis] for axis in axes]
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    front = axes[0] if together else 0
    if len(axes) == 1:
        return np.take(x, arrays[0], axis=axes[0])
    if any(isinstance(array, TracedArray) for array in arrays):
        refuse("several axes are indexed by arrays, one of them traced",
               "merge the axes with reshape and use one array of positions: row * n_columns + column")  # fmt: skip
    others = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*others[:front], *axes, *others[front:]))
    lengths = [x.shape[axis] for axis in axes]
    merged = np.reshape(moved, (*moved.shape[:front], math.prod(lengths), *moved.shape[front + len(axes) :]))
    return np.take(merged, _flat(arrays, lengths, axes), axis=front)


def _flat(arrays: list[Any], lengths: list[int], axes: list[int]) -> Any:
    flat = np.zeros((), INDEX)
    for array, length, axis in zip(arrays, lengths, axes, strict=True):
        wrong = (array < -length) | (array >= length)
        if wrong.any():
            raise ShapeError(f"index {array[wrong].flat[0]} is out of bounds for axis {axis} of length {length}")
        flat = flat * length + np.where(array < 0, array + length, array)
    return flat
