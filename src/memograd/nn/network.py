"""A network: layers and the loss they are trained against. All of it is NumPy code on parameters passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np

from memograd.nn.arrays import Array, Parameters, check_columns, float_dtype
from memograd.nn.layer import Layer, Noise, rate_factors
from memograd.nn.loss import weighted_mean
from memograd.nn.losses import LossLike, resolve_loss
from memograd.nn.settings import WORD, checked


class Trainable(Protocol):
    """What can be trained: parameters go in, one number that should be small comes out."""

    def loss_value(
        self, parameters: Parameters, X: Array, y: Array, weight: Array | None = None, noise: Noise | None = None
    ) -> Array:
        """The mean loss over the samples, weighted if weights are given."""


@final
@dataclass(frozen=True, slots=True)
class Network:
    """Layers and a loss.

    Parameters
    ----------
    body : Layer
        Its output are the scores; often a `Sequential`.
    loss : str, Loss or callable
        By name, as a record, or a function ``(scores, target) -> (n_samples,)``.

    Raises
    ------
    UnknownName
        When there is no such loss.
    BadSetting
        When the loss takes another number of outputs.

    Examples
    --------
    >>> from memograd.nn.layers import Dense, LayerNorm, Residual, Sequential
    >>> block = Residual(LayerNorm(8), Dense(8, 8, "relu"))
    >>> network = Network(Sequential(Dense(2, 8), block, Dense(8, 3)), "cross_entropy")
    >>> parameters = network.init(seed=0)
    >>> network.predict(parameters, np.zeros((5, 2), np.float32))
    array([0, 0, 0, 0, 0])
    """

    body: Layer
    loss: LossLike = "squared_error"

    def __post_init__(self) -> None:
        loss = resolve_loss(self.loss)
        object.__setattr__(self, "loss", loss)
        if self.body.n_out is not None:
            loss.check_outputs(self.body.n_out)

    def init(self, seed: int, dtype: Any = np.float32) -> Parameters:
        """Parameters to start from; the same for the same seed, and in float32 the rounded ones of float64.

        Raises
        ------
        BadSetting
            Unless `seed` is an integer in [0, 2**64).
        DtypeError
            Unless `dtype` is float32 or float64.
        """
        # A generator by name: what `default_rng` stands for may change with NumPy.
        generator = np.random.Generator(np.random.PCG64(checked("init", "seed", seed, WORD)))
        return self.body.init(generator, float_dtype(dtype))

    def rate_factors(self, parameters: Parameters) -> Parameters:
        """What multiplies the learning rate of each parameter; see `memograd.nn.layer.rate_factors`."""
        return rate_factors(self.body, parameters)

    def __call__(self, parameters: Parameters, X: Array, noise: Noise | None = None) -> Array:
        """The scores.

        Parameters
        ----------
        parameters : as from `init`
        X : (n_samples, n_in) of the parameters' dtype
        noise : Noise or None
            For dropout, when training; None when predicting.

        Returns
        -------
        scores : (n_samples, n_out)

        Raises
        ------
        ShapeError
            When X has another number of columns.
        """
        check_columns("the network", X, self.body.n_in)
        return self.body(parameters, X, noise)

    def loss_value(
        self, parameters: Parameters, X: Array, y: Array, weight: Array | None = None, noise: Noise | None = None
    ) -> Array:
        """The mean loss over the samples, weighted if weights are given.

        Parameters
        ----------
        parameters, X, noise : as in `__call__`
        y : (n_samples,) or (n_samples, n_out)
            As the loss's `target_array` returns it.
        weight : (n_samples,) or None

        Returns
        -------
        value : () of the parameters' dtype

        Raises
        ------
        ShapeError
            When the arrays do not fit the network or each other.
        """
        return weighted_mean(resolve_loss(self.loss).per_sample(self(parameters, X, noise), y), weight)

    def predict(self, parameters: Parameters, X: Array) -> Array:
        """What the loss makes of the scores: numbers (n_samples, n_out), or class indices (n_samples,)."""
        return resolve_loss(self.loss).predict(self(parameters, X))
