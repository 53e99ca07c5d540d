"""A metric or scorer of scikit-learn as what judges the epochs of a training."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

from memograd.errors import BadSetting, UnknownName
from memograd.nn.arrays import Array
from memograd.nn.losses import resolve_loss
from memograd.nn.mlp import MLP
from memograd.table.target import ClassTarget, NumberTarget, Target
from memograd.train.model import decided
from memograd.train.rows import Rows
from memograd.train.tabular import Judge
from memograd.train.validation import Score


def judge_of(scoring: Any) -> tuple[str, Judge]:
    """The name of a score, and what makes it.

    Parameters
    ----------
    scoring : str or callable
        A name that scikit-learn knows, a scorer ``(estimator, X, y) -> float``, or a metric ``(y_true, y_pred) ->
        float``; the larger the better.

    Raises
    ------
    UnknownName
        When scikit-learn has no such scorer.
    BadSetting
        When it is no callable of two or three arguments.
    """
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", type(scoring).__name__)
    scorer = _scorer(scoring)
    takes_weight = _takes_weight(scorer)

    def make(network: MLP, target: Target) -> Score:
        stand_in = _Numbers(network, target) if isinstance(target, NumberTarget) else _Classes(network, target)

        def score(scores: Array, rows: Rows) -> float:
            weighted = {"sample_weight": rows.weight} if takes_weight and rows.weight is not None else {}
            return float(scorer(stand_in, scores, stand_in.truth(rows.y), **weighted))

        return score

    return name, make


def _scorer(scoring: Any) -> Callable[..., float]:
    if isinstance(scoring, str):
        try:
            found: Callable[..., float] = get_scorer(scoring)
        except ValueError:
            raise UnknownName(
                f"scoring={scoring!r}: there is no such scorer; sklearn.metrics.get_scorer_names() lists all"
            ) from None
        return found
    n_arguments = _n_arguments(scoring)
    if n_arguments == 3:
        return scoring  # type: ignore[no-any-return]
    if n_arguments == 2:
        return lambda estimator, X, y: scoring(y, estimator.predict(X))
    raise BadSetting(
        f"scoring={scoring!r}: it must be a name, a scorer of (estimator, X, y), or a metric of (y_true, y_pred)"
    )


def _n_arguments(scoring: Any) -> int:
    """How many arguments must be given by position."""
    if not callable(scoring):
        return 0
    parameters = inspect.signature(scoring).parameters.values()
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _takes_weight(scorer: Callable[..., float]) -> bool:
    """Whether a scorer of scikit-learn takes the weights of rows; such of users are called without."""
    score = getattr(scorer, "_score_func", None)
    return score is not None and "sample_weight" in inspect.signature(score).parameters


class _Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a classifier whose "rows" are the scores that its network gave for them."""

    def __init__(self, network: MLP, target: Target) -> None:
        self.network = network
        self.target = target

    @property
    def classes_(self) -> Array:
        """All classes; of labels, their numbers."""
        return self.target.labels if isinstance(self.target, ClassTarget) else np.arange(self.target.n_outputs)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def truth(self, y: Array) -> Array:
        """What is to be predicted, from what the loss takes."""
        return self.target.decode(y) if isinstance(self.target, ClassTarget) else y.astype(np.int64)

    def predict_proba(self, X: Array) -> Array:
        """The probability of each class or label."""
        loss: Any = resolve_loss(self.network.loss)
        found: Array = loss.probabilities(X.astype(np.float64))
        return found

    def predict(self, X: Array) -> Array:
        """The class, or the labels."""
        return decided(self.target, self.predict_proba(X))


class _Numbers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a regressor whose "rows" are the scores that its network gave for them."""

    def __init__(self, network: MLP, target: NumberTarget) -> None:
        self.network = network
        self.target = target

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def truth(self, y: Array) -> Array:
        """What is to be predicted, from what the loss takes."""
        return self.target.decode(y, clip=False)

    def predict(self, X: Array) -> Array:
        """The numbers."""
        return self.target.decode(resolve_loss(self.network.loss).predict(X), clip=False)
