"""Which reader takes a container, what its columns are called, and which of them are to be categories."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from memograd.errors import DataError, UnknownName
from memograd.table.column import Column
from memograd.table.readers.arrays import read_array, read_matrix
from memograd.table.readers.container import Container
from memograd.table.readers.objects import read_objects
from memograd.table.readers.pandas_frames import read_pandas_frame, read_pandas_series
from memograd.table.readers.polars_frames import read_polars_frame, read_polars_series
from memograd.table.readers.sequences import read_columns, read_rows
from memograd.table.readers.sparse import read_sparse
from memograd.table.wording import counted, instead, shown

Categorical = Literal["auto"] | Sequence[str | int] | None
"""Which columns to read as categories besides those of text; None refuses text."""


def read_any(X: Any, names: Sequence[str] | None, categorical: Categorical) -> tuple[tuple[Column, ...], int, bool]:
    """Read the columns of a container.

    Returns
    -------
    columns : tuple of Column
    n_rows : int
    has_names : bool
        Whether the container, or the caller, named them.

    Raises
    ------
    DataError
        When it is no table, has no columns, or one cannot be used.
    UnknownName
        When `categorical` names a column that is not there.
    """
    container = _opened(X)
    if not container.n_columns:
        raise DataError(f"0 feature(s) (shape=({container.n_rows}, 0)) while a minimum of 1 is required.")
    used = _names(container, names)
    chosen = _categories(categorical, used)
    columns = tuple(container.read(index, name, index in chosen) for index, name in enumerate(used))
    if categorical is None:
        _refuse_text(columns)
    return columns, container.n_rows, names is not None or container.names is not None


def read_series(name: str, values: Any, is_category: bool = False) -> Column:
    """Read a single column from a series, an array, or anything that can be an array.

    Raises
    ------
    DataError
        When its values cannot be used.

    Examples
    --------
    >>> read_series("size", [1, None]).values
    array([ 1., nan])
    """
    if (pandas := _module_of(values, "pandas", "Series")) is not None:
        return read_pandas_series(pandas, name, values, is_category)
    if (polars := _module_of(values, "polars", "Series")) is not None:
        return read_polars_series(polars, name, values, is_category)
    if isinstance(values, list | tuple | range):
        return read_objects(name, list(values), is_category)
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"column {shown(name)} has shape {array.shape}; it must have shape (n_rows,)")
    return read_array(name, array, is_category)


def _opened(X: Any) -> Container:
    """The container, opened by its reader."""
    if isinstance(X, np.ndarray):
        return read_matrix(X)
    if (pandas := _module_of(X, "pandas", "DataFrame")) is not None:
        return read_pandas_frame(pandas, X, _column_names(X.columns.tolist()))
    if (polars := _module_of(X, "polars", "DataFrame")) is not None:
        return read_polars_frame(polars, X)
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(X):
        return read_sparse(X)
    if isinstance(X, Mapping):
        return read_columns(X, _column_names(list(X)), read_series)
    if isinstance(X, list | tuple):
        return read_rows(X)
    if hasattr(X, "__array__") and not hasattr(X, "to_pandas"):
        return read_matrix(np.asarray(X))
    raise DataError(_no_table(X))


def _no_table(X: Any) -> str:
    """What to say about an object that is no table."""
    if len(getattr(X, "shape", (0, 0))) == 1:
        return f"a {type(X).__name__} is one column, and no table. Reshape your data, by X.to_frame()"
    if hasattr(X, "collect"):
        return f"a table that is yet to be computed, a {type(X).__name__}; pass X.collect()"
    if hasattr(X, "to_pandas"):
        return f"a {type(X).__name__} is no table that is known here; pass X.to_pandas()"
    return (
        f"a table must be an array, a sparse matrix, a frame of pandas or polars, a list of rows or a dict of columns, "
        f"not {type(X).__name__}"
    )


def _module_of(value: Any, package: str, name: str) -> Any:
    """The package, if it is loaded and the value is of its class `name`; else None. Imports nothing."""
    module = sys.modules.get(package)
    kind = getattr(module, name, None)
    return module if isinstance(kind, type) and isinstance(value, kind) else None


def _column_names(labels: Sequence[Any]) -> tuple[str, ...]:
    """Labels of columns as names; integers and tuples as they are written, but not among text."""
    texts = [label for label in labels if isinstance(label, str)]
    if texts and len(texts) < len(labels):
        other = next(label for label in labels if not isinstance(label, str))
        raise DataError(
            f"Feature names are only supported if all input features have string names, and {shown(other)} is none, "
            f"but {shown(texts[0])} is; rename the columns, as by X.columns = X.columns.astype(str)"
        )
    return tuple(map(str, labels))


def _names(container: Container, names: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the columns: those asked for, or the container's, or x0, x1, …"""
    if names is None:
        return container.names or tuple(f"x{index}" for index in range(container.n_columns))
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise DataError(f"the names of columns must be a sequence of strings, not {shown(names)}")
    if len(names) != container.n_columns:
        raise DataError(
            f"{counted(len(names), 'name')} for {counted(container.n_columns, 'column')}; give one for each"
        )
    return tuple(map(str, names))


def _categories(categorical: Categorical, names: tuple[str, ...]) -> frozenset[int]:
    """The indices of the columns that are to be categories."""
    if categorical is None or (isinstance(categorical, str) and categorical == "auto"):
        return frozenset()
    if isinstance(categorical, str):
        raise UnknownName(f"categorical is {categorical!r}; it must be 'auto', None, or a list of names or indices")
    return frozenset(_index(label, names) for label in categorical)


def _index(label: Any, names: tuple[str, ...]) -> int:
    """The index of a column, given that or its name."""
    if isinstance(label, str) and label in names:
        return names.index(label)
    if isinstance(label, int | np.integer) and not isinstance(label, bool) and 0 <= label < len(names):
        return int(label)
    hint = instead(label, names) if isinstance(label, str) else f"the columns are numbered 0 to {len(names) - 1}"
    raise UnknownName(f"categorical names {shown(label)}, and there is no such column; {hint}")


def _refuse_text(columns: tuple[Column, ...]) -> None:
    """Refuse columns of categories."""
    found = next((column for column in columns if column.kind == "category"), None)
    if found is not None:
        example = f", such as {shown(found.categories[0])}" if found.categories else ""
        raise DataError(f"column {shown(found.name)} holds categories{example}; all columns must be numbers here")
