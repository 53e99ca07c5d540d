"""The multilayer perceptron: against its formula on paper, scikit-learn and autograd; and its description."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sklearn.neural_network

from memograd.errors import BadSetting, ModelFileError, ShapeError, UnknownName
from memograd.gradient.transforms import grad, value_and_grad
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.classification import MultiLabelCrossEntropy
from memograd.nn.layer import Noise
from memograd.nn.mlp import MLP
from memograd.nn.regression import Huber, Pinball

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(12, 2))
Y = GENERATOR.normal(size=(12, 1))


def test_the_network_on_paper() -> None:
    """2-2-2-1 with tanh is the formula, written out node by node."""
    network = MLP((2, 2, 2, 1), activation="tanh", loss="squared_error")
    parameters = network.init(seed=3, dtype=np.float64)
    (w1, b1), (w2, b2), (w3, b3) = ((layer["W"], layer["b"]) for layer in parameters)
    for x, y in zip(X, Y, strict=True):
        first = [np.tanh(x[0] * w1[0, j] + x[1] * w1[1, j] + b1[j]) for j in range(2)]
        second = [np.tanh(first[0] * w2[0, j] + first[1] * w2[1, j] + b2[j]) for j in range(2)]
        output = second[0] * w3[0, 0] + second[1] * w3[1, 0] + b3[0]
        assert network(parameters, x[None])[0, 0] == pytest.approx(output, rel=1e-12)
        assert network.loss_value(parameters, x[None], y) == pytest.approx((output - y[0]) ** 2, rel=1e-12)


def test_the_gradient_is_autograds() -> None:
    """All derivatives of the loss are those of autograd for the same formula."""

    def formula(parameters: Any) -> Any:
        x = X
        for layer in parameters[:-1]:
            x = anp.tanh(x @ layer["W"] + layer["b"])
        return anp.mean((x @ parameters[-1]["W"] + parameters[-1]["b"] - Y) ** 2)

    network = MLP((2, 5, 3, 1), activation="tanh")
    parameters = network.init(0, np.float64)
    expected = autograd.grad(formula)(parameters)
    for found, wanted in zip(grad(network.loss_value)(parameters, X, Y), expected, strict=True):
        for name in ("W", "b"):
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_scikit_learn_predicts_the_same(activation: str) -> None:
    """With its weights, the network predicts what scikit-learn's MLPRegressor does."""
    peer = sklearn.neural_network.MLPRegressor(
        hidden_layer_sizes=(5, 3), activation=activation, max_iter=3, random_state=0
    )
    with pytest.warns(UserWarning, match="Maximum iterations"):
        peer.fit(X, Y.ravel())
    parameters = [{"W": W, "b": b} for W, b in zip(peer.coefs_, peer.intercepts_, strict=True)]
    found = MLP((2, 5, 3, 1), activation).predict(parameters, X)
    np.testing.assert_allclose(found[:, 0], peer.predict(X), rtol=1e-12)


@pytest.mark.parametrize(("options", "names"), [
    ({}, {"W", "b"}),
    ({"dropout": 0.5}, {"W", "b"}),
    ({"layer_norm": True}, {"W", "b", "scale", "shift"}),
    ({"layer_norm": True, "dropout": 0.5}, {"W", "b", "scale", "shift"}),
])  # fmt: skip
def test_parameters_are_a_list_of_layers(options: dict[str, Any], names: set[str]) -> None:
    """One dict a layer with W and b, whatever else is chosen; only hidden layers are normalized."""
    parameters = MLP((2, 5, 3, 1), **options).init(0)
    assert [layer.keys() for layer in parameters] == [names, names, {"W", "b"}]
    assert [layer["W"].shape for layer in parameters] == [(2, 5), (5, 3), (3, 1)]
    assert [layer["b"].shape for layer in parameters] == [(5,), (3,), (1,)]


def test_normalization_comes_before_the_activation() -> None:
    """A hidden layer is f(norm(x W + b))."""
    network = MLP((2, 4, 1), "tanh", layer_norm=True)
    hidden, output = network.init(0, np.float64)
    z = X @ hidden["W"] + hidden["b"]
    normal = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    expected = np.tanh(normal) @ output["W"] + output["b"]
    np.testing.assert_allclose(network([hidden, output], X), expected, rtol=1e-12)


