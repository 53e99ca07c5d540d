"""Activations: values and derivatives against formulas that are written otherwise, and their rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import autograd.scipy.special as aspecial
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import ModelFileError, UnknownName
from memograd.gradient.transforms import grad
from memograd.nn.activations import ACTIVATIONS, Activation, activation_name, resolve_activation

POINTS = np.array([-30.0, -5.0, -1.0, -0.3, -1e-9, 1e-9, 0.3, 1.0, 5.0, 30.0])

# One number at a time, from the standard library and SciPy's distributions.
REFERENCES: dict[str, Callable[[float], float]] = {
    "identity": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: max(x, x / 100),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "gelu": lambda x: x * float(scipy.stats.norm.cdf(x)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
}

# The formulas of the papers, without care for large arguments, in autograd's NumPy.
FORMULAS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda x: 1.0 * x,
    "relu": lambda x: anp.where(x > 0, x, 0.0 * x),
    "leaky_relu": lambda x: anp.where(x > 0, x, 0.01 * x),
    "elu": lambda x: anp.where(x > 0, x, anp.exp(x) - 1),
    "selu": lambda x: 1.0507009873554805 * anp.where(x > 0, x, 1.6732632423543772 * (anp.exp(x) - 1)),
    "gelu": lambda x: x * (1 + aspecial.erf(x / anp.sqrt(2.0))) / 2,
    "silu": lambda x: x / (1 + anp.exp(-x)),
    "mish": lambda x: x * anp.tanh(anp.log(1 + anp.exp(x))),
    "tanh": anp.tanh,
    "sigmoid": lambda x: 1 / (1 + anp.exp(-x)),
    "softplus": lambda x: anp.log(1 + anp.exp(x)),
}

NAMES = sorted(ACTIVATIONS)


def derivative(name: str, x: Any) -> Any:
    """The derivative at each point."""
    return grad(lambda points: np.sum(ACTIVATIONS[name](points)))(x)


def test_every_row_has_its_references() -> None:
    """No activation is without a test of its value and its derivative."""
    assert ACTIVATIONS.keys() == REFERENCES.keys() == FORMULAS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_values(name: str) -> None:
    """An activation has the value of its formula."""
    expected = [REFERENCES[name](x) for x in POINTS.tolist()]
    # 1 + erf(x) cancels for negative x, which costs gelu digits that are relative to |x|.
    np.testing.assert_allclose(ACTIVATIONS[name](POINTS), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str) -> None:
    """An activation has the derivative that autograd finds for its formula."""
    expected = autograd.elementwise_grad(FORMULAS[name])(POINTS)
    np.testing.assert_allclose(derivative(name, POINTS), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@given(x=st.floats(-1e4, 1e4, width=32))
def test_nothing_overflows(name: str, x: float) -> None:
    """Value and derivative are finite, and float32, for all float32 arguments up to 10,000."""
    point = np.array([x], np.float32)
    for result in (ACTIVATIONS[name](point), derivative(name, point)):
        assert result.dtype == np.float32
        assert np.isfinite(result).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(share=st.floats(-1, 1))
def test_mish_of_any_number(dtype: Any, share: float) -> None:
    """Up to the largest number there is, mish and its derivative are finite, with no warning on the way."""
    point = np.array([share * np.finfo(dtype).max, share * 30], dtype)
    for result in (ACTIVATIONS["mish"](point), derivative("mish", point)):
        assert np.isfinite(result).all()


def test_mish_keeps_its_digits() -> None:
    """In float32 it is right to some units in the last place, where it is tiny as well as where it turns into x."""
    x = np.linspace(-80, 80, 4_001, dtype=np.float32)
    expected = [REFERENCES["mish"](value) for value in x.tolist()]
    np.testing.assert_allclose(ACTIVATIONS["mish"](x), expected, rtol=5e-7)


@pytest.mark.parametrize(("name", "expected"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)])
def test_derivatives_at_the_kink(name: str, expected: float) -> None:
    """At 0 the derivative is that from the left; for ReLU it is 0."""
    assert derivative(name, np.zeros(1))[0] == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_is_not_hidden(name: str) -> None:
    """A NaN stays a NaN, so that a run that diverged is noticed."""
    with np.errstate(invalid="ignore"):  # NumPy's logaddexp warns of it besides
        assert np.isnan(ACTIVATIONS[name](np.array([np.nan]))).all()


@pytest.mark.parametrize(("name", "variance"), [
    ("relu", 2 / 8), ("elu", 2 / 8), ("gelu", 2 / 8), ("selu", 1 / 8), ("tanh", 2 / 12), ("sigmoid", 2 / 12),
    ("identity", 2 / 12), ("leaky_relu", 2 / (1.0001 * 8)), ("mish", 2 / 8),
])  # fmt: skip
def test_weights_start_as_suits_the_activation(name: str, variance: float) -> None:
    """The variance for 8 inputs and 4 outputs is He's for rectifiers, LeCun's for SELU, Glorot's for the rest."""
    assert ACTIVATIONS[name].variance(8, 4) == pytest.approx(variance, rel=1e-12)


def test_selu_keeps_mean_and_variance() -> None:
    """The published constants make mean 0 and variance 1 a fixed point for normal inputs."""
    x = scipy.stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    y = ACTIVATIONS["selu"](x)
    # The grid of quantiles misses the tails beyond 4.5 standard deviations, 2·10⁻⁵ of the variance.
    np.testing.assert_allclose([y.mean(), y.var()], [0.0, 1.0], atol=1e-4)


def test_resolving() -> None:
    """A name gives its row, a row itself, and a function a row of its own that starts weights as Glorot's."""
    row = resolve_activation(np.cos)
    assert resolve_activation("relu") is ACTIVATIONS["relu"]
    assert resolve_activation(row) is row
    assert (row.name, row.function, row.variance(8, 4)) == ("cos", np.cos, 2 / 12)


def test_an_unknown_activation() -> None:
    """The message suggests what is close and lists the table."""
    with pytest.raises(UnknownName, match=r"there is no activation 'rleu'; did you mean 'relu'.*There are: elu, gelu"):
        resolve_activation("rleu")


def test_a_function_has_no_name_for_a_file() -> None:
    """A user's function cannot be written, even under the name of a row."""
    with pytest.raises(ModelFileError, match="is code"):
        activation_name(Activation("relu", np.cos, ACTIVATIONS["relu"].variance))
    assert activation_name(ACTIVATIONS["relu"]) == "relu"
