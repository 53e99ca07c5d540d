"""Steps of training in machine code: networks, activations and losses give what they give in NumPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from memograd.engine.compiled import compile
from memograd.errors import EngineFallback
from memograd.gradient.transforms import grad
from memograd.graph.tree import flatten
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.classification import BinaryCrossEntropy, CrossEntropy, MultiLabelCrossEntropy
from memograd.nn.layer import Noise
from memograd.nn.losses import LOSSES
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam, AdamW, Optimizer
from memograd.nn.schedules import SCHEDULES
from memograd.nn.step import Clock, training_step

N_ROWS = 33  # no whole number of vectors
RECIPE: dict[str, Any] = {"parametrization": "neural_tangent", "scaled_input": True, "zero_output": True}
# Adam divides a gradient by its size: with a small epsilon the roundings of a gradient of 0 would show in full.
RATE: Optimizer = Adam(0.04, beta2=0.95, epsilon=1e-3)

# name: (network, optimiser, schedule)
STEPS: dict[str, tuple[MLP, Optimizer, str]] = {
    "neural tangent": (
        MLP((7, 20, 20, 3), "selu", CrossEntropy(0.1), parametrization="neural_tangent"),
        RATE,
        "cosine",
    ),
    "scaled input": (MLP((7, 20, 3), "tanh", "cross_entropy", scaled_input=True), RATE, "coslog4"),
    "tuned classes": (MLP((7, 20, 20, 3), "selu", CrossEntropy(0.1), **RECIPE), RATE, "coslog4"),
    "tuned numbers": (MLP((7, 20, 20, 2), "mish", **RECIPE), RATE, "coslog4"),
    "two classes": (MLP((7, 20, 1), "selu", BinaryCrossEntropy(0.1), **RECIPE), RATE, "coslog4"),
    "labels": (MLP((7, 20, 4), "mish", MultiLabelCrossEntropy(0.1), **RECIPE), RATE, "coslog4"),
    "embedded": (MLP((7, 20, 3), "selu", "cross_entropy", embedded=(4, 11)), RATE, "coslog4"),
    "embedded alone": (
        MLP((2, 20, 3), "selu", "cross_entropy", embedded=(4, 11), embedding_width=3),
        SGD(0.1),
        "linear",
    ),
    "tuned and embedded": (MLP((7, 20, 3), "mish", CrossEntropy(0.1), embedded=(4, 11), **RECIPE), RATE, "coslog4"),
    "all together": (
        MLP((7, 20, 3), "mish", "cross_entropy", embedded=(11,), layer_norm=True, dropout=0.2, **RECIPE),
        AdamW(0.01, epsilon=1e-3),
        "flat_cosine",
    ),
    "factors of momentum": (MLP((7, 20, 3), "gelu", "cross_entropy", **RECIPE), SGD(0.1, 0.9, nesterov=True), "linear"),
    "narrow": (MLP((2, 3, 1), "mish", **RECIPE), RATE, "coslog4"),
}


def data(network: MLP, dtype: Any) -> tuple[Any, Any]:
    """Rows with codes in the last columns, some of them none, and a target that the loss takes."""
    generator = np.random.default_rng(0)
    n_in, n_out, n_codes = network.sizes[0], network.sizes[-1], len(network.embedded)
    X = generator.normal(size=(N_ROWS, n_in)).astype(dtype)
    X[:, n_in - n_codes :] = generator.integers(0, 11, (N_ROWS, n_codes))
    if n_codes:
        X[:5, -1] = [np.nan, -3.0, 1.5, 1e30, np.inf]
    by_loss: dict[type, Any] = {
        CrossEntropy: generator.integers(0, n_out, N_ROWS),
        BinaryCrossEntropy: generator.integers(0, 2, N_ROWS),
        MultiLabelCrossEntropy: generator.integers(0, 2, (N_ROWS, n_out)),
    }
    loss: Any = network.loss
    y = by_loss.get(type(loss), generator.random((N_ROWS, n_out)))
    return X, loss.target_array(y, n_out, np.dtype(dtype))


def assert_engines_agree(network: MLP, optimizer: Optimizer, schedule: str, dtype: Any) -> None:
    """Three steps in machine code and in NumPy."""
    step = training_step(network, optimizer, schedule, l2=0.01)
    X, y = data(network, dtype)
    start = network.init(0, dtype)
    found = expected = (start, optimizer.init(start))
    first = Clock(dtype(0.5), Noise.at(0, 0, 0))
    program = compile(step, *found, X, y, None, first, engine="native")
    for number in range(3):
        clock = Clock(dtype((number + 0.5) / 3), Noise.at(0, 0, number))
        *found, found_loss = program(*found, X, y, None, clock)  # type: ignore[assignment]
        *expected, expected_loss = step(*expected, X, y, None, clock)  # type: ignore[assignment]
        np.testing.assert_allclose(found_loss, expected_loss, rtol=1e-5 if dtype is np.float32 else 1e-12)
    for a, b in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a, b, rtol=0, atol=scale * (2e-5 if dtype is np.float32 else 1e-12))


@pytest.fixture(autouse=True)
def no_fallback() -> Any:
    """What falls back to NumPy would only be compared with itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", EngineFallback)
        yield


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str, dtype: Any) -> None:
    """Three steps of training lead to NumPy's parameters, but for roundings."""
    assert_engines_agree(*STEPS[name], dtype)


