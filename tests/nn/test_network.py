"""A network of layers and a loss."""

from __future__ import annotations

import numpy as np
import pytest

from memograd.errors import BadSetting, DtypeError, ShapeError, UnknownName
from memograd.gradient.transforms import value_and_grad
from memograd.nn.classification import CrossEntropy
from memograd.nn.layer import Noise
from memograd.nn.layers import Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.network import Network

BODY = Sequential(Dense(3, 8), Residual(LayerNorm(8), Dense(8, 16, "gelu"), Dropout(0.5), Dense(16, 8)), Dense(8, 4))
NETWORK = Network(BODY, "cross_entropy")
X = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
Y = np.arange(10) % 4


def test_the_loss_is_the_mean_over_the_samples() -> None:
    """Without weights, the value is the plain mean of the loss of the scores."""
    parameters = NETWORK.init(0)
    expected = CrossEntropy().per_sample(NETWORK(parameters, X), Y).mean()
    assert NETWORK.loss_value(parameters, X, Y) == expected


def test_a_residual_network_learns() -> None:
    """Layer normalization, a residual block and dropout are differentiated as all else: some steps lower the loss."""
    parameters = NETWORK.init(0, np.float64)
    before = NETWORK.loss_value(parameters, X, Y)
    for step in range(50):
        noise = Noise.at(0, 0, step)
        gradient = value_and_grad(lambda p, noise=noise: NETWORK.loss_value(p, X, Y, noise=noise))(parameters)[1]
        parameters = [
            {k: layer[k] - 0.1 * slope[k] for k in layer}
            if isinstance(layer, dict)
            else [{k: p[k] - 0.1 * g[k] for k in p} for p, g in zip(layer, slope, strict=True)]
            for layer, slope in zip(parameters, gradient, strict=True)
        ]
    assert NETWORK.loss_value(parameters, X, Y) < 0.8 * before


def test_a_seed_is_a_network() -> None:
    """The same seed gives the same parameters, another seed others, and nothing global is read."""
    np.random.seed(0)  # noqa: NPY002
    first = NETWORK.init(5)[0]["W"]
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(first, NETWORK.init(5)[0]["W"])
    assert (first != NETWORK.init(6)[0]["W"]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype: type) -> None:
    """Parameters, scores, loss and predictions come in the dtype that was asked for."""
    parameters = NETWORK.init(0, dtype)
    scores = NETWORK(parameters, X.astype(dtype), Noise.at(0, 0, 0))
    assert parameters[1][0]["scale"].dtype == scores.dtype == dtype
    assert NETWORK.loss_value(parameters, X.astype(dtype), Y).dtype == dtype


def test_noise_matters_in_training_only() -> None:
    """Scores with noise differ from those without, and predictions have none."""
    parameters = NETWORK.init(0)
    assert (NETWORK(parameters, X, Noise.at(0, 0, 0)) != NETWORK(parameters, X)).any()
    expected = np.argmax(NETWORK(parameters, X), axis=1)
    np.testing.assert_array_equal(NETWORK.predict(parameters, X), expected)


def test_bad_networks() -> None:
    """What a network cannot be made of, or applied to, is said when it is."""
    with pytest.raises(BadSetting, match="takes exactly 1 outputs a sample, not 4"):
        Network(BODY, "binary_cross_entropy")
    with pytest.raises(UnknownName, match="there is no loss 'mse'"):
        Network(BODY, "mse")
    with pytest.raises(BadSetting, match=r"init\(seed=-1\): seed must be an integer"):
        NETWORK.init(-1)
    with pytest.raises(DtypeError, match="parameters of dtype float16"):
        NETWORK.init(0, np.float16)
    with pytest.raises(ShapeError, match=r"the network takes an array of shape \(n_samples, 3\), not \(10, 2\)"):
        NETWORK(NETWORK.init(0), X[:, :2])
