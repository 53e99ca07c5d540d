"""Activation functions: a table with one row for each, of its name, its NumPy code and how weights before it start.

Elementwise; float32 stays float32. No row overflows or gives a NaN, in its value or in its derivative, for a finite
argument; and all let a NaN through, so that a training run that diverged cannot hide behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from scipy.special import erf, expit

from memograd.nn.arrays import Array
from memograd.nn.families import is_function, look_up, refusal

LEAKY_SLOPE = 0.01
# From here on mish(x) is x: 1 − tanh(log(1 + e²⁰)) is 10⁻¹⁷, below half a unit in the last place of float64.
MISH_IS_LINEAR = 20.0
# Klambauer, Unterthiner, Mayr, Hochreiter 2017, "Self-normalizing neural networks", equations 14, more digits.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@dataclass(frozen=True, slots=True)
class Activation:
    """A row of the table, or a user's function made one.

    Attributes
    ----------
    name : str
    function : callable
        Elementwise NumPy code.
    variance : callable
        From the numbers of inputs and outputs of a dense layer to the variance with which its weights start.

    Examples
    --------
    >>> ACTIVATIONS["relu"](np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    name: str
    function: Callable[[Array], Array] = field(repr=False)
    variance: Callable[[int, int], float] = field(repr=False)

    def __call__(self, x: Array) -> Array:
        """The function of each element."""
        return self.function(x)


ActivationLike: TypeAlias = str | Activation | Callable[[Array], Array]


def resolve_activation(activation: ActivationLike) -> Activation:
    """The row of a name; a function becomes a row whose weights start as Glorot and Bengio say.

    Raises
    ------
    UnknownName
        When no row has that name.

    Examples
    --------
    >>> resolve_activation("tanh")
    Activation(name='tanh')
    >>> resolve_activation(np.sin)
    Activation(name='sin')
    """
    if isinstance(activation, Activation):
        return activation
    if is_function(activation):
        return Activation(getattr(activation, "__name__", type(activation).__name__), activation, glorot)
    return look_up("activation", ACTIVATIONS, activation)


def activation_name(activation: Activation) -> str:
    """The name under which a file can hold an activation.

    Raises
    ------
    ModelFileError
        When it is a user's function, which no file can hold.
    """
    if ACTIVATIONS.get(activation.name) != activation:
        raise refusal("activation", activation, ACTIVATIONS)
    return activation.name


def he(n_in: int, n_out: int) -> float:
    """2 / n_in (He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers", section 2.2)."""
    return 2.0 / n_in


def he_leaky(n_in: int, n_out: int) -> float:
    """2 / ((1 + slope²) n_in): as `he`, for the leaky ReLU (equation 15 there)."""
    return 2.0 / ((1.0 + LEAKY_SLOPE**2) * n_in)


def lecun(n_in: int, n_out: int) -> float:
    """1 / n_in (LeCun, Bottou, Orr, Müller 1998, "Efficient BackProp", section 4.6)."""
    return 1.0 / n_in


def glorot(n_in: int, n_out: int) -> float:
    """2 / (n_in + n_out) (Glorot and Bengio 2010, "Understanding the difficulty of training", equation 12)."""
    return 2.0 / (n_in + n_out)


def identity(x: Array) -> Array:
    """x."""
    return x


def relu(x: Array) -> Array:
    """max(x, 0); its derivative at 0 is 0."""
    # where(x > 0, x, 0) would turn a NaN into a 0; maximum(x, 0) would leave the derivative at 0 to a tie.
    return np.where(x <= 0, 0.0, x)


def leaky_relu(x: Array) -> Array:
    """x above 0, 0.01 x elsewhere."""
    return np.where(x > 0, x, LEAKY_SLOPE * x)


def elu(x: Array) -> Array:
    """x above 0, exp(x) − 1 elsewhere (Clevert, Unterthiner, Hochreiter 2016, α = 1)."""
    return np.where(x > 0, x, _expm1_below_zero(x))


def selu(x: Array) -> Array:
    """λ x above 0, λ α (exp(x) − 1) elsewhere, with the published λ and α."""
    return np.where(x > 0, SELU_SCALE * x, (SELU_SCALE * SELU_ALPHA) * _expm1_below_zero(x))


def gelu(x: Array) -> Array:
    """x Φ(x), with the exact normal distribution function (Hendrycks and Gimpel 2016)."""
    return 0.5 * x * (1.0 + erf(math.sqrt(0.5) * x))


def silu(x: Array) -> Array:
    """x / (1 + exp(−x))."""
    return x * expit(x)


def mish(x: Array) -> Array:
    """x tanh(log(1 + exp(x))) (Misra 2020, "Mish: a self regularized non-monotonic activation function")."""
    # With p = exp(x), tanh(log(1 + p)) is n / (n + 2) where n = p² + 2 p: one exponential instead of three functions,
    # and no cancellation. p² + 2 p and not p (p + 2), which would keep one more array for the derivative. Above the
    # limit the quotient is 1; a NaN is not above it.
    p = np.exp(np.where(x > MISH_IS_LINEAR, MISH_IS_LINEAR, x))
    n = np.square(p) + 2.0 * p
    return x * (n / (n + 2.0))


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(−x))."""
    return expit(x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    return np.logaddexp(x, 0.0)


def _expm1_below_zero(x: Array) -> Array:
    # The branch that `where` leaves out is computed and differentiated all the same: exp(1000) · 0 is a NaN.
    return np.expm1(np.where(x > 0, 0.0, x))


ACTIVATIONS: Mapping[str, Activation] = {
    row.name: row
    for row in (
        Activation("identity", identity, glorot),
        Activation("relu", relu, he),
        Activation("leaky_relu", leaky_relu, he_leaky),
        Activation("elu", elu, he),
        Activation("selu", selu, lecun),
        Activation("gelu", gelu, he),
        Activation("silu", silu, he),
        Activation("mish", mish, he),
        Activation("tanh", tanh, glorot),
        Activation("sigmoid", sigmoid, glorot),
        Activation("softplus", softplus, he),
    )
}