@pytest.mark.parametrize("name", SCHEDULES.members)
def test_schedules(name: str) -> None:
    """Every schedule has machine code."""
    assert_engines_agree(MLP((3, 4, 1), "tanh"), SGD(0.1), name, np.float32)


@pytest.mark.parametrize("name", LOSSES.members)
def test_losses(name: str) -> None:
    """Every loss has machine code."""
    n_out = 1 if name == "binary_cross_entropy" else 3
    assert_engines_agree(MLP((5, 9, n_out), "tanh", name), SGD(0.1), "constant", np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str, dtype: Any) -> None:
    """Every activation, and its derivative, is in machine code what it is in NumPy, at extreme arguments, too."""
    activation = ACTIVATIONS[name]
    edges = [-1e4, -100.0, -1e-9, 0.0, 1e-9, 20.0, 100.0, 1e4]
    largest = np.array([0.9, -0.9]) * np.finfo(dtype).max  # selu is 1.05 x
    x = np.array([*edges, *np.linspace(-30, 30, 121), *largest], dtype)
    g = np.random.default_rng(0).normal(size=x.shape).astype(dtype)

    def both(x: Any, g: Any) -> Any:
        from_gradient = grad(lambda x: np.sum(activation(x) * g))(x)
        return activation(x), from_gradient

    found, expected = compile(both, x, g, engine="native")(x, g), both(x, g)
    eps = float(np.finfo(dtype).eps)
    for a, b in zip(found, expected, strict=True):
        # Functions are good to a few units in the last place; what cancels is so of numbers of about 1.
        np.testing.assert_allclose(a, b, rtol=64 * eps, atol=256 * eps)


def test_a_nan_passes_through_machine_code() -> None:
    """A NaN stays one in mish, so that a run that diverged is noticed."""
    x = np.array([np.nan, 1.0], np.float32)
    found = compile(ACTIVATIONS["mish"], x, engine="native")(x)
    assert np.isnan(found).tolist() == [True, False]


@pytest.mark.parametrize("code", [np.nan, np.inf, -np.inf, -1.0, 1e30, 2.5, 11.0])
def test_no_code_is_read_beyond_the_table(code: float) -> None:
    """Whatever the column holds, machine code reads the row of what was never seen."""
    network = MLP((1, 2), embedded=(11,))
    parameters = network.init(0)
    x = np.full((20, 1), code, np.float32)
    found = compile(network, parameters, x, engine="native")(parameters, x)
    np.testing.assert_allclose(found, network(parameters, np.zeros((20, 1), np.float32)), rtol=1e-6)
