"""The shape and dtype rules of ops: what a result looks like, or an error that names the op and the shapes.

A rule takes the op's name, its operands and its attributes. Operands come with the shapes and dtypes that the
op needs: broadcasting and promotion are nodes of their own, put in by `memograd.graph.traced`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from memograd.errors import DtypeError, ShapeError
from memograd.graph.node import DType, Node, Shape, describe

Form = tuple[Shape, DType]
Rule = Callable[[str, tuple[Node, ...], Mapping[str, Any]], Form]

SUPPORTED_KINDS = "biuf"
BOOL = np.dtype(np.bool_)
INDEX = np.dtype(np.intp)
BITS = np.dtype(np.uint32)


def check_dtype(op: str, dtype: DType) -> None:
    """Raise DtypeError unless arrays of this dtype can be in a graph: bool, integers, float16/32/64."""
    if dtype.kind not in SUPPORTED_KINDS or dtype.itemsize > 8:
        raise DtypeError(f"{op}: arrays of {dtype} cannot be traced; use bool, an integer or float16, float32, float64")
    if not dtype.isnative:
        raise DtypeError(f"{op}: {dtype} is not in this machine's byte order; use .astype({dtype.name!r})")


@lru_cache(maxsize=4096)
def resolve(ufunc: np.ufunc, dtypes: tuple[DType | type, ...]) -> tuple[DType, ...]:
    """The dtypes of the loop that NumPy would run, operands first; `int` and `float` stand for Python scalars.

    Raises
    ------
    DtypeError
        When the ufunc has no loop for these operands.
    """
    try:
        return ufunc.resolve_dtypes((*dtypes, None))
    except TypeError:
        names = ", ".join(d.__name__ if isinstance(d, type) else str(d) for d in dtypes)
        raise DtypeError(f"{ufunc.__name__} is not defined for {names}") from None


def elementwise(ufunc: np.ufunc) -> Rule:
    """Operands of one shape, of the very dtypes of a loop of the ufunc."""

    def rule(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
        shape = _common_shape(op, inputs)
        found = tuple(node.dtype for node in inputs)
        *wanted, result = resolve(ufunc, found)
        if tuple(wanted) != found:
            raise DtypeError(f"{op}: {_operands(inputs)} must be cast to {', '.join(map(str, wanted))} first")
        return shape, result

    return rule


def where(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """A bool condition and two operands of one dtype, all of one shape."""
    condition, x, y = inputs
    shape = _common_shape(op, inputs)
    if condition.dtype != BOOL or x.dtype != y.dtype:
        raise DtypeError(f"{op}: {_operands(inputs)} are not a bool and two of one dtype")
    return shape, x.dtype


def cast(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """Any shape, to the dtype of the attribute."""
    check_dtype(op, attributes["dtype"])
    return inputs[0].shape, attributes["dtype"]


def matmul(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """``[..., m, k] @ [..., k, n]`` of one dtype, with the same leading axes."""
    a, b = inputs
    if min(a.ndim, b.ndim) < 2 or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"{op}: {_operands(inputs)} are not two stacks of matrices of the same leading axes")
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{op}: {_operands(inputs)}: {a.shape[-1]} columns meet {b.shape[-2]} rows")
    if a.dtype != b.dtype:
        raise DtypeError(f"{op}: {_operands(inputs)} are not of one dtype")
    return (*a.shape[:-1], b.shape[-1]), a.dtype


def reduction(dtype: DType | None = None, *, may_be_empty: bool = False) -> Rule:
    """The axes of the attribute `axes`, sorted and distinct, go; the dtype stays unless one is given."""

    def rule(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
        (x,) = inputs
        axes = attributes["axes"]
        if list(axes) != sorted(set(axes)) or any(not 0 <= axis < x.ndim for axis in axes):
            raise ShapeError(f"{op}: axes {axes} are not sorted, distinct axes of {describe(x)}")
        if not may_be_empty and any(x.shape[axis] == 0 for axis in axes):
            raise ShapeError(f"{op}: {describe(x)} has nothing to reduce along axes {axes}")
        kept = tuple(length for axis, length in enumerate(x.shape) if axis not in axes)
        return kept, dtype or x.dtype

    return rule


def position(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """One axis goes; the result says where along it."""
    if len(attributes["axes"]) != 1:
        raise ShapeError(f"{op}: {_operands(inputs)}: there is one position along one axis, not {attributes['axes']}")
    return reduction(INDEX)(op, inputs, attributes)


def along_axis(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """Shape and dtype stay; the attribute `axis` is an axis of the operand."""
    (x,) = inputs
    if not 0 <= attributes["axis"] < x.ndim:
        raise ShapeError(f"{op}: {describe(x)} has no axis {attributes['axis']}")
    return x.shape, x.dtype


def broadcast_to(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """New leading axes, and axes of length 1 stretched."""
    (x,) = inputs
    shape = attributes["shape"]
    _check_lengths(op, shape)
    kept = shape[len(shape) - x.ndim :] if len(shape) >= x.ndim else None
    if kept is None or any(have not in (1, want) for have, want in zip(x.shape, kept, strict=True)):
        raise ShapeError(f"{op}: {describe(x)} does not broadcast to {shape}")
    return shape, x.dtype


def reshape(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """Another shape of the same number of elements."""
    (x,) = inputs
    shape = attributes["shape"]
    _check_lengths(op, shape)
    if _size(shape) != x.size:
        raise ShapeError(f"{op}: {describe(x)} has {x.size} elements, which do not fill {shape}")
    return shape, x.dtype


def transpose(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """The axes in another order."""
    (x,) = inputs
    axes = attributes["axes"]
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"{op}: {axes} is not an order of the axes of {describe(x)}")
    return tuple(x.shape[axis] for axis in axes), x.dtype


def slice_(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """One `(start, length, step)` for each axis, inside the operand."""
    (x,) = inputs
    ranges = attributes["ranges"]
    _check_ranges(op, x.shape, ranges)
    return tuple(length for _, length, _ in ranges), x.dtype


def unslice(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """The operand fills the ranges of an array of the attribute `shape`."""
    (x,) = inputs
    ranges, shape = attributes["ranges"], attributes["shape"]
    _check_lengths(op, shape)
    _check_ranges(op, shape, ranges)
    if x.shape != tuple(length for _, length, _ in ranges):
        raise ShapeError(f"{op}: {describe(x)} does not fill the ranges {ranges}")
    return shape, x.dtype


def take(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """The axis is replaced by the axes of the indices."""
    x, indices = inputs
    axis = attributes["axis"]
    _check_indices(op, indices, inputs)
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"{op}: {describe(x)} has no axis {axis}")
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype


def scatter_add(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """The adjoint of `take`: the indices' axes become one of the attribute `length`."""
    x, indices = inputs
    axis, length = attributes["axis"], attributes["length"]
    _check_indices(op, indices, inputs)
    _check_lengths(op, (length,))
    if not 0 <= axis <= x.ndim - indices.ndim or x.shape[axis : axis + indices.ndim] != indices.shape:
        raise ShapeError(f"{op}: {_operands(inputs)} do not match at axis {axis}")
    return (*x.shape[:axis], length, *x.shape[axis + indices.ndim :]), x.dtype


