"""The price of a gradient, counted in the operations that are done.

Baur & Strassen 1983, "The complexity of partial derivatives", Theoretical Computer Science 22: a function and all of
its partial derivatives take no more than a small constant times the operations of the function alone (5 in Griewank &
Walther 2008, *Evaluating Derivatives*, §3.3, which counts all of them; 3 for multiplications and divisions). For a
multilayer perceptron the constant is known exactly.

Each of its L layers multiplies once by n₍ₗ₋₁₎nₗ weights for the value, once for the weights' derivatives, and once for
the derivative of its input, which the first layer does not need: 3Σn₍ₗ₋₁₎nₗ − n₀n₁ multiplications a row of the batch,
(3 − n₀n₁/Σn₍ₗ₋₁₎nₗ) × those of the value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memograd as mg
from memograd.graph.count import Counts, count
from memograd.graph.simplify import simplify
from memograd.graph.tracing import take_apart, trace
from memograd.graph.walk import topological


def loss(params: Any, x: Any, y: Any) -> Any:
    """A multilayer perceptron as one would write it, and its mean squared loss."""
    for w, b in params:
        x = np.tanh(x @ w + b)
    return np.mean((x - y) ** 2)


def arguments(sizes: Sequence[int], n_samples: int) -> tuple[Any, Any, Any]:
    """Parameters and a batch for these sizes, all zero: only shapes are counted."""
    params = [(np.zeros((n, m)), np.zeros(m)) for n, m in pairwise(sizes)]
    return params, np.zeros((n_samples, sizes[0])), np.zeros((n_samples, sizes[-1]))


def counted(f: Callable[..., Any], args: Sequence[Any]) -> Counts:
    """The counts of a compiled function, taken from its graph: planning it would change none."""
    graph, _ = trace(f, take_apart(f, tuple(args), {}))
    return count(topological(simplify(graph).outputs))


def assert_cheap(sizes: Sequence[int], n_samples: int) -> None:
    """The matrix products cost exactly what the formula says, everything together no more than five times as much."""
    args = arguments(sizes, n_samples)
    value, both = counted(loss, args), counted(mg.value_and_grad(loss), args)
    weights = [n * m for n, m in pairwise(sizes)]
    assert value.matmul_multiplications == n_samples * sum(weights)
    assert both.matmul_multiplications == n_samples * (3 * sum(weights) - weights[0])
    assert both.operations <= 5 * value.operations


@pytest.mark.parametrize("depth", [1, 10, 100, 1_000, 10_000])
def test_the_price_of_a_gradient_at_any_depth(depth: int) -> None:
    """Value and gradient together multiply (3 − n₀n₁/Σn₍ₗ₋₁₎nₗ) times as often in matrix products as the value alone.

    Baur & Strassen 1983; the count is exact at every depth, and all operations stay within five times the value's.
    """
    assert_cheap([8 + layer % 3 for layer in range(depth + 1)], n_samples=2)


@given(st.lists(st.integers(8, 40), min_size=2, max_size=6), st.integers(1, 9))
@settings(max_examples=50)
def test_the_price_of_a_gradient_for_any_widths(sizes: list[int], n_samples: int) -> None:
    """The same formula holds for layers of any widths and any number of rows (Baur & Strassen 1983)."""
    assert_cheap(sizes, n_samples)


@pytest.mark.parametrize("depth", [1, 3, 50])
def test_the_graph_counts_what_is_compiled(depth: int) -> None:
    """What is counted here is what a compiled function does: the plan computes each of those operations once."""
    args = arguments([8] * (depth + 1), 2)
    compiled = mg.compile(mg.value_and_grad(loss), *args)
    assert compiled.counts == counted(mg.value_and_grad(loss), args)
    assert compiled.plan.schedule.cost == compiled.counts.operations


def test_without_the_value_nothing_more_is_done() -> None:
    """Asking for the gradient alone saves what only the value needs: the sum of squares, and its mean."""
    args = arguments([8, 9, 10], 4)
    both, alone = counted(mg.value_and_grad(loss), args), counted(mg.grad(loss), args)
    n_results = 4 * 10
    assert both.operations - alone.operations == n_results + (n_results - 1) + 1
    assert both.matmul_multiplications == alone.matmul_multiplications


def test_the_gradient_of_the_inputs_costs_the_rest() -> None:
    """Asked for the inputs' derivative, too, the first layer multiplies three times like all others."""
    args = arguments([8, 9, 10], 4)
    found = counted(mg.value_and_grad(loss, (0, 1)), args)
    assert found.matmul_multiplications == 3 * 4 * (8 * 9 + 9 * 10)
