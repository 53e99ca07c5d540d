"""Frames and series of polars, of every dtype but the nested ones."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Column
from memograd.table.readers.arrays import read_array
from memograd.table.readers.container import Container
from memograd.table.readers.objects import read_objects
from memograd.table.wording import shown


def read_polars_frame(polars: ModuleType, frame: Any) -> Container:
    """Take a frame apart.

    Parameters
    ----------
    polars : module
    frame : polars.DataFrame
    """
    series = frame.get_columns()
    return Container(
        tuple(frame.columns),
        len(series),
        frame.height,
        lambda index, name, is_category: read_polars_series(polars, name, series[index], is_category),
    )


def read_polars_series(polars: ModuleType, name: str, series: Any, is_category: bool = False) -> Column:
    """Read a series as a column.

    Raises
    ------
    DataError
        When its dtype is nested, or its values cannot be used.
    """
    dtype = series.dtype
    kind = "Number" if dtype.is_numeric() else type(dtype).__name__
    if kind not in _READERS:
        raise DataError(f"column {shown(name)} is {dtype}; give each part of it a column of its own, or convert it")
    if is_category and kind in ("Number", "Boolean", "Null"):
        return read_objects(name, series.to_list(), is_category)
    if is_category and kind not in ("String", "Categorical", "Enum"):
        raise DataError(f"column {shown(name)} is {dtype}, which cannot be a category; make it text")
    return _READERS[kind](polars, name, series)


def _numbers(polars: ModuleType, name: str, series: Any) -> Column:
    numbers = series.cast(polars.Float64)
    return Column(name, "number", numbers.fill_null(float("nan")).to_numpy())


def _truths(polars: ModuleType, name: str, series: Any) -> Column:
    return Column(name, "boolean", _numbers(polars, name, series).data)


def _texts(polars: ModuleType, name: str, series: Any) -> Column:
    texts = series.cast(polars.String)
    distinct = texts.drop_nulls().unique()
    if not len(distinct):
        return Column(name, "category", np.full(len(texts), -1), ())
    numbers = polars.Series(range(len(distinct)), dtype=polars.Int64)
    codes = texts.replace_strict(distinct, numbers, default=-1, return_dtype=polars.Int64)
    return Column(name, "category", codes.fill_null(-1).to_numpy(), tuple(distinct.to_list()))


def _dates(polars: ModuleType, name: str, series: Any) -> Column:
    unit = "D" if series.dtype == polars.Date else series.dtype.time_unit
    return read_array(name, _counts(series).astype(f"datetime64[{unit}]"))


def _durations(polars: ModuleType, name: str, series: Any) -> Column:
    unit = "ns" if series.dtype == polars.Time else series.dtype.time_unit
    return read_array(name, _counts(series).astype(f"timedelta64[{unit}]"))


def _counts(series: Any) -> Any:
    """The integers that a series of dates or durations counts; that of NaT where one is missing."""
    return series.to_physical().cast(int).fill_null(np.iinfo(np.int64).min).to_numpy()


_READERS: dict[str, Callable[[ModuleType, str, Any], Column]] = {
    "Number": _numbers,
    "Null": _numbers,
    "Boolean": _truths,
    "String": _texts,
    "Categorical": _texts,
    "Enum": _texts,
    "Date": _dates,
    "Datetime": _dates,
    "Duration": _durations,
    "Time": _durations,
}
"""By the name of a dtype; all numbers have one."""
