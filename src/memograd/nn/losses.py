"""The losses by name, and a user's function as a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from memograd.errors import ShapeError
from memograd.nn.arrays import Array, DType
from memograd.nn.classification import BinaryCrossEntropy, CrossEntropy, MultiLabelCrossEntropy
from memograd.nn.families import Family, is_function
from memograd.nn.loss import Loss
from memograd.nn.regression import AbsoluteError, Huber, Pinball, Poisson, SquaredError
from memograd.nn.targets import any_numbers


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
    >>> import numpy as np
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
        return any_numbers(y, dtype)


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
        "multilabel_cross_entropy": MultiLabelCrossEntropy,
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
    return FunctionLoss(loss) if is_function(loss) else LOSSES.make(loss)
