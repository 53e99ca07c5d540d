"""Gradients against `autograd`, which shares nothing with this package: networks and functions that nobody tuned.

Each function takes the NumPy to use as its first argument, so that both libraries run the same lines.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memograd.gradient.transforms import hessian, hvp, value_and_grad
from memograd.graph.tree import flatten, map_leaves

ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda np, x: np.tanh(x),
    "logistic": lambda np, x: 1 / (1 + np.exp(-x)),
    "softplus": lambda np, x: np.logaddexp(0.0, x),
    "rectifier": lambda np, x: np.where(x > 0, x, 0.0),
    "sine": lambda np, x: np.sin(x) + 0.1 * x,
    "swish": lambda np, x: x / (1 + np.exp(-x)),
}

# Both add the same numbers in another order; a relative error in one gradient of 1e-10 would be a thousand times that.
RTOL = 1e-10


def assert_agrees(f: Callable[..., Any], *args: Any) -> None:
    """Value and gradients for all arguments are autograd's."""
    argnums = tuple(range(len(args)))
    value, slopes = value_and_grad(functools.partial(f, np), argnums)(*args)
    expected_value, expected = autograd.value_and_grad(functools.partial(f, anp), argnums)(*args)
    np.testing.assert_allclose(value, expected_value, rtol=RTOL)
    assert flatten(slopes)[1] == flatten(expected)[1]
    largest = max([np.max(np.abs(leaf), initial=0.0) for leaf in flatten(expected)[0]], default=0.0)
    # Relative to the largest: an entry in which terms cancel has lost digits in both.
    map_leaves(lambda x, y: np.testing.assert_allclose(x, y, rtol=RTOL, atol=RTOL * largest), slopes, expected)


def network_loss(np, layers, x, y, activation):
    """The mean square error of an MLP."""
    for W, b in layers[:-1]:
        x = ACTIVATIONS[activation](np, np.dot(x, W) + b)
    W, b = layers[-1]
    return np.mean((np.dot(x, W) + b - y) ** 2)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 7), min_size=2, max_size=5),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(1, 9),
    st.integers(0, 10**6),
)
def test_networks(sizes: list[int], activation: str, n_rows: int, seed: int) -> None:
    """An MLP of any widths, depth and activation has autograd's gradient for every weight and input."""
    draw = np.random.default_rng(seed)
    layers = [(draw.normal(size=(m, n)), draw.normal(size=n)) for m, n in itertools.pairwise(sizes)]
    x, y = draw.normal(size=(n_rows, sizes[0])), draw.normal(size=(n_rows, sizes[-1]))
    assert_agrees(functools.partial(network_loss, activation=activation), layers, x, y)


def log_sum_exp(np, x):
    """The stable form: the largest is taken out, and comes back."""
    largest = np.max(x, axis=1, keepdims=True)
    return np.sum(largest[:, 0] + np.log(np.sum(np.exp(x - largest), axis=1)))


def gaussian_likelihood(np, mean, log_scale, x):
    """The log-likelihood of independent normals."""
    z = (x - mean) / np.exp(log_scale)
    return np.sum(-0.5 * z**2 - log_scale - 0.5 * np.log(2 * np.pi))


def rosenbrock(np, x):
    """The banana."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def softmax_regression(np, W, b, x):
    """Cross-entropy of the classes 0, 1, 2, 0, 1, …, with a penalty."""
    scores = np.dot(x, W) + b
    labels = [i % 3 for i in range(len(x))]
    chosen = scores[np.arange(len(x)), np.array(labels)]
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - chosen) + 0.01 * np.sum(W**2)


def euler_loop(np, state, rates):
    """Twenty steps of a predator–prey system."""
    prey, predators = state[0], state[1]
    for _ in range(20):
        births, meals = rates[0] * prey, rates[1] * prey * predators
        prey = prey + 0.05 * (births - meals)
        predators = predators + 0.05 * (rates[2] * meals - rates[3] * predators)
    return prey**2 + np.log(predators)


def attention(np, queries, keys, values):
    """Scaled dot-product attention of one head, causal."""
    n, width = queries.shape
    scores = np.dot(queries, np.transpose(keys)) / np.sqrt(width * 1.0)
    scores = np.where(np.tril(np.ones((n, n))) > 0, scores, -1e9)
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = weights / np.sum(weights, axis=-1, keepdims=True)
    return np.sum(np.dot(weights, values) ** 2)


def batch_norm(np, x, gain, shift):
    """Normalized columns, scaled and rectified."""
    centred = x - np.mean(x, axis=0)
    normal = centred / np.sqrt(np.var(x, axis=0) + 1e-5)
    return np.sum(np.maximum(normal * gain + shift, 0.1) ** 3)


def convolution(np, image, kernel):
    """A valid convolution by slicing, pooled."""
    (height, width), (m, n) = image.shape, kernel.shape
    total = 0.0
    for i in range(m):
        for j in range(n):
            total = total + kernel[i, j] * image[i : height - m + 1 + i, j : width - n + 1 + j]
    pooled = np.max(np.reshape(total[:4, :4], (2, 2, 2, 2)), axis=(1, 3))
    return np.sum(np.tanh(pooled))


def polynomial_fit(np, coefficients, x, y):
    """Horner's scheme, and the error of the fit."""
    value = 0.0 * x
    for i in range(coefficients.shape[0]):
        value = value * x + coefficients[i]
    return np.mean((value - y) ** 2)


