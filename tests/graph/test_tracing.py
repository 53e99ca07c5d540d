"""From a function to its graph: which arguments are traced, what they are called, and where each node came from."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from memograd.errors import ShapeError
from memograd.graph.node import describe
from memograd.graph.trace import Origin, Trace, open_depth
from memograd.graph.tracing import Spec, spec_of, take_apart, trace
from memograd.graph.walk import topological

X = np.arange(6.0).reshape(2, 3)


@dataclass
class Layer:
    W: Any
    name: str


def loss(params, x, *rest, rate=0.1, **more):
    """A function with every kind of parameter."""
    return params


def test_arguments_are_named_as_one_writes_them() -> None:
    """Positional, surplus and keyword arguments, with the path to the leaf."""
    args = ([Layer(X, "first")], X, 1.0, {"a": 2.0})
    arguments = take_apart(loss, args, {"rate": 0.5, "other": (X,)})
    assert arguments.value_names == ("params[0].W", "x", "rest_2", "rest_3['a']", "other[0]", "rate")
    assert arguments.names[1] == "params[0].name"


@pytest.mark.parametrize("function", [np.sin, partial(loss, X), dict, lambda *inputs: inputs])
def test_arguments_of_any_callable_have_names(function: Any) -> None:
    """Also where there is no signature, or one without names."""
    names = take_apart(function, (X, 1.0), {}).value_names
    assert len(set(names)) == 2
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize(
    ("leaf", "spec"),
    [
        (X, Spec((2, 3), np.dtype(np.float64))),
        (X > 0, Spec((2, 3), np.dtype(bool))),
        (np.arange(3, dtype=np.uint8), Spec((3,), np.dtype(np.uint8))),
        (X.astype(">f4"), Spec((2, 3), np.dtype(np.float32))),
        (np.float32(1), Spec((), np.dtype(np.float32))),
        (np.int64(1), Spec((), np.dtype(np.int64))),
        (1.0, Spec((), np.dtype(np.float64), float)),
    ],
    ids=repr,
)
def test_what_is_traced(leaf: Any, spec: Spec) -> None:
    """Arrays and NumPy scalars of numbers, and Python floats, which stay weak."""
    (value,) = take_apart(loss, (leaf,), {}).values
    assert value is leaf
    assert spec_of(leaf) == spec


@pytest.mark.parametrize("leaf", [1, True, "text", b"text", None, np.sin, object(), 1j, X * 1j, np.array(["a"]), Layer])
def test_what_is_code(leaf: Any) -> None:
    """Ints, strings, functions and arrays of no numbers are handed on as they are."""
    arguments = take_apart(loss, (leaf,), {})
    assert arguments.values == []
    (handed_on,), kwargs = arguments.rebuild([])
    assert handed_on is leaf
    assert kwargs == {}


def test_only_some_arguments_may_be_traced() -> None:
    """Those at the given positions, with all leaves in them; 1 is not 10."""
    arguments = take_apart(loss, (X, [X, 1.0], *range(8), X), {"rate": 1.0}, only=(1,))
    assert arguments.value_names == ("x[0]", "x[1]")
    args, kwargs = arguments.rebuild(["first", "second"])
    assert args[1] == ["first", "second"]
    assert args[0] is X
    assert kwargs == {"rate": 1.0}


def test_inputs_and_outputs_have_the_order_of_the_leaves() -> None:
    """One input for each traced leaf, one output for each leaf of the result, constants among them."""

    def f(pair, scale):
        return {"b": pair[1] * scale, "a": (pair[0], 7)}

    graph, structure = trace(f, take_apart(f, ((X, X[0]), 2.0), {}))
    assert [describe(node) for node in graph.inputs] == ["float64[2, 3]", "float64[3]", "float64[]"]
    assert graph.names == ("pair[0]", "pair[1]", "scale")
    assert structure.paths == ("['a'][0]", "['a'][1]", "['b']")
    assert graph.outputs[0] is graph.inputs[0]
    assert graph.outputs[1]["value"].array == 7


def test_traces_of_the_same_code_are_the_same_graph() -> None:
    """Tracing twice gives the same nodes, while the first are alive."""

    def f(x):
        return np.sum(np.tanh(x) * 2)

    arguments = take_apart(f, (X,), {})
    first, second = trace(f, arguments)[0], trace(f, arguments)[0]
    assert first.outputs == second.outputs


def test_inner_traces_have_inputs_of_their_own() -> None:
    """An argument of a function that is traced inside of another is another input, however alike they are."""
    inner_inputs = []

    def inner(x):
        inner_inputs.append(x.node)
        return x

    def outer(x):
        trace(inner, take_apart(inner, (x,), {}))
        trace(inner, take_apart(inner, (x,), {}))
        return x

    graph, _ = trace(outer, take_apart(outer, (X,), {}))
    assert [node["level"] for node in (*graph.inputs, *inner_inputs)] == [1, 2, 2]


def test_every_node_knows_its_line() -> None:
    """The origin of a node is the line of this file that made it, not a line of the package or of NumPy."""

    def helper(x):
        return np.mean(x, axis=0)  # helper

    def f(x):
        y = np.tanh(x)  # first
        z = helper(y)
        return z[::2] + 1.0  # last

    graph, _ = trace(f, take_apart(f, (X,), {}))
    for node in topological(graph.outputs):
        if node.op in ("input", "constant"):
            continue
        origin = graph.origins[node]
        assert origin.filename == __file__
        mark = linecache.getline(__file__, origin.line).partition("#")[2].strip()
        assert mark == {"tanh": "first", "sum": "helper", "divide": "helper"}.get(node.op, mark)
        assert mark in ("first", "helper", "last")
        assert origin.source == linecache.getline(__file__, origin.line).strip()
        assert str(origin) == f"{__file__}:{origin.line} in {'helper' if mark == 'helper' else 'f'}"


def test_offsets_grow_along_a_line() -> None:
    """Two nodes of one line are told apart by where in the line they were made."""

    def f(x):
        return np.sin(x) + np.cos(x)

    graph, _ = trace(f, take_apart(f, (X,), {}))
    (total,) = graph.outputs
    left, right = total.inputs
    assert graph.origins[left].offset < graph.origins[right].offset < graph.origins[total].offset


def test_origins_of_derivatives() -> None:
    """The origin of a derivative says so, and is no adjoint until it is known whose."""
    origin = Origin("f.py", 3, "f", offset=4)
    derived = origin.differentiated()
    assert str(origin) == "f.py:3 in f"
    assert str(derived) == "the derivative of f.py:3 in f"
    assert (derived.offset, derived.adjoint_of, derived.source) == (4, None, "")


def test_errors_of_shape_name_the_line() -> None:
    """Also where the shapes are those of something inside of a function of NumPy that is made of others."""

    def f(x):
        return np.stack([x, x[:1]])

    with pytest.raises(ShapeError, match=r"differ elsewhere than along axis 0.*, at .*: `return np.stack\("):
        trace(f, take_apart(f, (X,), {}))


def test_traces_nest_and_close() -> None:
    """The depth goes up and down with them, also when one fails, and a closed one says so."""
    assert open_depth() == 0
    with Trace() as outer:
        assert (outer.level, outer.is_open, open_depth()) == (1, True, 1)
        inner = Trace()

        def fail() -> None:
            with inner:
                assert (inner.level, open_depth()) == (2, 2)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (inner.is_open, open_depth()) == (False, 1)
    assert (outer.is_open, open_depth()) == (False, 0)
