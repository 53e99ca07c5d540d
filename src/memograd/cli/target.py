"""One column of a table becomes what is to be learned, the others become what it is learned from.

Owns the choice between classification and regression, and the order of the classes. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from memograd.cli.columns import looks_numeric
from memograd.cli.csv_table import CsvTable
from memograd.errors import DataError
from memograd.table.text import FLOAT32_MAX, is_missing, number_of, read_cells
from memograd.table.wording import listed, shown

Task = Literal["classification", "regression"]
_Key = TypeVar("_Key", str, float)

MIN_ROWS = 10
"""Fewer rows leave nothing worth holding out: a tenth of them would be less than one."""

_SIGNS = {"+", "-"}
"""Together they are two classes; a sign among other values is a value left out."""

_MAX_NUMBERED_CLASSES = 20
_MIN_ROWS_PER_CLASS = 5

_MAX_DIGITS = 19
"""Of a class that is kept as an integer, sign included: they fit into 64 bits."""


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

    Examples
    --------
    >>> Target("classification", np.array([1, 0]), ("9", "10")).y
    array([10, 9], dtype=object)
    """

    task: Task
    values: NDArray[Any]
    classes: tuple[str, ...]

    @property
    def y(self) -> NDArray[Any]:
        """The values as a model learns and predicts them: numbers; classes as text, or as integers if all are such."""
        return self.named(self.values)

    def named(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of this target, such as those of another table, as `y` has them."""
        if self.task == "regression":
            return values
        whole = all(map(_is_plain_integer, self.classes))
        names = np.empty(len(self.classes), dtype=object)
        names[:] = list(map(int, self.classes)) if whole else self.classes
        found: NDArray[Any] = names[values]
        return found


def infer_target(table: CsvTable, name: str, task: Task | None = None) -> Target:
    """Make a column the target; say what task that is, unless told.

    Text makes a classification. So do whole numbers if there are at most 20 different ones and, on average,
    at least 5 rows of each. All other numbers make a regression, and so do many different numbers with less
    text among them: that is more likely a slip than a class, and the error says so.

    Parameters
    ----------
    table : CsvTable
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
    >>> table = CsvTable("t.csv", ("kind",), (("red", "blue", "red"),), (2, 3, 4))
    >>> infer_target(table, "kind")
    Target(task='classification', values=array([1, 0, 1]), classes=('blue', 'red'))
    """
    cells = table.column(name)
    missing = next((index for index, cell in enumerate(cells) if is_missing(cell)), None)
    if missing is not None and set(cells) != _SIGNS:
        raise _missing(table, name, missing)
    return _TASKS[task or _likely_task(cells)](table, name)


def feature_names(table: CsvTable, target: str, ignore: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of all columns that are neither the target nor ignored.

    Raises
    ------
    DataError
        If a name is unknown, no column is left, or the rows are too few.

    Examples
    --------
    >>> cells = (tuple("0123456789"), tuple("abababbbaa"), tuple("zzzzzyyyyy"))
    >>> table = CsvTable("t.csv", ("size", "note", "kind"), cells, tuple(range(2, 12)))
    >>> feature_names(table, "kind", ignore=["note"])
    ('size',)
    """
    left_out = (target, *ignore)
    for name in left_out:
        table.column(name)
    names = tuple(name for name in table.columns if name not in left_out)
    if not names:
        raise table.error("no column is left to learn from; add one, or ignore fewer")
    if table.n_rows < MIN_ROWS:
        raise table.error(f"needs at least {MIN_ROWS} rows to hold some out; the file has {table.n_rows}")
    return names


def classes_of(table: CsvTable, name: str, classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the class of each row of another table.

    Parameters
    ----------
    table : CsvTable
    name : str
        The target's column.
    classes : sequence of (n_classes,) str
        Those that a model knows. Numbers need not be written alike.

    Returns
    -------
    values : (n_rows,) int64
        Indices into `classes`.

    Raises
    ------
    DataError
        If there is no such column, or a row has no class, or one that is not among them.

    Examples
    --------
    >>> classes_of(CsvTable("t.csv", ("y",), (("2", "1.0", "10"),), (2, 3, 4)), "y", ("1", "2", "10"))
    array([1, 0, 2])
    """
    numeric = _numbers(classes) is not None
    known = {_exact(written) if numeric else written: index for index, written in enumerate(classes)}
    values = np.empty(table.n_rows, dtype=np.int64)
    for row_index, cell in enumerate(table.column(name)):
        found = known.get(_exact(cell) if numeric and not isnan(number_of(cell)) else cell)
        if found is None and is_missing(cell):
            raise _missing(table, name, row_index)
        if found is None:
            message = f"{shown(cell)} is none of the classes that were learned: {listed(classes)}"
            raise table.error(f"{message}; correct it or drop the row", row_index=row_index, column=name)
        values[row_index] = found
    return values


def numbers_of(table: CsvTable, name: str) -> NDArray[np.float64]:
    """Return a target's numbers.

    Raises
    ------
    DataError
        If there is no such column, or a cell is no number that float32 can hold.

    Examples
    --------
    >>> numbers_of(CsvTable("t.csv", ("y",), (("2", "1.5"),), (2, 3)), "y")
    array([2. , 1.5])
    """

    def error(message: str, row_index: int, column: str) -> DataError:
        return table.error(f"{message}, or choose another --target or --task", row_index=row_index, column=column)

    (column,) = read_cells([name], [table.column(name)], kinds=["number"], error=error).columns
    if column.missing.any():
        raise _missing(table, name, int(column.missing.argmax()))
    return column.data


def _likely_task(cells: Sequence[str]) -> Task:
    """Return the task that the cells of a target, none of them missing, suggest."""
    numbers = _numbers(cells)
    if numbers is None:
        distinct = set(cells)
        n_numbers = sum(map(looks_numeric, distinct))
        mostly_numbers = n_numbers > _MAX_NUMBERED_CLASSES and n_numbers > len(distinct) - n_numbers
        return "regression" if mostly_numbers or n_numbers == len(distinct) else "classification"
    n_distinct = len(np.unique(numbers))
    few = n_distinct <= _MAX_NUMBERED_CLASSES and n_distinct * _MIN_ROWS_PER_CLASS <= len(numbers)
    return "classification" if few and bool((numbers == np.floor(numbers)).all()) else "regression"


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """The cells as numbers, if all of them are such that float32 can hold them."""
    numbers = np.array(list(map(number_of, cells)), dtype=np.float64)
    return numbers if bool((np.abs(numbers) <= FLOAT32_MAX).all()) else None


def _missing(table: CsvTable, name: str, row_index: int) -> DataError:
    return table.error("missing value; fill it in or drop the row", row_index=row_index, column=name)


def _classification(table: CsvTable, name: str) -> Target:
    """Return a target whose values are classes."""
    cells = table.column(name)
    numeric = _numbers(cells) is not None
    values, classes = _encoded(list(map(_exact, cells)), cells) if numeric else _encoded(cells, cells)
    _refuse_constant(table, name, len(classes))
    if len(classes) == table.n_rows:
        message = "every row has another value, as an identifier has; choose another --target or --task"
        raise table.error(message, column=name)
    return Target("classification", values, classes)


def _regression(table: CsvTable, name: str) -> Target:
    """Return a target whose values are numbers."""
    numbers = numbers_of(table, name)
    _refuse_constant(table, name, len(np.unique(numbers)))
    return Target("regression", numbers, ())


_TASKS: dict[Task, Callable[[CsvTable, str], Target]] = {
    "classification": _classification,
    "regression": _regression,
}


def _refuse_constant(table: CsvTable, name: str, n_distinct: int) -> None:
    """Refuse a target of one value."""
    if n_distinct == 1:
        value = shown(table.column(name)[0])
        raise table.error(f"every row has {value}, nothing to learn; choose another --target", column=name)


def _is_plain_integer(cell: str) -> bool:
    """Whether a cell is written as Python writes an integer, so that nothing is lost when it is read as one."""
    return len(cell) < _MAX_DIGITS and cell.removeprefix("-").isdecimal() and str(int(cell)) == cell


def _exact(cell: str) -> float:
    """Return the number in a cell; an integer as one, for a float merges neighbours from 2**53 on."""
    return int(cell) if len(cell) < 40 and cell.lstrip("+-").isdecimal() else float(cell)


def _encoded(keys: Sequence[_Key], cells: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the index of each row's class, and the classes by order of key, each as it is first written."""
    written = dict(zip(reversed(keys), reversed(cells), strict=True))  # of equal keys, the first is set last
    indices = {key: index for index, key in enumerate(sorted(written))}
    values = np.array([indices[key] for key in keys], dtype=np.int64)
    return values, tuple(written[key] for key in indices)
