"""Layers: what they compute, which widths meet, and where dropout draws its bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting, ShapeError, UnknownName
from memograd.gradient.transforms import grad
from memograd.nn.layer import Layer, Noise
from memograd.nn.layers import Activate, Dense, Dropout, LayerNorm, Residual, Sequential

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
NOISE = Noise.at(seed=1, epoch=2, step=3)


def start(layer: Layer, dtype: np.dtype[Any] = FLOAT64) -> Any:
    """Parameters from a fixed generator."""
    return layer.init(np.random.default_rng(0), dtype)


def rows(n_samples: int, n_columns: int) -> Any:
    """A table of normal numbers."""
    return np.random.default_rng(1).normal(size=(n_samples, n_columns))


def kept(layer: Layer, shape: tuple[int, int], noise: Noise) -> Any:
    """Which elements a layer without parameters lets through."""
    nothing: Any = [{}] * len(layer.layers) if isinstance(layer, Sequential) else {}
    return layer(nothing, np.ones(shape), noise) != 0


def test_dense_is_the_formula() -> None:
    """A dense layer is f(x W + b), sample by sample and node by node."""
    layer = Dense(3, 2, "tanh")
    parameters, x = start(layer), rows(4, 3)
    parameters["b"] = np.array([0.5, -0.5])
    expected = [
        [np.tanh(sum(x[n, i] * parameters["W"][i, j] for i in range(3)) + parameters["b"][j]) for j in range(2)]
        for n in range(4)
    ]
    np.testing.assert_allclose(layer(parameters, x), expected, rtol=1e-12)


def test_dense_takes_a_function() -> None:
    """Any elementwise NumPy function can be the activation."""
    layer = Dense(2, 2, lambda x: np.sin(x) ** 2)
    parameters = {"W": np.eye(2), "b": np.zeros(2)}
    np.testing.assert_allclose(layer(parameters, rows(3, 2)), np.sin(rows(3, 2)) ** 2)


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 300), ("selu", 1 / 300), ("tanh", 2 / 500)])
def test_dense_starts_with_the_variance_of_its_activation(activation: str, variance: float) -> None:
    """Weights start uniform with that variance, biases at 0."""
    parameters = start(Dense(300, 200, activation))
    limit = np.sqrt(3 * variance)
    # 60,000 draws: a true uniform sample has a p-value below 10⁻⁶ once in a million seeds, and this seed is fixed.
    uniform = scipy.stats.uniform(-limit, 2 * limit)
    assert scipy.stats.kstest(parameters["W"].ravel(), uniform.cdf).pvalue > 1e-6
    np.testing.assert_array_equal(parameters["b"], np.zeros(200))


def test_float32_parameters_are_the_rounded_ones() -> None:
    """The same seed gives the same network in both dtypes, up to rounding."""
    layer = Dense(20, 10, "relu")
    np.testing.assert_array_equal(start(layer, FLOAT32)["W"], start(layer)["W"].astype(np.float32), strict=True)


def test_layer_norm_standardizes_rows() -> None:
    """Each row has mean 0 and variance 1, then the scale and shift of its columns."""
    x = 5 + 3 * rows(4, 6)
    scale, shift = np.arange(1.0, 7.0), np.arange(6.0)
    found = LayerNorm(6, epsilon=1e-12)({"scale": scale, "shift": shift}, x)
    np.testing.assert_allclose(found, scipy.stats.zscore(x, axis=1) * scale + shift, rtol=1e-9)


def test_layer_norm_of_equal_columns_is_the_shift() -> None:
    """A row without variance is not divided by 0."""
    found = LayerNorm(3)({"scale": np.ones(3), "shift": np.arange(3.0)}, np.full((1, 3), 7.0))
    np.testing.assert_array_equal(found, [[0.0, 1.0, 2.0]])


def test_layer_norm_derivative() -> None:
    """The derivative for input, scale and shift is autograd's."""

    def formula(x: Any, scale: Any, shift: Any) -> Any:
        centred = x - anp.mean(x, axis=1, keepdims=True)
        normal = centred / anp.sqrt(anp.mean(centred**2, axis=1, keepdims=True) + 1e-5)
        return anp.sum(anp.sin(normal * scale + shift))

    def ours(x: Any, scale: Any, shift: Any) -> Any:
        return np.sum(np.sin(LayerNorm(3)({"scale": scale, "shift": shift}, x)))

    arguments = rows(4, 3), np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3])
    expected = autograd.grad(formula, (0, 1, 2))(*arguments)
    for found, wanted in zip(grad(ours, (0, 1, 2))(*arguments), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_residual_adds_its_input() -> None:
    """A residual block is x + layers(x)."""
    block = Residual(LayerNorm(3), Dense(3, 5, "gelu"), Dense(5, 3))
    parameters, x = start(block), rows(4, 3)
    np.testing.assert_array_equal(block(parameters, x), x + block.body(parameters, x))


def test_sequential_applies_in_order() -> None:
    """The output of each layer is the input of the next, each with its own parameters."""
    first, second = Dense(3, 5, "tanh"), Dense(5, 2)
    chain = Sequential(first, second)
    parameters, x = start(chain), rows(4, 3)
    np.testing.assert_array_equal(chain(parameters, x), second(parameters[1], first(parameters[0], x)))
    assert (chain.n_in, chain.n_out) == (3, 2)


def test_sequential_is_associative() -> None:
    """Chains of chains are the chain of all layers, parameters and random streams included."""
    a, b, c = Dense(3, 4), Dropout(0.5), Dense(4, 2)
    flat = Sequential(a, b, c)
    assert Sequential(Sequential(a, b), c) == Sequential(a, Sequential(b, c)) == flat


def test_sequential_built_one_by_one() -> None:
    """A chain that is built in a loop, each time of the last and one more layer, is not nested, and soon made."""
    began = time.process_time()
    chain = Sequential()
    for _ in range(5_000):
        chain = Sequential(chain, Activate("tanh"))
    assert len(chain.layers) == 5_000
    assert chain([{}] * 5_000, np.ones((1, 1))).shape == (1, 1)
    # It takes a third of a second here; to check each layer again each time takes two minutes.
    assert time.process_time() - began < 30


@pytest.mark.parametrize("n_layers", [1_000, 10_000])
def test_depth_is_no_limit(n_layers: int) -> None:
    """A network of thousands of layers is made, started and evaluated, in linear time."""
    began = time.process_time()
    network = Sequential(*(Residual(Dense(2, 2, "tanh"), Dropout(0.1)) for _ in range(n_layers)))
    assert np.isfinite(network(start(network), rows(3, 2), NOISE)).all()
    # It takes 50 µs a layer here; a walk that is quadratic would take minutes for 10,000.
    assert time.process_time() - began < n_layers * 2e-3


def test_dropout_predicts_as_the_identity() -> None:
    """Without noise, and with a rate of 0, dropout returns what it was given."""
    x = rows(3, 2)
    assert Dropout(0.5)({}, x) is x
    assert Dropout(0.0)({}, x, NOISE) is x


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 1 / 3])
def test_dropout_keeps_the_exact_share(rate: float) -> None:
    """An element is kept with probability 1 − rate, to 2⁻³²; what is kept is scaled so that the mean stays."""
    layer, n = Dropout(rate), 1_000_000
    assert abs(layer.threshold / 2**32 - (1 - rate)) <= 2**-33
    mask = kept(layer, (n, 1), NOISE)
    # Binomial: six standard deviations are left by chance once in 5·10⁸ seeds, and this one is fixed.
    assert abs(mask.mean() - (1 - rate)) < 6 * np.sqrt(rate * (1 - rate) / n)
    values = layer({}, np.ones((1_000, 10)), NOISE)
    np.testing.assert_array_equal(np.unique(values), [0.0, 2**32 / layer.threshold])


