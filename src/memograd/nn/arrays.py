"""What this package says about arrays, concrete or traced: their type, their dtype, and which of them are weights.

Nothing here reads a value, so every function runs while NumPy code is traced.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from memograd.errors import DtypeError, ShapeError

# A NumPy array or one that is traced. Both have shape, ndim, dtype and the operators, and no common base.
Array: TypeAlias = Any
# A nested container of arrays, as `memograd.graph.tree` reads it.
Parameters: TypeAlias = Any
DType: TypeAlias = "np.dtype[Any]"


def cast(x: Array, dtype: DType) -> Array:
    """The array in this dtype; itself where it has it, and where it is a Python number (which has none).

    Examples
    --------
    >>> cast(np.float64(0.5), np.dtype(np.float32)).dtype, cast(0.5, np.dtype(np.float32))
    (dtype('float32'), 0.5)
    """
    return x if getattr(x, "dtype", dtype) == dtype else x.astype(dtype)


def is_weight(leaf: Array) -> bool:
    """Whether a parameter is a matrix (or more), and so is decayed; biases, scales and shifts are vectors.

    Examples
    --------
    >>> is_weight(np.ones((3, 2))), is_weight(np.ones(2))
    (True, False)
    """
    return bool(leaf.ndim >= 2)


def float_dtype(dtype: Any) -> DType:
    """The dtype that parameters can have: float32 or float64.

    Raises
    ------
    DtypeError
        When it is another.

    Examples
    --------
    >>> float_dtype("float32")
    dtype('float32')
    """
    found: DType = np.dtype(dtype)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise DtypeError(f"parameters of dtype {found} cannot be trained; use float32 or float64")
    return found


def check_columns(owner: object, x: Array, n_columns: int | None) -> None:
    """Raise ShapeError unless `x` is a table of samples with this many columns (None: any number)."""
    if x.ndim != 2 or n_columns not in (None, x.shape[1]):
        wanted = "n_columns" if n_columns is None else n_columns
        raise ShapeError(f"{owner} takes an array of shape (n_samples, {wanted}), not {tuple(x.shape)}")
