"""The columns that an encoder needs are found in another table, in its order and of its kinds, or it says which not.

Columns of a table with names are found by name, so their order does not matter. Without names, on either side, the
place counts, and the number of columns must be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Column, Kind, Scalar
from memograd.table.columns import Table
from memograd.table.wording import closest, counted, listed, place, shown

_CALLED: dict[Kind, str] = {
    "number": "numbers",
    "category": "categories",
    "boolean": "truth values",
    "date": "dates",
}


_INEXACT = 2.0**53
"""From here on, not every integer is a float64."""


def matched(table: Table, names: Sequence[str], has_names: bool) -> list[Column]:
    """Return the columns of a table that stand for those of `names`, in that order.

    Raises
    ------
    DataError
        When one is missing or too many; the message names it, and what comes close.
    """
    if not (has_names and table.has_names):
        if len(table.columns) != len(names):
            raise DataError(
                f"X has {len(table.columns)} features, but memograd is expecting {len(names)} features as input: "
                f"the columns {listed(names)}"
            )
        return list(table.columns)
    if table.names == tuple(names):
        return list(table.columns)
    by_name = dict(zip(table.names, table.columns, strict=True))
    _check_names(by_name, names)
    return [by_name[name] for name in names]


def as_kind(column: Column, name: str, kind: Kind, categories: Sequence[Scalar] = ()) -> Column:
    """Return a column as one of the kind that it had when the encoder was fitted.

    Numbers and truth values stand for each other where no value changes: True is 1, and 0 is False. A column without
    a value is of any kind. Numbers and truth values are categories, if some of the known ones are such.

    Parameters
    ----------
    column : Column
    name : str
        What the encoder calls it.
    kind : str
        Wanted.
    categories : sequence of scalars
        Those that the encoder knows.

    Raises
    ------
    DataError
        When it is of another kind; the message says what it was and what it is.
    """
    if column.kind == kind != "category":
        return column
    if column.missing.all():
        return _empty(name, kind, len(column))
    convert = _CONVERSIONS.get((column.kind, kind))
    if convert is not None:
        column = convert(column, name)
    if column.kind != kind or (kind == "category" and not _shares_type(column, categories)):
        raise _of_another_kind(column, name, kind, categories)
    return column


def _check_names(by_name: Mapping[str, Column], names: Sequence[str]) -> None:
    """Refuse a table without one of the names, or with others."""
    known = set(names)
    missing = [name for name in names if name not in by_name]
    extra = [name for name in by_name if name not in known]
    if missing:
        close = closest(missing[0], extra)
        hint = f"; {shown(close)} comes close to it: rename it" if close else "; add what is missing"
        also = f", and there are columns that the training had not: {listed(extra)}" if extra else ""
        raise DataError(f"{counted(len(missing), 'column')} of the training missing: {listed(missing)}{also}{hint}")
    if extra:
        raise DataError(
            f"{counted(len(extra), 'column')} that the training had not: {listed(extra)}; select the others"
        )


def _empty(name: str, kind: Kind, n_rows: int) -> Column:
    """A column of missing values."""
    if kind == "category":
        return Column(name, kind, np.full(n_rows, -1), ())
    return Column(name, kind, np.full(n_rows, np.nan))


def _numbers_of_truths(column: Column, name: str) -> Column:
    return Column(name, "number", column.data)


def _truths_of_numbers(column: Column, name: str) -> Column:
    odd = np.flatnonzero(~(np.isnan(column.data) | np.isin(column.data, (0.0, 1.0))))
    if len(odd):
        raise DataError(
            f"{place(name, int(odd[0]), len(column))}: {column.data[odd[0]]} is no truth value, as the column had in "
            "the training; it must be true or false, or 1 or 0"
        )
    return Column(name, "boolean", column.data)


def _categories_of_numbers(column: Column, name: str) -> Column:
    inexact = np.flatnonzero(np.abs(column.data) >= _INEXACT)
    if len(inexact):
        raise DataError(
            f"{place(name, int(inexact[0]), len(column))}: the number is beyond 2**53, where floats merge neighbours, "
            "and the column held categories in the training; read it as categories, by as_table(X, categorical=...)"
        )
    return Column(name, "category", column.data.astype(object))


def categories_of_truths(column: Column, name: str) -> Column:
    """Return a column of truth values as categories, False and True.

    Examples
    --------
    >>> categories_of_truths(Column("on", "boolean", np.array([1.0, np.nan])), "on").values
    array([True, None], dtype=object)
    """
    codes = np.where(np.isnan(column.data), -1.0, column.data).astype(np.int64)
    return Column(name, "category", codes, (False, True))


_CONVERSIONS: dict[tuple[Kind, Kind], Callable[[Column, str], Column]] = {
    ("boolean", "number"): _numbers_of_truths,
    ("number", "boolean"): _truths_of_numbers,
    ("number", "category"): _categories_of_numbers,
    ("boolean", "category"): categories_of_truths,
}
"""From one kind to another; what has no row cannot be converted."""


def _shares_type(column: Column, categories: Sequence[Scalar]) -> bool:
    """Whether one category of a column is of the type of one that is known; if not, all would be unseen."""
    known = {_type(category) for category in categories}
    return not known or not known.isdisjoint(map(_type, column.categories or ()))


def _type(category: Scalar) -> str:
    return "truth values" if isinstance(category, bool) else "text" if isinstance(category, str) else "numbers"


def _of_another_kind(column: Column, name: str, kind: Kind, categories: Sequence[Scalar]) -> DataError:
    row_index = int(np.flatnonzero(~column.missing)[0])
    value = column.values[row_index]
    if kind == "category":
        wanted, found = " and ".join(sorted(set(map(_type, categories)))), "dates"
        if column.kind == "category":
            found = " and ".join(sorted(set(map(_type, column.categories or ()))))
        wanted, found = f"categories of {wanted or 'any type'}", found
    else:
        wanted, found = _CALLED[kind], _CALLED[column.kind]
    value = value.item() if isinstance(value, np.generic) else value
    return DataError(
        f"column {shown(name)} held {wanted} in the training, and now holds {found}, such as {shown(value)} in row "
        f"{row_index + 1}; convert it"
    )
