"""Sums over all paths: each sweep against the enumeration of the paths."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.errors import UnknownName
from memograd.gradient.paths.local import Edge, LocalDerivatives
from memograd.gradient.paths.semirings import Real
from memograd.gradient.paths.sums import (
    between,
    count_paths,
    path_sum,
    shared_factors,
    strongest_path,
    written_terms,
)

from .graphs import Graph, bottom, diamond, enumerated, graphs, ladder


def magnitude(path: list[Edge[int]]) -> Real:
    product: Real = prod(edge.weight for edge in path)
    return max(product, -product)


@given(graphs())
def test_counts_are_those_of_the_enumeration(graph: Graph) -> None:
    """The sweep counts as many paths as there are."""
    assert count_paths(graph, bottom(graph), 0) == len(enumerated(graph, bottom(graph), 0))


@given(graphs())
def test_the_sum_is_that_of_the_enumeration(graph: Graph) -> None:
    """The sweep's derivative is exactly the sum over all paths of the product of their weights."""
    expected = sum(prod(edge.weight for edge in path) for path in enumerated(graph, bottom(graph), 0))
    assert path_sum(graph, bottom(graph), 0) == expected


@given(graphs())
def test_the_written_terms_are_the_paths(graph: Graph) -> None:
    """Every path is written once, target's side first."""
    paths = enumerated(graph, bottom(graph), 0)
    expected = Counter(tuple(edge.factor_name for edge in path) for path in paths)
    assert Counter(map(tuple, written_terms(graph, bottom(graph), 0, limit=10**6))) == expected


@given(graphs(), st.integers(0, 5))
def test_a_limit_gives_the_first_terms(graph: Graph, limit: int) -> None:
    """Fewer terms are the beginning of more."""
    assert written_terms(graph, bottom(graph), 0, limit) == written_terms(graph, bottom(graph), 0, 100)[:limit]


@given(graphs())
def test_the_strongest_path_is_the_best_of_the_enumeration(graph: Graph) -> None:
    """No path has a larger magnitude, the one shown attains it, and of several it is the first that is written."""
    magnitudes = {
        tuple(edge.factor_name for edge in path): magnitude(path) for path in enumerated(graph, bottom(graph), 0)
    }
    strongest = strongest_path(graph, bottom(graph), 0)
    assert strongest.value == max(magnitudes.values(), default=0)
    if strongest.value:
        written = map(tuple, written_terms(graph, bottom(graph), 0, limit=10**6))
        assert strongest.factors() == next(term for term in written if magnitudes[term] == strongest.value)


@given(graphs())
def test_uses_are_those_of_the_enumeration(graph: Graph) -> None:
    """Two sweeps find for every factor in how many paths it occurs."""
    paths = enumerated(graph, bottom(graph), 0)
    assert shared_factors(graph, bottom(graph), 0) == Counter(edge.factor_name for path in paths for edge in path)


@given(graphs())
def test_between_keeps_the_paths_and_nothing_else(graph: Graph) -> None:
    """What is left are the edges of some path, and all of them."""
    on_paths = {edge.factor_name for path in enumerated(graph, bottom(graph), 0) for edge in path}
    kept = between(graph, [bottom(graph)], 0)
    assert {edge.factor_name for edges in kept.inputs.values() for edge in edges} == on_paths


def test_a_tie_goes_to_the_path_that_is_written_first() -> None:
    """Equal magnitudes are told apart by order, whatever their signs."""
    assert strongest_path(diamond(-2, 2), "w", "L").factors() == ("L/a", "a/w")
    assert strongest_path(diamond(-2, 3), "w", "L").factors() == ("L/b", "b/w")


def test_the_strongest_path_need_not_be_the_sum() -> None:
    """Two strong paths may cancel."""
    assert path_sum(diamond(-2, 2), "w", "L") == 0
    assert strongest_path(diamond(-2, 2), "w", "L").value == 2


def test_a_vertex_reaches_itself_by_the_empty_path() -> None:
    """∂x/∂x is 1: one path, without factors."""
    assert count_paths(diamond(), "a", "a") == 1
    assert path_sum(diamond(), "a", "a") == 1
    assert written_terms(diamond(), "a", "a", limit=5) == [[]]


def test_without_a_path_everything_is_zero() -> None:
    """A vertex that the target does not depend on has no path, no term and no factor."""
    assert count_paths(diamond(), "b", "a") == 0
    assert path_sum(diamond(), "b", "a") == 0
    assert written_terms(diamond(), "b", "a", limit=5) == []
    assert strongest_path(diamond(), "b", "a").factors() == ()
    assert shared_factors(diamond(), "b", "a") == {}
    assert between(diamond(), ["b"], "a").order == ()


@pytest.mark.parametrize(("source", "target"), [("nowhere", "L"), ("w", "nowhere")])
@pytest.mark.parametrize("question", [count_paths, path_sum, strongest_path, shared_factors])
def test_a_vertex_that_is_not_there_is_an_error(question: object, source: str, target: str) -> None:
    """A misspelled vertex is told from one that nothing depends on."""
    assert callable(question)
    with pytest.raises(UnknownName, match="'nowhere' is not one of the 4 vertices"):
        question(diamond(), source, target)


def test_a_chain_of_a_hundred_thousand_is_answered() -> None:
    """Depth costs no stack, whatever is asked."""
    depth = 100_000
    graph = LocalDerivatives({n: (Edge(n + 1, str(n)),) for n in range(depth)})
    assert len(written_terms(graph, depth, 0, limit=2)[0]) == depth
    assert len(strongest_path(graph, depth, 0).factors()) == depth
    assert path_sum(graph, depth, 0) == 1


def test_a_ladder_of_ten_thousand_rungs_is_answered() -> None:
    """With 2**10000 paths every question is answered, exactly."""
    depth = 10_000
    graph = ladder(depth)
    assert len(written_terms(graph, depth, 0, limit=2)[1]) == depth
    assert len(strongest_path(graph, depth, 0).factors()) == depth
    assert count_paths(graph, depth, 0) == 2**depth


def test_uses_in_a_deep_ladder_are_exact() -> None:
    """Each side of each rung is taken by half of the paths."""
    depth = 2_000
    assert set(shared_factors(ladder(depth), depth, 0).values()) == {2 ** (depth - 1)}


def test_fractions_stay_fractions() -> None:
    """Nothing on the way turns an exact derivative into a float."""
    value = path_sum(diamond(Fraction(1, 3), Fraction(1, 6)), "w", "L")
    assert value == Fraction(1, 2)
    assert isinstance(value, Fraction)
