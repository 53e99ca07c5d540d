"""Networks in plain numbers: exact in fractions, right in floats."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import ShapeError, UnknownName
from memograd.gradient.paths.layered import LOSS, weight_graph, weight_name
from memograd.gradient.paths.naive import naive_path_sum
from memograd.gradient.paths.semirings import Real
from memograd.gradient.paths.sums import path_sum

from .scalar_network import ACTIVATIONS, ScalarNetwork, finite_difference, forward, slopes_at

Sample = tuple[ScalarNetwork, list[Real], list[Real], tuple[int, int, int]]


@st.composite
def samples(draw: st.DrawFn, numbers: st.SearchStrategy[Real], activations: str) -> Sample:
    """A small network of one activation, a sample for it, and one of its weights."""

    def vector(size: int) -> list[Real]:
        return draw(st.lists(numbers, min_size=size, max_size=size))

    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    network = ScalarNetwork(
        weights=[[vector(above) for _ in range(below)] for below, above in pairwise(sizes)],
        biases=[vector(size) for size in sizes[1:]],
        activations=[ACTIVATIONS[draw(st.sampled_from(activations.split()))] for _ in sizes[1:]],
    )
    k = draw(st.integers(1, len(sizes) - 1))
    weight = (k, draw(st.integers(1, sizes[k - 1])), draw(st.integers(1, sizes[k])))
    return network, vector(sizes[0]), vector(sizes[-1]), weight


fractions = st.fractions(min_value=-3, max_value=3, max_denominator=5)
floats = st.floats(min_value=-2, max_value=2, width=16)


def derivative(network: ScalarNetwork, inputs: list[Real], targets: list[Real], weight: tuple[int, int, int]) -> Real:
    graph = weight_graph(network.sizes, weight, slopes_at(network, inputs, targets))
    return path_sum(graph, weight_name(weight), LOSS)


@given(samples(fractions, "identity square relu"))
def test_the_path_sum_is_the_sweep_exactly(sample: Sample) -> None:
    """In fractions the formula on paper and its memoized evaluation are the same number, and no float."""
    network, inputs, targets, weight = sample
    graph = weight_graph(network.sizes, weight, slopes_at(network, inputs, targets))
    naive = naive_path_sum(graph, weight_name(weight), LOSS).value
    assert naive == path_sum(graph, weight_name(weight), LOSS)
    assert not isinstance(naive, float)


@given(samples(fractions, "identity"))
def test_a_linear_network_is_derived_exactly(sample: Sample) -> None:
    """Its loss is a quadratic in any weight, of which a central difference of any step is the derivative."""
    network, inputs, targets, weight = sample
    exact = finite_difference(network, inputs, targets, weight, step=Fraction(1, 3))
    assert exact == derivative(network, inputs, targets, weight)


@given(samples(floats, "tanh sigmoid"))
def test_a_smooth_network_agrees_with_finite_differences(sample: Sample) -> None:
    """The derivative is that of the function which the forward pass computes."""
    expected = finite_difference(*sample)
    # The loss is at most 27 here, so rounding alone may leave 27 ε / step, about 1e-9.
    assert derivative(*sample) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_the_forward_pass_is_that_of_matrices() -> None:
    """The same outputs as from NumPy's matrix products."""
    rng = np.random.default_rng(0)
    sizes = (3, 4, 2)
    weights = [rng.normal(size=shape) for shape in pairwise(sizes)]
    biases = [rng.normal(size=size) for size in sizes[1:]]
    network = ScalarNetwork([w.tolist() for w in weights], [b.tolist() for b in biases], [ACTIVATIONS["tanh"]] * 2)
    x, y = rng.normal(size=3), rng.normal(size=2)
    run = forward(network, x.tolist(), y.tolist())
    expected = np.tanh(np.tanh(x @ weights[0] + biases[0]) @ weights[1] + biases[1])
    # A few sums and calls of tanh, each right to an ulp.
    np.testing.assert_allclose(np.array(run.outputs[-1], float), expected, rtol=1e-13)
    assert run.loss == pytest.approx(float(((expected - y) ** 2).sum()), rel=1e-13)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("z", [-20.0, -1.5, -0.25, 0.25, 1.5, 20.0])
def test_activations_are_derived_right(name: str, z: float) -> None:
    """The derivative in each row is that of its function."""
    row, step = ACTIVATIONS[name], 1e-5
    slope = (row.function(z + step) - row.function(z - step)) / (2 * step)
    # A central difference is right to step² and to 20 ε / step.
    assert float(row.derivative(z)) == pytest.approx(float(slope), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("z", [-1e4, 1e4])
def test_activations_do_not_overflow(z: float) -> None:
    """Saturated nodes give their limits, not an error."""
    assert ACTIVATIONS["sigmoid"].function(z) == (z > 0)
    assert ACTIVATIONS["tanh"].function(z) == math.copysign(1, z)
    assert ACTIVATIONS["sigmoid"].derivative(z) == 0


def test_relu_has_derivative_zero_at_zero() -> None:
    """The kink takes the left slope."""
    assert ACTIVATIONS["relu"].derivative(0) == 0


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([[[1]], [[1]]], [[0]], "2 weight matrices, 1 rows of biases"),
        ([], [], "0 weight matrices"),
        ([[[1, 2]]], [[0]], "layer 1: expected 1 rows of 1 numbers, found 1 rows of \\[2\\]"),
        ([[[1]], [[1], [2]]], [[0], [0]], "layer 2: expected 1 rows of 1 numbers, found 2 rows of \\[1\\]"),
        ([[[1, 2], [3]]], [[0, 0]], "layer 1: expected 2 rows of 2 numbers"),
    ],
)
def test_layers_that_do_not_fit_are_refused(
    weights: list[list[list[float]]], biases: list[list[float]], message: str
) -> None:
    """A network whose layers do not fit cannot be made, and the layer is named."""
    with pytest.raises(ShapeError, match=message):
        ScalarNetwork(weights, biases, [ACTIVATIONS["identity"]] * len(weights))


def test_a_sample_that_does_not_fit_is_refused() -> None:
    """Inputs and targets are as many as the network has."""
    network = ScalarNetwork([[[1], [2]]], [[0]], [ACTIVATIONS["identity"]])
    with pytest.raises(ShapeError, match="3 inputs and 1 targets: this network takes 2 and 1"):
        forward(network, [1, 2, 3], [0])


def test_finite_differences_know_the_weights_by_name() -> None:
    """A weight that is not there is refused, not taken from the other end of a list."""
    network = ScalarNetwork([[[1], [2]]], [[0]], [ACTIVATIONS["identity"]])
    with pytest.raises(UnknownName):
        finite_difference(network, [1, 2], [0], (1, 0, 1))
