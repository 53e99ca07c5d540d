"""Rows for polars: frames, series and dtypes.

A frame is told by its height and its series, a series by name, dtype and values; chunks and the flag for sorted
values do not count. Categories count as texts, for their numbers differ from process to process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from reprlib import repr as short_repr
from types import ModuleType
from typing import Any

from memograd.digest.attributes import attached
from memograd.digest.encoding import RECORD, record_head
from memograd.digest.node import Node, Row, record_row
from memograd.errors import CannotDigest


def polars_rows(polars: ModuleType) -> Mapping[type, Row]:
    """The rows of polars, given that module."""
    dtypes = [kind for kind in vars(polars).values() if isinstance(kind, type) and issubclass(kind, polars.DataType)]
    return {
        polars.DataFrame: _frame,
        polars.Series: record_row("polars.Series", _series, [".name", ".dtype", ".__dict__", "", ""]),
        **{kind: _dtype_row(kind.__name__) for kind in dtypes if kind.__name__ in _CONTENTS},
    }


_FRAME = record_head("polars.DataFrame")


def _frame(frame: Any) -> Node:
    steps = [".height", ".__dict__", *(f"[{short_repr(name)}]" for name in frame.columns)]
    return Node(RECORD, _FRAME, [frame.height, attached(frame), *frame.get_columns()], steps.__getitem__)


def _series(series: Any) -> Sequence[Any]:
    content = _CONTENTS.get(type(series.dtype).__name__)
    if content is None:
        raise CannotDigest(f"the dtype {series.dtype} is not told by its values; cast the series to another")
    return [series.name, series.dtype, attached(series), series.is_null().to_numpy(), content(series)]


def _numbers(series: Any) -> Any:
    """The values as NumPy has them, zero where one is missing."""
    numbers = series.to_physical()
    filler = False if str(numbers.dtype) == "Boolean" else 0
    return (numbers.fill_null(filler) if numbers.null_count() else numbers).to_numpy()


def _objects(series: Any) -> Any:
    return series.to_list()


def _texts(series: Any) -> Any:
    return series.cast(str).fill_null("").to_list()


def _bytes(series: Any) -> Any:
    return series.fill_null(b"").to_list()


def _lists(series: Any) -> Any:
    """The length of each list, and one series of what is in them; through Python, times would lose nanoseconds."""
    lists = series.drop_nulls()
    lengths = lists.list.len()
    return [lengths.to_numpy(), _inner(lists.filter(lengths > 0))]


def _arrays(series: Any) -> Any:
    return _inner(series.drop_nulls())


def _inner(lists: Any) -> Any:
    # To explode nothing gives one missing value in some versions and none in others.
    return lists.explode() if len(lists) else None


def _fields(series: Any) -> Any:
    return series.struct.unnest()


_CONTENTS: Mapping[str, Callable[[Any], Any]] = {
    "Null": lambda series: None,
    "Boolean": _numbers,
    **dict.fromkeys((f"{sign}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)), _numbers),
    **dict.fromkeys((f"Float{bits}" for bits in (16, 32, 64)), _numbers),
    **dict.fromkeys(("Date", "Datetime", "Duration", "Time"), _numbers),
    **dict.fromkeys(("Int128", "UInt128", "Decimal", "Object"), _objects),
    **dict.fromkeys(("String", "Categorical", "Enum"), _texts),
    "Binary": _bytes,
    "List": _lists,
    "Array": _arrays,
    "Struct": _fields,
}
"""What tells the values of a series that are not missing, by the name of its dtype."""

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "Array": ("inner", "shape"),
    "Datetime": ("time_unit", "time_zone"),
    "Decimal": ("precision", "scale"),
    "Duration": ("time_unit",),
    "Enum": ("categories",),
    "List": ("inner",),
}


def _categories(dtype: Any) -> Sequence[Any]:
    # Older versions have an ordering, newer ones categories that may have a name.
    named: Any = getattr(dtype, "categories", None)
    about = [named.name(), named.namespace(), str(named.physical())] if hasattr(named, "namespace") else []
    return [getattr(dtype, "ordering", None), *about]


def _dtype_row(name: str) -> Row:
    parameters = _PARAMETERS.get(name, ())
    parts = _PARTS_OF_DTYPES.get(name, lambda dtype: [getattr(dtype, parameter) for parameter in parameters])
    return record_row(f"polars.{name}", parts)


_PARTS_OF_DTYPES: Mapping[str, Callable[[Any], Sequence[Any]]] = {
    "Categorical": _categories,
    "Struct": lambda dtype: [(field.name, field.dtype) for field in dtype.fields],
}
