"""Lists of rows, and dicts of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Column
from memograd.table.readers.arrays import read_array, read_matrix
from memograd.table.readers.container import Container
from memograd.table.readers.objects import read_objects
from memograd.table.wording import shown

ReadOne = Callable[[str, Any, bool], Column]
"""Reads a single column, given its name, its values, and whether it is a category."""


def read_rows(rows: Sequence[Any]) -> Container:
    """Take a list of rows apart.

    Parameters
    ----------
    rows : sequence of (n_rows,) sequences of (n_columns,) scalars, or arrays

    Raises
    ------
    DataError
        When they are no rows, or of different lengths.

    Examples
    --------
    >>> read_rows([[1, "a"], [2, "b"]]).read(0, "x0", False).values
    array([1., 2.])
    """
    if any(isinstance(row, Mapping) for row in rows):
        raise DataError("a list of dicts; pass a dict of columns, or a frame, such as pandas.DataFrame(X)")
    if any(isinstance(row, str) or not hasattr(row, "__len__") for row in rows) or not len(rows):
        raise DataError(
            f"a table must be rows of values, and this is a list of {shown(rows[0]) if len(rows) else 'nothing'}. "
            "Reshape your data: [[value] for value in X] is one column, [X] is one row"
        )
    lengths = [len(row) for row in rows]
    odd = next((index for index, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        raise DataError(f"row {odd + 1} has {lengths[odd]} values, and row 1 has {lengths[0]}; all must have the same")
    return read_matrix(_matrix(rows))


def read_columns(columns: Mapping[Any, Any], names: tuple[str, ...], read_one: ReadOne) -> Container:
    """Take a dict of columns apart.

    Parameters
    ----------
    columns : mapping to sequences, arrays or series of (n_rows,) values
    names : tuple of str
        Its keys, as names.
    read_one : callable
        Reads a column that is neither an array nor a sequence.
    """
    values = [_one(name, column) for name, column in zip(names, columns.values(), strict=True)]
    n_rows = len(values[0]) if values else 0

    def read(index: int, name: str, is_category: bool) -> Column:
        column = values[index]
        if isinstance(column, np.ndarray):
            return read_array(name, column, is_category)
        if isinstance(column, list | tuple):
            return read_objects(name, column, is_category)
        return read_one(name, column, is_category)

    return Container(names, len(values), n_rows, read)


def _matrix(rows: Sequence[Any]) -> Any:
    """The rows as one array; of objects, unless all values are numbers or dates by themselves."""
    if all(isinstance(row, np.ndarray) for row in rows):
        return np.stack(list(rows)) if len({row.dtype for row in rows}) == 1 else _object_matrix(rows)
    try:
        array = np.array(rows)
    except (ValueError, OverflowError):
        return _object_matrix(rows)
    # An array of text would have made text of the numbers among it, and one of dates would have cut some.
    return array if array.dtype.kind in "biufc" else _object_matrix(rows)


def _object_matrix(rows: Sequence[Any]) -> Any:
    """The rows as an array of objects."""
    matrix = np.empty((len(rows), len(rows[0])), dtype=object)
    for index, row in enumerate(rows):
        matrix[index] = list(row)
    return matrix


def _one(name: str, values: Any) -> Any:
    """The values of a column; an error if they are none."""
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__"):
        raise DataError(f"column {shown(name)} is {shown(values)}; pass one value for each row, as a list or an array")
    if np.ndim(values) != 1 if isinstance(values, np.ndarray) else False:
        raise DataError(f"column {shown(name)} has shape {values.shape}; it must have shape (n_rows,)")
    return values
