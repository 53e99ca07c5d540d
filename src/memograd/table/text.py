"""Tables of text, as a CSV file holds them, become tables of what the text says.

Owns which text is a number, a truth value, a date, or says that a value is missing. Knows no files: who does passes
what makes an error of a message, a row and a column.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError, UnknownName
from memograd.table.column import KINDS, Column, Kind, factorized
from memograd.table.columns import Table
from memograd.table.readers.objects import date_seconds
from memograd.table.wording import counted, instead, place, shown

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What says, in small or capital letters and after any signs, that a value is not known. A sign alone does, too."""

FLOAT32_MAX = float(np.finfo(np.float32).max)
"""The largest number that a network in float32 can take in."""

_TRUTHS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}\S*)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*,\d[\d.,]*(e[+-]?\d+)?", re.IGNORECASE)
_MANY_DIFFERENT = 20
"""More different numbers, or dates, than this, and than other words: then the other words are slips."""

MakeError = Callable[[str, int, str], Exception]
"""Makes an error of a message, the index of a row, and the name of a column."""

Cells = Sequence[str]


def read_cells(
    names: Sequence[str],
    cells: Sequence[Cells],
    *,
    kinds: Sequence[Kind] | None = None,
    categorical: Collection[str] = (),
    error: MakeError | None = None,
) -> Table:
    """Read columns of text.

    A column in which every cell that is not missing is a finite number is one of numbers; likewise of truth values
    (true, false, yes, no, in small or capital letters) and of dates (ISO 8601: 2024-02-29, 2024-02-29T12:30,
    2024-02-29 12:30:00+01:00). Every other is one of categories, but for a column of many numbers in which something
    is not: that is a slip, and an error.

    Parameters
    ----------
    names : sequence of (n_columns,) str
    cells : sequence of (n_columns,) sequences of (n_rows,) str
        Without the white space around them.
    kinds : sequence of (n_columns,) str, optional
        What each column is, if that is known: of a table that an encoder has seen, its `kinds`.
    categorical : collection of str
        Names of columns of categories, whatever they look like.
    error : callable, optional
        Makes the error that is raised, of a message, the index of a row, and the name of a column.

    Returns
    -------
    table : Table

    Raises
    ------
    DataError
        Or what `error` makes, when a cell is not what its column is, infinite, or too large for float32.
    UnknownName
        When `categorical` names a column that is not there.
    BadSetting
        When there is not one kind and one sequence of cells for each name.

    Examples
    --------
    >>> table = read_cells(["size", "new", "day"], [["1e3", "NA"], ["yes", "no"], ["1970-01-02", ""]])
    >>> [(column.kind, column.values.tolist()) for column in table.columns]
    [('number', [1000.0, nan]), ('boolean', [1.0, 0.0]), ('date', [86400.0, nan])]
    """
    if len(cells) != len(names) or (kinds is not None and len(kinds) != len(names)):
        raise BadSetting(f"{counted(len(names), 'name')} for {counted(len(cells), 'column')}, with the kinds {kinds}")
    unknown = next((name for name in categorical if name not in names), None)
    if unknown is not None:
        raise UnknownName(f"categorical names {shown(unknown)}; there is no such column, {instead(unknown, names)}")
    columns = []
    for index, (name, column) in enumerate(zip(names, cells, strict=True)):
        kind: Kind | None = "category" if name in categorical else kinds[index] if kinds is not None else None
        columns.append(_column(name, column, kind, error or _located(len(column))))
    return Table(tuple(columns), len(cells[0]) if cells else 0)


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is not known.

    Examples
    --------
    >>> is_missing("n/a"), is_missing("-"), is_missing("0"), is_missing("None")
    (True, True, False, True)
    """
    return cell.lstrip("+-").lower() in MISSING


def number_of(cell: str) -> float:
    """Return the number that is written in a cell, NaN if there is none. Python's 1_000 is none.

    Examples
    --------
    >>> number_of("1e5"), number_of("1,5"), number_of("1_000")
    (100000.0, nan, nan)
    """
    try:
        return math.nan if "_" in cell else float(cell)
    except ValueError:
        return math.nan


def date_of(cell: str) -> float:
    """Return the date that is written in a cell as seconds since 1970 began in UTC, NaN if there is none.

    Examples
    --------
    >>> date_of("1970-01-01T01:00+01:00"), date_of("1970-02-30")
    (0.0, nan)
    """
    if not _DATE.fullmatch(cell):
        return math.nan
    try:
        return date_seconds(datetime.datetime.fromisoformat(cell))
    except ValueError:
        return math.nan


def trouble(cell: str, kind: Kind) -> str:
    """Return what keeps a cell from being of a kind, and what to do about it.

    Examples
    --------
    >>> trouble("3,14", "number")
    "'3,14' is not a number; write it with a decimal point and no thousands separators"
    >>> trouble("1e39", "number")
    "'1e39' is too large for a 32-bit float; rescale the column"
    """
    what, fix = next((what, fix) for applies, what, fix in _TROUBLES[kind] if applies(cell))
    return f"{shown(cell)} is {what}; {fix}"


def _column(name: str, cells: Cells, kind: Kind | None, error: MakeError) -> Column:
    """A column of a kind, or of the one that it looks like."""
    if kind is not None and kind not in KINDS:
        raise BadSetting(f"column {shown(name)} is to be of the kind {kind!r}; the kinds are {', '.join(KINDS)}")
    may_be_number = kind in (None, "number")
    if may_be_number and (numbers := _plain_numbers(cells)) is not None:
        return Column(name, "number", numbers)
    words = dict.fromkeys(cells)
    # A column of signs alone is one of two categories; a sign among others is a value left out.
    missing = frozenset() if words.keys() == {"+", "-"} else frozenset(filter(is_missing, words))
    if may_be_number and missing:
        numbers = _plain_numbers(["nan" if cell in missing else cell for cell in cells])
        if numbers is not None:
            return Column(name, "number", numbers)
    kind, values = _values([word for word in words if word not in missing], kind)
    if kind == "category":
        codes, categories = factorized(name, [None if cell in missing else cell for cell in cells])
        return Column(name, kind, codes, categories)
    values.update(dict.fromkeys(missing, math.nan))
    data = np.fromiter(map(values.__getitem__, cells), dtype=np.float64, count=len(cells))
    for row_index in np.flatnonzero(~(np.abs(data) <= FLOAT32_MAX)).tolist():
        if cells[row_index] not in missing:
            raise error(trouble(cells[row_index], kind), row_index, name)
    return Column(name, kind, data)


def _plain_numbers(cells: Cells) -> NDArray[np.float64] | None:
    """The cells as numbers or NaN if all of them are: the way that is short, for the columns that are most."""
    if "_" in "".join(cells):
        return None
    try:
        numbers = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    return None if bool((np.abs(numbers) > FLOAT32_MAX).any()) else numbers


def _values(words: Sequence[str], kind: Kind | None) -> tuple[Kind, dict[str, float]]:
    """The kind that the different words of a column suggest, unless it is known, and the value of each word.

    None of the words is missing. Those that do not fit the kind are NaN, and there are no values of categories.
    """
    for tried in _VALUES if kind is None else () if kind == "category" else (kind,):
        values = {word: _VALUES[tried](word) for word in words}
        n_others = sum(map(math.isnan, values.values()))
        n_fitting = len(words) - n_others
        if kind or not n_others or (tried != "boolean" and n_fitting > max(_MANY_DIFFERENT, n_others)):
            return tried, values
    return "category", {}


def _truth_of(cell: str) -> float:
    """The truth value that is written in a cell, NaN if there is none."""
    return _TRUTHS.get(cell.lower(), math.nan)


def _located(n_rows: int) -> MakeError:
    """What makes errors about a table that has no file."""
    return lambda message, row_index, name: DataError(f"{place(name, row_index, n_rows)}: {message}")


_VALUES: Mapping[Kind, Callable[[str], float]] = {"number": number_of, "boolean": _truth_of, "date": date_of}
"""What reads a word, by kinds, in the order in which they are tried; NaN for what is none."""

_TROUBLES: Mapping[Kind, tuple[tuple[Callable[[str], Any], str, str], ...]] = {
    "number": (
        (_DECIMAL_COMMA.fullmatch, "not a number", "write it with a decimal point and no thousands separators"),
        (lambda cell: math.isnan(number_of(cell)), "not a number", "correct it, or leave the cell empty"),
        (lambda cell: "inf" in cell.lower(), "infinite", "correct it, or leave the cell empty"),
        (lambda _: True, "too large for a 32-bit float", "rescale the column"),
    ),
    "boolean": ((lambda _: True, "no truth value", "write true or false, or yes or no"),),
    "date": ((lambda _: True, "no date", "write it as 2024-12-31, or 2024-12-31T23:59:59+01:00"),),
}
"""What can be wrong with a cell, by the kind of its column; the first row that applies counts."""