def test_dropout_never_drops_everything() -> None:
    """A rate whose distance to 1 is below 2⁻³² keeps one in 2³², and its scale is finite."""
    assert Dropout(np.nextafter(1.0, 0.0)).threshold == 1


def test_dropout_is_reproducible() -> None:
    """The same seed, epoch and step give the same mask; any other gives another."""
    layer, shape = Dropout(0.5), (50, 20)
    first = kept(layer, shape, NOISE)
    np.testing.assert_array_equal(first, kept(layer, shape, Noise.at(1, 2, 3)))
    for other in (Noise.at(9, 2, 3), Noise.at(1, 9, 3), Noise.at(1, 2, 9), Noise.at(1, 3, 2)):
        assert 0.4 < (first != kept(layer, shape, other)).mean() < 0.6


def test_dropout_ignores_the_values() -> None:
    """Which elements go does not depend on what is in the batch."""
    dropped = Dropout(0.5)({}, 1 + rows(20, 5) ** 2, NOISE) == 0
    np.testing.assert_array_equal(dropped, ~kept(Dropout(0.5), (20, 5), NOISE))


def test_dropout_drops_what_is_not_finite() -> None:
    """A dropped infinity is 0 and not NaN."""
    found = Dropout(0.5)({}, np.full((20, 5), np.inf), NOISE)
    assert set(np.unique(found)) == {0.0, np.inf}


def test_dropout_derivative_is_the_mask() -> None:
    """The derivative is the scale where an element is kept, and 0 where not; and float32 stays float32."""
    x = rows(20, 5).astype(np.float32)
    found = grad(lambda x: np.sum(Dropout(0.25)({}, x, NOISE)))(x)
    expected = kept(Dropout(0.25), (20, 5), NOISE) * np.float32(4 / 3)
    np.testing.assert_array_equal(found, expected, strict=True)


