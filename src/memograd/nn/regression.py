"""Losses of numbers: one for each output, and their mean over the outputs of a sample."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from memograd.nn.arrays import Array, DType, cast
from memograd.nn.loss import Loss, column_of, shaped
from memograd.nn.settings import INSIDE_UNIT, POSITIVE, settle
from memograd.nn.targets import number_table

# A mean count of e^30 = 10^13 is beyond any data. Up to there the Poisson loss is exact; its gradient, squared and
# summed by an optimiser, stays below 10^30, where float32 reaches 10^38.
LARGEST_LOG_MEAN = 30.0


class RegressionLoss(Loss):
    """A loss of each output, and their mean over the outputs of a sample."""

    __slots__ = ()

    lowest: ClassVar[float] = -math.inf

    @abstractmethod
    def elementwise(self, scores: Array, target: Array) -> Array:
        """The loss of each score, of two arrays of one shape and dtype."""

    def per_sample(self, scores: Array, target: Array) -> Array:
        """The mean over outputs of `elementwise`; see `Loss.per_sample`."""
        values = self.elementwise(scores, cast(shaped(target, scores.shape), scores.dtype))
        return column_of(values) if values.shape[1] == 1 else np.mean(values, axis=1)

    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """The target as (n_samples, n_outputs) of `dtype`; see `Loss.target_array`."""
        return number_table(y, n_outputs, dtype, self.lowest)


@final
@dataclass(frozen=True, slots=True)
class SquaredError(RegressionLoss):
    """(ŷ − y)².

    Examples
    --------
    >>> SquaredError().per_sample(np.array([[1.0], [4.0]]), np.array([0.0, 1.0]))
    array([1., 9.])
    """

    def elementwise(self, scores: Array, target: Array) -> Array:
        """(ŷ − y)²."""
        return np.square(scores - target)


@final
@dataclass(frozen=True, slots=True)
class AbsoluteError(RegressionLoss):
    """\\|ŷ − y\\|; its best constant prediction is the median.

    Examples
    --------
    >>> AbsoluteError().per_sample(np.array([[1.0], [4.0]]), np.array([2.0, 1.0]))
    array([1., 3.])
    """

    def elementwise(self, scores: Array, target: Array) -> Array:
        """\\|ŷ − y\\|."""
        return np.abs(scores - target)


@final
@dataclass(frozen=True, slots=True)
class Huber(RegressionLoss):
    """½ r² for residuals r up to `delta` in size, δ (\\|r\\| − ½ δ) beyond (Huber 1964).

    Raises
    ------
    BadSetting
        Unless `delta` is positive.

    Examples
    --------
    >>> Huber(delta=1.0).per_sample(np.array([[0.5], [3.0]]), np.array([0.0, 0.0]))
    array([0.125, 2.5  ])
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        settle(self, delta=POSITIVE)

    def elementwise(self, scores: Array, target: Array) -> Array:
        """c (\\|r\\| − ½ c) with c = min(\\|r\\|, δ), which is both pieces, and smooth where they meet."""
        size = np.abs(scores - target)
        clipped = np.where(size < self.delta, size, self.delta)
        return clipped * (size - 0.5 * clipped)


@final
@dataclass(frozen=True, slots=True)
class Pinball(RegressionLoss):
    """q r for a prediction that is r too low, (1 − q) r for one that is r too high: fits the quantile q.

    Source: Koenker and Bassett 1978, "Regression quantiles".

    Raises
    ------
    BadSetting
        Unless `quantile` lies between 0 and 1.

    Examples
    --------
    >>> Pinball(quantile=0.9).per_sample(np.array([[0.0], [2.0]]), np.array([1.0, 1.0]))
    array([0.9, 0.1])
    """

    quantile: float = 0.5

    def __post_init__(self) -> None:
        settle(self, quantile=INSIDE_UNIT)

    def elementwise(self, scores: Array, target: Array) -> Array:
        """q r or (q − 1) r, by the sign of r = y − ŷ."""
        residual = target - scores
        return np.where(residual < 0, (self.quantile - 1.0) * residual, self.quantile * residual)


@final
@dataclass(frozen=True, slots=True)
class Poisson(RegressionLoss):
    """exp(s) − y s for counts y with mean exp(s): the negative log-likelihood without log y!, which has no derivative.

    Above s = 30 the exponential is continued along its tangent, so that value and derivative stay finite.

    Examples
    --------
    >>> Poisson().per_sample(np.array([[0.0], [1.0]]), np.array([3.0, 2.0])).round(4)
    array([1.    , 0.7183])
    """

    lowest: ClassVar[float] = 0.0

    def elementwise(self, scores: Array, target: Array) -> Array:
        """exp(t) (1 + s − t) − y s with t = min(s, 30)."""
        low = np.where(scores < LARGEST_LOG_MEAN, scores, LARGEST_LOG_MEAN)
        return np.exp(low) * (scores - low + 1.0) - target * scores

    def predict(self, scores: Array) -> Array:
        """The mean count, exp(s), of at most e^30."""
        return np.exp(np.minimum(scores, LARGEST_LOG_MEAN))
