"""Numbers, one or several a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError
from memograd.table.column import Array
from memograd.table.description import entry
from memograd.table.numeric import Numbers, in_order, mean_and_deviation
from memograd.table.targets.reading import is_flat, read_targets
from memograd.table.wording import place, shown

_ARRAYS = ("mean", "scale", "lowest", "highest")


@dataclass(frozen=True, slots=True, eq=False)
class NumberTarget:
    """Numbers, which the network predicts with mean 0 and standard deviation 1.

    Parameters
    ----------
    mean, scale, lowest, highest : (n_outputs,) float64
        Of the training's numbers; a scale is 1 if all of them are equal.
    is_flat : bool
        Whether the target has one dimension, and so have predictions.

    Raises
    ------
    BadSetting
        When the arrays have another shape or dtype, are not finite, or a scale is not positive.

    Examples
    --------
    >>> target = NumberTarget.fit([10.0, 20.0, 30.0])
    >>> target.encode([20.0, 30.0]).round(2)
    array([[0.  ],
           [1.22]], dtype=float32)
    >>> target.decode(np.array([[0.0], [5.0]]), clip=True)
    array([20., 30.])
    """

    mean: Numbers
    scale: Numbers
    lowest: Numbers
    highest: Numbers
    is_flat: bool

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != 1:
                raise BadSetting(f"the {name} of a target of numbers must be (n_outputs,) float64")
            if len(array) != len(self.mean) or not np.isfinite(array).all():
                raise BadSetting(f"the {name} of a target of numbers must be {len(self.mean)} finite numbers")
        if not (self.scale > 0).all() or (self.lowest > self.highest).any():
            raise BadSetting("a scale of a target of numbers is not positive, or its lowest number above its highest")
        if not len(self.mean) or (self.is_flat and len(self.mean) > 1):
            raise BadSetting(f"a target of {len(self.mean)} numbers a row with is_flat={self.is_flat}")

    @classmethod
    def fit(cls, y: Any, name: str = "y", *, standardize: bool = True) -> NumberTarget:
        """Find mean, standard deviation and range of each column.

        Parameters
        ----------
        y : (n_rows,) or (n_rows, n_outputs) array, list, sparse matrix, or series or frame of pandas or polars
        name : str
            For messages.
        standardize : bool
            If not, mean and scale are 0 and 1: for losses to which zero means something.

        Raises
        ------
        DataError
            When a value is missing, infinite or no number; the message names its row.
        """
        table = read_targets(y, name)
        ordered = [in_order(column.data) for column in table.columns]
        pairs = [mean_and_deviation(numbers) if standardize else (0.0, 1.0) for numbers in ordered]
        mean, deviation = np.array(pairs).T
        lowest, highest = np.array([(numbers[0], numbers[-1]) for numbers in ordered]).T
        scale = np.where(deviation > 0, deviation, 1.0)
        return cls(mean.copy(), scale, lowest.copy(), highest.copy(), is_flat(y))

    @property
    def n_outputs(self) -> int:
        """The number of columns."""
        return len(self.mean)

    def encode(self, y: Any, name: str = "y") -> NDArray[np.float32]:
        """Return the standardized numbers : (n_rows, n_outputs) float32.

        Raises
        ------
        DataError
            When a value is missing, no number, or not finite in float32; or the columns are others.
        """
        table = read_targets(y, name)
        if len(table.columns) != self.n_outputs:
            raise DataError(f"{shown(name)} has {len(table.columns)} columns, and had {self.n_outputs} in the training")
        numbers = np.stack([column.data for column in table.columns], axis=1)
        with np.errstate(over="ignore"):
            encoded = ((numbers - self.mean) / self.scale).astype(np.float32)
        bad = np.argwhere(~np.isfinite(encoded))
        if len(bad):
            row, index = map(int, bad[0])
            raise DataError(
                f"{place(table.names[index], row, table.n_rows)}: {numbers[row, index]:g} is more than 10³⁸ standard "
                "deviations from the mean of the training; correct it, or leave the row out"
            )
        return encoded

    def decode(self, scores: Array, *, clip: bool = False) -> Numbers:
        """Return the numbers that standardized ones stand for.

        Parameters
        ----------
        scores : (n_rows, n_outputs) of floats
        clip : bool
            Whether to keep them within the range of the training's numbers.

        Returns
        -------
        (n_rows,) float64 if the target was flat, else (n_rows, n_outputs) float64
        """
        with np.errstate(over="ignore"):
            numbers = scores.astype(np.float64) * self.scale + self.mean
        if clip:
            numbers = np.clip(numbers, self.lowest, self.highest)
        return numbers[:, 0] if self.is_flat else numbers

    def describe(self) -> dict[str, Any]:
        """Return all but the numbers, as JSON."""
        return {"target": "numbers", "is_flat": self.is_flat}

    def arrays(self) -> dict[str, Array]:
        """Return the numbers: `mean`, `scale`, `lowest`, `highest`, each (n_outputs,) float64."""
        return {name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def restore(cls, description: Any, arrays: Mapping[str, Array]) -> NumberTarget:
        """Return the target that a description and arrays were made from.

        Raises
        ------
        BadSetting
            When they are not such, whatever they are.
        """
        absent = [name for name in _ARRAYS if name not in arrays]
        if absent:
            raise BadSetting(f"the numbers {', '.join(absent)} of a target are not there")
        mean, scale, lowest, highest = (arrays[name] for name in _ARRAYS)
        return cls(mean, scale, lowest, highest, entry(description, "is_flat", bool))
