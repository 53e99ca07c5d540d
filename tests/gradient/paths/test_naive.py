"""The naive evaluator and the counted sweep: the same derivative, at two prices."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import TooManyPaths
from memograd.gradient.paths.layered import LOSS, Slopes, network_graph, weight_graph, weight_name
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.naive import (
    Counted,
    each_path,
    memoized_gradient,
    memoized_path_sum,
    naive_path_sum,
)
from memograd.gradient.paths.sums import count_paths, path_sum, written_terms

sizes_and_weights = st.lists(st.integers(1, 3), min_size=2, max_size=5).flatmap(
    lambda sizes: st.integers(1, len(sizes) - 1).flatmap(
        lambda k: st.tuples(
            st.just(tuple(sizes)),
            st.tuples(st.just(k), st.integers(1, sizes[k - 1]), st.integers(1, sizes[k])),
        )
    )
)

# Some number for each index, different for different ones, and exact.
SLOPES = Slopes(
    loss=lambda j: Fraction(j, 7),
    node=lambda k, i, j: Fraction(3 * i - 5 * j, k),
    weight=lambda k, i, j: Fraction(i + j, k + 2),
)


def weights_of(sizes: tuple[int, ...]) -> list[tuple[int, int, int]]:
    return [(k, i, j) for k in range(1, len(sizes)) for i in range(1, sizes[k - 1] + 1) for j in range(1, sizes[k] + 1)]


@given(sizes_and_weights)
def test_naive_and_memoized_agree_exactly(case: tuple[tuple[int, ...], tuple[int, int, int]]) -> None:
    """The sum over all paths and the sweep are the same fraction."""
    graph, name = weight_graph(*case, SLOPES), weight_name(case[1])
    naive = naive_path_sum(graph, name, LOSS)
    assert naive.value == memoized_path_sum(graph, name, LOSS).value == path_sum(graph, name, LOSS)


@given(sizes_and_weights)
def test_naive_costs_what_the_formula_says(case: tuple[tuple[int, ...], tuple[int, int, int]]) -> None:
    """A path of m factors takes m − 1 multiplications, and n paths take n − 1 additions."""
    graph, name = weight_graph(*case, SLOPES), weight_name(case[1])
    lengths = [len(path) for path in each_path(graph, name, LOSS)]
    naive = naive_path_sum(graph, name, LOSS)
    assert naive.multiplications == sum(length - 1 for length in lengths)
    assert naive.additions == len(lengths) - 1


@given(sizes_and_weights)
def test_the_sweep_multiplies_once_an_edge(case: tuple[tuple[int, ...], tuple[int, int, int]]) -> None:
    """Each edge below the derivatives of the loss is multiplied once, and contributions beyond the first are added."""
    graph, name = weight_graph(*case, SLOPES), weight_name(case[1])
    n_edges = sum(map(len, graph.inputs.values()))
    memoized = memoized_path_sum(graph, name, LOSS)
    assert memoized.multiplications == n_edges - len(graph.inputs[LOSS])
    assert memoized.additions == n_edges - (len(graph.order) - 1)


@given(sizes_and_weights)
def test_one_sweep_over_the_network_gives_all_derivatives(case: tuple[tuple[int, ...], tuple[int, int, int]]) -> None:
    """The gradient of all weights is that of each, for one multiplication per edge."""
    sizes = case[0]
    graph = network_graph(sizes, SLOPES)
    gradient = memoized_gradient(graph, [weight_name(weight) for weight in weights_of(sizes)], LOSS)
    for weight in weights_of(sizes):
        alone = naive_path_sum(weight_graph(sizes, weight, SLOPES), weight_name(weight), LOSS)
        assert gradient.value[weight_name(weight)] == alone.value
    assert gradient.multiplications == sum(map(len, graph.inputs.values())) - sizes[-1]


def test_the_smallest_example_costs_six_and_five() -> None:
    """2-2-2-1: two paths of four factors take six multiplications, and five edges take five."""
    graph = weight_graph((2, 2, 2, 1), (1, 1, 1))
    assert naive_path_sum(graph, "w¹₁₁", LOSS) == Counted(value=2, multiplications=6, additions=1)
    assert memoized_path_sum(graph, "w¹₁₁", LOSS) == Counted(value=2, multiplications=5, additions=1)


def test_only_vertices_on_a_path_are_multiplied() -> None:
    """One weight of the whole network costs no more than it does alone."""
    whole = memoized_path_sum(network_graph((2, 2, 2, 1)), "w¹₁₁", LOSS)
    assert whole == memoized_path_sum(weight_graph((2, 2, 2, 1), (1, 1, 1)), "w¹₁₁", LOSS)


@given(sizes_and_weights)
def test_paths_come_as_they_are_written(case: tuple[tuple[int, ...], tuple[int, int, int]]) -> None:
    """For a network the enumeration and the written formula go through the paths in the same order."""
    graph, name = weight_graph(*case), weight_name(case[1])
    enumerated = [[edge.factor_name for edge in path] for path in each_path(graph, name, LOSS)]
    assert enumerated == written_terms(graph, name, LOSS, limit=10**6)


def test_too_many_paths_are_refused_with_their_number() -> None:
    """The naive evaluator does not begin what it cannot end, and says how much it would have been."""
    graph = weight_graph((1, 10, 10, 10, 1), (1, 1, 1))
    with pytest.raises(TooManyPaths, match="100 paths, and at most 99 "):
        naive_path_sum(graph, "w¹₁₁", LOSS, max_paths=99)
    assert naive_path_sum(graph, "w¹₁₁", LOSS, max_paths=100).value == 100


def test_a_number_of_paths_too_long_for_python_is_written() -> None:
    """The refusal tells how many there are even where Python's own limit of 4,300 digits is passed."""
    depth = 20_000
    graph = LocalDerivatives({n: (Edge(n + 1, f"left {n}"), Edge(n + 1, f"right {n}")) for n in range(depth)})
    with pytest.raises(TooManyPaths, match=r"there are 3\.98027684033797e\+6020 paths"):
        naive_path_sum(graph, depth, 0)


def test_a_single_deep_path_is_evaluated() -> None:
    """Depth costs no stack."""
    depth = 100_000
    graph = LocalDerivatives({n: (Edge(n + 1, str(n)),) for n in range(depth)})
    assert naive_path_sum(graph, depth, 0) == Counted(1, multiplications=depth - 1, additions=0)
    assert memoized_path_sum(graph, depth, 0) == Counted(1, multiplications=depth - 1, additions=0)


def test_no_path_and_the_empty_path_cost_nothing() -> None:
    """Where there is nothing to multiply, nothing is."""
    graph = LocalDerivatives({"L": (Edge("a", "L/a", 5), Edge("b", "L/b", 7))})
    for evaluate in (naive_path_sum, memoized_path_sum):
        assert evaluate(graph, "b", "a") == Counted(0, 0, 0)
        assert evaluate(graph, "L", "L") == Counted(1, 0, 0)
        assert evaluate(graph, "b", "L") == Counted(7, 0, 0)


def test_counting_paths_is_the_product_of_the_widths() -> None:
    """From a weight of the first layer the paths fan out to every node of every later layer."""
    sizes = (2, 3, 4, 5, 2)
    assert count_paths(weight_graph(sizes, (1, 1, 1)), "w¹₁₁", LOSS) == prod(sizes[2:])
