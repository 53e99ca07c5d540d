"""Columns of Python objects, from lists, object arrays and frames: what they are is what all their values are."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Column
from memograd.table.wording import place, shown

_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=datetime.UTC)

_FAMILIES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("truth values", (bool, np.bool_)),
    ("durations", (datetime.timedelta, np.timedelta64, datetime.time)),  # np.timedelta64 is an np.integer
    ("numbers", (int, float, np.integer, np.floating, Decimal, Fraction)),
    ("text", (str,)),
    ("dates", (datetime.date, np.datetime64)),  # a datetime is a date
)
"""What values of which types are; the first row that fits counts."""

_MISSING_TYPES = frozenset({"NoneType", "NAType", "NaTType"})
"""None, and how pandas says that a value or a date is missing."""


def read_objects(name: str, values: Sequence[Any], is_category: bool = False) -> Column:
    """Read a column of objects.

    Parameters
    ----------
    name : str
    values : sequence of (n_rows,) objects
        All of them text, or numbers, or truth values, or dates, or durations; None, NaN and the like are missing.
        A date without time zone counts as UTC.
    is_category : bool
        Whether to read text, numbers and truth values, even mixed, as categories.

    Raises
    ------
    DataError
        When the values are of several families, or of none; the message names a row.

    Examples
    --------
    >>> read_objects("size", [1, None, 2.5]).values
    array([1. , nan, 2.5])
    >>> read_objects("size", [1, "small"])
    Traceback (most recent call last):
        ...
    memograd.errors.DataError: column 'size' mixes numbers (1 in row 1) with text ('small' in row 2); make all of \
them the same, or declare the column categorical
    """
    types = set(map(type, values))
    if not types <= {str, type(None), bool, int}:  # these cannot be NaN
        values = [None if _is_missing(value) else value for value in values]
        types = set(map(type, values))
    families = {kind: _family(kind) for kind in types if kind is not type(None)}
    if "" in families.values():
        raise _stranger(name, values, families)
    found = set(families.values())
    if is_category and not found & {"dates", "durations"}:
        return Column(name, "category", _objects(values))
    if len(found) > 1:
        raise _mixture(name, values, families)
    if is_category:
        raise DataError(f"column {shown(name)} holds {found.pop()}, which cannot be categories; make them text")
    return _READERS[found.pop() if found else "numbers"](name, values)


def _family(kind: type) -> str:
    """What values of a type are; "" for nothing that a table can hold."""
    return next((family for family, kinds in _FAMILIES if issubclass(kind, kinds)), "")


def _is_missing(value: Any) -> bool:
    """Whether an object says that a value is missing."""
    if type(value).__name__ in _MISSING_TYPES:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating) and bool(value != value)


def _numbers(name: str, values: Sequence[Any]) -> Column:
    try:
        data = np.array(values, dtype=np.float64)
    except (OverflowError, ValueError, TypeError):  # an integer that no float64 can hold, or a subclass of its own mind
        data = np.array([_number(value) for value in values], dtype=np.float64)
    return Column(name, "number", data)


def _number(value: Any) -> float:
    """A number as a float; infinite if it is too large for one, which the column will refuse."""
    try:
        return np.nan if value is None else float(value)
    except OverflowError:
        return np.inf


def _texts(name: str, values: Sequence[Any]) -> Column:
    return Column(name, "category", _objects(values))


def _truths(name: str, values: Sequence[Any]) -> Column:
    return Column(name, "boolean", np.array([np.nan if value is None else float(value) for value in values]))


def _durations(name: str, values: Sequence[Any]) -> Column:
    return Column(name, "number", np.array([_duration(value) for value in values], dtype=np.float64))


def _duration(value: Any) -> float:
    """A duration, or the time of a day, in seconds."""
    if value is None:
        return np.nan
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "s"))
    if isinstance(value, datetime.time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return _seconds(value)


def _dates(name: str, values: Sequence[Any]) -> Column:
    return Column(name, "date", np.array([date_seconds(value) for value in values], dtype=np.float64))


def date_seconds(value: Any) -> float:
    """Return a date as seconds since 1970 began in UTC; NaN for None.

    Parameters
    ----------
    value : datetime.date, datetime.datetime, np.datetime64 or None

    Examples
    --------
    >>> date_seconds(datetime.date(1970, 1, 2)), date_seconds(np.datetime64("1970-01-01T00:00:00.5"))
    (86400.0, 0.5)
    """
    if value is None:
        return np.nan
    if isinstance(value, np.datetime64):
        whole = value.astype("datetime64[s]")
        return int(whole.astype(np.int64)) + float((value - whole) / np.timedelta64(1, "s"))
    if not isinstance(value, datetime.datetime):
        return float((value.toordinal() - _EPOCH.toordinal()) * 86400)
    return _seconds(value - (_EPOCH if value.tzinfo is None else _EPOCH_UTC))


def _seconds(duration: datetime.timedelta) -> float:
    """A duration in seconds; the fraction is added last, as for an array of dates."""
    return duration.days * 86400 + duration.seconds + duration.microseconds / 1e6


_READERS: dict[str, Callable[[str, Sequence[Any]], Column]] = {
    "numbers": _numbers,
    "text": _texts,
    "truth values": _truths,
    "durations": _durations,
    "dates": _dates,
}


def _objects(values: Sequence[Any]) -> Any:
    """An array of the objects, even if they are sequences."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _stranger(name: str, values: Sequence[Any], families: Mapping[type, str]) -> DataError:
    """The error about the first value that no table can hold."""
    row_index = next(index for index, value in enumerate(values) if families.get(type(value)) == "")
    value = values[row_index]
    if isinstance(value, complex | np.complexfloating):
        return DataError(f"Complex data not supported: {place(name, row_index, len(values))}, is {shown(value)}")
    return DataError(
        f"{place(name, row_index, len(values))}: {shown(value)} is of the type {type(value).__name__}; "
        "each value of a table must be a string, a number, a truth value or a date"
    )


def _mixture(name: str, values: Sequence[Any], families: Mapping[type, str]) -> DataError:
    """The error about values of several families, with the first of two of them."""
    firsts: dict[str, tuple[Any, int]] = {}
    for index, value in enumerate(values):
        if value is not None:
            firsts.setdefault(families[type(value)], (value, index))
    (one, (value, row)), (two, (other, other_row)) = list(firsts.items())[:2]
    return DataError(
        f"column {shown(name)} mixes {one} ({shown(value)} in row {row + 1}) with {two} ({shown(other)} in row "
        f"{other_row + 1}); make all of them the same, or declare the column categorical"
    )
