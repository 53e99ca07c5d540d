"""An oracle: a multilayer perceptron in plain Python numbers, by the definitions, with derivatives written by hand.

Exact with `fractions.Fraction` where activation and loss are. It shares no code with tracing, rules or reverse mode,
and knows neither paths nor the sweep: it hands its slopes to a graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from operator import mul
from typing import TypeAlias

from memograd.errors import ShapeError
from memograd.gradient.paths.layered import Slopes, Weight, checked_weight
from memograd.gradient.paths.semirings import Real

Vector: TypeAlias = tuple[Real, ...]
Matrix: TypeAlias = tuple[Vector, ...]

# The step of a central difference that balances its error, of order step², against rounding, of order ε / step.
STEP = 2.0 ** (-52 / 3)


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of one number, and its derivative there.

    Examples
    --------
    >>> ACTIVATIONS["square"].function(3), ACTIVATIONS["square"].derivative(3)
    (9, 6)
    """

    function: Callable[[Real], Real]
    derivative: Callable[[Real], Real]


@dataclass(frozen=True, slots=True)
class Loss:
    """What an output and its target add to the loss, and the derivative of that by the output."""

    function: Callable[[Real, Real], Real]
    derivative: Callable[[Real, Real], Real]


def _sigmoid(z: Real) -> float:
    # Half of 1 + tanh: exp would overflow for large arguments.
    return 0.5 + 0.5 * math.tanh(0.5 * z)


ACTIVATIONS: Mapping[str, Activation] = {
    "identity": Activation(lambda z: z, lambda z: 1),
    "square": Activation(lambda z: z * z, lambda z: 2 * z),
    "relu": Activation(lambda z: z if z > 0 else 0, lambda z: 1 if z > 0 else 0),
    "maximum": Activation(lambda z: max(z, 0), lambda z: Fraction(z >= 0) - Fraction(z == 0) / 2),
    "cube": Activation(lambda z: z**3, lambda z: 3 * z**2),
    "rational": Activation(lambda z: z / (1 + z**2), lambda z: (1 - z**2) / (1 + z**2) ** 2),
    "tanh": Activation(math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    "sigmoid": Activation(_sigmoid, lambda z: _sigmoid(z) * _sigmoid(-z)),
}
"""All but the last two are exact for fractions. At 0 the derivative of "relu" is 0, that of "maximum" ½."""

SQUARED_ERROR = Loss(lambda output, target: (output - target) ** 2, lambda output, target: 2 * (output - target))


@dataclass(frozen=True, slots=True)
class ScalarNetwork:
    """The numbers of a network, layer by layer.

    Parameters
    ----------
    weights : sequence of (n_from, n_to) nested sequences
        `weights[k − 1][i − 1][j − 1]` is w(k, i, j). Copied into tuples.
    biases : sequence of (n_to,) sequences
    activations : sequence of Activation
        One for each layer, the output's last.
    loss : Loss
        Summed over the outputs.

    Raises
    ------
    ShapeError
        If the numbers of layers differ, or a layer does not fit its neighbours.

    Examples
    --------
    >>> network = ScalarNetwork([[[1, 2]], [[3], [4]]], [[0, 0], [5]], [ACTIVATIONS["square"]] * 2)
    >>> network.sizes
    (1, 2, 1)
    """

    weights: Sequence[Sequence[Sequence[Real]]]
    biases: Sequence[Sequence[Real]]
    activations: Sequence[Activation]
    loss: Loss = SQUARED_ERROR

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(tuple(map(tuple, matrix)) for matrix in self.weights))
        object.__setattr__(self, "biases", tuple(map(tuple, self.biases)))
        object.__setattr__(self, "activations", tuple(self.activations))
        _check_layers(self)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes of each layer, the input's first."""
        return (len(self.weights[0]), *map(len, self.biases))


@dataclass(frozen=True, slots=True)
class Forward:
    """What a forward pass leaves for the backward one.

    Attributes
    ----------
    loss : Real
    outputs : tuple of (n_layer,) tuples
        The inputs first, then the outputs of every layer.
    slopes : tuple of (n_layer,) tuples
        The derivative of each node's activation, where it was; of the first layer first.
    loss_slopes : (n_outputs,) tuple
        ∂L/∂ŷ.
    """

    loss: Real
    outputs: tuple[Vector, ...]
    slopes: tuple[Vector, ...]
    loss_slopes: Vector


def forward(network: ScalarNetwork, inputs: Sequence[Real], targets: Sequence[Real]) -> Forward:
    """Evaluate a network and its loss for one sample.

    Parameters
    ----------
    network : ScalarNetwork
    inputs : (n_inputs,) sequence
    targets : (n_outputs,) sequence

    Raises
    ------
    ShapeError
        If there are more or fewer inputs or targets than the network has.

    Examples
    --------
    >>> network = ScalarNetwork([[[1, 2]], [[3], [4]]], [[0, 0], [5]], [ACTIVATIONS["square"]] * 2)
    >>> forward(network, [1], [0]).outputs
    ((1,), (1, 4), (576,))
    """
    _check_sample(network.sizes, inputs, targets)
    outputs, slopes = [tuple(inputs)], []
    for weights, biases, activation in zip(network.weights, network.biases, network.activations, strict=True):
        z = _affine(outputs[-1], weights, biases)
        outputs.append(tuple(map(activation.function, z)))
        slopes.append(tuple(map(activation.derivative, z)))
    predictions = outputs[-1]
    loss = sum(map(network.loss.function, predictions, targets))
    return Forward(loss, tuple(outputs), tuple(slopes), tuple(map(network.loss.derivative, predictions, targets)))


