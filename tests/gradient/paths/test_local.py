"""The graph of local derivatives: its order, and what cannot be one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from memograd.errors import MalformedGraph
from memograd.gradient.paths.local import Edge, LocalDerivatives

from .graphs import Graph, graphs


@given(graphs())
def test_the_order_puts_every_vertex_before_its_inputs(graph: Graph) -> None:
    """A sweep in this order finds each adjoint finished, and no vertex is missing."""
    place = {vertex: n for n, vertex in enumerate(graph.order)}
    assert len(place) == len(graph.inputs)
    assert all(place[vertex] < place[edge.source] for vertex, edges in graph.inputs.items() for edge in edges)


def test_a_cycle_is_refused() -> None:
    """A graph with a cycle has no order, and cannot be made."""
    with pytest.raises(MalformedGraph, match=r"cycle at or above '(a|b|w)'"):
        LocalDerivatives({"a": (Edge("b", "a/b"),), "b": (Edge("a", "b/a"), Edge("w", "b/w"))})


def test_two_factors_of_one_name_are_refused() -> None:
    """A factor's name must tell which it is, else uses could not be counted by name."""
    with pytest.raises(MalformedGraph, match="2 edges are named 'same'"):
        LocalDerivatives({"L": (Edge("a", "same"), Edge("b", "same"))})


def test_the_graph_does_not_change_with_the_mapping_it_was_made_from() -> None:
    """What was checked when it was made stays as it was checked."""
    inputs = {"L": (Edge("w", "L/w"),)}
    graph = LocalDerivatives(inputs)
    inputs["w"] = (Edge("L", "w/L"),)
    assert graph.inputs["w"] == ()


@given(graphs())
def test_turning_twice_gives_the_edges_back(graph: Graph) -> None:
    """A transposed graph has the same edges with their ends exchanged."""
    edges = Counter((above, edge) for above, inputs in graph.inputs.items() for edge in inputs)
    back = graph.transposed().transposed()
    assert edges == Counter((above, edge) for above, inputs in back.inputs.items() for edge in inputs)
