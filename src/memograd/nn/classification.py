"""Losses of classes and labels: cross-entropies of the class of each sample, an index from 0, or of many yes and no."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from scipy.special import expit

from memograd.nn.arrays import Array, DType, cast
from memograd.nn.loss import Loss, column_of, shaped
from memograd.nn.settings import BELOW_ONE, settle
from memograd.nn.targets import class_indices, label_table


class ClassificationLoss(Loss):
    """A loss of the class of each sample, an index counted from 0."""

    __slots__ = ()

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """The probability of each class: (n_samples, n_classes), of the scores' dtype."""

    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """The target as (n_samples,) int64; see `Loss.target_array`."""
        return class_indices(y, max(n_outputs, 2))


@final
@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy(ClassificationLoss):
    """−log of the probability given to the right one of two classes, of one score: the log-odds of class 1.

    Parameters
    ----------
    label_smoothing : float
        The share of each target that is spread evenly over both classes.

    Raises
    ------
    BadSetting
        Unless `label_smoothing` is in [0, 1).

    Examples
    --------
    >>> BinaryCrossEntropy().per_sample(np.array([[0.0], [1e4], [1e4]]), np.array([1, 1, 0])).round(4)
    array([6.931e-01, 0.000e+00, 1.000e+04])
    """

    least_outputs: ClassVar[int] = 1
    most_outputs: ClassVar[int | None] = 1

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        settle(self, label_smoothing=BELOW_ONE)

    def per_sample(self, scores: Array, target: Array) -> Array:
        """log(1 + exp(m)), where m is the score in favour of the wrong class; see `Loss.per_sample`."""
        return _of_log_odds(column_of(scores), target, self.label_smoothing)

    def predict(self, scores: Array) -> Array:
        """The more probable class: (n_samples,) int64."""
        return (column_of(scores) > 0).astype(np.int64)

    def probabilities(self, scores: Array) -> Array:
        """The probabilities of class 0 and class 1; both keep their precision near 0."""
        return np.concatenate([expit(-scores), expit(scores)], axis=1)


@final
@dataclass(frozen=True, slots=True)
class CrossEntropy(ClassificationLoss):
    """−log of the probability that the softmax of the scores gives to the right class.

    Rounding can make the loss of a sample that is all but certain negative, by one part in 10⁷ (float32).

    Parameters
    ----------
    label_smoothing : float
        The share of each target that is spread evenly over all classes (Szegedy et al. 2016, section 7).

    Raises
    ------
    BadSetting
        Unless `label_smoothing` is in [0, 1).

    Examples
    --------
    >>> CrossEntropy().per_sample(np.array([[0.0, 0.0], [1e4, -1e4]]), np.array([1, 1])).round(4)
    array([6.931e-01, 2.000e+04])
    """

    least_outputs: ClassVar[int] = 2

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        settle(self, label_smoothing=BELOW_ONE)

    def per_sample(self, scores: Array, target: Array) -> Array:
        """log Σ exp(s) − s[target], both shifted; see `Loss.per_sample`."""
        n_samples, n_classes = scores.shape
        target = shaped(target, (n_samples,))
        shifted = _shifted(scores)
        log_sum = np.log(np.sum(np.exp(shifted), axis=1))
        # A comparison with the class numbers, for a gather's derivative is a scatter.
        is_target = np.expand_dims(target, 1) == np.arange(n_classes, dtype=target.dtype)
        right = np.sum(np.where(is_target, shifted, 0.0), axis=1)
        if not self.label_smoothing:
            return log_sum - right
        return log_sum - (1.0 - self.label_smoothing) * right - self.label_smoothing * np.mean(shifted, axis=1)

    def predict(self, scores: Array) -> Array:
        """The most probable class, the first of equals: (n_samples,) int64."""
        return np.argmax(scores, axis=1)

    def probabilities(self, scores: Array) -> Array:
        """The softmax of the scores."""
        powers = np.exp(_shifted(scores))
        return powers / np.sum(powers, axis=1, keepdims=True)


@final
@dataclass(frozen=True, slots=True)
class MultiLabelCrossEntropy(Loss):
    """The mean over labels of −log of the probability given to what is so: whether the sample has the label or not.

    Each label has a score of its own, its log-odds; a sample may have any number of labels.

    Parameters
    ----------
    label_smoothing : float
        The share of each target that is spread evenly over yes and no.

    Raises
    ------
    BadSetting
        Unless `label_smoothing` is in [0, 1).

    Examples
    --------
    >>> loss = MultiLabelCrossEntropy()
    >>> scores = np.array([[0.0, 0.0], [1e4, -1e4]])
    >>> loss.per_sample(scores, np.array([[1.0, 0.0], [1.0, 1.0]])).round(4)
    array([6.931e-01, 5.000e+03])
    >>> loss.predict(scores)
    array([[0, 0],
           [1, 0]])
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        settle(self, label_smoothing=BELOW_ONE)

    def per_sample(self, scores: Array, target: Array) -> Array:
        """The mean over labels of log(1 + exp(m)), m the score in favour of the wrong answer; see `Loss.per_sample`."""
        return np.mean(_of_log_odds(scores, target, self.label_smoothing), axis=1)

    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """The target as (n_samples, n_outputs) of `dtype`, 0 and 1; see `Loss.target_array`."""
        return label_table(y, n_outputs, dtype)

    def predict(self, scores: Array) -> Array:
        """Whether each label is more probable than not, as 0 and 1: (n_samples, n_outputs) int64."""
        return (scores > 0).astype(np.int64)

    def probabilities(self, scores: Array) -> Array:
        """The probability of each label: (n_samples, n_outputs), of the scores' dtype."""
        return expit(scores)


def _of_log_odds(scores: Array, target: Array, label_smoothing: float) -> Array:
    """log(1 + exp(m)) for each score, m being the score in favour of the wrong one of two answers."""
    wrong = scores * (1.0 - 2.0 * cast(shaped(target, scores.shape), scores.dtype))
    values = np.logaddexp(wrong, 0.0)
    # log(1 + exp(−m)) is log(1 + exp(m)) − m, so smoothing needs no second logarithm.
    return values - (0.5 * label_smoothing) * wrong if label_smoothing else values


def _shifted(scores: Array) -> Array:
    """Scores less a number for each sample, such that the largest lies in [0, 1)."""
    # The shift cancels in value and derivative. Being floored it has no derivative, so none is computed.
    return scores - np.floor(np.max(scores, axis=1, keepdims=True))
