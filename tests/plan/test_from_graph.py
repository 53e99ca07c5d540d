"""The bridge: what a graph says about memory, in the planner's integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memograd.gradient.transforms import value_and_grad
from memograd.graph.count import count
from memograd.graph.simplify import simplify
from memograd.graph.tracing import Graph, take_apart, trace
from memograd.plan.from_graph import Plan, plan_graph
from memograd.plan.judge import judge
from memograd.plan.problem import Compute, Step

X = np.zeros((3, 4))


def graph_of(f: Callable[..., Any], *examples: Any) -> Graph:
    return trace(f, take_apart(f, examples, {}))[0]


def planned(f: Callable[..., Any], *examples: Any, donate: tuple[int, ...] = ()) -> Plan:
    graph = graph_of(f, *examples)
    return plan_graph(graph.inputs, graph.outputs, [graph.inputs[i] for i in donate])


def step_of(plan: Plan, op: str) -> Step:
    """The only step of an op."""
    (found,) = (step for step, node in zip(plan.problem.steps, plan.nodes, strict=True) if node.op == op)
    return found


def is_in_place(plan: Plan, op: str) -> bool:
    """Whether the only step of an op took an operand's memory over."""
    (found,) = (
        action for action in plan.schedule.actions if isinstance(action, Compute) and plan.nodes[action.step].op == op
    )
    return found.place_of is not None


@pytest.mark.parametrize(
    ("op", "f", "is_view"),
    [
        pytest.param("transpose", lambda x: np.exp(x).T, True, id="transpose"),
        pytest.param("slice", lambda x: np.exp(x)[1:], True, id="slice"),
        pytest.param("broadcast_to", lambda x: np.broadcast_to(np.exp(x), (2, 3, 4)), True, id="broadcast"),
        pytest.param("reshape", lambda x: np.exp(x).reshape(12), True, id="reshape of a result"),
        pytest.param("reshape", lambda x: x.reshape(12), True, id="reshape of an argument"),
        pytest.param("reshape", lambda x: x.T.reshape(12), False, id="reshape of a transposed one"),
        pytest.param("reshape", lambda x: np.exp(x)[:, 1:].reshape(9), False, id="reshape of a slice"),
        pytest.param(
            "reshape", lambda x: np.broadcast_to(x[:1], (2, 4)).reshape(8), False, id="reshape of a broadcast"
        ),
        pytest.param("reshape", lambda x: x[1], True, id="row"),
        pytest.param("reshape", lambda x: x[1:3].reshape(8), True, id="reshape of some rows"),
        pytest.param("reshape", lambda x: x[::2].reshape(8), False, id="reshape of every second row"),
        pytest.param("reshape", lambda x: x[:, 1], False, id="column"),
        pytest.param("reshape", lambda x: x[:1, 1:].reshape(3, 1), True, id="reshape of a part of a row"),
        pytest.param("reshape", lambda x: x[1:, :0].reshape(0), False, id="reshape of nothing"),
        pytest.param("reshape", lambda x: x[:1].T.reshape(2, 2), True, id="reshape of a transposed row"),
        pytest.param("reshape", lambda x: np.broadcast_to(x[:1], (1, 1, 4)).reshape(2, 2), True, id="of a new axis"),
        pytest.param("reshape", lambda x: np.exp(x.T).reshape(12), True, id="reshape of a result of a view"),
        pytest.param("take", lambda x: np.exp(x)[np.array([0, 2])], False, id="take"),
    ],
)
def test_views(op: str, f: Callable[..., Any], is_view: bool) -> None:
    """A step is a view exactly when its result can share memory: a reshape only of what lies in C order."""
    assert (step_of(planned(f, X), op).view_of is not None) is is_view


def test_reshape_of_a_reshape_of_what_was_copied_is_a_view() -> None:
    """What a reshape had to copy lies in C order afterwards."""
    plan = planned(lambda x: np.exp(np.transpose(x).reshape(6, 2).reshape(4, 3)), X)
    first, second = (step for step, node in zip(plan.problem.steps, plan.nodes, strict=True) if node.op == "reshape")
    assert (first.view_of is None, second.view_of is None) == (True, False)


