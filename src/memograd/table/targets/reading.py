"""Targets in any container, as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Column
from memograd.table.columns import Table, as_table
from memograd.table.readers.dispatch import read_series
from memograd.table.wording import place, shown


def is_flat(y: Any) -> bool:
    """Whether y has one dimension.

    Examples
    --------
    >>> is_flat([1, 2]), is_flat([[1], [2]]), is_flat(np.zeros((2, 1)))
    (True, False, False)
    """
    if isinstance(y, list | tuple):
        return not y or isinstance(y[0], str) or not hasattr(y[0], "__len__")
    shape = getattr(y, "shape", None)
    return shape is None or len(shape) == 1


def read_target(y: Any, name: str, is_category: bool = False) -> Column:
    """Read a target of one column.

    Raises
    ------
    DataError
        When it is none, has several columns, or a value cannot be used.

    Examples
    --------
    >>> read_target([[1], [2]], "y").values
    array([1., 2.])
    """
    if y is None:
        raise DataError("requires y to be passed, but the target y is None; pass one value for each row")
    if is_flat(y):
        return read_series(name, y, is_category)
    table = as_table(y, categorical=[0] if is_category else "auto")
    if len(table.columns) > 1:
        raise DataError(f"{shown(name)} has {len(table.columns)} columns, and must have one; pass y of shape (n_rows,)")
    column = table.columns[0]
    return Column(name, column.kind, column.data, column.categories)


def read_targets(y: Any, name: str) -> Table:
    """Read a target of any number of columns of numbers, none of them missing.

    A column of truth values is one of 0 and 1.

    Raises
    ------
    DataError
        When it is none, or a value is missing or no number; the message names column and row.
    """
    if y is None or is_flat(y):
        column = read_target(y, name)
        table = Table((column,), len(column))
    else:
        table = as_table(y)
        if not table.has_names:
            columns = (Column(f"{name}{i}", c.kind, c.data, c.categories) for i, c in enumerate(table.columns))
            table = Table(tuple(columns), table.n_rows)
    for column in table.columns:
        _check_numbers(column)
    if not table.n_rows:
        raise DataError(f"{shown(name)} has 0 rows, nothing to learn; pass at least 1")
    return table


def _check_numbers(column: Column) -> None:
    """Refuse a column that is no number in every row."""
    missing = np.flatnonzero(column.missing)
    if len(missing):
        where = place(column.name, int(missing[0]), len(column))
        raise DataError(f"{where}: the value to be predicted is missing (NaN); leave the row out")
    if column.kind not in ("number", "boolean"):
        value = column.values[:1].tolist()
        found = f"{column.kind} values{f', such as {shown(value[0])}' if value else ''}"
        raise DataError(f"column {shown(column.name)} holds {found}; to be predicted as a number, it must hold numbers")