def test_dropout_is_on_every_hidden_layer_and_not_on_the_output() -> None:
    """Each hidden layer draws from a stream of its own; the output is never dropped."""
    network = MLP((2, 64, 64, 8), "identity", dropout=0.5)
    assert network.network.body.n_streams == 2
    parameters = [{"W": np.ones(s), "b": np.ones(s[1])} for s in ((2, 64), (64, 64), (64, 8))]
    scores = network(parameters, np.ones((4, 2)), Noise.at(0, 0, 0))
    assert (scores != 0).all()
    assert (scores == scores[:, :1]).all()  # every output sees the same dropped nodes


def test_one_activation_a_layer() -> None:
    """A sequence gives each hidden layer its own activation, the output one besides."""
    network = MLP((2, 3, 4, 1), ["tanh", np.cos], output_activation="sigmoid")
    assert [activation.name for activation in network.activations] == ["tanh", "cos", "sigmoid"]
    assert network.activations[2] is ACTIVATIONS["sigmoid"]


def test_equal_networks_are_equal() -> None:
    """However sizes, activations and numbers were given, the same network is equal and has the same hash."""
    first = MLP((2, 3, 3, 1), "tanh", "huber", dropout=0.5)
    second = MLP([2, np.int64(3), 3, 1], ("tanh", "tanh"), Huber(), dropout=np.float32(0.5))  # type: ignore[list-item, arg-type]
    assert first == second
    assert hash(first) == hash(second)
    assert first != MLP((2, 3, 3, 1), "relu", "huber", dropout=0.5)


def test_a_weight_of_two_is_the_row_twice() -> None:
    """Loss and gradient with a weight of 2 on a row are those of the table in which it stands twice."""
    network = MLP((2, 4, 1), "tanh")
    parameters = network.init(0, np.float64)
    weight = np.ones(12)
    weight[4] = 2
    weighted = value_and_grad(network.loss_value)(parameters, X, Y, weight)
    twice = [*range(12), 4]
    repeated = value_and_grad(network.loss_value)(parameters, X[twice], Y[twice])
    assert weighted[0] == pytest.approx(repeated[0], rel=1e-12)
    for found, wanted in zip(weighted[1], repeated[1], strict=True):
        np.testing.assert_allclose(found["W"], wanted["W"], rtol=1e-9)


@pytest.mark.parametrize("n_layers", [1_000])
def test_a_thousand_layers(n_layers: int) -> None:
    """A network of 1,000 layers is made, evaluated and differentiated."""
    network = MLP((2,) * n_layers + (1,), "tanh", dropout=0.1)
    parameters = network.init(0, np.float64)
    value, gradient = value_and_grad(network.loss_value)(parameters, X, Y)
    assert np.isfinite(value)
    assert len(gradient) == n_layers


CONFIGURED = [
    MLP((2, 1)),
    MLP((2, 3, 3, 1), ("relu", "gelu"), Pinball(0.9), "softplus", dropout=0.25, layer_norm=True),
    MLP((4, 8, 5), "selu", "cross_entropy"),
    MLP(
        (4, 8, 3),
        "mish",
        MultiLabelCrossEntropy(0.1),
        parametrization="neural_tangent",
        scaled_input=True,
        zero_output=True,
        embedded=(5, 300),
        embedding_width=3,
    ),
]


@pytest.mark.parametrize("network", CONFIGURED)
def test_a_description_makes_the_same_network(network: MLP) -> None:
    """What `to_config` writes goes through JSON, and `from_config` makes an equal network of it."""
    assert MLP.from_config(json.loads(json.dumps(network.to_config()))) == network


def test_the_description_is_as_documented() -> None:
    """The description has these keys and values, which files rely on."""
    assert CONFIGURED[1].to_config() == {
        "sizes": [2, 3, 3, 1],
        "activation": ["relu", "gelu"],
        "loss": {"name": "pinball", "quantile": 0.9},
        "output_activation": "softplus",
        "dropout": 0.25,
        "layer_norm": True,
        "parametrization": "standard",
        "scaled_input": False,
        "zero_output": False,
        "embedded": [],
        "embedding_width": 8,
    }
    last = CONFIGURED[3].to_config()
    assert {name: last[name] for name in ADDED} == {
        "parametrization": "neural_tangent", "scaled_input": True, "zero_output": True, "embedded": [5, 300],
        "embedding_width": 3,
    }  # fmt: skip


ADDED = ("parametrization", "scaled_input", "zero_output", "embedded", "embedding_width")


