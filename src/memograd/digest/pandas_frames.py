"""Rows for pandas: frames, series, indexes, extension arrays, their dtypes, and the scalars in them.

A frame is told by its columns, its index, the array of each column, `attrs` and the flag for duplicate labels; how
columns share memory does not count. Missing values differ by kind (None, NaN, NaT, NA); what an array holds in
place of one does not count. Levels of an index, and categories, count also where no item uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from reprlib import repr as short_repr
from types import ModuleType
from typing import Any

import numpy as np

from memograd.digest.arrow import arrow_content
from memograd.digest.attributes import attached
from memograd.digest.encoding import RECORD, record_head
from memograd.digest.node import Node, Row, attributes_row, record_row

Parts = Callable[[Any], Sequence[Any]]


def pandas_rows(pandas: ModuleType) -> Mapping[type, Row]:
    """The rows of pandas, given that module."""
    return {
        pandas.DataFrame: _frame,
        pandas.Series: record_row("pandas.Series", _series, _STEPS_OF_SERIES),
        pandas.MultiIndex: record_row("pandas.MultiIndex", _multi_index, [".levels", ".codes", ".names", ".__dict__"]),
        type(pandas.NaT): record_row("pandas.NaT", lambda missing: ()),
        type(pandas.NA): record_row("pandas.NA", lambda missing: ()),
        **{getattr(pandas, name): _index_row(name, of) for name, of in _INDEXES.items()},
        **{attrgetter(name)(pandas): attributes_row(f"pandas.{name}", *of) for name, of in _BY_ATTRIBUTES.items()},
        **{attrgetter(name)(pandas): record_row(f"pandas.{name}", parts) for name, parts in _BY_PARTS.items()},
        **{kind: _offset_row(kind) for kind in _classes(pandas.offsets)},
    }


_FRAME = record_head("pandas.DataFrame")


def _frame(frame: Any) -> Node:
    labels = list(frame.columns)
    steps = [".columns", ".index", ".attrs", ".flags", ".__dict__", *(f"[{short_repr(label)}]" for label in labels)]
    about = [frame.columns, frame.index, frame.attrs, frame.flags.allows_duplicate_labels, attached(frame)]
    return Node(RECORD, _FRAME, [*about, *(series.array for _, series in frame.items())], steps.__getitem__)


def _series(series: Any) -> Sequence[Any]:
    flag = series.flags.allows_duplicate_labels
    return [series.array, series.index, series.name, series.attrs, flag, attached(series)]


_STEPS_OF_SERIES = ("", ".index", ".name", ".attrs", ".flags", ".__dict__")


def _index_row(name: str, attributes: tuple[str, ...]) -> Row:
    def parts(index: Any) -> Sequence[Any]:
        return [*(getattr(index, attribute) for attribute in attributes), attached(index)]

    return record_row(f"pandas.{name}", parts, [f".{attribute}" for attribute in (*attributes, "__dict__")])


def _multi_index(index: Any) -> Sequence[Any]:
    codes = [np.asarray(each) for each in index.codes]
    return [list(index.levels), codes, list(index.names), attached(index, "sortorder")]


def _masked(kind: Any) -> Parts:
    """The parts of an array with a mask: its dtype, where values are missing, and the values, with a filler there."""

    def parts(values: Any) -> Sequence[Any]:
        filled = values.to_numpy(dtype=values.dtype.numpy_dtype, na_value=kind(0))
        return [values.dtype, np.asarray(values.isna()), filled]

    return parts


def _texts(values: Any) -> Sequence[Any]:
    return [values.dtype, np.asarray(values.isna()), values.to_numpy(dtype=object, na_value="").tolist()]


def _moments(values: Any) -> Sequence[Any]:
    return [values.dtype, np.asarray(values.view("i8"))]


def _sparse(values: Any) -> Sequence[Any]:
    return [values.dtype, len(values), values.kind, values.sp_values, values.sp_index.to_int_index().indices]


def _offset_row(kind: type) -> Row:
    form = f"pandas.offsets.{kind.__name__}"
    return record_row(form, lambda offset: [offset.n, offset.normalize, offset.kwds], [".n", ".normalize", ".kwds"])


def _classes(module: ModuleType) -> Iterable[type]:
    return [value for value in vars(module).values() if isinstance(value, type)]


_TIMED = ("array", "name", "freq")

_INDEXES: Mapping[str, tuple[str, ...]] = {
    "Index": ("array", "name"),
    "CategoricalIndex": ("array", "name"),
    "IntervalIndex": ("array", "name"),
    "PeriodIndex": ("array", "name"),
    "DatetimeIndex": _TIMED,
    "TimedeltaIndex": _TIMED,
}

_BY_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "Categorical": ("dtype", "codes"),
    "arrays.IntervalArray": ("left", "right", "closed"),
    "CategoricalDtype": ("categories", "ordered"),
    "DatetimeTZDtype": ("unit", "tz"),
    "IntervalDtype": ("subtype", "closed"),
    "PeriodDtype": ("freq",),
    "SparseDtype": ("subtype", "fill_value"),
    "StringDtype": ("storage", "na_value"),
    "Interval": ("left", "right", "closed"),
    "Period": ("ordinal", "freq"),
    "Timedelta": ("asm8",),
    "Timestamp": ("asm8", "tz", "fold"),
}

_NUMERIC = [f"{sign}{bits}Dtype" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)]

_BY_PARTS: Mapping[str, Parts] = {
    "RangeIndex": lambda index: [range(index.start, index.stop, index.step), index.name, attached(index)],
    "arrays.ArrowExtensionArray": lambda values: [values.dtype, *arrow_content(values.__arrow_array__())],
    "arrays.BooleanArray": _masked(bool),
    "arrays.DatetimeArray": _moments,
    "arrays.FloatingArray": _masked(float),
    "arrays.IntegerArray": _masked(int),
    "arrays.NumpyExtensionArray": lambda values: [values.to_numpy()],
    "arrays.PeriodArray": _moments,
    "arrays.SparseArray": _sparse,
    "arrays.StringArray": _texts,
    "arrays.ArrowStringArray": _texts,
    "arrays.TimedeltaArray": _moments,
    "ArrowDtype": lambda dtype: [str(dtype.pyarrow_dtype)],
    **dict.fromkeys([*_NUMERIC, "Float32Dtype", "Float64Dtype", "BooleanDtype"], lambda dtype: ()),
}
