"""How good predictions are: one number, the larger the better."""

from __future__ import annotations

import numpy as np

from memograd.graph.node import Array


def accuracy(y: Array, predicted: Array) -> float:
    """The share of rows that are predicted right.

    Examples
    --------
    >>> accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4]))
    0.75
    """
    return float(np.mean(y == predicted))


def r2(y: Array, predicted: Array) -> float:
    """One minus the residual sum of squares over that of the mean; 1 is perfect, 0 as good as the mean.

    Of a constant `y` it is 1 when the prediction is exact, else 0, as in scikit-learn.

    Parameters
    ----------
    y, predicted : (n_rows,) float

    Examples
    --------
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    y, predicted = np.asarray(y, np.float64), np.asarray(predicted, np.float64)
    residual = float(np.sum((y - predicted) ** 2))
    total = float(np.sum((y - np.mean(y)) ** 2))
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total
