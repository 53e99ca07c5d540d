"""What a user hands to an estimator: a table with the columns of the training, or an error in scikit-learn's words."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.nn.arrays import Array
from memograd.table.columns import Table, as_table

_SHOWN_NAMES = 5


def table_of(X: Any, owner: str, categorical: Any = "auto") -> Table:
    """A table of at least one row and one column.

    Raises
    ------
    DataError
        When X is none, or a column cannot be used. The message holds the words that tell scikit-learn's users, and its
        checks, what was found.
    """
    if isinstance(X, np.ndarray):
        _check_array(X, owner)
    table = as_table(X, categorical=categorical)
    if not table.n_rows:
        raise DataError(f"0 sample(s) (shape=(0, {len(table.columns)})) while a minimum of 1 is required by {owner}")
    return table


def text_names(X: Any) -> Array | None:
    """The names of the columns, if all of them are text: (n_columns,) object; arrays have none."""
    if isinstance(X, np.ndarray):
        return None
    if isinstance(X, Table):
        return np.array(X.names, object) if X.has_names else None
    columns: Iterable[Any] = X if isinstance(X, Mapping) else getattr(X, "columns", ())
    names = list(columns)
    return np.array(names, object) if names and all(isinstance(name, str) for name in names) else None


def check_columns(X: Any, table: Table, n_columns: int, names: Array | None, owner: str) -> None:
    """Check that a table has the columns of the training, in their order.

    Parameters
    ----------
    X, table
        As it came, and read.
    n_columns : int
    names : (n_columns,) str or None
        Those of the training.
    owner : str
        The estimator's class.

    Raises
    ------
    DataError
        When they are others, or in another order. One side without names gives a warning, and the place counts.
    """
    found = text_names(X)
    if found is not None and names is not None and (len(found) != len(names) or any(found != names)):
        raise DataError(_difference(list(found), list(names)))
    if len(table.columns) != n_columns:
        raise DataError(f"X has {len(table.columns)} features, but {owner} is expecting {n_columns} features as input")
    if found is None and names is not None:
        warnings.warn(f"X does not have valid feature names, but {owner} was fitted with feature names", stacklevel=5)
    elif found is not None and names is None:
        warnings.warn(f"X has feature names, but {owner} was fitted without feature names", stacklevel=5)


def _check_array(X: Array, owner: str) -> None:
    if X.ndim != 2:
        raise DataError(
            f"Expected 2D array, got an array of {X.ndim} dimension{'' if X.ndim == 1 else 's'} instead by {owner}. "
            "Reshape your data either using array.reshape(-1, 1) if it has a single feature or array.reshape(1, -1) if "
            "it contains a single sample."
        )
    if X.dtype.kind == "c":
        raise DataError(f"Complex data not supported by {owner}: split it into real and imaginary columns")


def _difference(found: list[str], names: list[str]) -> str:
    """What is wrong with the names, in scikit-learn's words."""
    message = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(found) - set(names)), sorted(set(names) - set(found))
    if unseen:
        message += f"Feature names unseen at fit time:\n{_listed(unseen)}"
    if missing:
        message += f"Feature names seen at fit time, yet now missing:\n{_listed(missing)}"
    if not unseen and not missing:
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def _listed(names: list[str]) -> str:
    shown = [f"- {name}\n" for name in names[:_SHOWN_NAMES]]
    return "".join([*shown, "- ...\n"] if len(names) > _SHOWN_NAMES else shown)


def given_target(y: Any, owner: str) -> Array:
    """The target as an array.

    Raises
    ------
    DataError
        When there is none, or it is no column of values.
    """
    if y is None:
        raise DataError(f"{owner} requires y to be passed, but the target y is None")
    found: Array = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    if found.ndim not in (1, 2):
        raise DataError(f"y should be a 1d array, or one of 2 dimensions, got an array of shape {found.shape} instead")
    if found.dtype.kind == "c":
        raise DataError(f"Complex data not supported by {owner}: y must be of real numbers or classes")
    return found
