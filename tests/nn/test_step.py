"""The training step: one function, one graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.linear_model

from memograd.errors import BadSetting, UnknownName
from memograd.gradient.transforms import grad
from memograd.graph.evaluate import evaluate
from memograd.graph.tracing import take_apart, trace
from memograd.graph.tree import flatten, unflatten
from memograd.graph.walk import topological
from memograd.nn.layer import Noise
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.mlp import MLP
from memograd.nn.network import Network
from memograd.nn.optimizers import SGD, Adam
from memograd.nn.step import Clock, training_step

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(16, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
START = Clock(np.float32(0.5), Noise.at(0, 0, 0))


def test_a_step_is_gradient_then_update() -> None:
    """The step returns the loss before it, and what the optimiser makes of the gradient at the schedule's rate."""
    network, optimizer = MLP((3, 4, 2), "tanh", "cross_entropy"), SGD(0.5)
    parameters = network.init(0)
    moved, _, loss = training_step(network, optimizer, "linear")(parameters, {}, X, Y, None, START)
    slope = grad(network.loss_value)(parameters, X, Y)
    expected, _ = optimizer.update(parameters, slope, {}, 0.5)
    assert loss == network.loss_value(parameters, X, Y)
    for found, wanted in zip(flatten(moved)[0], flatten(expected)[0], strict=True):
        np.testing.assert_array_equal(found, wanted, strict=True)


def test_the_penalty_is_on_weights_alone() -> None:
    """½ l2 Σ W² adds l2 W to the gradient of each weight, nothing to that of a bias, and nothing to the loss."""
    network = MLP((3, 4, 2), "tanh", "cross_entropy")
    parameters = network.init(0, np.float64)
    arguments: Any = parameters, {}, X.astype(np.float64), Y, None, START
    plain, _, loss = training_step(network, SGD(1.0))(*arguments)
    moved, _, penalized_loss = training_step(network, SGD(1.0), l2=0.1)(*arguments)
    assert penalized_loss == loss
    for layer, without, with_penalty in zip(parameters, plain, moved, strict=True):
        np.testing.assert_allclose(without["W"] - with_penalty["W"], 0.1 * layer["W"], rtol=1e-9)
        np.testing.assert_array_equal(without["b"], with_penalty["b"])


def test_ridge_regression() -> None:
    """A linear network trained with the penalty ends where scikit-learn's Ridge does."""
    x, y = X.astype(np.float64), X.astype(np.float64) @ np.array([1.0, -2.0, 0.5]) + 3
    step = training_step(MLP((3, 1)), SGD(0.1), l2=0.2)
    parameters = MLP((3, 1)).init(0, np.float64)
    for _ in range(500):
        parameters, _, _ = step(parameters, {}, x, y, None, START)
    # The mean of squares plus ½ · 0.2 ‖w‖² is, times n, the sum of squares plus 0.1 n ‖w‖².
    peer = sklearn.linear_model.Ridge(alpha=0.1 * len(x)).fit(x, y)
    np.testing.assert_allclose(parameters[0]["W"][:, 0], peer.coef_, rtol=1e-6)
    np.testing.assert_allclose(parameters[0]["b"][0], peer.intercept_, rtol=1e-6)


NETWORKS = [
    MLP((3, 4, 2), "relu", "cross_entropy", dropout=0.5, layer_norm=True),
    MLP((3, 4, 1), "selu", "binary_cross_entropy"),
    MLP((3, 4, 1), "gelu", "poisson"),
    MLP((3, 4, 2), "mish", "cross_entropy", parametrization="neural_tangent", scaled_input=True, embedded=(2,)),
    Network(Sequential(Dense(3, 4), Residual(LayerNorm(4), Dense(4, 4, "silu"), Dropout(0.5)), Dense(4, 1)), "huber"),
]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("weight", [None, np.linspace(0, 2, 16, dtype=np.float32)])
def test_a_step_is_one_graph(network: Any, weight: Any) -> None:
    """The whole step is traced, with no float64 in it, and the graph does bit for bit what the step does."""
    optimizer = Adam(0.01)
    step = training_step(network, optimizer, "warmup_cosine", l2=0.01)
    parameters = network.init(0)
    arguments = parameters, optimizer.init(parameters), X, Y, weight, START
    taken = take_apart(step, arguments, {})
    graph, structure = trace(step, taken)
    assert "float64" not in {node.dtype.name for node in topological(graph.outputs)}
    values = evaluate(graph.outputs, dict(zip(graph.inputs, taken.values, strict=True)))
    found, expected = flatten(unflatten(structure, values))[0], flatten(step(*arguments))[0]
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_penalty_itself_is_not_in_the_graph() -> None:
    """The sum of squares is dead once differentiated: the penalty costs one product and one sum a weight."""
    network = MLP((3, 4, 4, 2), "tanh", "cross_entropy")
    parameters = network.init(0)

    def n_reductions(l2: float) -> int:
        step = training_step(network, SGD(), l2=l2)
        graph, _ = trace(step, take_apart(step, (parameters, {}, X, Y, None, START), {}))
        return sum(node.op == "sum" for node in topological(graph.outputs))

    assert n_reductions(0.1) == n_reductions(0.0)


def test_a_weight_of_zero_is_no_row() -> None:
    """Steps with rows of weight 0 are those without the rows, up to rounding."""
    network = MLP((3, 4, 2), "tanh", "cross_entropy")
    parameters = network.init(0, np.float64)
    step = training_step(network, SGD(0.5))
    weight = (np.arange(16) % 2).astype(np.float64)
    x = X.astype(np.float64)
    found = step(parameters, {}, x, Y, weight, START)
    expected = step(parameters, {}, x[1::2], Y[1::2], None, START)
    for a, b in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_training_can_be_entered_anywhere() -> None:
    """Five steps are three steps and then two from what they returned, dropout included, bit for bit."""
    network, optimizer = MLP((3, 8, 2), "relu", "cross_entropy", dropout=0.5), Adam(0.01)
    step = training_step(network, optimizer, "cosine")

    def run(parameters: Any, state: Any, numbers: range) -> tuple[Any, Any]:
        for number in numbers:
            clock = Clock(np.float32((number + 1) / 5), Noise.at(7, 0, number))
            parameters, state, _ = step(parameters, state, X, Y, None, clock)
        return parameters, state

    start = network.init(7), optimizer.init(network.init(7))
    whole, parts = run(*start, range(5)), run(*run(*start, range(3)), range(3, 5))
    for a, b in zip(flatten(whole)[0], flatten(parts)[0], strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_names_and_settings_are_checked_when_it_is_made() -> None:
    """A bad name or penalty is an error before the first step."""
    with pytest.raises(UnknownName, match="there is no optimiser 'adm'; did you mean 'adam'"):
        training_step(MLP((2, 1)), "adm")
    with pytest.raises(UnknownName, match="there is no schedule 'step'"):
        training_step(MLP((2, 1)), "sgd", "step")
    with pytest.raises(BadSetting, match=r"training_step\(l2=-1\): l2 must be a finite number of at least 0"):
        training_step(MLP((2, 1)), l2=-1)
