"""A trained model of a table: the network with its parameters, and what stands between the table and the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memograd.errors import DataError
from memograd.graph.node import Array
from memograd.nn.mlp import MLP

Task = Literal["classification", "regression"]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Columns are shifted by their mean and divided by their standard deviation; a constant one is only shifted.

    Attributes
    ----------
    mean, scale : (n_columns,) float64
    """

    mean: Numbers
    scale: Numbers

    @classmethod
    def of(cls, X: Numbers) -> Scaling:
        """The scaling that gives the columns of X : (n_rows, n_columns) mean 0 and standard deviation 1."""
        mean = X.mean(axis=0)
        # Two passes, and relative: the deviation of a constant column is rounding, not 0.
        deviation = np.abs(X - mean).max(axis=0, initial=0.0)
        varies = deviation > 1e-12 * np.abs(X).max(axis=0, initial=0.0)
        # Divided before it is squared, so that no number of float32's range overflows.
        safe = np.where(varies, deviation, 1.0)
        return cls(mean, np.where(varies, safe * ((X - mean) / safe).std(axis=0), 1.0))

    def apply(self, X: Numbers) -> NDArray[np.float32]:
        """The scaled columns, in float32."""
        return ((X - self.mean) / self.scale).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Predicts one column of a table from others.

    Attributes
    ----------
    network : MLP
    parameters : tree
    task : {"classification", "regression"}
    target : str
        The column that is predicted.
    columns : tuple of (n_features,) str
        The columns that it is predicted from, in order.
    classes : tuple of str
        Empty for regression.
    scaling : Scaling
        Of the columns.
    target_scaling : Scaling
        Of the target, one column; for classification it does nothing.
    """

    network: MLP
    parameters: Any
    task: Task
    target: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    scaling: Scaling
    target_scaling: Scaling

    def predict(self, X: Numbers) -> Array:
        """Predict.

        Parameters
        ----------
        X : (n_rows, n_features) float64
            The columns of `columns`, as they are in the table.

        Returns
        -------
        (n_rows,) str of classes, or (n_rows,) float64

        Raises
        ------
        DataError
            When X has other columns.
        """
        found = self._predict_raw(X)
        if self.task == "classification":
            return np.array(self.classes, dtype=object)[found]
        numbers: Numbers = found[:, 0].astype(np.float64) * self.target_scaling.scale + self.target_scaling.mean
        return numbers

    def _predict_raw(self, X: Numbers) -> Array:
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise DataError(f"the model takes {len(self.columns)} columns, {', '.join(self.columns)}; got {X.shape}")
        with np.errstate(all="ignore"):
            return np.asarray(self.network.predict(self.parameters, self.scaling.apply(X)))
