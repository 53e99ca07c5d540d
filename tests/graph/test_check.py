"""The checker of graphs: it passes what the constructors make, and catches each way of getting a node wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memograd.errors import MalformedGraph
from memograd.graph.check import check
from memograd.graph.node import FrozenArray, Node, intern
from memograd.graph.ops import make, make_constant, make_input
from memograd.graph.tracing import take_apart, trace

FLOAT, INT = np.dtype(np.float64), np.dtype(np.int64)
X = make_input(1, 0, (2, 3), FLOAT)
LONG = make_input(1, 1, (2, 3), INT)


def thawed(value: Any) -> FrozenArray:
    """The value of a constant that somebody made writeable again."""
    frozen = FrozenArray(np.asarray(value))
    frozen.array = frozen.array.copy()
    return frozen


def written(value: Any) -> Node:
    """A constant made by hand."""
    array = np.asarray(value)
    return Node("constant", (), (("value", FrozenArray(array)),), array.shape, array.dtype)


MALFORMED: list[tuple[Node, str]] = [
    (Node("sine", (X,), (), (2, 3), FLOAT), "there is no such op"),
    (Node("sin", (), (), (2, 3), FLOAT), "0 operands instead of 1"),
    (Node("add", (X,), (), (2, 3), FLOAT), "1 operands instead of 2"),
    (Node("concatenate", (), (("axis", 0),), (2,), FLOAT), "0 operands instead of one or more"),
    (Node("input", (X,), (("level", 1), ("index", 0)), (2, 3), FLOAT), "1 operands instead of 0"),
    (Node("sum", (X,), (), (3,), FLOAT), r"the attributes are not \('axes',\)"),
    (Node("sum", (X,), (("axis", (0,)),), (3,), FLOAT), r"the attributes are not \('axes',\)"),
    (Node("sin", (X,), (("axis", 0),), (2, 3), FLOAT), r"the attributes are not \(\)"),
    (Node("sum", (X,), (("axes", (0,)), ("axes", (0,))), (3,), FLOAT), "the attributes are not"),
    (Node("sum", (X,), (("axes", [0]),), (3,), FLOAT), "not Python ints"),
    (Node("sum", (X,), (("axes", (np.int64(0),)),), (3,), FLOAT), "not Python ints"),
    (Node("cumsum", (X,), (("axis", True),), (2, 3), FLOAT), "not Python ints"),
    (Node("sum", (X,), (("axes", (5,)),), (3,), FLOAT), "not sorted, distinct axes"),
    (Node("sin", (X,), (), (3, 2), FLOAT), r"its form is float64\(2, 3\), not float64\[3, 2\]"),
    (Node("sin", (X,), (), (2, 3), np.dtype(np.float32)), r"its form is float64\(2, 3\), not float32\[2, 3\]"),
    (Node("sin", (LONG,), (), (2, 3), FLOAT), "must be cast to float64 first"),
    (Node("sin", (X,), (), (2, 3.0), FLOAT), "the shape is not made of lengths"),
    (Node("input", (), (("level", 1), ("index", 0)), (-2,), FLOAT), "the shape is not made of lengths"),
    (Node("input", (), (("level", 1), ("index", 0)), (2,), np.dtype(complex)), "complex128 cannot be traced"),
    (Node("input", (), (("level", 1), ("index", 0)), (2,), np.dtype(">f8")), "byte order"),
    (Node("input", (), (("level", "1"), ("index", 0)), (2,), FLOAT), "not Python ints"),
    (Node("constant", (), (("value", 3),), (), INT), "its value is not a frozen array"),
    (Node("constant", (), (("value", thawed(1.0)),), (), FLOAT), "its value is not a frozen array"),
    (Node("constant", (), (("value", FrozenArray(np.zeros(2))),), (3,), FLOAT), r"its form is float64\(2,\)"),
    (Node("constant", (), (("value", FrozenArray(np.zeros(2))),), (2,), INT), r"its form is float64\(2,\)"),
    (Node("sin", (X,), (), (2, 3), FLOAT), "was not made by the constructor"),
    (Node("input", (), (("level", 1), ("index", 0)), (2, 3), FLOAT), "was not made by the constructor"),
    (written(1.0), "was not made by the constructor"),
]


@pytest.mark.parametrize(("node", "message"), MALFORMED)
def test_malformed_nodes_are_caught(node: Node, message: str) -> None:
    """A node that breaks a rule is refused by the name of the rule, and is written out."""
    with pytest.raises(MalformedGraph, match=message) as caught:
        check([node])
    assert repr(node) in str(caught.value)


@pytest.mark.parametrize(("node", "message"), MALFORMED)
def test_malformed_nodes_are_caught_inside_of_a_graph(node: Node, message: str) -> None:
    """Every node that an output depends on is looked at, not only the outputs."""
    above = Node("reshape", (node,), (("shape", (*node.shape, 1)),), (*node.shape, 1), node.dtype)
    with pytest.raises(MalformedGraph, match=message):
        check([X, above])


def test_a_made_node_under_a_malformed_name_is_caught() -> None:
    """Interning alone makes no node well-formed: the constructor of nodes does not check, `make` does."""
    node = intern("sin", (X,), (), (9,), FLOAT)
    with pytest.raises(MalformedGraph, match="its form is"):
        check([node])


def test_strange_inputs_are_caught() -> None:
    """An input that is none of the graph's belongs to another trace."""
    stranger = make_input(2, 0, (2, 3), FLOAT)
    node = make("add", X, stranger)
    assert check([node]) == 3
    assert check([node], inputs={X, stranger}) == 3
    with pytest.raises(MalformedGraph, match="is not among the inputs of the graph"):
        check([node], inputs={X})


def test_traced_graphs_pass() -> None:
    """What tracing makes is well-formed, and each node is counted once."""

    def f(x, w):
        hidden = np.tanh(x @ w + 1)
        return np.where(hidden > 0, hidden, hidden * 2).sum(axis=0)[::-1], np.argmax(hidden, axis=1)

    graph, _ = trace(f, take_apart(f, (np.ones((2, 3)), np.ones((3, 4))), {}))
    n_nodes = check(graph.outputs, graph.inputs)
    assert n_nodes == check([*graph.outputs, *graph.outputs], graph.inputs)
    assert n_nodes == 17


def test_constants_pass() -> None:
    """A constant that its constructor made is well-formed, small or large."""
    assert check([make_constant(np.zeros(3)), make_constant(np.zeros(10**4)), make_constant(np.asarray(True))]) == 3
