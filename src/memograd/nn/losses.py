"""Losses: from a network's scores and a target to one number a sample; and from scores to predictions.

Owns what a target may be. Scores are what the network puts out, before any inverse link, so that logarithms and
exponentials can cancel: all losses are finite and have finite derivatives for scores of ±10,000 in float32. Only
`target_array` reads values; the rest can be traced.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
from scipy.special import expit

from memograd.errors import DataError, ShapeError
from memograd.nn.arrays import Array, DType, cast
from memograd.nn.families import Family
from memograd.nn.settings import BELOW_ONE, INSIDE_UNIT, POSITIVE, BadSetting, settle

# A mean count of e^30 = 10^13 is beyond any data. Up to there the Poisson loss is exact; its gradient, squared and
# summed by an optimiser, stays below 10^30, where float32 reaches 10^38.
LARGEST_LOG_MEAN = 30.0


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


class RegressionLoss(Loss):
    """A loss of each output, and their mean over the outputs of a sample."""

    __slots__ = ()

    lowest: ClassVar[float] = -math.inf

    @abstractmethod
    def elementwise(self, scores: Array, target: Array) -> Array:
        """The loss of each score, of two arrays of one shape and dtype."""

    def per_sample(self, scores: Array, target: Array) -> Array:
        """The mean over outputs of `elementwise`; see `Loss.per_sample`."""
        values = self.elementwise(scores, cast(_shaped(target, scores.shape), scores.dtype))
        return _squeezed(values) if values.shape[1] == 1 else np.mean(values, axis=1)

    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """The target as (n_samples, n_outputs) of `dtype`; see `Loss.target_array`."""
        return _table_of_numbers(y, n_outputs, dtype, self.lowest)


class ClassificationLoss(Loss):
    """A loss of the class of each sample, an index counted from 0."""

    __slots__ = ()

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """The probability of each class: (n_samples, n_classes), of the scores' dtype."""

    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """The target as (n_samples,) int64; see `Loss.target_array`."""
        return _class_indices(y, max(n_outputs, 2))


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
        column = _squeezed(scores)
        wrong = column * (1.0 - 2.0 * cast(_shaped(target, column.shape), scores.dtype))
        values = np.logaddexp(wrong, 0.0)
        # log(1 + exp(−m)) is log(1 + exp(m)) − m, so smoothing needs no second logarithm.
        return values - (0.5 * self.label_smoothing) * wrong if self.label_smoothing else values

    def predict(self, scores: Array) -> Array:
        """The more probable class: (n_samples,) int64."""
        return (_squeezed(scores) > 0).astype(np.int64)

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
        target = _shaped(target, (n_samples,))
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
class FunctionLoss(Loss):
    """A user's function of scores and target as a loss; its predictions are the scores.

    Attributes
    ----------
    function : callable
        ``(scores, target) -> (n_samples,)``, in NumPy.

    Examples
    --------
    >>> loss = FunctionLoss(lambda scores, target: np.sum(np.abs(scores - target) ** 3, axis=1))
    >>> loss.per_sample(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    array([9.])
    """

    function: Callable[[Array, Array], Array]

    def per_sample(self, scores: Array, target: Array) -> Array:
        """What the function returns, of which the shape is checked; see `Loss.per_sample`."""
        values = self.function(scores, target)
        if tuple(values.shape) != (scores.shape[0],):
            name = getattr(self.function, "__name__", repr(self.function))
            raise ShapeError(
                f"the loss {name} returned shape {tuple(values.shape)} for {scores.shape[0]} samples; "
                f"it must return one number a sample, ({scores.shape[0]},): sum or mean over axis 1"
            )
        return values

    def target_array(self, y: Any, n_outputs: int, dtype: DType) -> Array:
        """The target in the shape it has, integers as they are, other numbers in `dtype`."""
        numbers = _numbers(y)
        if numbers.dtype.kind != "f":
            return numbers
        return _checked(numbers, _in_dtype(numbers, dtype), np.isfinite, f"finite in {dtype}")


LossLike: TypeAlias = str | Loss | Callable[[Array, Array], Array]

