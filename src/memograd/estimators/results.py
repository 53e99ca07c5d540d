"""What a training came to, under scikit-learn's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from memograd.nn.arrays import Array
from memograd.nn.losses import resolve_loss
from memograd.nn.regression import Poisson
from memograd.train.history import Epoch
from memograd.train.loop import Fit
from memograd.train.model import Model
from memograd.train.tabular import Trained

_OUT_ACTIVATIONS = {
    "CrossEntropy": "softmax",
    "BinaryCrossEntropy": "logistic",
    "MultiLabelCrossEntropy": "logistic",
    Poisson.__name__: "exp",
}


class Fitted:
    """The attributes that an estimator has once it is fitted.

    Those of several members are means over them, `coefs_` and `intercepts_` are those of the first.
    """

    model_: Model
    _trained: Trained
    _histories: tuple[tuple[Epoch, ...], ...]
    t_: int

    def _note(self, trained: Trained, start: Trained | None) -> None:
        """Set the attributes; what is continued keeps its history."""
        fits = trained.fits
        before = self._histories if start is not None else ((),) * len(fits)
        self._histories = tuple((*old, *fit.history) for old, fit in zip(before, fits, strict=True))
        self._trained = trained
        self.model_ = trained.model
        self.memo_ = trained.memo
        self.n_iter_ = max(len(fit.history) for fit in fits)
        self.t_ = (self.t_ if start is not None else 0) + self.n_iter_ * trained.n_train
        self._note_curves(fits)
        sizes = trained.model.network.sizes
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        loss = type(resolve_loss(trained.model.network.loss)).__name__
        self.out_activation_ = _OUT_ACTIVATIONS.get(loss, "identity")

    def _note_curves(self, fits: Sequence[Fit]) -> None:
        histories = self._histories
        self.loss_curve_ = _curve(histories, lambda epoch: epoch.loss) or []
        self.validation_loss_curve_ = _curve(histories, lambda epoch: epoch.validation_loss)
        self.validation_scores_ = _curve(histories, lambda epoch: epoch.validation_score)
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = min(self.loss_curve_)
        scores = self.validation_scores_
        self.best_validation_score_ = max(scores) if scores else None

    @property
    def coefs_(self) -> list[Array]:
        """For each layer the weights : (n_in, n_out) float32 by which its inputs, as they are encoded, are multiplied.

        A scale of the inputs, and the factor of the neural tangent parametrization, are in them.
        """
        model = self._fitted_model()
        factors = model.network.product_factors
        return [_effective(layer, factor) for layer, factor in zip(model.members[0], factors, strict=True)]

    @property
    def intercepts_(self) -> list[Array]:
        """For each layer the biases : (n_out,) float32."""
        return [layer["b"].copy() for layer in self._fitted_model().members[0]]

    def _fitted_model(self) -> Model:
        if not hasattr(self, "model_"):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return self.model_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _checked_model(self) -> Model:
        if not hasattr(self, "model_"):  # `check_is_fitted` asks for all tags first: as long as a prediction
            check_is_fitted(self)
        return self.model_


def _effective(layer: Any, factor: float) -> Array:
    weights: Array = layer["W"] * np.float32(factor)
    return layer["input_scale"][:, None] * weights if "input_scale" in layer else weights


def _curve(histories: Sequence[Sequence[Epoch]], value: Callable[[Epoch], float | None]) -> list[float] | None:
    """A number for each epoch: the mean over the members that have such an epoch. None if there is no number at all."""
    curve = []
    for index in range(max(map(len, histories))):
        numbers = [value(history[index]) for history in histories if index < len(history)]
        known = [number for number in numbers if number is not None]
        if not known:
            return None
        curve.append(fmean(known))
    return curve
