"""From the numbers of a table to a trained model, with a score on rows that were held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.errors import DataError
from memograd.graph.node import Array
from memograd.nn.mlp import MLP
from memograd.train.loop import Epoch, Fit, Rows, fit
from memograd.train.model import Model, Numbers, Scaling, Task
from memograd.train.scores import accuracy, r2
from memograd.train.settings import Settings
from memograd.train.split import holdout

# The score of a task: its name, and how it is computed from the target and what the network predicts.
SCORES: dict[Task, tuple[str, Callable[[Any, Any], float]]] = {
    "classification": ("accuracy", accuracy),
    "regression": ("r2", lambda y, predicted: r2(y, predicted[:, 0])),
}


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be learned.

    Attributes
    ----------
    X : (n_rows, n_features) float64
    values : (n_rows,) int64 class indices, or float64
    task : {"classification", "regression"}
    classes : tuple of str
        Empty for regression.
    columns : tuple of (n_features,) str
    target : str

    Raises
    ------
    DataError
        When rows or columns are not as many as they should be, or not all numbers are finite.
    """

    X: Numbers
    values: NDArray[Any]
    task: Task
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    target: str

    def __post_init__(self) -> None:
        if self.X.shape != (len(self.values), len(self.columns)):
            raise DataError(
                f"X has shape {self.X.shape}, and there are {len(self.values)} values to learn from "
                f"{len(self.columns)} columns"
            )
        if not (np.isfinite(self.X).all() and np.isfinite(self.values).all()):
            raise DataError("a number is missing or infinite; fill it in or leave its row out")


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model, and how it was trained.

    Attributes
    ----------
    model : Model
    fit : Fit
    n_train, n_validation : int
        Rows.
    score_name : {"accuracy", "r2"}
    """

    model: Model
    fit: Fit
    n_train: int
    n_validation: int
    score_name: str


def train_table(
    problem: Problem,
    *,
    hidden: Sequence[int],
    settings: Settings,
    activation: str = "silu",
    dropout: float = 0.2,
    validation_fraction: float = 0.2,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Hold rows out, scale columns by the others, train, and keep the epoch that does best on what was held out.

    Raises
    ------
    DataError, BadSetting, TrainingDiverged
    """
    is_classes = problem.task == "classification"
    rows, held = holdout(len(problem.X), validation_fraction, settings.seed, problem.values if is_classes else None)
    scaling = Scaling.of(problem.X[rows])
    target_scaling = Scaling(np.zeros(1), np.ones(1)) if is_classes else Scaling.of(problem.values[rows, None])
    y = problem.values if is_classes else target_scaling.apply(problem.values[:, None])
    everything = Rows(scaling.apply(problem.X), y)
    _check_spread(everything.X, problem.columns)
    _check_spread(y.reshape(len(y), -1), (problem.target,))
    network = MLP(
        (problem.X.shape[1], *hidden, len(problem.classes) or 1),
        activation,
        "cross_entropy" if is_classes else "squared_error",
        dropout=dropout,
    )
    score_name, score = SCORES[problem.task]
    fitted = fit(
        network,
        everything[rows],
        everything[held],
        settings=settings,
        score=lambda parameters, rows: score(
            rows.y if is_classes else rows.y[:, 0], network.predict(parameters, rows.X)
        ),
        on_epoch=on_epoch,
    )
    model = Model(
        network,
        fitted.parameters,
        problem.task,
        problem.target,
        problem.columns,
        problem.classes,
        scaling,
        target_scaling,
    )
    return Trained(model, fitted, len(rows), len(held), score_name)


def _check_spread(scaled: Array, columns: Sequence[str]) -> None:
    """Refuse columns : (n_rows, n_columns) in which a row held out is so far from the others that float32 ends."""
    bad = np.argwhere(~np.isfinite(scaled))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"row {row + 1}, column {columns[column]!r}: the number is more than 10³⁸ times as far from the mean as "
            "others; correct it, or leave the row or the column out"
        )
