"""Targets: what a user gives as y, as the array that a loss takes, or an error that shows the first bad value.

Reads values, so it runs before training and is never traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.nn.arrays import Array, DType


def number_table(y: Any, n_outputs: int, dtype: DType, lowest: float) -> Array:
    """The target of a regression.

    Parameters
    ----------
    y : (n_samples, n_outputs), or (n_samples,) for one output
    n_outputs : int
    dtype : dtype
        Of the result.
    lowest : float
        The smallest value allowed; −∞ for none.

    Returns
    -------
    table : (n_samples, n_outputs) of `dtype`

    Raises
    ------
    DataError
        When y holds no numbers, has another shape, or a value is not finite in `dtype` or too small.

    Examples
    --------
    >>> number_table([1, 2], 1, np.dtype(np.float32), lowest=0.0)
    array([[1.],
           [2.]], dtype=float32)
    """
    table = _table(y, n_outputs)
    requirement = f"finite in {dtype}" + (f" and at least {lowest:g}" if np.isfinite(lowest) else "")
    return _checked(table, _in_dtype(table, dtype), lambda t: np.isfinite(t) & (t >= lowest), requirement)


def label_table(y: Any, n_labels: int, dtype: DType) -> Array:
    """The target of a classification in which a sample may have any number of labels.

    Parameters
    ----------
    y : (n_samples, n_labels), or (n_samples,) for one label
        0 and 1, or bools.
    n_labels : int
    dtype : dtype
        Of the result.

    Returns
    -------
    table : (n_samples, n_labels) of `dtype`

    Raises
    ------
    DataError
        When y holds no numbers, has another shape, or a value is neither 0 nor 1.

    Examples
    --------
    >>> label_table([[True, False], [True, True]], 2, np.dtype(np.float32))
    array([[1., 0.],
           [1., 1.]], dtype=float32)
    """
    table = _table(y, n_labels)
    allowed = _checked(table, table, lambda t: (t == 0) | (t == 1), "0 or 1, whether the sample has the label")
    return allowed.astype(dtype, copy=False)


def class_indices(y: Any, n_classes: int) -> Array:
    """The target of a classification.

    Parameters
    ----------
    y : (n_samples,) or (n_samples, 1)
        Integers from 0 to n_classes − 1; bools and whole floats will do.
    n_classes : int

    Returns
    -------
    indices : (n_samples,) int64

    Raises
    ------
    DataError
        When y holds no numbers, has another shape, or a value is no class.

    Examples
    --------
    >>> class_indices([2.0, 0.0], 3)
    array([2, 0])
    """
    numbers = _numbers(y)
    if numbers.shape not in ((numbers.size,), (numbers.size, 1)):
        raise DataError(f"the target has shape {numbers.shape}; classes must have shape (n_samples,)")
    flat = np.reshape(numbers, (-1,))
    requirement = f"a class index, an integer from 0 to {n_classes - 1}"
    allowed = _checked(flat, flat, lambda t: (t >= 0) & (t < n_classes) & (t == np.floor(t)), requirement)
    return allowed.astype(np.int64, copy=False)


def any_numbers(y: Any, dtype: DType) -> Array:
    """The target of a loss that is not known: integers and bools as they are, floats in `dtype`, any shape.

    Raises
    ------
    DataError
        When y holds no numbers, or a float is not finite in `dtype`.

    Examples
    --------
    >>> any_numbers([[0.5, 1.0]], np.dtype(np.float32))
    array([[0.5, 1. ]], dtype=float32)
    """
    numbers = _numbers(y)
    if numbers.dtype.kind != "f":
        return numbers
    return _checked(numbers, _in_dtype(numbers, dtype), np.isfinite, f"finite in {dtype}")


def _table(y: Any, n_columns: int) -> Array:
    numbers = _numbers(y)
    table = np.expand_dims(numbers, 1) if numbers.ndim == 1 else numbers
    if table.ndim != 2 or table.shape[1] != n_columns:
        raise DataError(
            f"the target has shape {numbers.shape}, and the network {n_columns} outputs: "
            f"it must have shape (n_samples, {n_columns}){' or (n_samples,)' if n_columns == 1 else ''}"
        )
    return table


def _numbers(y: Any) -> Array:
    numbers = np.asarray(y)
    if numbers.dtype.kind not in "biuf":
        raise DataError(f"the target must be numbers, not {numbers.dtype}; encode labels as 0, 1, 2, ...")
    return numbers


def _in_dtype(numbers: Array, dtype: DType) -> Array:
    with np.errstate(over="ignore"):  # what becomes infinite is reported with its row
        return numbers.astype(dtype, copy=False)


def _checked(y: Array, target: Array, is_allowed: Callable[[Array], Array], requirement: str) -> Array:
    """The target; or a DataError that shows the first value of `y` whose place in it is not allowed."""
    bad = np.argwhere(~is_allowed(target))
    if len(bad):
        place = " column ".join(map(str, bad[0]))
        raise DataError(
            f"the target in row {place} is {y[tuple(bad[0])]}; it must be {requirement} "
            f"({len(bad)} of {y.size} values are not)"
        )
    return target
