"""Counts by the layer against the same counts by the node."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memograd.gradient.paths.layer_counts import network_multiplications, weight_paths
from memograd.gradient.paths.layered import LOSS, network_graph, weight_graph, weight_name
from memograd.gradient.paths.naive import each_path, memoized_gradient, memoized_path_sum, naive_path_sum
from memograd.gradient.paths.sums import count_paths, shared_factors

Case = tuple[tuple[int, ...], tuple[int, int, int]]

cases = st.lists(st.integers(1, 4), min_size=2, max_size=5).flatmap(
    lambda sizes: st.integers(1, len(sizes) - 1).flatmap(
        lambda k: st.tuples(
            st.just(tuple(sizes)),
            st.tuples(st.just(k), st.integers(1, sizes[k - 1]), st.integers(1, sizes[k])),
        )
    )
)


@given(cases)
def test_the_number_of_paths_is_counted_alike_in_four_ways(case: Case) -> None:
    """By the layer, by the node, as a product of widths, and by enumeration."""
    sizes, weight = case
    graph, name = weight_graph(sizes, weight), weight_name(weight)
    counts = {
        weight_paths(sizes, weight).count,
        count_paths(graph, name, LOSS),
        prod(sizes[weight[0] + 1 :]),
        sum(1 for _ in each_path(graph, name, LOSS)),
    }
    assert len(counts) == 1


@given(cases)
def test_shared_factors_are_those_of_the_nodes(case: Case) -> None:
    """By symmetry of the layers the same uses are found without a graph, the most shared first."""
    sizes, weight = case
    by_node = shared_factors(weight_graph(sizes, weight), weight_name(weight), LOSS)
    by_layer = list(weight_paths(sizes, weight).shared())
    assert dict(by_layer) == {name: uses for name, uses in by_node.items() if uses > 1}
    assert [uses for _, uses in by_layer] == sorted((uses for _, uses in by_layer), reverse=True)
    assert weight_paths(sizes, weight).count_shared() == len(by_layer)


@given(cases)
def test_multiplications_of_a_weight_are_those_that_were_done(case: Case) -> None:
    """The formulas give what the naive evaluator and the sweep count while they run."""
    sizes, weight = case
    graph, name = weight_graph(sizes, weight), weight_name(weight)
    counted = weight_paths(sizes, weight).multiplications()
    assert counted.naive == naive_path_sum(graph, name, LOSS).multiplications
    assert counted.memoized == memoized_path_sum(graph, name, LOSS).multiplications


@given(cases)
def test_multiplications_of_a_network_are_those_that_were_done(case: Case) -> None:
    """For all weights together: the naive ones of each, and those of one sweep for all."""
    sizes = case[0]
    graph = network_graph(sizes)
    weights = [vertex for vertex, edges in graph.inputs.items() if not edges]
    counted = network_multiplications(sizes)
    assert counted.naive == sum(naive_path_sum(graph, weight, LOSS).multiplications for weight in weights)
    assert counted.memoized == memoized_gradient(graph, weights, LOSS).multiplications


def test_ten_thousand_layers_are_counted_exactly() -> None:
    """A number of 9,031 digits is right to the last one, and nothing recurses."""
    sizes = (2, *[8] * 10_000, 1)
    paths = weight_paths(sizes, (1, 1, 1))
    assert paths.count == 8**9_999
    assert paths.multiplications().naive == 8**9_999 * 10_001
    assert paths.multiplications().memoized == 8 + 64 * 9_998 + 8 + 1
    assert network_multiplications(sizes).memoized == (16 + 64 * 9_999 + 8) + (64 * 9_999 + 8)


def test_sizes_of_numpy_do_not_overflow() -> None:
    """Counts are Python ints, though the sizes came from an array of 64-bit ints."""
    sizes = np.full(100, 8)
    assert weight_paths(sizes, (1, 1, 1)).count == 8**98  # type: ignore[arg-type]
    assert network_multiplications(sizes).naive > 8**98  # type: ignore[arg-type]
