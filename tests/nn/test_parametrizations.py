"""Parametrizations: how parameters start, what stands before a product, and the steps of the published recipe."""

from __future__ import annotations

import math
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.stats

from memograd.errors import BadSetting, UnknownName
from memograd.gradient.numeric import check_grad
from memograd.graph.tree import flatten
from memograd.nn.classification import CrossEntropy
from memograd.nn.layer import rate_factors
from memograd.nn.layers import Dense, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam, AdamW, Optimizer
from memograd.nn.parametrizations import PARAMETRIZATIONS
from memograd.nn.step import Clock, training_step

FLOAT64 = np.dtype(np.float64)
GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(16, 5)), GENERATOR.integers(0, 3, 16)
RECIPE: dict[str, Any] = {"parametrization": "neural_tangent", "scaled_input": True, "zero_output": True}


def test_neural_tangent_is_the_formula() -> None:
    """A layer is f(x W / √n + b), with n the number of its inputs."""
    layer = Dense(5, 3, "tanh", parametrization="neural_tangent")
    parameters = layer.init(GENERATOR, FLOAT64)
    expected = np.tanh(X @ parameters["W"] / math.sqrt(5) + parameters["b"])
    np.testing.assert_allclose(layer(parameters, X), expected, rtol=1e-12)


@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
def test_a_scaled_input_is_the_formula(parametrization: str) -> None:
    """Each column of the input is multiplied by its scale before anything else."""
    layer = Dense(5, 3, "tanh", parametrization=parametrization, scaled_input=True)
    parameters = {**layer.init(GENERATOR, FLOAT64), "input_scale": GENERATOR.normal(size=5)}
    plain = Dense(5, 3, "tanh", parametrization=parametrization)
    expected = plain({name: parameters[name] for name in "Wb"}, X * parameters["input_scale"])
    np.testing.assert_allclose(layer(parameters, X), expected, rtol=1e-12)


def test_neural_tangent_starts_standard_normal() -> None:
    """Weights and biases have mean 0 and variance 1, whatever the activation; scales start at 1."""
    for activation in ("relu", "tanh"):
        layer = Dense(400, 300, activation, parametrization="neural_tangent", scaled_input=True)
        parameters = layer.init(np.random.default_rng(1), FLOAT64)
        for name in ("W", "b"):
            # A true sample has a p-value below 10⁻⁶ once in a million seeds, and this seed is fixed.
            assert scipy.stats.kstest(parameters[name].ravel(), "norm").pvalue > 1e-6
        np.testing.assert_array_equal(parameters["input_scale"], np.ones(400))


def test_glorot_starts_as_scikit_learn_does() -> None:
    """Weights and biases are uniform within ±√(6 / (n_in + n_out)), whatever the activation."""
    limit = math.sqrt(6 / 700)
    for activation in ("relu", "tanh"):
        parameters = Dense(400, 300, activation, parametrization="glorot").init(np.random.default_rng(1), FLOAT64)
        for name in ("W", "b"):
            uniform = (parameters[name].ravel() / limit + 1) / 2
            assert scipy.stats.kstest(uniform, "uniform").pvalue > 1e-6


def test_the_signal_keeps_its_size() -> None:
    """With standard normal inputs, sums in a first layer of any width have variance 2: 1 of the product, 1 of b."""
    for n_in in (4, 64, 1024):
        layer = Dense(n_in, 2_000, parametrization="neural_tangent")
        z = layer(layer.init(np.random.default_rng(2), FLOAT64), np.random.default_rng(3).normal(size=(50, n_in)))
        # 50 rows share the weights: of 4 inputs the squared length scatters by 0.7, its mean over the rows by 0.1.
        assert z.var() == pytest.approx(2.0, abs=0.35)


@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
def test_what_starts_at_zero(parametrization: str) -> None:
    """The last layer, and no other, starts at 0, so that all scores do."""
    network = MLP((5, 8, 3), "selu", "cross_entropy", parametrization=parametrization, zero_output=True)
    hidden, output = network.init(0, np.float64)
    assert hidden["W"].all()
    assert not any(leaf.any() for leaf in output.values())
    np.testing.assert_array_equal(network([hidden, output], X), np.zeros((16, 3)))


@pytest.mark.parametrize("layer_norm", [False, True])
def test_derivatives(layer_norm: bool) -> None:
    """The derivatives of a network with all of it, in float64, are those of small differences."""
    options = {**RECIPE, "zero_output": False, "layer_norm": layer_norm}
    network = MLP((5, 8, 8, 3), "mish", "cross_entropy", **options)
    check_grad(lambda parameters: network.loss_value(parameters, X, Y), network.init(0, np.float64))


def test_factors_of_learning_rates() -> None:
    """Biases of the neural-tangent parametrization learn at 0.1, input scales at 6, and all else at 1."""
    network = MLP((5, 4, 4, 3), "selu", "cross_entropy", layer_norm=True, **RECIPE)
    hidden = {"W": 1.0, "b": 0.1, "scale": 1.0, "shift": 1.0}
    assert network.rate_factors(network.init(0)) == [{**hidden, "input_scale": 6.0}, hidden, {"W": 1.0, "b": 0.1}]


def test_factors_reach_into_nested_layers() -> None:
    """Residual blocks and chains hand on what their layers say; a layer that says nothing learns at 1."""
    inner = Dense(4, 4, parametrization="neural_tangent")
    chain = Sequential(Dense(3, 4), Residual(LayerNorm(4), inner))
    parameters = chain.init(GENERATOR, FLOAT64)
    expected = [{"W": 1.0, "b": 1.0}, [{"scale": 1.0, "shift": 1.0}, {"W": 1.0, "b": 0.1}]]
    assert rate_factors(chain, parameters) == expected


