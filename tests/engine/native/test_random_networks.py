"""One step of training of random networks against NumPy in float64: the gradient is right, and what is made of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from memograd.graph.tree import map_leaves
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.arrays import Array, Parameters
from memograd.nn.losses import LOSSES
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import SGD, Adam, AdamW, Optimizer, State

from .programs import Training, distance, leaves

N_NETWORKS = 100
"""Of each dtype; at most a tenth of a second each to compile."""

# Largest error over the largest element, for each array: rounding, of some hundred operations one after the other.
TOLERANCES = {np.float32: 5e-6, np.float64: 1e-12}

LARGE_RATE = 2.0**30
"""Of SGD: what a parameter was is then less than a rounding error, and what it has become is the gradient."""

LOSS_NAMES = tuple(LOSSES.members)

OPTIMIZERS = (
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.5, nesterov=True),
    Adam(0.01),
    AdamW(0.01, weight_decay=0.3),
)


class Recording(Optimizer):
    """Another optimiser, which keeps the gradient among its state."""

    def __init__(self, inner: Optimizer) -> None:
        self.inner = inner

    def init(self, parameters: Parameters) -> State:
        """Two states."""
        return {"gradient": map_leaves(np.zeros_like, parameters), "inner": self.inner.init(parameters)}

    def update(
        self, parameters: Parameters, gradients: Parameters, state: State, learning_rate_factor: Array = 1.0
    ) -> tuple[Parameters, State]:
        """The other one's step."""
        moved, inner = self.inner.update(parameters, gradients, state["inner"], learning_rate_factor)
        return moved, {"gradient": gradients, "inner": inner}


class Case(NamedTuple):
    """A network, how it is trained, and on what."""

    network: MLP
    optimizer: Optimizer
    l2: float
    data: tuple[Any, Any, Any]


def case(number: int, dtype: Any) -> Case:
    """Widths 1 to 150, one to four layers, every activation, loss and optimiser in turn, 1 to 80 rows."""
    rng = np.random.default_rng((number, np.dtype(dtype).itemsize))
    activations = list(ACTIVATIONS)
    loss = LOSS_NAMES[number % len(LOSS_NAMES)]
    depth = int(rng.integers(1, 5))
    # Small ones are done in another way, with the batch along the lanes.
    widest = (4, 12, 150)[int(rng.integers(3))]
    widths = [int(n) for n in rng.integers(1, widest + 1, depth + 1)]
    if loss == "binary_cross_entropy":
        widths[-1] = 1
    elif loss == "cross_entropy":
        widths[-1] = max(widths[-1], 2)
    hidden = [activations[(number + i) % len(activations)] for i in range(depth - 1)]
    network = MLP(
        tuple(widths),
        hidden,
        loss,
        activations[number // 7 % len(activations)] if number % 5 == 0 else "identity",
        dropout=0.25 if number % 4 == 1 else 0.0,
        layer_norm=number % 6 == 2,
    )
    n_rows = 1 if number % 10 == 0 else int(rng.integers(1, 81))
    X = rng.normal(size=(n_rows, widths[0])).astype(dtype)
    if loss == "multilabel_cross_entropy":
        y = rng.integers(0, 2, (n_rows, widths[-1])).astype(dtype)
    elif "cross_entropy" in loss:
        y = rng.integers(0, max(widths[-1], 2), n_rows)
    else:
        y = rng.normal(size=(n_rows, widths[-1])).astype(dtype)
        y = np.floor(y**2 * 3) if loss == "poisson" else y
    weight = rng.uniform(0.1, 2, n_rows).astype(dtype) if number % 3 == 0 else None
    optimizer = SGD(LARGE_RATE) if number % 2 == 0 else Recording(OPTIMIZERS[number // 2 % len(OPTIMIZERS)])
    return Case(network, optimizer, 0.1 if number % 7 == 3 else 0.0, (X, y, weight))


def start(case: Case, dtype: Any) -> tuple[Any, Any]:
    """Parameters, biases among them, and a state of the optimiser as in the middle of a training.

    At the first step, Adam divides the gradient by its own size: the sign of an element that should be 0 would count.
    """
    rng = np.random.default_rng(0)
    parameters = case.network.init(0, np.float64)
    moved = map_leaves(lambda w: (w + 0.1 * rng.normal(size=w.shape)).astype(dtype), parameters)
    state = case.optimizer.init(moved)
    return moved, map_leaves(lambda w: np.asarray(rng.uniform(0.5, 2, np.shape(w)), np.asarray(w).dtype), state)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("number", range(N_NETWORKS))
def test_a_step_is_that_of_numpy(number: int, dtype: Any) -> None:
    """Gradient, parameters, state of the optimiser and loss of one step are NumPy's in float64, but for rounding."""
    given = case(number, dtype)
    parameters, state = start(given, dtype)
    training = Training(
        given.network, given.optimizer, given.data, parameters=parameters, state=state, l2=given.l2, n_threads=1
    )
    (found, found_losses), (expected, expected_losses) = training.run(), training.expected()
    n_parameters = len(leaves(parameters))
    assert all(x.dtype == dtype for x in found[:n_parameters])
    tolerance = TOLERANCES[dtype]
    # A gradient that all but cancels has lost its digits in NumPy, too.
    plain, _ = training.expected(dtype)
    for i, (x, y, by_numpy) in enumerate(zip(found, expected, plain, strict=True)):
        # Behind parameters and gradients there are sums of squares of gradients, whose errors are twice as large.
        allowed = tolerance if i < 2 * n_parameters else 2 * tolerance
        error = distance([x], [y])
        assert error <= max(allowed, 2 * distance([by_numpy], [y])), f"array {i} of {given.network!r}"
    np.testing.assert_allclose(found_losses, expected_losses, rtol=tolerance, atol=tolerance)
