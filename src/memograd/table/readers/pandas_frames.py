"""Frames and series of pandas, of every dtype that has a meaning as a column."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.table.column import Column
from memograd.table.readers.arrays import columns_of, read_array, read_numbers
from memograd.table.readers.container import Container
from memograd.table.readers.objects import read_objects
from memograd.table.wording import shown


def read_pandas_frame(pandas: ModuleType, frame: Any, names: tuple[str, ...]) -> Container:
    """Take a frame apart.

    Parameters
    ----------
    pandas : module
    frame : pandas.DataFrame
    names : tuple of str
        Of its columns.
    """
    n_rows, n_columns = frame.shape
    dtypes = set(frame.dtypes)
    if len(dtypes) == 1 and isinstance(dtype := dtypes.pop(), np.dtype) and dtype.kind in "iuf":
        X = frame.to_numpy()
        container = read_numbers(X, columns_of(X))
        return Container(names, n_columns, n_rows, container.read)
    return Container(
        names,
        n_columns,
        n_rows,
        lambda index, name, is_category: read_pandas_series(pandas, name, frame.iloc[:, index], is_category),
    )


def read_pandas_series(pandas: ModuleType, name: str, series: Any, is_category: bool = False) -> Column:
    """Read a series as a column.

    Raises
    ------
    DataError
        When its values cannot be used.
    """
    if isinstance(series.dtype, np.dtype):
        return read_array(name, series.to_numpy(), is_category)
    for applies, read in _READERS:
        if applies(pandas, series.dtype):
            return read(pandas, name, series, is_category)
    return read_objects(name, series.astype(object).tolist(), is_category)


def _categorical(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    categories = series.cat.categories
    is_scalar = pandas.api.types.is_numeric_dtype(categories.dtype) or pandas.api.types.is_string_dtype(
        categories.dtype
    )
    # Intervals, dates and the like stand for themselves by what they are called.
    values = categories.tolist() if is_scalar or categories.dtype == object else list(map(str, categories))
    known = read_objects(name, values, is_category=True)
    codes = series.cat.codes.to_numpy().astype(np.int64)
    assert known.categories is not None
    return Column(name, "category", np.append(known.data, -1)[codes], known.categories)


def _string(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    codes, categories = pandas.factorize(series)
    return Column(name, "category", codes.astype(np.int64), tuple(categories.tolist()))


def _zoned(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    return read_array(name, series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), is_category)


def _period(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    return read_array(name, series.dt.to_timestamp().to_numpy(), is_category)


def _sparse(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    return read_array(name, np.asarray(series), is_category)


def _truths(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    if is_category:
        return read_objects(name, series.astype(object).tolist(), is_category)
    return Column(name, "boolean", series.to_numpy(dtype=np.float64, na_value=np.nan))


def _numbers(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    if is_category:  # as they are, for a float64 merges large integers
        return read_objects(name, series.astype(object).tolist(), is_category)
    return Column(name, "number", series.to_numpy(dtype=np.float64, na_value=np.nan))


def _complex(pandas: ModuleType, name: str, series: Any, is_category: bool) -> Column:
    raise DataError(f"Complex data not supported: column {shown(name)} is {series.dtype}")


_Applies = Callable[[ModuleType, Any], bool]
_Read = Callable[[ModuleType, str, Any, bool], Column]

_READERS: tuple[tuple[_Applies, _Read], ...] = (
    (lambda pd, dtype: isinstance(dtype, pd.CategoricalDtype), _categorical),
    (lambda pd, dtype: isinstance(dtype, pd.StringDtype), _string),
    (lambda pd, dtype: isinstance(dtype, pd.DatetimeTZDtype), _zoned),
    (lambda pd, dtype: isinstance(dtype, pd.PeriodDtype), _period),
    (lambda pd, dtype: isinstance(dtype, pd.SparseDtype), _sparse),
    (lambda pd, dtype: pd.api.types.is_bool_dtype(dtype), _truths),
    (lambda pd, dtype: pd.api.types.is_complex_dtype(dtype), _complex),
    (lambda pd, dtype: pd.api.types.is_numeric_dtype(dtype), _numbers),
)
"""What reads a dtype of pandas' own; the first row that applies counts, and objects are read if none does."""