def published_scores(layers: list[dict[str, Any]], x: Any) -> Any:
    """RealMLP-TD-S with tanh, written out: a diagonal layer, then x W / √n + b."""
    x = x * layers[0]["input_scale"]
    for layer in layers[:-1]:
        x = anp.tanh(x @ layer["W"] / math.sqrt(layer["W"].shape[0]) + layer["b"])
    return x @ layers[-1]["W"] / math.sqrt(layers[-1]["W"].shape[0]) + layers[-1]["b"]


def published_loss(layers: list[dict[str, Any]]) -> Any:
    """Cross-entropy with a tenth of each target spread over the three classes."""
    scores = published_scores(layers, X)
    logs = scores - anp.log(anp.sum(anp.exp(scores), axis=1, keepdims=True))
    return -anp.mean(anp.sum((0.9 * np.eye(3)[Y] + 0.1 / 3) * logs, axis=1))


def test_five_steps_are_those_of_the_recipe() -> None:
    """Adam as in its paper, each parameter at its own rate and all by the waves of coslog4, end at the same place."""
    network = MLP((5, 8, 8, 3), "tanh", CrossEntropy(0.1), **RECIPE)
    optimizer = Adam(0.04, beta2=0.95)
    parameters = network.init(0, np.float64)
    step, state = training_step(network, optimizer, "coslog4"), optimizer.init(parameters)
    layers = [{name: array.copy() for name, array in layer.items()} for layer in parameters]
    means = [dict.fromkeys(layer, (0.0, 0.0)) for layer in layers]
    factor_of = {"W": 1.0, "b": 0.1, "input_scale": 6.0}
    for t in range(1, 6):
        progress = (t - 0.5) / 5
        parameters, state, _ = step(parameters, state, X, Y, None, Clock(progress))
        rate = 0.04 * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))
        for layer, mean, slope in zip(layers, means, autograd.grad(published_loss)(layers), strict=True):
            for name, g in slope.items():
                m, v = 0.9 * mean[name][0] + 0.1 * g, 0.95 * mean[name][1] + 0.05 * g**2  # type: ignore[operator]
                mean[name] = m, v
                root = np.sqrt(v / (1 - 0.95**t)) + 1e-8
                layer[name] = layer[name] - rate * factor_of[name] * (m / (1 - 0.9**t)) / root
    for found, expected in zip(parameters, layers, strict=True):
        assert found.keys() == expected.keys()
        for name in found:
            # The output is 0 at first, and the gradients of what is before it are; from then on they are those of the
            # formula to some 10⁻¹⁴, which Adam divides by their size.
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9, nesterov=True), Adam(0.1), AdamW(0.1)])
def test_a_factor_is_another_learning_rate(optimizer: Any) -> None:
    """A parameter with a factor of ¼ moves, and decays, as by the optimiser with a quarter of the rate."""
    slow = type(optimizer)(**{**{k: getattr(optimizer, k) for k in optimizer.__slots__}, "learning_rate": 0.025})
    start: Any = {"W": GENERATOR.normal(size=(2, 3)), "b": GENERATOR.normal(size=3)}
    found, expected = (start, optimizer.init(start)), (start, slow.init(start))
    for _ in range(3):
        slope = {"W": GENERATOR.normal(size=(2, 3)), "b": GENERATOR.normal(size=3)}
        found = optimizer.update(found[0], slope, found[1], 0.7, rate_factors={"W": 0.25, "b": 0.25})
        expected = slow.update(expected[0], slope, expected[1], 0.7)
    for a, b in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


class Halving(Optimizer):
    """An optimiser of a user, which knows nothing of factors."""

    def init(self, parameters: Any) -> Any:
        """Nothing."""
        return {}

    def update(  # type: ignore[override]
        self, parameters: Any, gradients: Any, state: Any, learning_rate_factor: Any = 1.0
    ) -> Any:
        """Half of each array."""
        return [{name: 0.5 * array for name, array in layer.items()} for layer in parameters], state


def test_an_optimiser_of_ones_own_need_not_know_of_factors() -> None:
    """Where all factors are 1 they are not passed on."""
    network = MLP((5, 3), loss="cross_entropy")
    parameters = network.init(0, np.float64)
    moved, _, _ = training_step(network, Halving())(parameters, {}, X, Y, None, Clock(0.5))
    np.testing.assert_array_equal(moved[0]["W"], 0.5 * parameters[0]["W"])


def test_bad_settings() -> None:
    """A name that is in no table is suggested another; flags are flags."""
    with pytest.raises(
        UnknownName, match=r"no parametrization 'neural'; .*There are: glorot, neural_tangent, standard"
    ):
        Dense(2, 3, parametrization="neural")
    with pytest.raises(UnknownName, match="did you mean 'standard'"):
        MLP((2, 3), parametrization="standart")
    with pytest.raises(UnknownName, match=r"there is no parametrization \['standard'\]"):
        MLP((2, 3), parametrization=["standard"])  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match=r"MLP\(scaled_input=1\): scaled_input must be True or False"):
        MLP((2, 3), scaled_input=1)  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="zero_output must be True or False"):
        MLP((2, 3), zero_output=None)  # type: ignore[arg-type]