def slopes_at(network: ScalarNetwork, inputs: Sequence[Real], targets: Sequence[Real]) -> Slopes:
    """Give the local derivatives of a network for one sample, for the edges of its derivative graph.

    ∂O(k, j)/∂O(k − 1, i) is φ′(z(k, j)) · w(k, i, j), and ∂O(k, j)/∂w(k, i, j) is φ′(z(k, j)) · O(k − 1, i).

    Raises
    ------
    ShapeError
        If there are more or fewer inputs or targets than the network has.

    Examples
    --------
    >>> from memograd.gradient.paths.layered import weight_graph
    >>> from memograd.gradient.paths.sums import path_sum
    >>> network = ScalarNetwork([[[1, 2]], [[3], [4]]], [[0, 0], [5]], [ACTIVATIONS["square"]] * 2)
    >>> graph = weight_graph(network.sizes, (1, 1, 1), slopes_at(network, [1], [0]))
    >>> path_sum(graph, source="w¹₁₁", target="L") == 2 * 576 * (2 * 24 * 3) * (2 * 1 * 1)
    True
    """
    run = forward(network, inputs, targets)
    return Slopes(
        loss=lambda j: run.loss_slopes[j - 1],
        node=lambda k, i, j: run.slopes[k - 1][j - 1] * network.weights[k - 1][i - 1][j - 1],
        weight=lambda k, i, j: run.slopes[k - 1][j - 1] * run.outputs[k - 1][i - 1],
    )


def finite_difference(
    network: ScalarNetwork, inputs: Sequence[Real], targets: Sequence[Real], weight: Weight, *, step: Real = STEP
) -> Real:
    """Approximate ∂L/∂w by a central difference, which knows no derivative.

    Parameters
    ----------
    network : ScalarNetwork
    inputs : (n_inputs,) sequence
    targets : (n_outputs,) sequence
    weight : tuple of int
        k, i and j, counted from 1.
    step : Real
        Relative to the weight where that is over 1. A Fraction keeps fractions exact; the default turns them
        into floats, right to about ten digits.

    Raises
    ------
    ShapeError
        If there are more or fewer inputs or targets than the network has.
    UnknownName
        If the network has no such weight.

    Examples
    --------
    >>> network = ScalarNetwork([[[1, 2]], [[3], [4]]], [[0, 0], [5]], [ACTIVATIONS["identity"]] * 2)
    >>> finite_difference(network, [1], [0], (1, 1, 1), step=1)
    96.0
    """
    layer, from_node, to_node = checked_weight(network.sizes, weight)
    value = network.weights[layer - 1][from_node - 1][to_node - 1]
    scaled = step * max(1, value, -value)
    above, below = value + scaled, value - scaled
    higher = _loss_with(network, inputs, targets, weight, above)
    lower = _loss_with(network, inputs, targets, weight, below)
    # Not by 2 · step: what was added is what is left of it after rounding.
    slope: Real = (higher - lower) / (above - below)
    return slope


def _affine(outputs: Vector, weights: Sequence[Sequence[Real]], biases: Sequence[Real]) -> Vector:
    columns = zip(biases, zip(*weights, strict=True), strict=True)
    return tuple(sum(map(mul, outputs, column), start=bias) for bias, column in columns)


def _loss_with(
    network: ScalarNetwork, inputs: Sequence[Real], targets: Sequence[Real], weight: Weight, value: Real
) -> Real:
    layer, from_node, to_node = weight
    weights = [[list(row) for row in matrix] for matrix in network.weights]
    weights[layer - 1][from_node - 1][to_node - 1] = value
    return forward(replace(network, weights=weights), inputs, targets).loss


def _check_layers(network: ScalarNetwork) -> None:
    counts = {len(network.weights), len(network.biases), len(network.activations)}
    if len(counts) > 1 or counts == {0}:
        raise ShapeError(
            f"{len(network.weights)} weight matrices, {len(network.biases)} rows of biases and "
            f"{len(network.activations)} activations: a network has one of each for each of its layers"
        )
    for k, (matrix, (n_from, n_to)) in enumerate(zip(network.weights, pairwise(network.sizes), strict=True), start=1):
        if len(matrix) != n_from or set(map(len, matrix)) != {n_to}:
            found = f"{len(matrix)} rows of {sorted(set(map(len, matrix)))}"
            raise ShapeError(f"weights of layer {k}: expected {n_from} rows of {n_to} numbers, found {found}")


def _check_sample(sizes: Sequence[int], inputs: Sequence[Real], targets: Sequence[Real]) -> None:
    if (len(inputs), len(targets)) != (sizes[0], sizes[-1]):
        raise ShapeError(
            f"{len(inputs)} inputs and {len(targets)} targets: this network takes {sizes[0]} and {sizes[-1]}"
        )
