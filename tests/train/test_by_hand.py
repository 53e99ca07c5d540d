"""The training loop against one written without it: derivatives by the package autograd, updates spelled out here.

Only the first parameters and the order of the rows are shared, and the order is drawn here by its definition.
"""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import value_and_grad
from numpy.typing import NDArray

from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam, AdamW
from memograd.train.loop import Rows, fit
from memograd.train.settings import Settings

SEED, EPOCHS, BATCH, N_ROWS, RATE, MOMENTUM, DECAY = 5, 3, 8, 21, 0.05, 0.9, 0.5
N_STEPS = math.ceil(N_ROWS / BATCH)  # the last minibatch has 5 rows

Layers = list[dict[str, NDArray[Any]]]


def scores(layers: Layers, X: Any) -> Any:
    """A tanh network."""
    for layer in layers[:-1]:
        X = anp.tanh(anp.dot(X, layer["W"]) + layer["b"])
    return anp.dot(X, layers[-1]["W"]) + layers[-1]["b"]


def squared_error(layers: Layers, X: Any, y: Any, weight: Any) -> Any:
    """The weighted mean over the rows of the mean square over the outputs."""
    return anp.sum(weight * anp.mean((scores(layers, X) - y) ** 2, axis=1)) / anp.sum(weight)


def cross_entropy(layers: Layers, X: Any, y: Any, weight: Any) -> Any:
    """The weighted mean over the rows of minus the log of the softmax at the right class."""
    out = scores(layers, X)
    log_softmax = out - anp.log(anp.sum(anp.exp(out), axis=1, keepdims=True))
    return -anp.sum(weight * anp.sum(log_softmax * np.eye(3)[y], axis=1)) / anp.sum(weight)


def sgd(w: Any, g: Any, state: dict[str, Any], t: int, rate: float) -> Any:
    """A step of stochastic gradient descent with momentum."""
    state["v"] = MOMENTUM * state.get("v", 0.0) + g
    return w - rate * state["v"]


def adam(w: Any, g: Any, state: dict[str, Any], t: int, rate: float) -> Any:
    """A step of Adam as in the paper."""
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g**2
    return w - rate * (state["m"] / (1 - 0.9**t)) / (np.sqrt(state["v"] / (1 - 0.999**t)) + 1e-8)


def adamw(w: Any, g: Any, state: dict[str, Any], t: int, rate: float) -> Any:
    """A step of Adam, and one that shrinks matrices."""
    return adam(w - rate * DECAY * w if w.ndim == 2 else w, g, state, t, rate)


def trained(layers: Layers, rows: Rows, loss: Any, update: Any) -> tuple[Layers, list[float]]:
    """The parameters after all epochs, and the loss of each epoch."""
    states: list[dict[str, dict[str, Any]]] = [{"W": {}, "b": {}} for _ in layers]
    weight = np.ones(N_ROWS) if rows.weight is None else rows.weight
    losses, t = [], 0
    for epoch in range(EPOCHS):
        stream = np.random.Philox(key=np.array([SEED, 0], np.uint64), counter=np.array([0, 0, epoch, 2], np.uint64))
        order = np.random.Generator(stream).permutation(N_ROWS)
        total = 0.0
        for first in range(0, N_ROWS, BATCH):
            some = order[first : first + BATCH]
            value, gradients = value_and_grad(loss)(layers, rows.X[some], rows.y[some], weight[some])
            rate = RATE * 0.5 * (1 + math.cos(math.pi * (t + 0.5) / (EPOCHS * N_STEPS)))
            t += 1
            layers = [
                {name: update(layer[name], gradient[name], state[name], t, rate) for name in layer}
                for layer, gradient, state in zip(layers, gradients, states, strict=True)
            ]
            total += value * weight[some].sum()
        losses.append(total / weight.sum())
    return layers, losses


OPTIMIZERS = {
    "sgd": (SGD(RATE, momentum=MOMENTUM), sgd),
    "adam": (Adam(RATE), adam),
    "adamw": (AdamW(RATE, weight_decay=DECAY), adamw),
}


# 1e-12 and 1e-6: nine steps of some hundred roundings each, of about 1e-16 and 6e-8.
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_same_parameters(optimizer: str, loss: str, weighted: bool, dtype: Any, tolerance: float) -> None:
    """After nine steps, with a ragged last minibatch, parameters and losses are those of a loop written by hand."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, N_ROWS) if loss == "cross_entropy" else rng.normal(size=(N_ROWS, 3)).astype(dtype)
    weight = rng.uniform(0.1, 2.0, N_ROWS).astype(dtype) if weighted else None
    rows = Rows(rng.normal(size=(N_ROWS, 4)).astype(dtype), y, weight)
    network = MLP((4, 6, 5, 3), "tanh", loss)
    ours, update = OPTIMIZERS[optimizer]
    settings = Settings(epochs=EPOCHS, batch_size=BATCH, optimizer=ours, schedule="cosine", seed=SEED, engine="numpy")
    fitted = fit(network, rows, settings=settings)
    losses_by_name = {"squared_error": squared_error, "cross_entropy": cross_entropy}
    expected, losses = trained(network.init(SEED, dtype), rows, losses_by_name[loss], update)
    assert fitted.best.number == EPOCHS  # so what came back are the last parameters
    np.testing.assert_allclose([epoch.loss for epoch in fitted.history], losses, rtol=10 * tolerance)
    for found, layer in zip(fitted.parameters, expected, strict=True):
        for name in ("W", "b"):
            np.testing.assert_allclose(found[name], layer[name], atol=tolerance)
