"""Traced functions of scalars: the sum over the paths, the sweep and the library's reverse mode are one number."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memograd as mg
from memograd.errors import DtypeError, NotRational, ShapeError, TraceError
from memograd.gradient.paths.layered import LOSS, weight_graph, weight_name
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.naive import each_path, memoized_gradient, naive_path_sum
from memograd.gradient.paths.scalar_function import derivative_graph, exact_gradient
from memograd.gradient.paths.semirings import Real
from memograd.gradient.paths.sums import count_paths, path_sum, strongest_path, written_terms

from . import path_numbers
from .path_numbers import PathNumber
from .scalar_network import ACTIVATIONS, ScalarNetwork, slopes_at

EPSILON = float(np.finfo(np.float64).eps)

fractions = st.fractions(min_value=-2, max_value=2, max_denominator=4)
floats = st.floats(min_value=-2, max_value=2, width=16)

# Networks in plain Python loops, on lists of numbers

# By name: the function, and how many paths lead through it.
PLAIN: dict[str, tuple[Callable[[Any], Any], int]] = {
    "identity": (lambda z: z, 1),
    "square": (lambda z: z * z, 2),
    "maximum": (lambda z: np.maximum(z, 0.0), 1),
    "cube": (lambda z: z * z * z, 3),
    "rational": (lambda z: z / (1 + z * z), 3),
}

Sample = tuple[tuple[str, ...], list[list[list[Real]]], list[Real], list[Real]]


def loss_of(activations: tuple[str, ...]) -> Callable[[Any, Any, Any], Any]:
    """Squared error of a network, one number at a time."""

    def loss(weights: Any, x: Any, target: Any) -> Any:
        outputs = x
        for matrix, activation in zip(weights, activations, strict=True):
            sums = [sum(o * row[j] for o, row in zip(outputs, matrix, strict=True)) for j in range(len(matrix[0]))]
            outputs = [PLAIN[activation][0](z) for z in sums]
        return sum((o - t) * (o - t) for o, t in zip(outputs, target, strict=True))

    return loss


@st.composite
def samples(draw: st.DrawFn, numbers: st.SearchStrategy[Real]) -> Sample:
    """Activations, weights, inputs and targets of a small network."""

    def vector(size: int) -> list[Real]:
        return draw(st.lists(numbers, min_size=size, max_size=size))

    sizes = draw(st.lists(st.integers(1, 2), min_size=2, max_size=4))
    weights = [[vector(above) for _ in range(below)] for below, above in pairwise(sizes)]
    activations = tuple(draw(st.sampled_from(sorted(PLAIN))) for _ in weights)
    return activations, weights, vector(sizes[0]), vector(sizes[-1])


def weights_in(weights: list[list[list[Real]]]) -> list[tuple[int, int, int]]:
    """Indices of all weights, from 0."""
    return [(k, i, j) for k, matrix in enumerate(weights) for i, row in enumerate(matrix) for j in range(len(row))]


@settings(max_examples=80, deadline=None)
@given(samples(fractions))
def test_a_network_is_derived_alike_in_five_ways(sample: Sample) -> None:
    """In fractions: path by path, by either sweep, by reverse mode and by hand the gradient is exactly the same."""
    activations, weights, x, target = sample
    loss = loss_of(activations)
    graph = derivative_graph(loss, weights, x, target)
    reverse_mode = exact_gradient(loss, weights, x, target)[0]
    oracle = ScalarNetwork(weights, [[0] * len(m[0]) for m in weights], [ACTIVATIONS[name] for name in activations])
    by_hand = slopes_at(oracle, x, target)
    names = {at: "weights[{}][{}][{}]".format(*at) for at in weights_in(weights)}
    one_sweep = memoized_gradient(graph, list(names.values()), graph.order[0]).value
    for (k, i, j), name in names.items():
        weight = (k + 1, i + 1, j + 1)
        naive = naive_path_sum(graph, name, graph.order[0]).value
        assert isinstance(naive, Fraction)
        assert naive == path_sum(graph, name, graph.order[0])
        assert naive == one_sweep[name]
        assert naive == reverse_mode[k][i][j]
        assert naive == path_sum(weight_graph(oracle.sizes, weight, by_hand), weight_name(weight), LOSS)


@settings(max_examples=80, deadline=None)
@given(samples(fractions))
def test_paths_of_a_network_are_the_product_of_its_widths(sample: Sample) -> None:
    """Times the paths through each activation, and two through the square of the error."""
    activations, weights, x, target = sample
    graph = derivative_graph(loss_of(activations), weights, x, target)
    through = [PLAIN[name][1] for name in activations]
    for k, i, j in weights_in(weights):
        above = prod(len(matrix[0]) * paths for matrix, paths in zip(weights[k + 1 :], through[k + 1 :], strict=True))
        name = f"weights[{k}][{i}][{j}]"
        assert count_paths(graph, name, graph.order[0]) == through[k] * above * 2


@settings(max_examples=80, deadline=None)
@given(samples(floats))
def test_floats_agree_with_grad(sample: Sample) -> None:
    """The sum over the paths of a network in floats is `grad`, but for rounding; reverse mode is `grad` itself."""
    activations, weights, x, target = sample
    loss = loss_of(activations)
    expected = mg.grad(loss)(weights, x, target)
    assert exact_gradient(loss, weights, x, target)[0] == expected
    graph = derivative_graph(loss, weights, x, target)
    magnitudes = LocalDerivatives(
        {
            vertex: tuple(Edge(edge.source, edge.factor_name, abs(edge.weight)) for edge in edges)
            for vertex, edges in graph.inputs.items()
        }
    )
    for k, i, j in weights_in(weights):
        name = f"weights[{k}][{i}][{j}]"
        naive = naive_path_sum(graph, name, graph.order[0]).value
        # A path here has up to 20 factors, each operation is right to half an ulp, and terms may cancel; below the
        # smallest normal number rounding is no longer relative.
        scale = float(path_sum(magnitudes, name, graph.order[0]))
        assert abs(naive - expected[k][i][j]) <= 64 * EPSILON * scale + 1e-300
        assert abs(path_sum(graph, name, graph.order[0]) - expected[k][i][j]) <= 64 * EPSILON * scale + 1e-300


# Any expression, with shared parts

STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": lambda x, y: x / (1 + y * y),
    "invert": lambda x, y: 1 / (2 + x * x),
    "negate": lambda x, y: -x,
    "scale": lambda x, y: 0.75 * x - 3,
}

Program = tuple[tuple[str, int, int], ...]

programs = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6
).map(tuple)


def function_of(program: Program) -> Callable[..., Any]:
    """Each step reads any two of the values before it: shared ones, and one twice."""

    def f(x: Any, y: Any, z: Any) -> Any:
        values = [x, y, z]
        for step, a, b in program:
            values.append(STEPS[step](values[a % len(values)], values[b % len(values)]))
        return values[-1]

    return f


@settings(deadline=None)
@given(programs, st.tuples(fractions, fractions, fractions))
def test_an_expression_has_the_paths_that_it_takes_by_itself(program: Program, point: tuple[Fraction, ...]) -> None:
    """The paths, their sum and the strongest of them are those of an enumeration that knows no graph."""
    f = function_of(program)
    graph = derivative_graph(f, *point)
    enumerated = f(*map(path_numbers.argument, "xyz", point))
    assert isinstance(enumerated, PathNumber)
    gradient = exact_gradient(f, *point)
    for name, by_reverse_mode in zip("xyz", gradient, strict=True):
        products = enumerated.paths.get(name, ())
        found = [prod(edge.weight for edge in path) for path in each_path(graph, name, graph.order[0])]
        assert sorted(found) == sorted(products)
        assert count_paths(graph, name, graph.order[0]) == len(products)
        assert strongest_path(graph, name, graph.order[0]).value == max(map(abs, products), default=0)
        assert path_sum(graph, name, graph.order[0]) == sum(products) == by_reverse_mode
        assert naive_path_sum(graph, name, graph.order[0]).value == by_reverse_mode


@settings(deadline=None)
@given(programs, st.tuples(fractions, fractions, fractions))
def test_the_strongest_path_is_one_of_the_written_terms(program: Program, point: tuple[Fraction, ...]) -> None:
    """Its factors, looked up and multiplied, are its value, and it is the first such term."""
    graph = derivative_graph(function_of(program), *point)
    weight_of = {edge.factor_name: abs(edge.weight) for edges in graph.inputs.values() for edge in edges}
    strongest = strongest_path(graph, "x", graph.order[0])
    if strongest.value:
        terms = map(tuple, written_terms(graph, "x", graph.order[0], limit=10**6))
        best = next(term for term in terms if prod(weight_of[name] for name in term) == strongest.value)
        assert strongest.factors() == best


def test_a_square_has_two_edges() -> None:
    """x·x reads x twice: two paths, each with its own name."""
    graph = derivative_graph(lambda x: x * x, Fraction(5))
    assert [edge.factor_name for edge in graph.inputs["multiply₁"]] == [
        "∂multiply₁/∂x (operand 1)",
        "∂multiply₁/∂x (operand 2)",
    ]
    assert count_paths(graph, "x", "multiply₁") == 2
    assert naive_path_sum(graph, "x", "multiply₁").value == 10


def test_equal_expressions_are_one_vertex() -> None:
    """(x + y)·(x + y) has one sum, read twice."""
    graph = derivative_graph(lambda x, y: (x + y) * (x + y), 1.0, 2.0)
    assert graph.order == ("multiply₂", "add₁", "x", "y")
    assert count_paths(graph, "x", "multiply₂") == 2


def test_arguments_are_named_as_one_would_write_them() -> None:
    """Containers of numbers are vertices by path, ints are code, and derivatives come back in the same form."""

    def f(p: Any, scale: Any, unused: Any) -> Any:
        return p["b"][1] * scale ** p["n"] + p["a"]

    arguments = ({"a": Fraction(1), "b": (0.5, Fraction(3)), "n": 3}, 2.0, Fraction(7))
    graph = derivative_graph(f, *arguments)
    vertices = {"add₃", "multiply₂", "power₁", "p['a']", "p['b'][0]", "p['b'][1]", "scale", "unused"}
    assert set(graph.order) == vertices
    gradient = exact_gradient(f, *arguments)
    assert gradient == ({"a": 1, "b": (0, 8), "n": None}, 36, 0)
    assert isinstance(gradient[1], Fraction)


def test_the_result_is_first() -> None:
    """Also where an argument goes unused, the result is an argument, a constant, or flat."""
    assert derivative_graph(lambda x, y: y * 2, 1.0, 1.0).order == ("multiply₁", "x", "y")
    assert derivative_graph(lambda x, y: y, 1.0, 1.0).order == ("y", "x")
    assert derivative_graph(lambda x: 3.0, 1.0).order == ("constant₁", "x")
    assert derivative_graph(lambda x: np.floor(x), 1.5).order == ("floor₁", "x")


def test_what_is_flat_or_constant_has_no_vertex() -> None:
    """Comparisons and constants hand nothing on, and an unused argument has no path."""
    graph = derivative_graph(lambda x, y: np.where(x > 0, 2.0 * x, np.sign(y)), 1.0, 1.0)
    assert graph.order == ("where₂", "y", "multiply₁", "x")
    assert count_paths(graph, "y", "where₂") == 0
    assert exact_gradient(lambda x, y: np.where(x > 0, 2.0 * x, np.sign(y)), Fraction(1), 1.0) == (2, 0)


@pytest.mark.parametrize(
    ("f", "point", "expected"),
    [
        (lambda x, y: np.maximum(x, y), (2, 3), (0, 1)),
        (lambda x, y: np.minimum(x, y), (2, 2), (Fraction(1, 2), Fraction(1, 2))),
        (lambda x, y: np.abs(x) * np.clip(y, 0, 1), (-2, Fraction(1, 3)), (Fraction(-1, 3), 2)),
        (lambda x, y: x**3 / y**-2, (2, 3), (108, 48)),
        (lambda x, y: np.where(x < y, x / y, y), (1, 3), (Fraction(1, 3), Fraction(-1, 9))),
        (lambda x, y: np.mean(x) * np.max(y) - np.sum(x), (2, 3), (2, 2)),
        (lambda x, y: np.float32(0.5) * x + (y > x).astype(float) * y, (2, 3), (Fraction(1, 2), 1)),
    ],
)
def test_rules_are_exact(f: Callable[..., Any], point: tuple[Any, Any], expected: tuple[Any, Any]) -> None:
    """The table of rules gives fractions for fractions, at kinks as the rules say."""
    x, y = map(Fraction, point)
    assert exact_gradient(f, x, y) == expected
    graph = derivative_graph(f, x, y)
    assert (path_sum(graph, "x", graph.order[0]), path_sum(graph, "y", graph.order[0])) == expected


def test_transcendental_functions_are_fine_in_floats() -> None:
    """Without a Fraction among the arguments the numbers are floats, and every op has its meaning."""
    graph = derivative_graph(lambda x, y: np.tanh(x * y) + np.exp(x), 0.5, 2.0)
    expected = mg.grad(lambda x, y: np.tanh(x * y) + np.exp(x))(0.5, 2.0)
    # Four operations, each right to an ulp.
    assert path_sum(graph, "x", graph.order[0]) == pytest.approx(float(expected), rel=8 * EPSILON)


@pytest.mark.parametrize("ask", [derivative_graph, exact_gradient])
@pytest.mark.parametrize(
    ("f", "arguments", "error", "message"),
    [
        (lambda x: np.tanh(x), [Fraction(1)], NotRational, r"tanh of a fraction .*test_scalar_function.*np\.tanh"),
        (np.log, [Fraction(1)], NotRational, "log of a fraction"),
        (lambda x, y: x**y, [Fraction(2), Fraction(2)], NotRational, "log of a fraction .*the derivative of"),
        (lambda x: 1 / x, [Fraction(0)], NotRational, "divide divides by zero"),
        (lambda x: x.sum(), [np.ones(3)], ShapeError, r"x is float64\[3\]; pass its \.tolist"),
        (lambda x: np.stack([x, x])[0], [1.0], ShapeError, r"reshape gives float64\[1\]; write loops .*np\.stack"),
        (lambda x: x, [2], DtypeError, r"no argument .* pass 2\.0 or Fraction\(2\)"),
        (lambda x: (x, x), [2.0], ShapeError, "needs one result, and <lambda> returned 2"),
        (lambda x: x > 0, [2.0], DtypeError, "needs a floating result"),
        (lambda x: x if x > 0 else -x, [2.0], TraceError, "branches on the value"),
    ],
)
def test_what_cannot_be_derived_is_refused(
    ask: Callable[..., Any], f: Callable[..., Any], arguments: list[Any], error: type[Exception], message: str
) -> None:
    """The refusal names the op, the line where there is one, and what to do."""
    with pytest.raises(error, match=message):
        ask(f, *arguments)


def test_a_chain_of_ten_thousand_is_derived() -> None:
    """Depth costs no stack: a graph of 10,000 vertices, and the exact derivative of its end."""

    def f(x: Any) -> Any:
        for _ in range(10_000):
            x = 1 - x
        return x

    graph = derivative_graph(f, Fraction(1, 3))
    assert len(graph.order) == 10_001
    assert path_sum(graph, "x", graph.order[0]) == naive_path_sum(graph, "x", graph.order[0]).value == 1
    assert exact_gradient(f, Fraction(1, 3)) == (1,)


def test_a_ladder_of_ten_thousand_rungs_is_derived() -> None:
    """x + x, ten thousand times: 2**10000 paths, counted, summed and differentiated exactly."""

    def f(x: Any) -> Any:
        for _ in range(10_000):
            x = x + x
        return x

    graph = derivative_graph(f, Fraction(1, 3))
    assert count_paths(graph, "x", graph.order[0]) == 2**10_000
    assert path_sum(graph, "x", graph.order[0]) == 2**10_000
    assert exact_gradient(f, Fraction(1, 3)) == (2**10_000,)
    assert len(written_terms(graph, "x", graph.order[0], limit=2)[1]) == 10_000
