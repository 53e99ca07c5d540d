"""Rows of numbers to train or validate on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from memograd.errors import DataError
from memograd.graph.node import Array


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows to train or validate on.

    Attributes
    ----------
    X : (n_rows, n_features) of the parameters' dtype
    y : (n_rows,) or (n_rows, n_outputs)
        As the loss takes it.
    weight : (n_rows,) or None
        A row of weight 2 counts as two rows, one of weight 0 not at all.

    Raises
    ------
    DataError
        When they are no arrays, or have different numbers of rows.
    """

    X: Array
    y: Array
    weight: Array | None = None

    def __post_init__(self) -> None:
        arrays = {"X": self.X, "y": self.y, **({} if self.weight is None else {"weight": self.weight})}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise DataError(f"{name} is of type {type(array).__name__}; make it an array with numpy.asarray")
            if len(array) != len(self.X):
                raise DataError(f"{name} has {len(array)} rows, and X has {len(self.X)}; give one for each row of X")

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, index: Any) -> Rows:
        return Rows(self.X[index], self.y[index], None if self.weight is None else self.weight[index])

    @property
    def arrays(self) -> tuple[Array, Array, Array | None]:
        """X, y and weight, as losses take them; what is mapped from a file or otherwise special, as plain arrays."""
        return np.asarray(self.X), np.asarray(self.y), None if self.weight is None else np.asarray(self.weight)

    def laid_out(self) -> Rows:
        """The same rows in C order and this machine's byte order, as machine code reads them; copied if need be."""
        X, y, weight = (
            None if array is None else np.require(array, array.dtype.newbyteorder("="), ["C", "A"])
            for array in self.arrays
        )
        assert X is not None
        assert y is not None
        return Rows(X, y, weight)


def check_rows(rows: Rows, purpose: str) -> None:
    """Check that there is something to train or validate on.

    Raises
    ------
    DataError
        When there are no rows, or weights are negative, not finite or all 0.
    """
    check_weights(len(rows), rows.weight, purpose)


def check_weights(n_rows: int, weight: Array | None, purpose: str) -> None:
    """Check that so many rows of these weights are something to train or validate on; see `check_rows`."""
    if not n_rows:
        raise DataError(f"there are no rows {purpose}")
    if weight is not None and not (np.isfinite(weight) & (weight >= 0)).all():
        raise DataError(f"the weights of the rows {purpose} must be finite and not negative")
    if weight is not None and not np.any(weight):
        raise DataError(f"the weights of the rows {purpose} are all 0, so there is nothing {purpose}")