def streams_of(network: Sequential, shape: tuple[int, int]) -> list[Any]:
    """The mask of each dropout of a network, found by running it with the other layers replaced by nothing."""
    masks = []
    for index, layer in enumerate(network.layers):
        skipped = sum(other.n_streams for other in network.layers[:index])
        if isinstance(layer, Dropout):
            masks.append(kept(layer, shape, NOISE.skip(skipped)))
    return masks


def test_dropouts_of_a_network_are_independent() -> None:
    """No two layers share a mask: theirs agree on half of the elements, as independent ones do."""
    shape, network = (200, 50), Sequential(Dropout(0.5), Dropout(0.5), Activate("relu"), Dropout(0.5))
    masks = streams_of(network, shape)
    assert len(masks) == 3
    for i, j in ((0, 1), (0, 2), (1, 2)):
        # 10,000 coin tosses: six standard deviations are 0.03.
        assert abs((masks[i] == masks[j]).mean() - 0.5) < 0.03
    np.testing.assert_array_equal(kept(network, shape, NOISE), masks[0] & masks[1] & masks[2])


def test_streams_are_numbered_by_place() -> None:
    """A dropout keeps its stream whatever stands between it and the ones before, residual blocks counted through."""
    shape = (30, 10)
    nested = Residual(Dropout(0.5), Activate("relu"), Dropout(0.5))
    network = Sequential(Dropout(0.5), nested, Dropout(0.5))
    assert network.n_streams == 4
    x = np.ones(shape)
    masks = [2 * kept(Dropout(0.5), shape, NOISE.skip(place)) for place in range(4)]
    x = x * masks[0]
    expected = (x + x * masks[1] * masks[2]) * masks[3]
    np.testing.assert_array_equal(network([{}, [{}, {}, {}], {}], np.ones(shape), NOISE), expected)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_noise_holds_all_of_seed_epoch_and_step(seed: int, epoch: int, step: int) -> None:
    """Nothing of the three numbers is cut off, and nothing is shared between them."""
    noise = Noise.at(seed, epoch, step)
    assert noise.key.tolist() == [seed, 0]
    assert noise.counter.tolist() == [0, step, epoch, 0]
    assert noise.skip(3).key.tolist() == [seed, 3]


BAD_LAYERS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: Dense(0, 2), BadSetting, r"Dense\(n_in=0\): n_in must be a positive integer"),
    (lambda: Dense(2, 2.0), BadSetting, r"Dense\(n_out=2.0\): n_out must be a positive integer"),  # type: ignore[arg-type]
    (lambda: Dense(2, 2, "rely"), UnknownName, "there is no activation 'rely'; did you mean 'relu'"),
    (lambda: Activate("tan"), UnknownName, "did you mean 'tanh'"),
    (lambda: LayerNorm(-1), BadSetting, r"LayerNorm\(n=-1\)"),
    (lambda: LayerNorm(2, epsilon=0.0), BadSetting, r"LayerNorm\(epsilon=0.0\): epsilon must be a finite number above"),
    (lambda: Dropout(1.0), BadSetting, r"Dropout\(rate=1.0\): rate must be a number in \[0, 1\)"),
    (lambda: Noise.at(-1, 0, 0), BadSetting, r"Noise.at\(seed=-1\): seed must be an integer in \[0, 2\*\*64\)"),
    (lambda: Sequential(Dense(2, 3), Dropout(0.1), Dense(4, 1)), ShapeError,
     r"layer 2 \(counted from 0\), Dense\(n_in=4, .*\), takes 4 columns, but the layers before it give 3"),
    (lambda: Sequential(Dense(2, 3), LayerNorm(2)), ShapeError, r"layer 1 .* takes 2 columns, .* give 3"),
    (lambda: Sequential(np.tanh), BadSetting, r"layer 0 .* is no layer but <ufunc 'tanh'>; .* Activate\(function\)"),  # type: ignore[arg-type]
    (lambda: Sequential(Dense), BadSetting, "layer 0 .* is no layer but <class"),  # type: ignore[arg-type]
    (lambda: Residual(Dense(2, 3)), ShapeError, "Residual: the layers take 2 columns and give 3"),
    (lambda: Dense(2, 3)({"W": np.ones((2, 3)), "b": np.ones(3)}, np.ones((4, 5))), ShapeError,
     r"Dense\(n_in=2, n_out=3, .*\) takes an array of shape \(n_samples, 2\), not \(4, 5\)"),
    (lambda: LayerNorm(2)({}, np.ones(2)), ShapeError, r"takes an array of shape \(n_samples, 2\), not \(2,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "text"), BAD_LAYERS)
def test_bad_layers(make: Callable[[], Any], kind: type[Exception], text: str) -> None:
    """A layer that makes no sense cannot be made, and one that does not fit its input says so."""
    with pytest.raises(kind, match=text):
        make()
