"""The derivative graph of a network: its names, its edges, and how little of it is built."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import ShapeError, UnknownName
from memograd.gradient.paths.layered import (
    LOSS,
    Slopes,
    first_paths_graph,
    network_graph,
    node_name,
    weight_graph,
    weight_name,
)
from memograd.gradient.paths.sums import between, written_terms

Case = tuple[tuple[int, ...], tuple[int, int, int]]

cases = st.lists(st.integers(1, 4), min_size=2, max_size=5).flatmap(
    lambda sizes: st.integers(1, len(sizes) - 1).flatmap(
        lambda k: st.tuples(
            st.just(tuple(sizes)),
            st.tuples(st.just(k), st.integers(1, sizes[k - 1]), st.integers(1, sizes[k])),
        )
    )
)


def test_the_smallest_example_is_the_formula_on_paper() -> None:
    """∂L/∂w¹₁₁ of 2-2-2-1 is ∂L/∂ŷ [ ∂ŷ/∂O₂₁ ∂O₂₁/∂O₁₁ ∂O₁₁/∂w¹₁₁ + ∂ŷ/∂O₂₂ ∂O₂₂/∂O₁₁ ∂O₁₁/∂w¹₁₁ ]."""
    graph = weight_graph((2, 2, 2, 1), (1, 1, 1))
    assert written_terms(graph, "w¹₁₁", LOSS, limit=10) == [
        ["∂L/∂ŷ", "∂ŷ/∂O₂₁", "∂O₂₁/∂O₁₁", "∂O₁₁/∂w¹₁₁"],
        ["∂L/∂ŷ", "∂ŷ/∂O₂₂", "∂O₂₂/∂O₁₁", "∂O₁₁/∂w¹₁₁"],
    ]


def test_a_weight_of_the_last_layer_has_a_single_path() -> None:
    """Nothing fans out above the last layer."""
    graph = weight_graph((2, 2, 2, 3), (3, 2, 3))
    assert written_terms(graph, "w³₂₃", LOSS, limit=10) == [["∂L/∂ŷ₃", "∂ŷ₃/∂w³₂₃"]]


def test_terms_are_grouped_by_output() -> None:
    """With several outputs the paths over the first one come first."""
    terms = written_terms(weight_graph((1, 1, 2, 2), (1, 1, 1)), "w¹₁₁", LOSS, limit=10)
    assert [term[0] for term in terms] == ["∂L/∂ŷ₁", "∂L/∂ŷ₁", "∂L/∂ŷ₂", "∂L/∂ŷ₂"]


@given(st.lists(st.integers(1, 13), min_size=2, max_size=13))
def test_names_are_unambiguous(sizes: list[int]) -> None:
    """No two nodes or weights of a network have the same name, whatever their indices."""
    nodes = [node_name(sizes, k, j) for k, size in enumerate(sizes) if k for j in range(1, size + 1)]
    weights = [
        weight_name((k, i, j))
        for k, (below, above) in enumerate(pairwise(sizes), start=1)
        for i in range(1, below + 1)
        for j in range(1, above + 1)
    ]
    names = [LOSS, *nodes, *weights]
    assert len(set(names)) == len(names)


def test_indices_over_nine_are_set_apart() -> None:
    """O(12, 3) is not O(1, 23), and a layer over 9 stays one superscript."""
    assert node_name((1,) * 20, 12, 3) == "O₍₁₂,₃₎"
    assert node_name((1, 10, 1), 1, 10) == "O₍₁,₁₀₎"
    assert node_name((1, 23, 1), 1, 23) == "O₍₁,₂₃₎"
    assert node_name((1, 12), 1, 12) == "ŷ₁₂"
    assert weight_name((10, 1, 1)) == "w¹⁰₁₁"


@given(cases)
def test_a_weight_graph_is_the_part_of_the_network_on_its_paths(case: Case) -> None:
    """Building only what one weight needs leaves out nothing that it needs."""
    sizes, weight = case
    part, whole = weight_graph(sizes, weight), network_graph(sizes)
    assert part.inputs == between(whole, [weight_name(weight)], LOSS).inputs


@given(cases, st.integers(0, 20))
def test_the_first_paths_are_those_of_the_whole_graph(case: Case, n_paths: int) -> None:
    """The narrow graph writes the same first terms as the wide one."""
    name = weight_name(case[1])
    narrow, wide = first_paths_graph(*case, n_paths), weight_graph(*case)
    assert written_terms(narrow, name, LOSS, n_paths) == written_terms(wide, name, LOSS, n_paths)


def test_the_first_paths_of_a_wide_and_deep_network_need_a_narrow_graph() -> None:
    """Four paths through a thousand layers of 64 nodes take a thousand vertices, not four million edges."""
    graph = first_paths_graph((64,) * 1_001, (1, 1, 1), n_paths=4)
    assert len(graph.order) < 1_010
    assert len(written_terms(graph, "w¹₁₁", LOSS, limit=4)) == 4


def test_slopes_are_asked_for_by_their_indices_on_paper() -> None:
    """The number on an edge is the one whose indices are in its name."""
    slopes = Slopes(lambda j: j, lambda k, i, j: 100 * k + 10 * i + j, lambda k, i, j: -(100 * k + 10 * i + j))
    weight_of = {
        edge.factor_name: edge.weight for edges in network_graph((2, 3, 2), slopes).inputs.values() for edge in edges
    }
    assert weight_of["∂L/∂ŷ₂"] == 2
    assert weight_of["∂ŷ₂/∂O₁₃"] == 232
    assert weight_of["∂O₁₃/∂w¹₂₃"] == -123
    assert weight_of["∂ŷ₁/∂w²₃₁"] == -231
    assert len(weight_of) == 2 + 3 * 2 + 2 * 3 + 3 * 2


@pytest.mark.parametrize("sizes", [(), (2,), (2, 0, 1), (2, -1)])
def test_sizes_of_no_network_are_refused(sizes: tuple[int, ...]) -> None:
    """A network has an input and an output layer, and nodes in each."""
    with pytest.raises(ShapeError, match=re.escape(str(sizes))):
        network_graph(sizes)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ((0, 1, 1), "k, its layer, is counted from 1 to 2, and 0 was asked"),
        ((3, 1, 1), "k, its layer, is counted from 1 to 2, and 3 was asked"),
        ((1, 3, 1), "i, where it comes from, is counted from 1 to 2, and 3 was asked"),
        ((1, 1, 4), "j, where it goes to, is counted from 1 to 3, and 4 was asked"),
        ((1, 1), "three indices do"),
    ],
)
def test_a_weight_that_is_not_there_is_refused(weight: tuple[int, int, int], message: str) -> None:
    """The refusal tells which index is wrong, and how far it may go."""
    with pytest.raises(UnknownName, match=message):
        weight_graph((2, 3, 1), weight)


def test_half_a_node_is_refused() -> None:
    """Sizes and indices are whole numbers."""
    with pytest.raises(TypeError):
        network_graph((2, 1.5))  # type: ignore[arg-type]
