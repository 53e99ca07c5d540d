"""Labels: each row has any number of several, told by an indicator of 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError
from memograd.table.column import Array
from memograd.table.columns import Table
from memograd.table.description import entry
from memograd.table.targets.reading import is_flat, read_targets
from memograd.table.wording import place, shown

_MAX_LABELS = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class LabelTarget:
    """Which labels each row has.

    Parameters
    ----------
    n_labels : int

    Raises
    ------
    BadSetting
        When there are none.

    Examples
    --------
    >>> target = LabelTarget.fit([[1, 0, 1], [0, 0, 0]])
    >>> target.encode([[1, 1, 0]])
    array([[1., 1., 0.]], dtype=float32)
    >>> target.decode(np.array([[True, False, True]]))
    array([[1, 0, 1]])
    """

    n_labels: int

    def __post_init__(self) -> None:
        if type(self.n_labels) is not int or not 1 <= self.n_labels <= _MAX_LABELS:
            raise BadSetting(f"a target of {shown(self.n_labels)} labels; it must be an integer from 1")

    @classmethod
    def fit(cls, y: Any, name: str = "y") -> LabelTarget:
        """Count the labels.

        Parameters
        ----------
        y : (n_rows, n_labels) array, sparse matrix, list or frame
            Of 0 and 1, or truth values.
        name : str
            For messages.

        Raises
        ------
        DataError
            When a value is another; the message names column and row.
        """
        return cls(len(_read(y, name).columns))

    @property
    def n_outputs(self) -> int:
        """The number of labels."""
        return self.n_labels

    def encode(self, y: Any, name: str = "y") -> NDArray[np.float32]:
        """Return the indicator : (n_rows, n_labels) float32.

        Raises
        ------
        DataError
            When a value is neither 0 nor 1, or the labels are more or fewer.
        """
        table = _read(y, name)
        if len(table.columns) != self.n_labels:
            raise DataError(f"{shown(name)} has {len(table.columns)} labels, and had {self.n_labels} in the training")
        return np.stack([column.data for column in table.columns], axis=1).astype(np.float32)

    def decode(self, labels: Array) -> NDArray[np.int64]:
        """Return an indicator : (n_rows, n_labels) of truth values as one of 0 and 1, int64."""
        return labels.astype(np.int64)

    def describe(self) -> dict[str, Any]:
        """Return everything, as JSON."""
        return {"target": "labels", "n_labels": self.n_labels}

    def arrays(self) -> dict[str, Array]:
        """Return nothing: there are no arrays."""
        return {}

    @classmethod
    def restore(cls, description: Any, arrays: Mapping[str, Array]) -> LabelTarget:
        """Return the target that a description was made from.

        Raises
        ------
        BadSetting
            When it is none, whatever it is.
        """
        return cls(entry(description, "n_labels", int))


def _read(y: Any, name: str) -> Table:
    """The indicator, all of it 0 or 1."""
    if y is not None and is_flat(y):
        raise DataError(f"{shown(name)} has one dimension; labels are an indicator of shape (n_rows, n_labels)")
    table = read_targets(y, name)
    for column in table.columns:
        odd = np.flatnonzero(~np.isin(column.data, (0.0, 1.0)))
        if len(odd):
            where = place(column.name, int(odd[0]), table.n_rows)
            raise DataError(f"{where}: {column.data[odd[0]]:g} is neither 0 nor 1, as an indicator of labels must be")
    return table
