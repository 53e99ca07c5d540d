"""How well a table was predicted, in the numbers that people ask for. Knows no models and no files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memograd.train.scores import accuracy, r2

Numbers = NDArray[np.float64]
Classes = NDArray[np.int64]

_LEAST = float(np.finfo(np.float64).eps)
"""A probability below it counts as this much: a certain mistake costs 36 nats, and not infinitely many."""


def of_classes(values: Classes, probabilities: Numbers) -> dict[str, float]:
    """Return accuracy, balanced accuracy and log loss.

    Parameters
    ----------
    values : (n_rows,) int64
        The class of each row.
    probabilities : (n_rows, n_classes) float64

    Examples
    --------
    >>> of_classes(np.array([0, 0, 0, 1]), np.array([[0.5, 0.5], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]))["accuracy"]
    0.75
    """
    predicted = np.argmax(probabilities, axis=1)
    is_right = predicted == values
    recalls = [float(is_right[values == index].mean()) for index in np.unique(values)]
    likelihood = np.maximum(probabilities[np.arange(len(values)), values], _LEAST)
    return {
        "accuracy": accuracy(values, predicted),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": float(-np.log(likelihood).mean()),
    }


def of_numbers(y: Numbers, predicted: Numbers) -> dict[str, float]:
    """Return R², the root of the mean squared error, and the mean absolute error.

    Parameters
    ----------
    y, predicted : (n_rows,) float64

    Examples
    --------
    >>> of_numbers(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))["r2"]
    0.5
    """
    error = predicted - y
    largest = float(np.abs(error).max())
    rmse = largest * float(np.sqrt(np.mean((error / largest) ** 2))) if largest else 0.0  # so that no square overflows
    return {"r2": r2(y, predicted), "rmse": rmse, "mae": float(np.abs(error).mean())}


def confusion(values: Classes, predicted: Classes, n_classes: int) -> NDArray[Any]:
    """Return how many rows of each class (row) were taken for each class (column).

    Examples
    --------
    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(values * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
