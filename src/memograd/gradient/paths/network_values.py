"""Numbers for a derivation: one weight's derivative in a real network, by three ways that should agree.

Local derivatives come from the network's own activations and loss, the memoized value from `grad` of its loss, and
the finite difference from two evaluations of it. Knows a network only by the protocol here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from memograd.errors import ShapeError
from memograd.gradient.paths.derivation import Values
from memograd.gradient.paths.layer_counts import weight_paths
from memograd.gradient.paths.layered import LOSS, Slopes, Weight, checked_weight, weight_graph, weight_name
from memograd.gradient.paths.naive import naive_path_sum
from memograd.gradient.transforms import grad, jvp
from memograd.graph.node import Array

# Taking this many paths one by one takes about a second.
MAX_PATHS = 100_000

# The relative step of a central difference that balances truncation against rounding: the cube root of ε.
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


class LayeredNetwork(Protocol):
    """A chain of layers f(c x W + b), with parameters ``[{"W": (n_in, n_out), "b": (n_out,)}, …]``, and a loss."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes of each layer, the input's first."""

    @property
    def activations(self) -> Sequence[Callable[[Array], Array]]:
        """One for each layer, the output's last."""

    @property
    def product_factors(self) -> Sequence[float]:
        """What c is in each layer."""

    @property
    def loss(self) -> Any:
        """Has `per_sample(scores, target)`."""

    def loss_value(self, parameters: Any, X: Array, y: Array) -> Array:
        """The loss of some samples."""


def network_values(network: LayeredNetwork, parameters: Any, x: Array, y: Array, weight: Weight) -> Values:
    """The derivative of the loss of one sample by one weight, three times.

    Parameters
    ----------
    network : LayeredNetwork
    parameters : list of dict of float64 arrays
    x : (n_inputs,) float64
    y : (1, n_outputs) or (1,)
        The sample's target, as the loss takes it.
    weight : tuple of int
        k, i and j of w(k, i, j), counted from 1.

    Returns
    -------
    Values
        Without the path sum where there are more than `MAX_PATHS` paths.

    Raises
    ------
    ShapeError
        When layers do more than multiply, add and activate: then the paths are others.
    UnknownName
        When the network has no such weight.
    """
    k, i, j = checked_weight(network.sizes, weight)
    if others := sorted({name for layer in parameters for name in layer.keys() - {"W", "b"}}):
        raise ShapeError(
            "the paths of a network with layer normalization, a scaled input or embedded columns are others, and this "
            f"one has the parameters {', '.join(others)} besides W and b; explain one without"
        )

    def loss(w: Any) -> Any:
        return network.loss_value(_with(parameters, weight, w), x[None, :], y)

    graph = weight_graph(network.sizes, weight, _slopes(network, parameters, x, y))
    few = weight_paths(network.sizes, weight).count <= MAX_PATHS
    gradient = grad(lambda p: network.loss_value(p, x[None, :], y))(parameters)
    value = float(parameters[k - 1]["W"][i - 1, j - 1])
    step = STEP * max(1.0, abs(value))
    above, below = value + step, value - step
    return Values(
        path_sum=naive_path_sum(graph, weight_name(weight), LOSS, max_paths=MAX_PATHS).value if few else None,
        memoized=float(gradient[k - 1]["W"][i - 1, j - 1]),
        finite_difference=(float(loss(above)) - float(loss(below))) / (above - below),
    )


def _slopes(network: LayeredNetwork, parameters: Any, x: Array, y: Array) -> Slopes:
    # A slope is that of f(c u + b) by u.
    outputs, slopes = [x], []
    factors = network.product_factors
    for layer, activation, factor in zip(parameters, network.activations, factors, strict=True):
        z = factor * (outputs[-1] @ layer["W"]) + layer["b"]
        value, slope = jvp(activation, (z,), (np.ones_like(z),))
        outputs.append(value)
        slopes.append(factor * slope)
    by_outputs = grad(lambda scores: np.sum(network.loss.per_sample(scores[None, :], y)))(outputs[-1])
    return Slopes(
        loss=lambda j: float(by_outputs[j - 1]),
        node=lambda k, i, j: float(slopes[k - 1][j - 1] * parameters[k - 1]["W"][i - 1, j - 1]),
        weight=lambda k, i, j: float(slopes[k - 1][j - 1] * outputs[k - 1][i - 1]),
    )


def _with(parameters: Any, weight: Weight, value: float) -> Any:
    k, i, j = weight
    W = parameters[k - 1]["W"].copy()
    W[i - 1, j - 1] = value
    return [*parameters[: k - 1], {**parameters[k - 1], "W": W}, *parameters[k:]]