LOSSES: Family[Loss] = Family(
    "loss",
    {
        "squared_error": SquaredError,
        "absolute_error": AbsoluteError,
        "huber": Huber,
        "pinball": Pinball,
        "poisson": Poisson,
        "binary_cross_entropy": BinaryCrossEntropy,
        "cross_entropy": CrossEntropy,
    },
)


def resolve_loss(loss: LossLike) -> Loss:
    """The loss of a name, with its default settings; a function becomes a `FunctionLoss`.

    Raises
    ------
    UnknownName
        When no loss has that name.

    Examples
    --------
    >>> resolve_loss("huber")
    Huber(delta=1.0)
    """
    if isinstance(loss, Loss):
        return loss
    return FunctionLoss(loss) if callable(loss) else LOSSES.make(loss)


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


def _squeezed(scores: Array) -> Array:
    """(n, 1) as (n,)."""
    if scores.ndim != 2 or scores.shape[1] != 1:
        raise ShapeError(f"scores of shape {tuple(scores.shape)} are not one output a sample, (n_samples, 1)")
    return np.reshape(scores, (scores.shape[0],))


def _shaped(target: Array, shape: tuple[int, ...]) -> Array:
    """The target in the shape (n,), (n, 1) or (n, m) that is wanted; never by broadcasting n against n."""
    if tuple(target.shape) == tuple(shape):
        return target
    if {tuple(target.shape), tuple(shape)} == {(shape[0],), (shape[0], 1)}:
        return np.reshape(target, shape)
    raise ShapeError(f"the target has shape {tuple(target.shape)}, and the scores call for {tuple(shape)}")


def _shifted(scores: Array) -> Array:
    """Scores less a number for each sample, such that the largest lies in [0, 1)."""
    # The shift cancels in value and derivative. Being floored it has no derivative, so none is computed.
    return scores - np.floor(np.max(scores, axis=1, keepdims=True))


def _numbers(y: Any) -> Array:
    numbers = np.asarray(y)
    if numbers.dtype.kind not in "biuf":
        raise DataError(f"the target must be numbers, not {numbers.dtype}; encode labels as 0, 1, 2, ...")
    return numbers


def _in_dtype(numbers: Array, dtype: DType) -> Array:
    with np.errstate(over="ignore"):  # what becomes infinite is reported with its row
        return numbers.astype(dtype, copy=False)


def _checked(y: Array, target: Array, allowed: Callable[[Array], Array], requirement: str) -> Array:
    """The target, or a DataError that names the first value of `y` whose place in it is not allowed."""
    bad = np.argwhere(~allowed(target))
    if len(bad):
        place = " column ".join(map(str, bad[0]))
        raise DataError(
            f"the target in row {place} is {y[tuple(bad[0])]}; it must be {requirement} "
            f"({len(bad)} of {y.size} values are not)"
        )
    return target


def _table_of_numbers(y: Any, n_outputs: int, dtype: DType, lowest: float) -> Array:
    numbers = _numbers(y)
    table = np.expand_dims(numbers, 1) if numbers.ndim == 1 else numbers
    if table.ndim != 2 or table.shape[1] != n_outputs:
        raise DataError(
            f"the target has shape {numbers.shape}, and the network {n_outputs} outputs: "
            f"it must have shape (n_samples, {n_outputs}){' or (n_samples,)' if n_outputs == 1 else ''}"
        )
    requirement = f"finite in {dtype}" + ("" if lowest == -math.inf else f" and at least {lowest:g}")
    return _checked(table, _in_dtype(table, dtype), lambda t: np.isfinite(t) & (t >= lowest), requirement)


def _class_indices(y: Any, n_classes: int) -> Array:
    numbers = _numbers(y)
    if numbers.shape not in ((numbers.size,), (numbers.size, 1)):
        raise DataError(f"the target has shape {numbers.shape}; classes must have shape (n_samples,)")
    flat = np.reshape(numbers, (-1,))
    allowed = (flat >= 0) & (flat < n_classes) & (flat == np.floor(flat))
    requirement = f"a class index, an integer from 0 to {n_classes - 1}"
    return _checked(flat, flat, lambda _: allowed, requirement).astype(np.int64, copy=False)
