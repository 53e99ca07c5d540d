"""Depth: chains of a hundred thousand nodes, which any recursion would end at a thousand."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from memograd.gradient.transforms import grad, hvp, jvp, value_and_grad, vjp
from memograd.graph.check import check
from memograd.graph.simplify import simplify
from memograd.graph.tracing import Graph, take_apart, trace
from memograd.graph.walk import topological

DEPTH = 100_000


@pytest.fixture(autouse=True)
def no_garbage_collector() -> Iterator[None]:
    """Graphs hold no cycles; the collector's passes over a million live objects would double the time."""
    gc.disable()
    yield
    gc.enable()


def chain(x: Any, depth: int = DEPTH) -> Any:
    """Sines of sines."""
    for _ in range(depth):
        x = np.sin(x)
    return x


def derivative_of_chain(x: float, depth: int = DEPTH) -> tuple[float, float]:
    """Value and derivative, forward by hand."""
    slope = 1.0
    for _ in range(depth):
        slope *= float(np.cos(x))
        x = float(np.sin(x))
    return x, slope


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The traced chain."""
    return trace(chain, take_apart(chain, (1.0,), {}))[0]


def test_the_chain_is_deeper_than_the_stack() -> None:
    """The interpreter could not recurse along it."""
    assert sys.getrecursionlimit() < DEPTH


def test_a_chain_is_traced_and_checked(graph: Graph) -> None:
    """One node for each step and one for the argument."""
    assert check(graph.outputs, graph.inputs) == DEPTH + 1


def test_a_chain_is_printed(graph: Graph) -> None:
    """Each node prints in one short line, however deep it stands, and so does the whole."""
    lines = [repr(node) for node in topological(graph.outputs)]
    assert len(lines) == DEPTH + 1
    assert set(lines[1:]) == {"sin(float64[]) -> float64[]"}
    assert all(len(str(origin)) < 500 for origin in graph.origins.values())


def test_a_chain_is_simplified(graph: Graph) -> None:
    """Where there is nothing to simplify the graph stays as it is."""
    assert simplify(graph).outputs == graph.outputs


def test_derivatives_of_a_chain() -> None:
    """Reverse and forward mode give the product of all cosines."""
    value, slope = derivative_of_chain(1.0)
    # A product of 100,000 factors has rounded as often, and two orders of it differ by about the root of that.
    assert value_and_grad(chain)(1.0) == (value, pytest.approx(slope, rel=1e-12))
    assert jvp(chain, (1.0,), (1.0,)) == (value, pytest.approx(slope, rel=1e-12))


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_the_size_is_linear(depth: int) -> None:
    """Reverse mode makes three nodes for each step: the sine, the cosine and their product."""
    f = partial(chain, depth=depth)
    graph, _ = trace(value_and_grad(f), take_apart(f, (1.0,), {}))
    assert len(topological(graph.outputs)) == 3 * depth + 2


def test_a_pullback_along_a_chain() -> None:
    """Kept and called twice."""
    depth = 10_000
    _, pullback = vjp(partial(chain, depth=depth), 1.0)
    assert pullback(2.0) == (pytest.approx(2 * derivative_of_chain(1.0, depth)[1], rel=1e-12),)
    assert pullback(0.0) == (0.0,)


def test_second_derivatives_of_a_chain() -> None:
    """Derivatives of derivatives are linear in the length of the chain, too, and need no stack."""
    depth = 4_000

    def quadratic(x: Any) -> Any:
        for _ in range(depth):
            x = x + 1e-4 * x * x
        return x

    def by_hand(x: float) -> tuple[float, float]:
        slope, curve = 1.0, 0.0
        for _ in range(depth):
            slope, curve = (1 + 2e-4 * x) * slope, (1 + 2e-4 * x) * curve + 2e-4 * slope**2
            x = x + 1e-4 * x * x
        return slope, curve

    slope, curve = by_hand(0.5)
    assert grad(quadratic)(0.5) == pytest.approx(slope, rel=1e-12)
    assert hvp(quadratic, (0.5,), (1.0,)) == pytest.approx(curve, rel=1e-12)
    assert grad(grad(quadratic))(0.5) == pytest.approx(curve, rel=1e-12)


def test_a_wide_sum() -> None:
    """A value that ten thousand others use has its adjoint added up in one sweep."""
    n = 10_000

    def f(x: Any) -> Any:
        total = x
        for i in range(n):
            total = total + x * float(i)
        return total

    assert grad(f)(1.0) == 1 + n * (n - 1) / 2
