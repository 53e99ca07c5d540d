"""How good predictions are: one number, the larger the better."""

from __future__ import annotations

import numpy as np

from memograd.graph.node import Array


def accuracy(y: Array, predicted: Array, weight: Array | None = None) -> float:
    """The share of rows that are predicted right; of several labels, all of them.

    Parameters
    ----------
    y, predicted : (n_rows,) or (n_rows, n_labels)
    weight : (n_rows,) float, optional

    Examples
    --------
    >>> accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4]))
    0.75
    >>> accuracy(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]), np.array([3.0, 1.0]))
    0.75
    """
    is_right = y == predicted
    return float(np.average(is_right if is_right.ndim == 1 else is_right.all(axis=1), weights=weight))


def r2(y: Array, predicted: Array, weight: Array | None = None) -> float:
    """One minus the residual sum of squares over that of the mean; 1 is perfect, 0 as good as the mean.

    Of a constant `y` it is 1 when the prediction is exact, else 0; of several outputs it is the mean over them, as in
    scikit-learn.

    Parameters
    ----------
    y, predicted : (n_rows,) or (n_rows, n_outputs) float
    weight : (n_rows,) float, optional

    Examples
    --------
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    y, predicted = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (y, predicted))
    weights = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    residual = weights @ (y - predicted) ** 2
    total = weights @ (y - np.average(y, axis=0, weights=weights)) ** 2
    varies = total > 0
    each = np.where(varies, 1 - residual / np.where(varies, total, 1.0), residual == 0)
    return float(np.mean(each))