def concatenate(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """One dtype, and one shape but for the axis."""
    axis = attributes["axis"]
    first = inputs[0]
    rest = {(*node.shape[:axis], *node.shape[axis + 1 :]) for node in inputs}
    if not 0 <= axis < first.ndim or len(rest) != 1 or len({node.ndim for node in inputs}) != 1:
        raise ShapeError(f"{op}: {_operands(inputs)} differ elsewhere than along axis {axis}")
    if len({node.dtype for node in inputs}) != 1:
        raise DtypeError(f"{op}: {_operands(inputs)} are not of one dtype")
    length = sum(node.shape[axis] for node in inputs)
    return (*first.shape[:axis], length, *first.shape[axis + 1 :]), first.dtype


def random_bits(op: str, inputs: tuple[Node, ...], attributes: Mapping[str, Any]) -> Form:
    """A key ``uint64[2]`` and a counter ``uint64[4]`` give bits of the attribute `shape`."""
    key, counter = inputs
    if (key.shape, counter.shape) != ((2,), (4,)):
        raise ShapeError(f"{op}: {_operands(inputs)} are not a key of 2 and a counter of 4 words")
    if any(node.dtype != np.dtype(np.uint64) for node in inputs):
        raise DtypeError(f"{op}: {_operands(inputs)} are not uint64")
    _check_lengths(op, attributes["shape"])
    return attributes["shape"], BITS


def _common_shape(op: str, inputs: tuple[Node, ...]) -> Shape:
    shape = inputs[0].shape
    if any(node.shape != shape for node in inputs):
        raise ShapeError(f"{op}: {_operands(inputs)} are not of one shape")
    return shape


def _check_lengths(op: str, shape: Shape) -> None:
    if any(length < 0 for length in shape):
        raise ShapeError(f"{op}: the shape {shape} has a negative length")


def _check_indices(op: str, indices: Node, inputs: tuple[Node, ...]) -> None:
    if indices.dtype != INDEX:
        raise DtypeError(f"{op}: {_operands(inputs)}: indices must be {INDEX}")


def _check_ranges(op: str, shape: Shape, ranges: tuple[tuple[int, int, int], ...]) -> None:
    def inside(length: int, start: int, count: int, step: int) -> bool:
        last = start + (count - 1) * step
        return step != 0 and count >= 0 and (count == 0 or (0 <= start < length and 0 <= last < length))

    if len(ranges) != len(shape) or not all(inside(n, *r) for n, r in zip(shape, ranges, strict=True)):
        raise ShapeError(f"{op}: the ranges {ranges} (start, length, step) do not lie in {shape}")


def _operands(inputs: tuple[Node, ...]) -> str:
    return " and ".join(describe(node) for node in inputs)


def _size(shape: Shape) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
