"""Operation counts against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from memograd.graph.count import COSTS, Counts, count, count_node
from memograd.graph.node import Node
from memograd.graph.ops import make, make_constant, make_input
from memograd.graph.walk import topological

FLOAT = np.dtype(np.float64)
X = make_input(1, 0, (2, 3), FLOAT)
W = make_input(1, 1, (3, 4), FLOAT)
POSITIONS = make_constant(np.array([0, 2]))
KEY, COUNTER = make_input(1, 2, (2,), np.dtype(np.uint64)), make_input(1, 3, (4,), np.dtype(np.uint64))

# node, multiplications, additions, others, stored values
BY_HAND: list[tuple[Node, int, int, int, int]] = [
    (X, 0, 0, 0, 0),
    (POSITIONS, 0, 0, 0, 0),
    (make("add", X, X), 0, 6, 0, 6),
    (make("subtract", X, X), 0, 6, 0, 6),
    (make("multiply", X, X), 6, 0, 0, 6),
    (make("divide", X, X), 6, 0, 0, 6),
    (make("tanh", X), 0, 0, 6, 6),
    (make("less", X, X), 0, 0, 6, 6),
    (make("matmul", X, W), 2 * 3 * 4, 2 * 2 * 4, 0, 8),
    (make("sum", X, axes=(0, 1)), 0, 5, 0, 1),
    (make("sum", X, axes=(0,)), 0, 3, 0, 3),
    (make("max", X, axes=(1,)), 0, 0, 4, 2),
    (make("argmin", X, axes=(1,)), 0, 0, 4, 2),
    (make("cumsum", X, axis=0), 0, 6, 0, 6),
    (make("reshape", X, shape=(6,)), 0, 0, 0, 0),
    (make("broadcast_to", X, shape=(5, 2, 3)), 0, 0, 0, 0),
    (make("cast", X, dtype=np.dtype(np.float32)), 0, 0, 0, 6),
    (make("take", X, POSITIONS, axis=1), 0, 0, 0, 4),
    (make("scatter_add", make("take", X, POSITIONS, axis=1), POSITIONS, axis=1, length=3), 0, 4, 0, 6),
    (make("concatenate", X, X, axis=0), 0, 0, 0, 12),
    (make("random_bits", KEY, COUNTER, shape=(5,)), 0, 0, 5, 5),
]


@pytest.mark.parametrize(("node", "multiplications", "additions", "others", "stored"), BY_HAND, ids=str)
def test_counts_by_hand(node: Node, multiplications: int, additions: int, others: int, stored: int) -> None:
    """A node costs what it costs on paper."""
    found = count_node(node)
    assert (found.multiplications, found.additions, found.others) == (multiplications, additions, others)
    assert found.stored_values == stored
    assert found.matmul_multiplications == (multiplications if node.op == "matmul" else 0)
    assert found.operations == multiplications + additions + others


def test_empty_products_cost_nothing() -> None:
    """No inner elements, no additions; none below zero."""
    left, right = make_input(1, 4, (2, 0), FLOAT), make_input(1, 5, (0, 4), FLOAT)
    assert count_node(make("matmul", left, right)).operations == 0
    assert count_node(make("sum", left, axes=(1,))).operations == 0


def test_costs_are_never_negative() -> None:
    """Every row gives whole numbers from zero on."""
    for node, *_ in BY_HAND:
        assert all(type(n) is int and n >= 0 for n in COSTS[node.op](node))


def test_nodes_are_counted_together() -> None:
    """A layer of 3 inputs and 4 nodes on 2 rows: two multiplications and additions a weight, a bias, a tanh."""
    bias = make_input(1, 6, (4,), FLOAT)
    layer = make("tanh", make("add", make("matmul", X, W), make("broadcast_to", bias, shape=(2, 4))))
    assert count(topological([layer])) == Counts(24, 16 + 8, 8, matmul_multiplications=24, stored_values=24)
    assert count([]) == Counts()
    assert Counts(1, 2, 3, 4, 5) + Counts(1, 1, 1, 1, 1) == Counts(2, 3, 4, 5, 6)
