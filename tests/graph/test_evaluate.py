"""Evaluation: the values of nodes, each computed once, nothing shared with anyone."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from memograd.graph.evaluate import boundary, evaluate
from memograd.graph.node import Node
from memograd.graph.ops import OPS, make, make_constant, make_input

FLOAT = np.dtype(np.float64)
X, Y = make_input(1, 0, (2, 3), FLOAT), make_input(1, 1, (2, 3), FLOAT)
VALUE = np.arange(6.0).reshape(2, 3)


def test_values_are_those_of_numpy() -> None:
    """A graph means the NumPy functions of its ops."""
    node = make("sum", make("multiply", make("sin", X), Y), axes=(1,))
    (result,) = evaluate([node], {X: VALUE, Y: VALUE + 1})
    np.testing.assert_array_equal(result, np.sum(np.sin(VALUE) * (VALUE + 1), axis=1))


def test_each_node_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is used many times, and is an output besides, is computed once."""
    calls = []
    row = OPS["sin"]
    counting = type(row)(
        row.name, row.arity, row.attributes, row.kind, row.rule, lambda x: calls.append(1) or np.sin(x)
    )
    monkeypatch.setitem(OPS, "sin", counting)
    sine = make("sin", X)
    evaluate([make("add", sine, sine), sine, make("exp", sine), sine], {X: VALUE})
    assert len(calls) == 1


def test_values_are_dropped_after_their_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain never holds more than two of its values."""
    alive: list[weakref.ref[Any]] = []
    most = []
    row = OPS["sin"]

    def watched(x: Any) -> Any:
        result = np.sin(x)
        alive.append(weakref.ref(result))
        most.append(sum(reference() is not None for reference in alive))
        return result

    monkeypatch.setitem(OPS, "sin", type(row)(row.name, row.arity, row.attributes, row.kind, row.rule, watched))
    node = X
    for _ in range(10):
        node = make("sin", node)
    evaluate([node], {X: VALUE})
    assert len(most) == 10
    assert max(most) <= 2


@pytest.mark.parametrize(
    "node",
    [
        X,
        make("transpose", X, axes=(1, 0)),
        make("reshape", X, shape=(6,)),
        make("slice", X, ranges=((0, 1, 1), (0, 3, 1))),
        make("broadcast_to", X, shape=(2, 2, 3)),
        make("cast", X, dtype=FLOAT),
        make_constant(np.ones(3)),
        make("broadcast_to", make_constant(np.ones(3)), shape=(2, 3)),
    ],
    ids=str,
)
def test_results_are_the_callers_own(node: Node) -> None:
    """A result can be written, and shares memory neither with an argument, nor a constant, nor another result."""
    value = VALUE.copy()
    one, other = evaluate([node, node], {X: value})
    again = evaluate([node], {X: value})[0]
    before = again.copy()
    one += 100
    np.testing.assert_array_equal(value, VALUE)
    np.testing.assert_array_equal(other, before)
    np.testing.assert_array_equal(evaluate([node], {X: value})[0], before)


@pytest.mark.parametrize("value", [np.array(2.0), np.float64(2.0)])
def test_results_without_axes_are_scalars(value: Any) -> None:
    """As NumPy's functions return them: immutable, so nothing of the argument is shared."""
    x = make_input(1, 0, (), FLOAT)
    for node in (x, make("sin", x), make("reshape", make("reshape", x, shape=(1,)), shape=()), make_constant(value)):
        (result,) = evaluate([node], {x: value})
        assert type(result) is np.float64


def test_numpys_warnings_are_silent() -> None:
    """A branch that a `where` discards may divide by zero; with warnings as errors this would raise."""
    zero = make_constant(np.zeros(3))
    (result,) = evaluate([make("divide", zero, zero)], {})
    assert np.isnan(result).all()


def test_other_nodes_may_be_given() -> None:
    """A value of an inner node stands for it, and what it was computed from is not needed."""
    sine = make("sin", X)
    (result,) = evaluate([make("exp", sine)], {sine: np.zeros((2, 3))})
    np.testing.assert_array_equal(result, np.ones((2, 3)))


def test_boundary() -> None:
    """What does not change is split from what does: each node at the seam is listed once, and nothing above it."""
    sine, late = make("sin", X), make_input(1, 2, (2, 3), FLOAT)
    square = make("multiply", sine, sine)
    changing = make("multiply", make("add", square, late), square)
    assert boundary([changing, sine], [late]) == [square, sine]
    known = dict(zip([square, sine], evaluate([square, sine], {X: VALUE}), strict=True))
    (result,) = evaluate([changing], {**known, late: VALUE})
    np.testing.assert_array_equal(result, (np.sin(VALUE) ** 2 + VALUE) * np.sin(VALUE) ** 2)
