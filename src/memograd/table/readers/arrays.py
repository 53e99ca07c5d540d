"""NumPy arrays, masked ones included: matrices of one dtype, and single columns of any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import DataError
from memograd.table.column import Array, Column, Kind, factorized
from memograd.table.readers.container import Container
from memograd.table.readers.objects import read_objects
from memograd.table.wording import place, shown

_BLOCK_ROWS = 1024
"""Rows that are turned into columns at once: measured from 64 to 100,000 rows of 50 columns, 1024 is fastest."""


_COARSE = frozenset("YMWDhm")
"""Units of dates longer than a second, in which dates can be told that are too far away for seconds."""


def read_matrix(X: Array) -> Container:
    """Take a matrix apart.

    Parameters
    ----------
    X : (n_rows, n_columns) of any dtype but structured, bytes and complex

    Raises
    ------
    DataError
        When it has another number of dimensions, or no columns.
    """
    if X.dtype.names is not None:
        raise DataError(
            f"a structured array with the fields {', '.join(map(shown, X.dtype.names))}; pass a dict of its columns, "
            "{name: X[name] for name in X.dtype.names}"
        )
    if X.ndim != 2:
        raise DataError(
            f"a table must have shape (n_rows, n_columns), and this array has shape {X.shape}. Reshape your data, by "
            "X.reshape(-1, 1) if it is one column, or X.reshape(1, -1) if it is one row"
        )
    if X.dtype.kind not in "biuf" or isinstance(X, np.ma.MaskedArray):
        return Container(
            None, X.shape[1], len(X), lambda index, name, is_category: read_array(name, X[:, index], is_category)
        )
    return read_numbers(X, columns_of(X))


def read_numbers(X: Any, columns: NDArray[np.float64]) -> Container:
    """Take numbers or truth values apart that have been turned into columns.

    Parameters
    ----------
    X : (n_rows, n_columns)
        What they were.
    columns : (n_columns, n_rows) float64
    """
    kind: Kind = "boolean" if X.dtype.kind == "b" else "number"
    # For a single row, to look at each column would take longer than the network.
    is_finite = not np.isinf(columns).any()

    def read(index: int, name: str, is_category: bool) -> Column:
        # A float64 matrix has lost what large integers and truth values were.
        exact = is_category and X.dtype.kind != "f" and isinstance(X, np.ndarray)
        if is_category:
            return categories_of(name, X[:, index] if exact else columns[index])
        return (Column.of_finite if is_finite else Column)(name, kind, columns[index])

    return Container(None, len(columns), columns.shape[1], read)


def columns_of(X: Array) -> NDArray[np.float64]:
    """Return the columns of a matrix of numbers, each of them contiguous.

    Parameters
    ----------
    X : (n_rows, n_columns) bool, integer or float of any width

    Returns
    -------
    columns : (n_columns, n_rows) float64
        Shares memory with X if that is possible.
    """
    if X.dtype == np.float64 and X.flags.f_contiguous:
        return X.T
    columns = np.empty(X.shape[::-1], dtype=np.float64)
    with np.errstate(over="ignore"):  # of a longdouble; what becomes infinite is refused with its place
        for start in range(0, len(X), _BLOCK_ROWS):
            columns[:, start : start + _BLOCK_ROWS] = X[start : start + _BLOCK_ROWS].T
    return columns


def read_array(name: str, values: Array, is_category: bool = False) -> Column:
    """Read a column of any dtype.

    Parameters
    ----------
    name : str
    values : (n_rows,) bool, number, datetime64, timedelta64, str or object; masked or not
    is_category : bool

    Raises
    ------
    DataError
        When the dtype is another, or a value cannot be used.

    Examples
    --------
    >>> read_array("day", np.array(["1970-01-02", "NaT"], dtype="datetime64[D]")).values
    array([86400.,    nan])
    """
    if is_category and isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "iu":
        return read_objects(name, values.tolist(), is_category)  # a float64 would merge large integers
    if values.dtype.kind not in _READERS:
        raise DataError(_refusal(name, values))
    return _READERS[values.dtype.kind](name, _unmasked(values), is_category)


def _seconds_since_1970(name: str, dates: Array) -> NDArray[np.float64]:
    """Dates : (n_rows,) datetime64 as seconds, NaN for NaT.

    Whole seconds and their fractions are converted apart, so that a date is the same number in every unit.
    """
    whole = dates.astype("datetime64[s]")
    missing = np.isnat(dates)
    if np.datetime_data(dates.dtype)[0] in _COARSE:
        lost = np.flatnonzero((whole.astype(dates.dtype) != dates) & ~missing)
        if len(lost):
            raise DataError(f"{place(name, int(lost[0]), len(dates))}: the date is too far away to be told in seconds")
        return np.where(missing, np.nan, whole.astype(np.int64))
    return np.where(missing, np.nan, whole.astype(np.int64) + _parts(dates - whole))


def categories_of(name: str, values: Array) -> Column:
    """Return a column of numbers or truth values : (n_rows,) as categories."""
    if values.dtype.kind == "f" and np.isinf(values).any():
        factorized(name, values.tolist())  # refuses it, with its row
    distinct, codes = np.unique(values, return_inverse=True, equal_nan=True)
    known = Column(name, "category", distinct.astype(object))
    assert known.categories is not None
    return Column(name, "category", known.data[codes], known.categories)


def _parts(durations: Array) -> NDArray[np.float64]:
    """Durations : (n_rows,) timedelta64 in seconds."""
    seconds: NDArray[np.float64] = durations / np.timedelta64(1, "s")
    return seconds


def _unmasked(values: Array) -> Array:
    """Values with what stands for a missing one where a mask hides one."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind in "fiu":
        return np.where(np.ma.getmaskarray(values), np.nan, values.data.astype(np.float64))
    missing = np.array("NaT", dtype=values.dtype) if values.dtype.kind in "mM" else None
    plain = values.data.astype(object) if missing is None else values.data.copy()
    plain[np.ma.getmaskarray(values)] = missing
    return plain


