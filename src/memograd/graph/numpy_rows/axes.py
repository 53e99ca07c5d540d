"""What the options `axis`, `keepdims` and `dtype` of NumPy's functions mean for a traced array."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import DType, Shape, describe

Axis = int | Sequence[int] | None


def axes_of(x: Any, axis: Axis) -> tuple[int, ...]:
    """The axes that an option names, sorted; all of them for None."""
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(sorted(axis_of(x, i) for i in (axis if isinstance(axis, Sequence) else (axis,))))


def axis_of(x: Any, axis: int) -> int:
    """An axis counted from the front."""
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"{describe(x.node)} has no axis {axis}")
    return int(operator.index(axis) % x.ndim)


def kept_shape(shape: Shape, axes: Sequence[int]) -> Shape:
    """A shape whose axes are reduced to length 1."""
    return tuple(1 if i in axes else length for i, length in enumerate(shape))


def accumulator(x: Any, dtype: Any) -> DType:
    """NumPy adds bool and short integers up in long ones."""
    wanted: DType = np.dtype(dtype if dtype is not None else np.sum(np.empty(0, x.dtype)).dtype)
    return wanted


def count_of(x: Any, axis: Axis) -> int:
    """How many elements lie along the axes."""
    return math.prod(x.shape[i] for i in axes_of(x, axis))


def joint_shape(op: str, *shapes: Shape) -> Shape:
    """The shape that some shapes broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"{op}: the shapes {' and '.join(map(str, shapes))} do not broadcast") from None
