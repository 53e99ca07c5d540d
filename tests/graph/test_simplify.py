"""Simplification: fewer nodes, and not a bit of the result changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memograd.graph.check import check
from memograd.graph.evaluate import evaluate
from memograd.graph.node import Node
from memograd.graph.ops import make, make_constant, make_input
from memograd.graph.simplify import IDENTITIES, scalar_of, simplify
from memograd.graph.trace import Origin
from memograd.graph.tracing import Graph, take_apart, trace
from memograd.graph.walk import topological

FLOAT = np.dtype(np.float64)
X = make_input(1, 0, (2, 3), FLOAT)


def filled(value: float, shape: tuple[int, ...] = (2, 3), dtype: Any = FLOAT) -> Node:
    """A constant that repeats one value."""
    return make("broadcast_to", make_constant(np.asarray(value, dtype)), shape=shape)


def simplified(*outputs: Node) -> tuple[Node, ...]:
    """The outputs after simplification."""
    inputs = tuple(node for node in topological(outputs) if node.op == "input")
    graph = simplify(Graph(inputs, outputs, tuple(str(i) for i, _ in enumerate(inputs)), {}))
    check(graph.outputs, graph.inputs)
    return graph.outputs


def bits(array: Any) -> Any:
    """The bytes of an array as integers, so that −0.0 is not 0.0 and NaN is itself."""
    array = np.atleast_1d(np.ascontiguousarray(array))
    return array.view(f"u{array.itemsize}")


# Every identity: what goes in, and what must come out.
FLIPPED = make("transpose", X, axes=(1, 0))
IDENTITY_CASES: list[tuple[str, Node, Node]] = [
    ("multiply", make("multiply", X, filled(1)), X),
    ("multiply", make("multiply", filled(1), X), X),
    ("multiply", make("multiply", make("multiply", filled(1), X), filled(1)), X),
    ("divide", make("divide", X, filled(1)), X),
    ("subtract", make("subtract", X, filled(0)), X),
    ("power", make("power", X, filled(1)), X),
    ("negative", make("negative", make("negative", X)), X),
    ("reshape", make("reshape", make("reshape", X, shape=(6,)), shape=(3, 2)), make("reshape", X, shape=(3, 2))),
    ("reshape", make("reshape", make("reshape", X, shape=(6,)), shape=(2, 3)), X),
    ("reshape", make("reshape", X, shape=(2, 3)), X),
    ("transpose", make("transpose", FLIPPED, axes=(1, 0)), X),
    ("transpose", make("transpose", X, axes=(0, 1)), X),
    (
        "transpose",
        make("transpose", make("transpose", make("reshape", X, shape=(1, 2, 3)), axes=(1, 2, 0)), axes=(0, 2, 1)),
        make("transpose", make("reshape", X, shape=(1, 2, 3)), axes=(1, 0, 2)),
    ),
    (
        "broadcast_to",
        make("broadcast_to", make("broadcast_to", X, shape=(4, 2, 3)), shape=(5, 4, 2, 3)),
        make("broadcast_to", X, shape=(5, 4, 2, 3)),
    ),
]

# What looks like an identity and would change a bit somewhere.
NOT_IDENTITIES: list[Node] = [
    make("add", X, filled(0.0)),  # −0.0 + 0.0 is 0.0
    make("add", X, filled(-0.0)),
    make("multiply", X, filled(0.0)),  # NaN
    make("multiply", X, filled(-1.0)),
    make("subtract", X, filled(-0.0)),  # −0.0 − −0.0 is 0.0
    make("subtract", filled(0.0), X),
    make("subtract", X, X),  # inf
    make("divide", X, X),
    make("divide", filled(1.0), X),
    make("power", filled(1.0), X),
    make("power", X, filled(0.0)),
    make("negative", make("absolute", X)),
    make("multiply", X, make("broadcast_to", make_constant(np.ones(3)), shape=(2, 3))),
]

hostile = st.sampled_from([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 5e-324, -1.5, 1.0, 1e308])
values = hnp.arrays(np.float64, (2, 3), elements=hostile | st.floats(width=64))


@pytest.mark.parametrize(("op", "node", "expected"), IDENTITY_CASES)
def test_identities(op: str, node: Node, expected: Node) -> None:
    """The node becomes what it is equal to."""
    assert simplified(node) == (expected,)


def test_every_identity_has_a_case() -> None:
    """No row of the table is without a test."""
    assert {op for op, *_ in IDENTITY_CASES} == IDENTITIES.keys()


@pytest.mark.parametrize("node", [node for _, node, _ in IDENTITY_CASES] + NOT_IDENTITIES, ids=str)
@settings(max_examples=30)
@given(value=values)
def test_not_a_bit_changes(node: Node, value: Any) -> None:
    """The simplified node has the very bits of the original, for zeros of both signs, infinities and NaN."""
    (expected,) = evaluate([node], {X: value})
    (found,) = evaluate(simplified(node), {X: value})
    np.testing.assert_array_equal(bits(found), bits(expected))


@pytest.mark.parametrize("node", NOT_IDENTITIES, ids=str)
def test_what_is_no_identity_stays(node: Node) -> None:
    """Identities of real numbers that floats do not obey are not used."""
    assert simplified(node) == (node,)


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (np.exp, 1.3),
        (np.tanh, -0.3),
        (np.sin, 1e5),
        (np.log, 0.0),
        (np.sqrt, -1.0),
        (np.floor, -0.5),
        (np.isnan, np.nan),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constants_are_folded(function: Callable[..., Any], value: float, dtype: Any) -> None:
    """An op on constants becomes a constant with the bits that the op would have given, array or repeated scalar."""
    for operand in (make_constant(np.full(3, value, dtype)), filled(value, (3,), dtype)):
        node = make(function.__name__, operand)
        (folded,) = simplified(node)
        assert scalar_of(folded) is not None or folded.op == "constant"
        np.testing.assert_array_equal(bits(evaluate([folded], {})[0]), bits(evaluate([node], {})[0]))


def test_folding_goes_on_through_a_graph() -> None:
    """A whole expression of constants becomes one, and what it meets stays."""
    three = make("add", make("multiply", filled(2), filled(1)), filled(1))
    assert simplified(make("multiply", X, three)) == (make("multiply", X, filled(3)),)
    assert simplified(make("multiply", X, make("subtract", three, filled(2)))) == (X,)


def test_folding_a_repeated_scalar_stores_a_scalar() -> None:
    """The result is a scalar repeated, not an array of equal numbers."""
    (folded,) = simplified(make("exp", filled(0.0, (1000, 1000))))
    assert folded == filled(1.0, (1000, 1000))


def test_folding_never_grows_what_is_stored() -> None:
    """A small table from which much is taken stays a table; a sum of it is folded."""
    table = make_constant(np.arange(10.0))
    positions = make_constant(np.zeros(10_000, np.intp))
    often = make("take", table, make("broadcast_to", make_constant(np.zeros(1, np.intp)), shape=(10_000,)), axis=0)
    assert simplified(often) == (often,)
    assert simplified(make("take", table, positions, axis=0))[0].op == "constant"
    assert simplified(make("sum", table, axes=(0,)))[0]["value"].array == 45


def test_random_bits_are_not_folded() -> None:
    """Bits of a constant counter are drawn when the graph runs."""
    key, counter = make_constant(np.zeros(2, np.uint64)), make_constant(np.zeros(4, np.uint64))
    node = make("random_bits", key, counter, shape=(2,))
    assert simplified(node) == (node,)


def test_outputs_and_inputs_keep_their_places() -> None:
    """A simplified graph takes and gives what the original did; an output may become an input."""
    y = make_input(1, 1, (2, 3), FLOAT)
    graph = Graph((X, y), (make("multiply", y, filled(1)), X, filled(2)), ("x", "y"), {})
    assert simplify(graph).inputs == (X, y)
    assert simplify(graph).names == ("x", "y")
    assert simplify(graph).outputs == (y, X, filled(2))


def test_origins_go_along() -> None:
    """A node that replaces another takes over its line, unless it has one."""
    here, there = Origin("f.py", 1, "f"), Origin("f.py", 2, "f")
    sine = make("sin", X)
    doubled = make("multiply", make("multiply", sine, filled(1)), filled(2))
    graph = Graph((X,), (doubled,), ("x",), {sine: here, doubled: there})
    result = simplify(graph)
    assert result.outputs == (make("multiply", sine, filled(2)),)
    assert result.origins[sine] == here
    assert result.origins[result.outputs[0]] == there


def test_adjoints_point_to_the_simplified_primal() -> None:
    """An adjoint remembers whose it is under the new name."""
    primal = make("multiply", make("sin", X), filled(1))
    adjoint = make("cos", X)
    origins = {adjoint: Origin("f.py", 1, "f", adjoint_of=primal)}
    result = simplify(Graph((X,), (primal, adjoint), ("x",), origins))
    assert result.origins[adjoint].adjoint_of is make("sin", X)


unary = st.sampled_from(["negative", "absolute", "sqrt", "exp", "tanh"])
binary = st.sampled_from(["add", "subtract", "multiply", "divide", "power", "maximum"])
leaves = st.sampled_from([X, filled(0.0), filled(-0.0), filled(1.0), filled(-1.0), filled(np.nan), filled(2.5)])
nodes = st.recursive(
    leaves,
    lambda inner: st.builds(make, unary, inner) | st.builds(make, binary, inner, inner),
    max_leaves=8,
)


@settings(max_examples=150)
@given(nodes, values)
def test_random_expressions_keep_every_bit(node: Node, value: Any) -> None:
    """Simplification of any expression changes no bit of its value, and leaves no more nodes."""
    (found,) = simplified(node)
    result, expected = evaluate([found], {X: value})[0], evaluate([node], {X: value})[0]
    # Which NaN an op returns for two of them is the processor's choice; that it is one is not.
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(bits(result)[~np.isnan(result)], bits(expected)[~np.isnan(expected)])
    assert len(topological([found])) <= len(topological([node])) + 1


def test_a_traced_function_loses_its_idle_steps() -> None:
    """Signs that cancel, a division by 1 and a sum of zeros leave nothing but the argument."""

    def f(x):
        return np.negative(-x) / 1.0 - np.sum(np.zeros(3))

    graph, _ = trace(f, take_apart(f, (np.ones(3),), {}))
    assert len(topological(graph.outputs)) == 9
    assert simplify(graph).outputs == graph.inputs