def _numbers(name: str, values: Array, is_category: bool) -> Column:
    return categories_of(name, values) if is_category else Column(name, "number", values)


def _truths(name: str, values: Array, is_category: bool) -> Column:
    if values.dtype == object:
        return read_objects(name, values.tolist(), is_category)
    return categories_of(name, values) if is_category else Column(name, "boolean", values)


def _dates(name: str, values: Array, is_category: bool) -> Column:
    if is_category:
        raise DataError(f"column {shown(name)} holds dates, which cannot be categories; make them text")
    return Column(name, "date", _seconds_since_1970(name, values))


def _durations(name: str, values: Array, is_category: bool) -> Column:
    return _numbers(name, _parts(values), is_category)


def _texts(name: str, values: Array, is_category: bool) -> Column:
    return Column(name, "category", values.astype(object))


def _any(name: str, values: Array, is_category: bool) -> Column:
    return read_objects(name, values.tolist(), is_category)


_READERS: dict[str, Callable[[str, Array, bool], Column]] = {
    "b": _truths,
    "i": _numbers,
    "u": _numbers,
    "f": _numbers,
    "M": _dates,
    "m": _durations,
    "U": _texts,
    "T": _any,
    "O": _any,
}
"""By the kind of a dtype."""


def _refusal(name: str, values: Array) -> str:
    """Why a column of another dtype cannot be used."""
    if values.dtype.kind == "c":
        return f"Complex data not supported: column {shown(name)} is {values.dtype}; pass real and imaginary part apart"
    if values.dtype.kind == "S":
        return f"column {shown(name)} holds bytes; decode them, by numpy.char.decode(values, 'utf-8')"
    return f"column {shown(name)} is {values.dtype}, which no column of a table can be; convert it"