@pytest.mark.parametrize("network", CONFIGURED[:3])
def test_older_descriptions_are_read(network: MLP) -> None:
    """A description that does not know of what was added later makes the network that it made then."""
    older = {name: value for name, value in network.to_config().items() if name not in ADDED}
    assert MLP.from_config(json.loads(json.dumps(older))) == network


@pytest.mark.parametrize("network", [
    MLP((2, 3, 1), np.cos),
    MLP((2, 3, 1), output_activation=lambda x: x),
    MLP((2, 3, 1), loss=lambda scores, target: np.sum(np.abs(scores - target), axis=1)),
])  # fmt: skip
def test_functions_are_not_written(network: MLP) -> None:
    """A network with a user's function refuses to describe itself, with the reason and a way out."""
    with pytest.raises(ModelFileError, match=r"is code, and a model file holds only names and numbers: .* in Python"):
        network.to_config()


@pytest.mark.parametrize(("change", "error", "text"), [
    ({"sizes": None}, ModelFileError, r"missing \['sizes'\], unknown \[\]"),
    ({"extra": 1}, ModelFileError, r"missing \[\], unknown \['extra'\]"),
    ({"loss": {"name": "hubert"}}, UnknownName, "did you mean 'huber'"),
    ({"parametrization": "ntk"}, UnknownName, "there is no parametrization 'ntk'"),
    ({"embedded": [3, 3, 3]}, BadSetting, "3 columns are to be embedded, and there are 2"),
    ({"embedded": 3}, BadSetting, "must be a sequence of integers, not 3"),
    ({"scaled_input": "yes"}, BadSetting, "scaled_input must be True or False"),
    ({"activation": ["tanh", "tanh"]}, BadSetting, "2 activations were given for 1 hidden layers"),
])  # fmt: skip
def test_bad_descriptions(change: dict[str, Any], error: type[Exception], text: str) -> None:
    """A description that lacks, adds or misnames something is refused with what it is."""
    config = {key: value for key, value in {**MLP((2, 3, 1)).to_config(), **change}.items() if value is not None}
    with pytest.raises(error, match=text):
        MLP.from_config(config)


BAD_NETWORKS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: MLP(sizes=(64, 0, -3)), BadSetting,
     r"^MLP\(sizes=\(64, 0, -3\)\): sizes\[1\] is 0 and sizes\[2\] is -3; sizes must be two or more positive integers"),
    (lambda: MLP((64,)), BadSetting, r"MLP\(sizes=\(64,\)\): there are 1; sizes must be two or more"),
    (lambda: MLP(()), BadSetting, "there are 0; sizes"),
    (lambda: MLP((2, 1.5)), BadSetting, r"sizes\[1\] is 1.5"),  # type: ignore[arg-type]
    (lambda: MLP(64), BadSetting, r"MLP\(sizes=64\): sizes must be a sequence, such as \(2, 16, 1\)"),  # type: ignore[arg-type]
    (lambda: MLP((2, 1), "rleu"), UnknownName, "did you mean 'relu'"),
    (lambda: MLP((2, 3, 1), ("relu", "tanh")), BadSetting,
     r"MLP\(sizes=\(2, 3, 1\)\): 2 activations were given for 1 hidden layers"),
    (lambda: MLP((2, 3, 1), loss="mse"), UnknownName, "there is no loss 'mse'"),
    (lambda: MLP((2, 3, 1), loss="cross_entropy"), BadSetting, "takes at least 2 outputs a sample, not 1"),
    (lambda: MLP((2, 3, 1), output_activation="none"), UnknownName, "there is no activation 'none'"),
    (lambda: MLP((2, 3, 1), dropout=1.5), BadSetting, r"MLP\(dropout=1.5\): dropout must be a number in \[0, 1\)"),
    (lambda: MLP((2, 3, 1), layer_norm="yes"), BadSetting, "layer_norm must be True or False"),  # type: ignore[arg-type]
    (lambda: MLP((2, 1)).predict(MLP((2, 1)).init(0), np.ones((3, 5))), ShapeError,
     r"the network takes an array of shape \(n_samples, 2\), not \(3, 5\)"),
    (lambda: MLP((2, 3)).loss_value(MLP((2, 3)).init(0), np.ones((4, 2)), np.ones(4)), ShapeError,
     r"the target has shape \(4,\), and the scores call for \(4, 3\)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "text"), BAD_NETWORKS)
def test_bad_networks(make: Callable[[], Any], kind: type[Exception], text: str) -> None:
    """A network that makes no sense cannot be made; the message says which part, what it is and what it must be."""
    with pytest.raises(kind, match=text):
        make()