@pytest.mark.parametrize(
    ("op", "f", "in_place"),
    [
        pytest.param("log", lambda x: np.sum(np.log(np.exp(x))), True, id="elementwise"),
        pytest.param("log", lambda x: np.sum(np.log(np.exp(x).reshape(12))), True, id="through a reshape"),
        pytest.param("log", lambda x: np.sum(np.log(np.exp(x).T)), False, id="through a transpose"),
        pytest.param("log", lambda x: np.sum(np.log(np.exp(x)[1:])), False, id="through a slice"),
        pytest.param("cast", lambda x: np.sum(np.exp(x).astype(np.int64)), True, id="to a dtype of the same size"),
        pytest.param("cast", lambda x: np.sum(np.exp(x).astype(np.float32)), False, id="to a smaller dtype"),
        pytest.param("isnan", lambda x: np.sum(np.isnan(np.exp(x)[:1])), False, id="through rows"),
        pytest.param("log", lambda x: np.sum(np.log(x)), False, id="of an argument"),
        pytest.param("cumsum", lambda x: np.sum(np.cumsum(np.exp(x), axis=0)), False, id="not elementwise"),
        pytest.param("matmul", lambda x: np.sum(np.exp(x[:, :3]) @ np.sin(x[:, 1:])), False, id="matrix product"),
        pytest.param("log", lambda x: np.log(np.exp(x)), False, id="an output"),
    ],
)
def test_in_place(op: str, f: Callable[..., Any], in_place: bool) -> None:
    """A result takes an operand's memory where each element depends on the one in its own place, and only there."""
    assert is_in_place(planned(f, X), op) is in_place


def test_donated_argument_is_overwritten() -> None:
    """An output lies in the memory of an argument that was given away, and of no other."""
    assert is_in_place(planned(lambda x, y: np.add(x, y), X, X, donate=(1,)), "add")
    assert not is_in_place(planned(lambda x, y: np.add(x, y), X, X), "add")


def test_donated_argument_that_is_returned_stays() -> None:
    """An argument that is an output, too, is not overwritten."""
    assert not is_in_place(planned(lambda x: (np.exp(x), x.T), X, donate=(0,)), "exp")


def test_nodes_are_the_steps() -> None:
    """Step i is node i: its inputs, its bytes and its cost are the node's."""
    plan = planned(value_and_grad(lambda x: np.mean(np.tanh(x @ x.T) ** 2)), X)
    position = {node: i for i, node in enumerate(plan.nodes)}
    for node, step in zip(plan.nodes, plan.problem.steps, strict=True):
        assert step.inputs == tuple(position[source] for source in node.inputs)
        assert step.size_bytes == node.size_bytes
        assert step.source is (node.op in ("input", "constant"))
    assert plan.schedule.cost == count(plan.nodes).operations


def test_unused_argument_is_planned() -> None:
    """An argument that nothing reads is a source like the others."""
    plan = planned(lambda x, y: np.exp(x), X, X)
    assert sum(step.source for step in plan.problem.steps) == 2


def test_plan_says_what_it_does() -> None:
    """The text of a plan counts its results and its bytes."""
    plan = planned(lambda x: np.sum(np.log(np.exp(x))), X)
    assert repr(plan) == "Plan(3 results, 1 of them in place of an operand; peak 128 bytes in an arena of 128)"


def test_constants_are_not_temporaries() -> None:
    """A constant takes no memory of the arena, and is never overwritten."""
    plan = planned(lambda x: np.sum(np.log(np.ones((3, 4)) * 2 + x)), X)
    judge(plan.problem, plan.schedule)
    constants = [i for i, node in enumerate(plan.nodes) if node.op == "constant"]
    assert constants
    assert all(getattr(action, "place_of", None) not in constants for action in plan.schedule.actions)


def test_chain_of_100_000_nodes_is_planned() -> None:
    """A chain of 100,000 nodes needs no recursion, and one place."""

    def chain(x: Any) -> Any:
        for _ in range(100_000):
            x = np.sin(x)
        return x

    assert planned(chain, X).schedule.peak_bytes == 128


def test_10_000_layers_are_planned() -> None:
    """The value of 10,000 layers takes the memory of one layer and its neighbour, however deep."""
    weights = [(np.zeros((8, 8)), np.zeros(8)) for _ in range(10_000)]

    def network(params: Any, x: Any) -> Any:
        for w, b in params:
            x = np.tanh(x @ w + b)
        return np.sum(x)

    plan = planned(network, weights, np.zeros((4, 8)))
    assert plan.schedule.peak_bytes == 2 * 4 * 8 * 8


def test_simplified_graph_is_planned() -> None:
    """Where nothing remains to be computed, nothing is planned."""
    graph = simplify(graph_of(lambda x: x * 1.0, X))
    plan = plan_graph(graph.inputs, graph.outputs)
    assert (plan.nodes, plan.schedule.actions) == (graph.inputs, ())


def test_part_of_a_root_is_not_overwritten_by_larger_elements() -> None:
    """Half of a root, in elements of twice the size, fills the root, and would overwrite what it has yet to read."""
    half = np.zeros((4, 4), np.float32)
    assert not is_in_place(planned(lambda x: np.sum((np.tanh(x))[2:].astype(np.float64)), half), "cast")
