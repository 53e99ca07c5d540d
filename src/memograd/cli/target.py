"""One column of a table becomes what is to be learned, the others become what it is learned from.

Owns the choice between classification and regression, and the order of the classes. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from memograd.cli.cells import as_numbers, first_unusable, is_missing, looks_numeric, shown, trouble
from memograd.cli.table import Table

Task = Literal["classification", "regression"]
_Key = TypeVar("_Key", str, float)

MIN_ROWS = 10
"""Fewer rows leave nothing worth holding out: a tenth of them would be less than one."""

_MAX_NUMBERED_CLASSES = 20
_MIN_ROWS_PER_CLASS = 5

_SIGNS = {"+", "-"}
"""Together they are two classes; a sign among other values is a value left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is to be learned, one value a row.

    Parameters
    ----------
    task : {"classification", "regression"}
    values : (n_rows,) int64 or float64
        Indices into `classes`, or the numbers to predict.
    classes : tuple of (n_classes,) str
        The classes as the file writes them, in order; empty for regression.
    """

    task: Task
    values: NDArray[Any]
    classes: tuple[str, ...]


def infer_target(table: Table, name: str, task: Task | None = None) -> Target:
    """Make a column the target; say what task that is, unless told.

    Text makes a classification. So do whole numbers if there are at most 20 different ones and, on average,
    at least 5 rows of each. All other numbers make a regression, and so do many different numbers with less
    text among them: that is more likely a slip than a class, and the error says so.

    Parameters
    ----------
    table : Table
    name : str
        The target's column.
    task : {"classification", "regression"}, optional
        Overrides what the cells suggest.

    Returns
    -------
    target : Target
        Classes are ordered as numbers if all of them are, else as text, by code points.

    Raises
    ------
    DataError
        If a value is missing, all rows have the same, each row has a class of its own, or a regression's
        value is not a number that float32 can hold.

    Examples
    --------
    >>> table = Table("t.csv", ("kind",), (("red", "blue", "red"),), (2, 3, 4))
    >>> infer_target(table, "kind")
    Target(task='classification', values=array([1, 0, 1]), classes=('blue', 'red'))
    """
    cells = table.column(name)
    missing = next((index for index, cell in enumerate(cells) if is_missing(cell)), None)
    if missing is not None and set(cells) != _SIGNS:
        raise table.error("missing value; fill it in or drop the row", row_index=missing, column=name)
    return _TASKS[task or _likely_task(cells)](table, name)


def features(table: Table, target: str, ignore: Collection[str] = ()) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the names and the numbers of all columns that are neither the target nor ignored.

    Returns
    -------
    names : tuple of (n_features,) str
    X : (n_rows, n_features) float64

    Raises
    ------
    DataError
        If a name is unknown, no column is left, the rows are too few, or a cell is not a usable number.

    Examples
    --------
    >>> cells = (tuple("0123456789"), tuple("abababbbaa"), tuple("zzzzzyyyyy"))
    >>> table = Table("t.csv", ("size", "note", "kind"), cells, tuple(range(2, 12)))
    >>> names, X = features(table, "kind", ignore=["note"])
    >>> names, X.shape
    (('size',), (10, 1))
    """
    left_out = (target, *ignore)
    for name in left_out:
        table.column(name)
    names = tuple(name for name in table.columns if name not in left_out)
    if not names:
        raise table.error("no column is left to learn from; add one, or ignore fewer")
    if table.n_rows < MIN_ROWS:
        raise table.error(f"needs at least {MIN_ROWS} rows to hold some out; the file has {table.n_rows}")
    return names, table.numbers(names, ignorable=True)


def constant_columns(names: Sequence[str], X: NDArray[np.float64]) -> tuple[str, ...]:
    """Return the names of the columns of `X` in which every row has the same number: they carry nothing.

    Parameters
    ----------
    names : sequence of (n_columns,) str
    X : (n_rows, n_columns) float64, of at least one row

    Examples
    --------
    >>> constant_columns(("a", "b"), np.array([[1.0, 2.0], [1.0, 3.0]]))
    ('a',)
    """
    constant = (X[:1] == X).all(axis=0)
    return tuple(name for name, is_constant in zip(names, constant, strict=True) if is_constant)


def _likely_task(cells: Sequence[str]) -> Task:
    """Return the task that the cells of a target, none of them missing, suggest."""
    numbers = as_numbers(cells)
    if numbers is None:
        distinct = set(cells)
        n_numbers = sum(map(looks_numeric, distinct))
        mostly_numbers = n_numbers > _MAX_NUMBERED_CLASSES and n_numbers > len(distinct) - n_numbers
        return "regression" if mostly_numbers or n_numbers == len(distinct) else "classification"
    n_distinct = len(np.unique(numbers))
    few = n_distinct <= _MAX_NUMBERED_CLASSES and n_distinct * _MIN_ROWS_PER_CLASS <= len(numbers)
    return "classification" if few and bool((numbers == np.floor(numbers)).all()) else "regression"


def _classification(table: Table, name: str) -> Target:
    """Return a target whose values are classes."""
    cells = table.column(name)
    numeric = as_numbers(cells) is not None
    values, classes = _encoded(list(map(_exact, cells)), cells) if numeric else _encoded(cells, cells)
    _refuse_constant(table, name, len(classes))
    if len(classes) == table.n_rows:
        message = "every row has another value, as an identifier has; choose another --target or --task"
        raise table.error(message, column=name)
    return Target("classification", values, classes)


def _regression(table: Table, name: str) -> Target:
    """Return a target whose values are numbers."""
    cells = table.column(name)
    numbers = as_numbers(cells)
    if numbers is None:
        row_index = first_unusable(cells)
        what, fix = trouble(cells[row_index])
        message = f"{what}; {fix}, or choose another --target or --task"
        raise table.error(message, row_index=row_index, column=name)
    _refuse_constant(table, name, len(np.unique(numbers)))
    return Target("regression", numbers, ())


_TASKS: dict[Task, Callable[[Table, str], Target]] = {
    "classification": _classification,
    "regression": _regression,
}


def _refuse_constant(table: Table, name: str, n_distinct: int) -> None:
    """Refuse a target of one value."""
    if n_distinct == 1:
        value = shown(table.column(name)[0])
        raise table.error(f"every row has {value}, nothing to learn; choose another --target", column=name)


def _exact(cell: str) -> float:
    """Return the number in a cell; an integer as one, for a float merges neighbours from 2**53 on."""
    return int(cell) if len(cell) < 40 and cell.lstrip("+-").isdecimal() else float(cell)


def _encoded(keys: Sequence[_Key], cells: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the index of each row's class, and the classes by order of key, each as it is first written."""
    written = dict(zip(reversed(keys), reversed(cells), strict=True))  # of equal keys, the first is set last
    indices = {key: index for index, key in enumerate(sorted(written))}
    values = np.array([indices[key] for key in keys], dtype=np.int64)
    return values, tuple(written[key] for key in indices)
