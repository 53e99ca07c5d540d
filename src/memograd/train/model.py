"""A trained model of a table: the network with its parameters, and what stands between the table and the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError
from memograd.graph.node import Array
from memograd.nn.classification import ClassificationLoss
from memograd.nn.losses import resolve_loss
from memograd.nn.mlp import MLP

Task = Literal["classification", "regression"]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Columns are shifted by their mean and divided by their standard deviation; a constant one is only shifted.

    Attributes
    ----------
    mean, scale : (n_columns,) float64

    Raises
    ------
    BadSetting
        When they have another shape or dtype, are not finite, or a scale is not positive.
    """

    mean: Numbers
    scale: Numbers

    def __post_init__(self) -> None:
        alike = self.mean.ndim == 1 and self.mean.shape == self.scale.shape
        if not alike or {self.mean.dtype, self.scale.dtype} != {np.dtype(np.float64)}:
            raise BadSetting(
                f"a scaling of {_kind(self.mean)} and {_kind(self.scale)}; both must be (n_columns,) float64"
            )
        if not (np.isfinite(self.mean) & np.isfinite(self.scale) & (self.scale > 0)).all():
            raise BadSetting("a scaling whose numbers are not all finite, or whose scales are not all positive")

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
        """The scaled columns, in float32; infinite where a number is too far from those that the scaling is of."""
        with np.errstate(over="ignore"):
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

    Raises
    ------
    BadSetting
        When the parts do not fit each other.
    """

    network: MLP
    parameters: Any
    task: Task
    target: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    scaling: Scaling
    target_scaling: Scaling

    def __post_init__(self) -> None:
        for is_broken, message in _MISFITS:
            if is_broken(self):
                raise BadSetting(f"{message.format(model=self)}, so the parts of the model do not fit each other")

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
            When X has other columns, or a row is so far from those of the training that its prediction overflows.
        """
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise DataError(f"the model takes (n_rows, {len(self.columns)}) numbers, not {X.shape}; pass its columns")
        with np.errstate(all="ignore"):
            scores = np.asarray(self.network(self.parameters, self.scaling.apply(X)))
            _check_finite(scores)  # before classes are made of them: of a NaN any could be made
            found = np.asarray(resolve_loss(self.network.loss).predict(scores))
            if self.task == "classification":
                names: Array = np.array(self.classes, dtype=object)[found]
                return names
            numbers: Numbers = found.astype(np.float64) * self.target_scaling.scale + self.target_scaling.mean
        _check_finite(numbers)
        return numbers[:, 0]


def _check_finite(values: Array) -> None:
    """Refuse values : (n_rows, n_columns) that are not all finite."""
    lost = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(lost):
        raise DataError(
            f"row {lost[0] + 1} has no finite prediction, for its numbers are not finite, or too far from those that "
            f"the model was trained on; correct it or leave it out ({len(lost)} of {len(values)} rows are like it)"
        )


def _kind(array: Array) -> str:
    return f"{array.dtype}{array.shape}"


def _is_text(name: object) -> bool:
    """Whether a name is text that can be written; half a surrogate pair cannot."""
    return isinstance(name, str) and not any("\ud800" <= character <= "\udfff" for character in name)


def _outputs(model: Model) -> tuple[bool, int]:
    """Whether the network's loss is one of classes, and of how many; of numbers it gives one for each output."""
    is_classes = isinstance(resolve_loss(model.network.loss), ClassificationLoss)
    return is_classes, max(model.network.sizes[-1], 2) if is_classes else model.network.sizes[-1]


_MISFITS: tuple[tuple[Callable[[Model], bool], str], ...] = (
    (lambda m: m.task not in ("classification", "regression"), "the task is {model.task!r}"),
    (lambda m: not all(map(_is_text, (m.target, *m.columns, *m.classes))), "a name is no text"),
    (lambda m: len({m.target, *m.columns}) <= len(m.columns), "two columns have the same name"),
    (lambda m: len(set(m.classes)) < len(m.classes), "two classes have the same name"),
    (lambda m: len(m.columns) != m.network.sizes[0], "the columns are not the {model.network.sizes[0]} inputs"),
    (lambda m: m.scaling.mean.shape != (len(m.columns),), "the scaling is not of the columns"),
    (lambda m: m.target_scaling.mean.shape != (1,), "the scaling of the target is not of one column"),
    (
        lambda m: _outputs(m) != ((True, len(m.classes)) if m.task == "classification" else (False, 1)),
        "the network's outputs are not those of a {model.task}",
    ),
    (lambda m: m.task == "regression" and bool(m.classes), "a regression has classes"),
)
"""What can be wrong with a model, each row relying on those before it, and how to say it."""
