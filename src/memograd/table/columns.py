"""A table: columns of equal length with different names, and the door through which every container comes in.

Knows which reader takes which container. Nothing is imported for it: who hands over a frame has imported its package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Array, Column, Kind, Scalar
from memograd.table.readers.dispatch import Categorical, read_any
from memograd.table.wording import counted, instead, listed, shown

__all__ = ["Categorical", "Column", "Kind", "Scalar", "Table", "as_table"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length.

    Attributes
    ----------
    columns : tuple of Column
        With different names.
    n_rows : int
    has_names : bool
        Whether the names are the user's. If not, they are x0, x1, … and mean nothing but the place.

    Raises
    ------
    DataError
        When two columns have the same name, or another length than `n_rows`.

    Examples
    --------
    >>> table = as_table({"size": [1.0, 2.0, None], "kind": ["a", "b", "a"]})
    >>> table.names, table.n_rows, [column.kind for column in table.columns]
    (('size', 'kind'), 3, ['number', 'category'])
    >>> table.take([2, 0]).column("kind").values
    array(['a', 'a'], dtype=object)
    """

    columns: tuple[Column, ...]
    n_rows: int
    has_names: bool = True

    def __post_init__(self) -> None:
        repeated = [name for name, count in Counter(self.names).items() if count > 1]
        if repeated:
            raise DataError(f"more than one column is named {listed(repeated)}; rename all but one")
        for column in self.columns:
            if len(column) != self.n_rows:
                found = f"column {shown(column.name)} has {counted(len(column), 'row')}"
                raise DataError(f"{found}, and the table has {self.n_rows}; all columns must be equally long")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return a column.

        Raises
        ------
        DataError
            If there is none of that name; the message names those that come close.
        """
        found = next((column for column in self.columns if column.name == name), None)
        if found is None:
            raise DataError(f"there is no column {shown(name)}; {instead(name, self.names)}")
        return found

    def take(self, rows: Array | Sequence[int]) -> Table:
        """Return the table of some rows.

        Parameters
        ----------
        rows : (n,) intp of indices, in the order wanted, or (n_rows,) bool

        Raises
        ------
        IndexError
            If there is no such row.
        """
        indices = np.asarray(rows)
        if indices.dtype == bool:
            if indices.shape != (self.n_rows,):
                raise IndexError(f"a mask of shape {indices.shape} for a table of {counted(self.n_rows, 'row')}")
            indices = np.flatnonzero(indices)
        indices = indices.astype(np.intp, casting="same_kind") if indices.size else np.zeros(0, np.intp)
        columns = tuple(column.take(indices) for column in self.columns)
        return Table(columns, len(indices), self.has_names)


def as_table(X: Any, names: Sequence[str] | None = None, categorical: Categorical = "auto") -> Table:
    """Read a table from whatever it is in.

    Parameters
    ----------
    X : Table, pandas or polars frame, (n_rows, n_columns) array or sparse matrix, list of rows, or dict of columns
        Columns of numbers, truth values, dates (with a time zone or without, which counts as UTC), durations (read
        as seconds), and text or categories; each may have gaps (None, NaN, NaT, NA, null, a mask). Integers are
        rounded to float64. A column of objects is what its values are, all of one kind; one without values is a
        number. Text is never read as a number.
    names : sequence of str, optional
        Names of the columns, instead of those that they have.
    categorical : "auto", None, or sequence of names or indices
        Columns to read as categories besides those of text and of a categorical dtype, such as numbers that only
        name something. None: text is refused.

    Returns
    -------
    table : Table
        May share memory with X.

    Raises
    ------
    DataError
        When X is no table, or a column cannot be used: infinite, mixed, nested, complex; the message names column
        and row.
    UnknownName
        When `categorical` names a column that is not there.

    Examples
    --------
    >>> as_table(np.array([[1, 2], [3, 4]])).names
    ('x0', 'x1')
    >>> table = as_table([[1, "red"], [2, None]], names=["size", "colour"])
    >>> table.column("colour").values
    array(['red', None], dtype=object)
    >>> as_table({"zip": [94110, 10115]}, categorical=["zip"]).column("zip").categories
    (94110, 10115)
    """
    if isinstance(X, Table):
        return X
    columns, n_rows, has_names = read_any(X, names, categorical)
    return Table(columns, n_rows, has_names)
