"""Walks over graphs: in order, each node once, without recursion."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memograd.graph.node import Node
from memograd.graph.ops import make, make_input, make_like
from memograd.graph.walk import count_uses, dependents, substitute, topological

FLOAT = np.dtype(np.float64)
A, B, C = (make_input(1, i, (), FLOAT) for i in range(3))
SUM = make("add", A, B)
SQUARE = make("multiply", SUM, SUM)
BOTH = make("subtract", SQUARE, A)


def random_graph(seed: int, n_nodes: int) -> list[Node]:
    """Nodes, each an op on two that came before."""
    draw = random.Random(seed)
    nodes = [A, B, C]
    for _ in range(n_nodes):
        nodes.append(make(draw.choice(["add", "multiply"]), draw.choice(nodes), draw.choice(nodes)))
    return nodes


graphs = st.builds(random_graph, st.integers(0, 10**6), st.integers(1, 30))


def test_order() -> None:
    """Operands come before what uses them, left ones first; nothing else is listed."""
    assert topological([BOTH]) == [A, B, SUM, SQUARE, BOTH]
    assert topological([SUM, BOTH, SUM]) == [A, B, SUM, SQUARE, BOTH]
    assert topological([]) == []


def test_known_nodes_are_not_entered() -> None:
    """What is known is not listed, and what only it needs is not either."""
    assert topological([BOTH], known={SUM}) == [SQUARE, A, BOTH]
    assert topological([BOTH], known={BOTH}) == []
    assert topological([BOTH], known={A, B}) == [SUM, SQUARE, BOTH]


@given(graphs)
def test_every_node_comes_after_its_operands(nodes: list[Node]) -> None:
    """The order is topological and lists each node once."""
    order = topological(nodes[-2:])
    assert len(order) == len(set(order))
    place = {node: i for i, node in enumerate(order)}
    assert all(place[source] < place[node] for node in order for source in node.inputs)


def test_uses_are_counted_one_by_one() -> None:
    """x·x reads x twice, and an output is read by the caller."""
    order = topological([BOTH])
    assert count_uses(order, [BOTH, SUM]) == {A: 2, B: 1, SUM: 3, SQUARE: 1, BOTH: 1}
    assert count_uses(order) == {A: 2, B: 1, SUM: 2, SQUARE: 1}


@given(graphs)
def test_dependents_are_those_with_a_path_to_a_source(nodes: list[Node]) -> None:
    """A node depends on a source exactly if the source is among what it is computed from."""
    order = topological(nodes)
    assert dependents(order, [B]) == {B} | {node for node in order if B in topological([node])}


def test_substitution_rebuilds_what_depends() -> None:
    """What depends on a replaced node is made anew; what does not stays as it is."""
    aside = make("sin", C)
    outputs, replaced = substitute([BOTH, aside, A], {B: C}, make_like)
    total = make("add", A, C)
    assert outputs == [make("subtract", make("multiply", total, total), A), aside, A]
    assert set(replaced) == {B, SUM, SQUARE, BOTH}


def test_a_replacement_is_not_replaced_again() -> None:
    """Exchanging two inputs exchanges them: substitution is simultaneous."""
    outputs, _ = substitute([make("subtract", A, B)], {A: B, B: A}, make_like)
    assert outputs == [make("subtract", B, A)]


def test_outputs_themselves_can_be_replaced() -> None:
    """A replaced output is its replacement."""
    assert substitute([SUM, A], {SUM: C}, make_like)[0] == [C, A]


def test_depth_is_no_limit() -> None:
    """A chain of a hundred thousand nodes is ordered, counted, searched and rebuilt."""
    depth = 100_000
    node = A
    for _ in range(depth):
        node = make("sin", node)
    order = topological([node])
    assert len(order) == depth + 1
    assert len(count_uses(order, [node])) == depth + 1
    assert len(dependents(order, [A])) == depth + 1
    (other,), replaced = substitute([node], {A: B}, make_like)
    assert len(replaced) == depth + 1
    assert topological([other])[0] is B
