"""Optimisers: against the published algorithms, written as loops over single numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import BadSetting, StructureError, UnknownName
from memograd.graph.tree import flatten
from memograd.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, resolve_optimizer

N_STEPS = 20


def gradients_of(seed: int, n_steps: int) -> list[float]:
    """Gradients over twelve orders of magnitude, of both signs, some of them 0."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=n_steps) * 10.0 ** generator.integers(-6, 7, n_steps)
    return [float(value) if index % 5 else 0.0 for index, value in enumerate(values)]


def factor(step: int) -> float:
    """A learning rate that changes."""
    return 1.0 / (1 + step)


def by_sgd(w: float, gradients: list[float], momentum: float, nesterov: bool) -> Iterator[float]:
    """torch.optim.SGD, from its documentation: dampening 0, rate 0.1."""
    b = 0.0
    for t, g in enumerate(gradients):
        b = g if t == 0 else momentum * b + g
        g = (g + momentum * b if nesterov else b) if momentum else g
        w = w - 0.1 * factor(t) * g
        yield w


def by_adam(w: float, gradients: list[float], beta1: float, beta2: float, decay: float) -> Iterator[float]:
    """torch.optim.Adam and AdamW, from their documentation: rate 0.1, epsilon 10⁻⁸."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        rate = 0.1 * factor(t - 1)
        w = w - rate * decay * w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w = w - rate * m_hat / (math.sqrt(v_hat) + 1e-8)
        yield w


CASES: list[tuple[Optimizer, Callable[[float, list[float]], Iterator[float]]]] = [
    (SGD(0.1), lambda w, g: by_sgd(w, g, 0.0, False)),
    (SGD(0.1, momentum=0.9), lambda w, g: by_sgd(w, g, 0.9, False)),
    (SGD(0.1, momentum=0.5, nesterov=True), lambda w, g: by_sgd(w, g, 0.5, True)),
    (Adam(0.1), lambda w, g: by_adam(w, g, 0.9, 0.999, 0.0)),
    (Adam(0.1, beta1=0.0, beta2=0.5), lambda w, g: by_adam(w, g, 0.0, 0.5, 0.0)),
    (Adam(0.1, beta1=0.5, beta2=0.0), lambda w, g: by_adam(w, g, 0.5, 0.0, 0.0)),
    (AdamW(0.1, weight_decay=0.3), lambda w, g: by_adam(w, g, 0.9, 0.999, 0.3)),
    (AdamW(0.1, weight_decay=0.0), lambda w, g: by_adam(w, g, 0.9, 0.999, 0.0)),
]


def run(optimizer: Optimizer, start: Any, gradients: list[Any]) -> tuple[list[Any], Any]:
    """The parameters after each step, and the last state."""
    parameters, state, path = start, optimizer.init(start), []
    for step, gradient in enumerate(gradients):
        parameters, state = optimizer.update(parameters, gradient, state, factor(step))
        path.append(parameters)
    return path, state


@pytest.mark.parametrize(("optimizer", "reference"), CASES)
@given(seed=st.integers(0, 100), start=st.floats(-10, 10))
def test_every_step_is_the_published_one(
    optimizer: Optimizer, reference: Callable[[float, list[float]], Iterator[float]], seed: int, start: float
) -> None:
    """Twenty steps of a weight are those of the loop, with gradients of all sizes and a rate that changes."""
    gradients = gradients_of(seed, N_STEPS)
    path, _ = run(optimizer, np.array([[start]]), [np.array([[g]]) for g in gradients])
    expected = list(reference(start, gradients))
    # The largest w along the path sets the size of a rounding.
    scale = max(abs(start), *map(abs, expected))
    np.testing.assert_allclose(np.ravel(path), expected, rtol=1e-11, atol=1e-12 * scale)


@pytest.mark.parametrize(("optimizer", "reference"), CASES)
def test_float32_loses_no_more_than_float32(
    optimizer: Optimizer, reference: Callable[[float, list[float]], Iterator[float]]
) -> None:
    """In float32 twenty steps stay within a few roundings, the first steps and their bias corrections included."""
    gradients = [float(np.float32(g)) for g in gradients_of(0, N_STEPS)]
    path, state = run(optimizer, np.ones((1, 1), np.float32), [np.array([[g]], np.float32) for g in gradients])
    assert {leaf.dtype for leaf in flatten((path, state))[0]} == {np.dtype(np.float32)}
    expected = np.array(list(reference(1.0, gradients)))
    np.testing.assert_allclose(np.ravel(path), expected, rtol=1e-5, atol=1e-6 * abs(expected).max())


@pytest.mark.parametrize("name", OPTIMIZERS.members)
def test_float64_factors_do_not_widen(name: str) -> None:
    """A schedule's factor in float64 leaves float32 parameters and state in float32."""
    optimizer = OPTIMIZERS.make(name)
    parameters = {"W": np.ones((2, 2), np.float32), "b": np.ones(2, np.float32)}
    moved = optimizer.update(parameters, parameters, optimizer.init(parameters), np.float64(0.5))
    assert {leaf.dtype for leaf in flatten(moved)[0]} == {np.dtype(np.float32)}


