"""What a loss is: from a network's scores and a target to one number a sample; and from scores to predictions.

Scores are what the network puts out, before any inverse link, so that logarithms and exponentials can cancel: every
loss is finite and has finite derivatives for scores of ±10,000 in float32. Only `target_array` reads values; the rest
can be traced.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from memograd.errors import BadSetting, ShapeError
from memograd.nn.arrays import Array, DType, cast


class Loss(ABC):
    """What a network is trained against.

    Attributes
    ----------
    least_outputs, most_outputs : int, int or None
        How many scores a sample may have.
    """

    __slots__ = ()

    least_outputs: ClassVar[int] = 1
    most_outputs: ClassVar[int | None] = None

    @abstractmethod
    def per_sample(self, scores: Array, target: Array) -> Array:
        """The loss of each sample.

        Parameters
        ----------
        scores : (n_samples, n_outputs) float
        target : as `target_array` returns it; (n_samples,) will do for one output

        Returns
        -------
        values : (n_samples,) of the scores' dtype

        Raises
        ------
        ShapeError
            When scores and target do not fit.
        """

    @abstractmethod
    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """A user's target as the array that `per_sample` takes; a copy, or `y` itself where that will do.

        Parameters
        ----------
        y : array of numbers
        n_outputs : int
            How many scores a sample has.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        DataError
            Where a value is not a target of this loss; with its row and column, counted from 0.
        """

    def predict(self, scores: Array) -> Array:
        """The prediction that scores stand for: here, themselves."""
        return scores

    def check_outputs(self, n_outputs: int) -> None:
        """Raise BadSetting unless a network of so many outputs can be trained against this loss."""
        most = math.inf if self.most_outputs is None else self.most_outputs
        if not self.least_outputs <= n_outputs <= most:
            wanted = f"exactly {most}" if most == self.least_outputs else f"at least {self.least_outputs}"
            raise BadSetting(f"{self!r} takes {wanted} outputs a sample, not {n_outputs}")


def weighted_mean(values: Array, weight: Array | None = None) -> Array:
    """Σ w v / Σ w over the samples: a weight of 2 counts a sample twice, one of 0 leaves it out.

    Parameters
    ----------
    values : (n_samples,) float
    weight : (n_samples,) float of at least 0, or None
        None weighs all samples alike. If all weights are 0, as can happen in a minibatch, the mean is 0.

    Returns
    -------
    mean : () of the values' dtype

    Raises
    ------
    ShapeError
        Unless there is one weight a sample.

    Examples
    --------
    >>> weighted_mean(np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    np.float64(2.0)
    """
    if weight is None:
        return np.mean(values)
    if tuple(weight.shape) != tuple(values.shape):
        raise ShapeError(f"{values.shape[0]} samples have weights of shape {tuple(weight.shape)}")
    weight = cast(weight, values.dtype)
    return np.sum(weight * values) / np.maximum(np.sum(weight), float(np.finfo(values.dtype).tiny))


def shaped(target: Array, shape: tuple[int, ...]) -> Array:
    """The target in the shape (n,), (n, 1) or (n, m) that is wanted; never by broadcasting n against n."""
    if tuple(target.shape) == tuple(shape):
        return target
    if {tuple(target.shape), tuple(shape)} == {(shape[0],), (shape[0], 1)}:
        return np.reshape(target, shape)
    raise ShapeError(f"the target has shape {tuple(target.shape)}, and the scores call for {tuple(shape)}")


def column_of(scores: Array) -> Array:
    """(n, 1) as (n,)."""
    if scores.ndim != 2 or scores.shape[1] != 1:
        raise ShapeError(f"scores of shape {tuple(scores.shape)} are not one output a sample, (n_samples, 1)")
    return np.reshape(scores, (scores.shape[0],))