def kalman_step(np, mean, variance, measurement):
    """The likelihood of three measurements of a random walk."""
    total = 0.0
    for i in range(3):
        variance = variance + 0.1
        gain = variance / (variance + 0.5)
        surprise = measurement[i] - mean
        total = total - 0.5 * (surprise**2 / (variance + 0.5) + np.log(variance + 0.5))
        mean = mean + gain * surprise
        variance = (1 - gain) * variance
    return total + mean


def pairwise_distances(np, x):
    """A Gaussian kernel's energy."""
    difference = x[:, None, :] - x[None, :, :]
    return np.sum(np.exp(-0.5 * np.sum(difference**2, axis=-1)))


def recurrent_network(np, W, U, x):
    """A plain recurrent network whose states are stacked."""
    state, states = np.zeros(W.shape[0]), []
    for i in range(x.shape[0]):
        state = np.tanh(np.dot(W, state) + np.dot(U, x[i]))
        states.append(state)
    return np.sum(np.stack(states) ** 2) + np.sum(np.concatenate(states))


def student_t(np, x, degrees):
    """The logarithm of a density up to its normalization, with several kinds of powers."""
    return np.sum(-0.5 * (degrees + 1) * np.log1p(x**2 / degrees)) + np.sum(np.abs(x) ** degrees) + np.sqrt(degrees)


def rotations(np, angles, point):
    """Two rotations of a point in space and what is left of its angle."""
    a, b = angles[0], angles[1]
    x, y, z = point[0], point[1], point[2]
    x, y = np.cos(a) * x - np.sin(a) * y, np.sin(a) * x + np.cos(a) * y
    y, z = np.cos(b) * y - np.sin(b) * z, np.sin(b) * y + np.cos(b) * z
    return np.arctan2(y, x) + np.arcsin(z / np.sqrt(x**2 + y**2 + z**2)) + np.cosh(z) * np.arctan(x)


def moments(np, x):
    """Means, variances, running sums and rearrangements together."""
    running = np.cumsum(x, axis=1)
    turned = np.swapaxes(np.roll(x, 1, axis=0), 0, 1)
    return np.std(x) * np.mean(running**2) + np.sum(np.dot(turned, x)) / np.sum(np.diag(np.dot(x, turned)) ** 2)


def normal(*shape: int, seed: int = 0) -> Any:
    """Some normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


FUNCTIONS: list[tuple[Any, ...]] = [
    (log_sum_exp, normal(4, 5)),
    (gaussian_likelihood, normal(3), normal(3, seed=1), normal(6, 3, seed=2)),
    (rosenbrock, normal(6)),
    (softmax_regression, normal(4, 3), normal(3, seed=1), normal(7, 4, seed=2)),
    (euler_loop, np.array([1.0, 0.5]), np.array([1.1, 0.4, 0.2, 0.4])),
    (attention, normal(5, 4), normal(5, 4, seed=1), normal(5, 3, seed=2)),
    (batch_norm, normal(8, 3), normal(3, seed=1), normal(3, seed=2)),
    (convolution, normal(7, 7), normal(3, 3, seed=1)),
    (polynomial_fit, normal(5), normal(10, seed=1), normal(10, seed=2)),
    (kalman_step, 0.3, 1.2, normal(3)),
    (pairwise_distances, normal(5, 2)),
    (recurrent_network, normal(4, 4), normal(4, 2, seed=1), normal(6, 2, seed=2)),
    (student_t, normal(6), 3.5),
    (rotations, np.array([0.4, 1.1]), np.array([0.3, 0.8, -0.5])),
    (moments, normal(4, 4)),
]


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda case: case[0].__name__)
def test_functions(case: tuple[Any, ...]) -> None:
    """Value and gradients agree for functions as people write them."""
    assert_agrees(*case)


SCALAR_CASES = [case for case in FUNCTIONS if case[0] not in (kalman_step, student_t)]


@pytest.mark.parametrize("case", SCALAR_CASES, ids=lambda case: case[0].__name__)
def test_second_derivatives(case: tuple[Any, ...]) -> None:
    """The Hessian for the first argument, and its product with a vector, agree."""
    f, x, *rest = case
    v = normal(*x.shape, seed=9)
    expected = autograd.hessian(lambda x: f(anp, x, *rest))(x)
    largest = float(np.max(np.abs(expected)))
    # Two derivatives of sums in other orders; the sizes of what cancels are those of the largest entry.
    np.testing.assert_allclose(hessian(lambda x: f(np, x, *rest))(x), expected, rtol=1e-9, atol=1e-9 * largest)
    product = np.tensordot(expected, v, x.ndim)
    found = hvp(lambda x: f(np, x, *rest), (x,), (v,))
    np.testing.assert_allclose(found, product, rtol=1e-9, atol=1e-9 * float(np.max(np.abs(product))))
