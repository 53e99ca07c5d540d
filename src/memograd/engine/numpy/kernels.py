"""What emitted modules call where NumPy has no function with `out=`. Each writes into `out` and returns it."""

from __future__ import annotations

from typing import Any

import numpy as np

from memograd.errors import NanFound
from memograd.graph.node import Array, Shape
from memograd.graph.philox import philox_bits

Out = Array | None


def buffer(arena: Array, offset: int, shape: Shape, dtype: str) -> Array:
    """A part of the arena as an array."""
    wanted = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
    return arena[offset : offset + size].view(wanted).reshape(shape)


def memory(x: Array) -> Array:
    """The bytes of an array in C order, as an arena."""
    return x.reshape(-1).view(np.uint8)


def cast(x: Any, dtype: str, out: Out = None) -> Any:
    """The values of `x` in another dtype."""
    if out is None:
        return np.array(x, dtype)
    np.copyto(out, x, casting="unsafe")
    return out


def copy(x: Any, shape: Shape, out: Out = None) -> Any:
    """The elements of `x`, in C order, in another shape."""
    out = np.empty(shape, x.dtype) if out is None else out
    np.copyto(out.reshape(np.shape(x)), x)
    return out


def where(condition: Any, x: Any, y: Any, out: Out = None) -> Any:
    """`np.where` with `out=`, which may be the memory of any operand."""
    if out is None:
        return np.where(condition, x, y)
    if np.may_share_memory(out, condition):
        condition = condition.copy()
    if np.may_share_memory(out, x):
        _put(out, y, condition)
        return out
    # A copy of itself where it lies in the memory of `y`.
    np.copyto(out, y)
    np.copyto(out, x, where=condition)
    return out


def _put(out: Array, y: Any, unless: Any) -> None:
    """Write `y` where a condition does not hold, block by block: the negation of it all would take memory."""
    roles: Any = [["readonly"], ["readonly"], ["readwrite"]]
    with np.nditer([unless, y, out], ["external_loop", "buffered", "zerosize_ok"], roles) as blocks:
        for kept, new, old in blocks:
            np.copyto(old, new, where=np.logical_not(kept))


def unslice(x: Any, shape: Shape, index: tuple[slice, ...], out: Out = None) -> Any:
    """Zeros with `x` at an index."""
    out = np.empty(shape, x.dtype) if out is None else out
    out.fill(0)
    out[index] = x
    return out


def scatter_add(x: Any, indices: Any, axis: int, shape: Shape, out: Out = None) -> Any:
    """Zeros with each part of `x` added where its index says."""
    out = np.empty(shape, x.dtype) if out is None else out
    out.fill(0)
    np.add.at(out, (slice(None),) * axis + (indices,), x)
    return out


def random_bits(key: Any, counter: Any, shape: Shape, out: Out = None) -> Any:
    """Random bits from a counter."""
    out = np.empty(shape, np.uint32) if out is None else out
    np.copyto(out, philox_bits(key, counter, shape=shape))
    return out


def check_nan(value: Any, name: str, line: str) -> None:
    """Raise NanFound when a value holds a NaN."""
    found = np.isnan(value)
    if found.any():
        where_first = tuple(int(i) for i in np.argwhere(found)[0])
        place = f" at {list(where_first)}" if where_first else ""
        raise NanFound(f"{name} became NaN{place} ({int(found.sum())} of {found.size} elements), in {line}")


def check_inputs(inputs: Any, names: tuple[str, ...]) -> None:
    """Raise NanFound when an argument holds a NaN already."""
    for value, name in zip(inputs, names, strict=True):
        if np.asarray(value).dtype.kind == "f" and np.isnan(value).any():
            raise NanFound(f"the argument {name} holds NaN before anything is computed")
