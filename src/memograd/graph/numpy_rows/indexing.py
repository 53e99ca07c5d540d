"""Indexing of traced arrays: integers, slices, None, `...`, integer arrays and concrete masks, as NumPy has them.

An index becomes at most five nodes: a slice along every axis at once, a reshape, a transpose that brings the axes
indexed by arrays together, a reshape that merges them, and one take. Traced positions along several axes are
combined and checked by some more.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import describe
from memograd.graph.shapes import BOOL, INDEX
from memograd.graph.traced import TracedArray, apply, implements, refuse

Entry = Any


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
    written = [_normal(entry) for entry in (index if isinstance(index, tuple) else (index,))]
    entries = _expand(x, written)
    if not any(_is_array(entry) for entry in entries):
        return _basic(x, entries)
    # Beside arrays an integer is an array of no axes: NumPy broadcasts it with them.
    entries = [np.asarray(entry, INDEX) if isinstance(entry, int) else entry for entry in entries]
    kept = [slice(None) if _is_array(entry) else entry for entry in entries]
    arrays = {axis: entry for axis, entry in enumerate(entries) if _is_array(entry)}
    return _gather(_basic(x, kept), arrays, together=_are_together(written))


def _are_together(written: list[Entry]) -> bool:
    """Whether all arrays and integers stand side by side; a `...` is a gap even where it stands for no axis."""
    places = [i for i, entry in enumerate(written) if isinstance(entry, int) or _is_array(entry)]
    return places == list(range(places[0], places[0] + len(places)))


def _expand(x: Any, entries: list[Entry]) -> list[Entry]:
    """One entry for each axis of the operand, and None for each new axis."""
    n_axes = sum(_n_axes(entry) for entry in entries)
    n_dots = sum(entry is Ellipsis for entry in entries)
    if n_axes > x.ndim or n_dots > 1:
        raise ShapeError(f"too many indices for {describe(x.node)}: {n_axes} axes and {n_dots} `...`")
    expanded: list[Entry] = []
    for entry in entries if n_dots else [*entries, Ellipsis]:
        if entry is Ellipsis:
            expanded += [slice(None)] * (x.ndim - n_axes)
        elif _is_mask(entry):
            expanded += _positions(x, entry, axis=sum(part is not None for part in expanded))
        else:
            expanded.append(entry)
    return expanded


def _n_axes(entry: Entry) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    return entry.ndim if _is_mask(entry) else 1


def _normal(entry: Any) -> Entry:
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return entry
    if isinstance(entry, TracedArray):
        if entry.dtype.kind == "b":
            refuse("a mask of traced values picks a number of elements that depends on values",
                   "write np.where(mask, x, 0) and sum, or multiply by the mask")  # fmt: skip
        if entry.dtype.kind not in "iu":
            refuse(f"indexing by a traced array of {entry.dtype}", "positions are integers: .astype(int)")
        return entry
    if isinstance(entry, (int, np.integer)) and not isinstance(entry, bool):
        return operator.index(entry)
    array = np.asarray(entry)
    if array.dtype.kind == "b":
        if not array.ndim:
            refuse(f"indexing by the single bool {entry!r}", "write x[None] for x[True]")
        return array
    if array.size and array.dtype.kind not in "iu":
        raise ShapeError(f"positions are integers, not {array.dtype}")
    return array.astype(INDEX)


def _is_mask(entry: Entry) -> bool:
    return isinstance(entry, np.ndarray) and entry.dtype == BOOL


def _positions(x: Any, mask: Any, axis: int) -> list[Any]:
    masked = x.shape[axis : axis + mask.ndim]
    if mask.shape != masked:
        raise ShapeError(f"a mask of shape {mask.shape} does not fit the axes of length {masked} of {describe(x.node)}")
    return list(np.nonzero(mask))


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


def _gather(x: Any, arrays: Mapping[int, Any], *, together: bool) -> Any:
    axes = list(arrays)
    front = axes[0] if together else 0
    if len(axes) == 1:
        return np.take(x, arrays[front], axis=front)
    others = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*others[:front], *axes, *others[front:]))
    lengths = {axis: x.shape[axis] for axis in axes}
    merged = np.reshape(moved, (*moved.shape[:front], math.prod(lengths.values()), *moved.shape[front + len(axes) :]))
    return np.take(merged, _flat(arrays, lengths), axis=front)


def _flat(arrays: Mapping[int, Any], lengths: Mapping[int, int]) -> Any:
    """Positions in the merged axes; a traced one outside of its axis is outside of all, so that running it fails."""
    try:
        np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays.values())
        raise ShapeError(f"positions of the shapes {shapes} do not broadcast") from None
    flat, inside = np.zeros((), INDEX), np.ones((), BOOL)
    for axis, length in lengths.items():
        array = arrays[axis].astype(INDEX)
        if isinstance(array, TracedArray):
            inside = inside & (array >= -length) & (array < length)
        else:
            _check_positions(array, length, axis)
        flat = flat * length + np.where(array < 0, array + length, array)
    return np.where(inside, flat, math.prod(lengths.values())) if isinstance(flat, TracedArray) else flat


def _check_positions(array: Any, length: int, axis: int) -> None:
    wrong = (array < -length) | (array >= length)
    if wrong.any():
        raise ShapeError(f"index {array[wrong].flat[0]} is out of bounds for axis {axis} of length {length}")