@pytest.mark.parametrize("optimizer", [optimizer for optimizer, _ in CASES])
def test_nothing_is_mutated_and_structures_stay(optimizer: Optimizer) -> None:
    """A step leaves its arguments as they are, and returns trees of their structures, shapes and dtypes."""
    parameters = [{"W": np.ones((2, 3)), "b": np.zeros(3)}, {"W": np.ones((3, 1)), "b": np.zeros(1)}]
    gradients = [{"W": np.full((2, 3), 2.0), "b": np.ones(3)}, {"W": np.ones((3, 1)), "b": np.ones(1)}]
    state = optimizer.init(parameters)
    before = [np.copy(leaf) for leaf in flatten((parameters, gradients, state))[0]]
    after = optimizer.update(parameters, gradients, state, 0.5)
    for leaf, copy in zip(flatten((parameters, gradients, state))[0], before, strict=True):
        np.testing.assert_array_equal(leaf, copy)
    leaves, structure = flatten((parameters, state))
    moved, moved_structure = flatten(after)
    assert moved_structure == structure
    assert [(x.shape, x.dtype) for x in moved] == [(x.shape, x.dtype) for x in leaves]


def test_biases_do_not_decay() -> None:
    """Without gradients a matrix shrinks by rate × decay in each step, and a vector stays."""
    optimizer = AdamW(learning_rate=0.5, weight_decay=0.1)
    parameters = {"W": np.ones((2, 2)), "b": np.ones(2)}
    still = {"W": np.zeros((2, 2)), "b": np.zeros(2)}
    moved, _ = optimizer.update(parameters, still, optimizer.init(parameters), 0.5)
    np.testing.assert_allclose(moved["W"], 1 - 0.5 * 0.5 * 0.1)
    np.testing.assert_array_equal(moved["b"], 1.0)


def test_the_first_step_of_adam_is_the_learning_rate() -> None:
    """Whatever the size of the gradient, the first step has the size of the rate, in float32 too."""
    gradient = np.array([1e-3, -1.0, 1e6], np.float32)
    parameters = np.zeros(3, np.float32)
    optimizer = Adam(0.5)
    moved, state = optimizer.update(parameters, gradient, optimizer.init(parameters))
    np.testing.assert_allclose(moved, [-0.5, 0.5, -0.5], rtol=2e-5)  # epsilon is 10⁻⁵ of the first gradient
    assert state["count"] == 1


def test_the_count_may_saturate() -> None:
    """When float32 can count no further, a step is what it was."""
    optimizer = Adam(0.5)
    state = {"count": np.float32(2**24), "gradient_sum": np.ones(1, np.float32), "square_sum": np.ones(1, np.float32)}
    parameters, gradient = np.zeros(1, np.float32), np.ones(1, np.float32)
    _, later = optimizer.update(parameters, gradient, state)
    assert later["count"] == 2**24
    more = {**state, "count": np.float64(2**30)}
    expected = optimizer.update(parameters, gradient, more)[0]
    np.testing.assert_allclose(optimizer.update(parameters, gradient, state)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS.members)
def test_no_parameters(name: str) -> None:
    """A tree without leaves takes a step, too."""
    optimizer = OPTIMIZERS.make(name)
    assert optimizer.update([], [], optimizer.init([]))[0] == []


def test_minimum_of_a_parabola() -> None:
    """All optimisers find the minimum of a quadratic bowl."""
    for optimizer in (SGD(0.1), SGD(0.05, 0.9), SGD(0.05, 0.9, True), Adam(0.1), AdamW(0.1, weight_decay=0.0)):
        w, state = np.array([[3.0, -2.0]]), optimizer.init(np.zeros((1, 2)))
        for step in range(500):
            w, state = optimizer.update(w, 2 * (w - 1.0), state, 1 - step / 500)
        np.testing.assert_allclose(w, 1.0, atol=1e-3)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: SGD(0.0), r"SGD\(learning_rate=0.0\): learning_rate must be a finite number above 0"),
    (lambda: SGD(0.1, momentum=1.0), r"SGD\(momentum=1.0\): momentum must be a number in \[0, 1\)"),
    (lambda: SGD(0.1, nesterov=True), r"nesterov looks ahead along the momentum; give a momentum, such as 0.9"),
    (lambda: Adam(np.nan), r"Adam\(learning_rate=nan\)"),
    (lambda: Adam(beta1=1.0), r"Adam\(beta1=1.0\): beta1 must be a number in \[0, 1\)"),
    (lambda: Adam(beta2=-0.1), r"Adam\(beta2=-0.1\)"),
    (lambda: Adam(epsilon=0), r"Adam\(epsilon=0\): epsilon must be a finite number above 0"),
    (lambda: AdamW(weight_decay=-1), r"AdamW\(weight_decay=-1\): weight_decay must be a finite number of at least 0"),
]


@pytest.mark.parametrize(("make", "text"), BAD)
def test_bad_settings(make: Callable[[], Any], text: str) -> None:
    """An optimiser that makes no sense cannot be made."""
    with pytest.raises(BadSetting, match=text):
        make()


@pytest.mark.parametrize("name", OPTIMIZERS.members)
def test_gradients_of_other_parameters_are_refused(name: str) -> None:
    """Gradients of another structure are an error that names the path."""
    optimizer = OPTIMIZERS.make(name)
    parameters = {"W": np.ones((1, 1)), "b": np.ones(1)}
    with pytest.raises(StructureError, match=r"missing \['b'\]"):
        optimizer.update(parameters, {"W": np.ones((1, 1))}, optimizer.init(parameters))


def test_resolving() -> None:
    """A name gives the optimiser with its defaults, an optimiser itself."""
    adam = Adam(0.5)
    assert resolve_optimizer("adam") == Adam()
    assert resolve_optimizer(adam) is adam
    with pytest.raises(UnknownName, match="there is no optimiser 'adan'; did you mean 'adam'"):
        resolve_optimizer("adan")
