"""`compile`: which calls it takes, what it says of the others, and what it tells about itself."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import memograd as mg
from memograd.errors import DtypeError, PlanError, ShapeError, StructureError, TraceError, UnknownName
from memograd.graph.check import check
from memograd.plan.judge import judge

Pair = namedtuple("Pair", "left right")


@dataclass(frozen=True)
class Layer:
    """A container that is no list, tuple or dict."""

    W: Any
    b: Any = None


def affine(params: Any, x: Any, power: int = 1, kind: str = "plain") -> Any:
    y = x @ params["W"] + params["b"]
    for _ in range(power):
        y = np.tanh(y) if kind == "tanh" else y * 2.0
    return y


PARAMS = {"W": np.ones((3, 2)), "b": np.zeros(2)}
X = np.ones((4, 3))


# What is refused


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        pytest.param((PARAMS, np.ones((5, 3))), ShapeError, r"x of shape \(4, 3\), not \(5, 3\)", id="another shape"),
        pytest.param((PARAMS, np.ones(3)), ShapeError, r"x of shape \(4, 3\), not \(3,\)", id="fewer axes"),
        pytest.param((PARAMS, 1.0), ShapeError, r"x of shape \(4, 3\), not \(\)", id="number for an array"),
        pytest.param((PARAMS, X.astype(np.float32)), DtypeError, "x of float64, not float32", id="another dtype"),
        pytest.param((PARAMS, X.astype(int)), DtypeError, "x of float64, not int64", id="integers"),
        pytest.param((PARAMS, X.astype(complex)), DtypeError, "x of float64, not complex128", id="complex numbers"),
        pytest.param((PARAMS, X.tolist()), StructureError, r"missing \[0\]\[1\]", id="list for an array"),
        pytest.param((PARAMS, 3), DtypeError, "x of float64, not int", id="Python int for an array"),
        pytest.param((PARAMS, "x"), DtypeError, "x of float64, not str", id="text for an array"),
        pytest.param((PARAMS, None), StructureError, "missing", id="nothing for an array"),
        pytest.param(({"W": np.ones((3, 2))}, X), StructureError, r"missing \[0\]\[0\]\['b'\]", id="key missing"),
        pytest.param(({**PARAMS, "c": X}, X), StructureError, r"unexpected \[0\]\[0\]\['c'\]", id="key too many"),
        pytest.param((tuple(PARAMS.values()), X), StructureError, "structures differ", id="tuple for a dict"),
        pytest.param((PARAMS,), StructureError, r"missing \[0\]\[1\]", id="argument missing"),
        pytest.param((PARAMS, X, 1), StructureError, r"unexpected \[0\]\[2\]", id="argument too many"),
        pytest.param(
            ({"W": np.ones((3, 2)), "b": np.zeros(3)}, X),
            ShapeError,
            r"params\['b'\] of shape \(2,\), not \(3,\)",
            id="leaf of another shape",
        ),
    ],
)
def test_other_arguments_are_refused(args: tuple[Any, ...], error: type[Exception], message: str) -> None:
    """An argument that is not like its example is refused, by name, with what was expected and what was found."""
    compiled = mg.compile(affine, PARAMS, X)
    with pytest.raises(error, match=message):
        compiled(*args)
    assert compiled(PARAMS, X).shape == (4, 2)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        pytest.param((PARAMS, X, 3), {"kind": "tanh"}, "power=2, not 3", id="int"),
        pytest.param((PARAMS, X, 2), {"kind": "plain"}, "kind='tanh', not 'plain'", id="text"),
        pytest.param((PARAMS, X, 2.0), {"kind": "tanh"}, "power=2, not 2.0", id="float that is equal"),
        pytest.param((PARAMS, X, True), {"kind": "tanh"}, "power=2, not True", id="bool"),
    ],
)
def test_arguments_that_are_code_must_be_equal(args: Any, kwargs: Any, message: str) -> None:
    """Ints and text decided which operations there are: another one means another function."""
    compiled = mg.compile(affine, PARAMS, X, 2, kind="tanh")
    with pytest.raises(StructureError, match=f"compiled for {message}: that argument is part of the code"):
        compiled(*args, **kwargs)
    assert np.array_equal(compiled(PARAMS, X, 2, kind="tanh"), affine(PARAMS, X, 2, "tanh"))


@pytest.mark.parametrize(
    ("example", "other"),
    [
        pytest.param(np.zeros(2, complex), np.ones(2, complex), id="values"),
        pytest.param(np.zeros(2, complex), np.zeros(3, complex), id="shape"),
        pytest.param(np.array(["a", "b"]), np.array(["a", "c"]), id="text"),
    ],
)
def test_arrays_that_cannot_be_traced_are_code(example: Any, other: Any) -> None:
    """Arrays of what has no dtype here are compared element by element."""

    def f(x: Any, table: Any) -> Any:
        return x * float(len(table))

    compiled = mg.compile(f, 1.0, example)
    assert compiled(2.0, example.copy()) == 2.0 * len(example)
    with pytest.raises(StructureError, match="part of the code"):
        compiled(2.0, other)


def test_traced_arrays_are_refused() -> None:
    """What is compiled cannot become part of another graph, and says what to trace instead."""
    compiled = mg.compile(np.sin, 1.0)
    for act in (lambda: mg.grad(lambda x: compiled(x))(1.0), lambda: mg.compile(lambda x: compiled(x), 1.0)):
        with pytest.raises(DtypeError, match="cannot be traced; trace the function itself"):
            act()


def test_unknown_engine_is_refused() -> None:
    """The message lists the engines that there are."""
    with pytest.raises(UnknownName, match="there is no engine 'abacus'; there is numpy"):
        mg.compile(np.sin, 1.0, engine="abacus")


def test_budget_is_kept_or_refused() -> None:
    """A budget that holds the plan is enough, and one byte less is not; the message has both numbers."""
    needed = mg.compile(affine, PARAMS, X).plan.schedule.arena_bytes
    assert needed == 64
    assert mg.compile(affine, PARAMS, X, budget_bytes=needed)(PARAMS, X).shape == (4, 2)
    with pytest.raises(PlanError, match="the plan needs 64 bytes, and the budget is 63"):
        mg.compile(affine, PARAMS, X, budget_bytes=needed - 1)


@pytest.mark.parametrize("donate", [(2,), (-1,), (0, 5)])
def test_donating_what_is_not_there_is_refused(donate: tuple[int, ...]) -> None:
    """A position without an argument is a mistake, not nothing."""
    with pytest.raises(UnknownName, match="of 2 positional arguments"):
        mg.compile(np.add, 1.0, 2.0, donate=donate)


def test_what_cannot_be_traced_is_refused_when_compiled() -> None:
    """Code that branches on values is refused before anything runs."""
    with pytest.raises(TraceError, match="branches on the value"):
        mg.compile(lambda x: x if x > 0 else -x, 1.0)


# What is taken


@pytest.mark.parametrize(
    ("example", "other"),
    [
        pytest.param(1.0, np.float64(2), id="NumPy number for a Python float"),
        pytest.param(1.0, np.array(2.0), id="array of no axes for a Python float"),
        pytest.param(np.float64(1), 2.0, id="Python float for a NumPy number"),
        pytest.param(np.zeros(()), 2.0, id="Python float for an array of no axes"),
        pytest.param(1.0, np.array(2.0, ">f8"), id="another byte order"),
    ],
)
def test_numbers_of_one_dtype_are_alike(example: Any, other: Any) -> None:
    """A number is a number of its dtype, whatever holds it."""
    assert mg.compile(lambda x: np.exp(x), example)(other) == np.exp(2.0)


def test_python_floats_stay_weak() -> None:
    """A Python float takes the dtype of the array that it meets, in a compiled function as in NumPy."""
    compiled = mg.compile(lambda x, rate: x * rate, np.ones(2, np.float32), 0.1)
    assert compiled(np.ones(2, np.float32), 0.1).dtype == np.float32
    strong = mg.compile(lambda x, rate: x * rate, np.ones(2, np.float32), np.float64(0.1))
    assert strong(np.ones(2, np.float32), np.float64(0.1)).dtype == np.float64


def test_keywords_are_part_of_the_call() -> None:
    """Keyword arguments are traced like others; they must be passed by keyword, in any order."""
    compiled = mg.compile(affine, PARAMS, x=X, power=2)
    assert np.array_equal(compiled(PARAMS, power=2, x=X + 1), affine(PARAMS, X + 1, 2))
    with pytest.raises(StructureError):
        compiled(PARAMS, X, 2)


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param([1.0, (2.0, [3.0])], id="lists and tuples"),
        pytest.param({"b": 1.0, "a": {"c": 2.0}}, id="dicts"),
        pytest.param(Pair(1.0, Pair(2.0, 3.0)), id="namedtuples"),
        pytest.param(Layer(1.0, None), id="dataclass and None"),
        pytest.param([], id="nothing"),
        pytest.param({1: 1.0, "one": 2.0}, id="keys of several kinds"),
    ],
)
def test_trees_come_back_as_they_went(tree: Any) -> None:
    """Containers of arguments and results are rebuilt, with their types, their keys and the order of the keys."""

    def doubled(tree: Any) -> Any:
        return {"twice": (tree, tree)}

    found = mg.compile(doubled, tree)(tree)
    assert found == doubled(tree)
    assert type(found["twice"][0]) is type(tree)


def test_dicts_in_another_order_are_the_same_argument() -> None:
    """Two dicts that are equal are one structure."""
    compiled = mg.compile(lambda p: p["a"] - p["b"], {"a": 1.0, "b": 2.0})
    assert compiled({"b": 5.0, "a": 7.0}) == 2.0


def test_constants_are_those_of_the_time_of_compilation() -> None:
    """What the function closes over is part of what was compiled; a later write does not reach it."""
    table = np.arange(3.0)
    compiled = mg.compile(lambda x: x + table, 1.0)
    table[:] = 100
    assert np.array_equal(compiled(1.0), [1, 2, 3])


def test_function_runs_once() -> None:
    """The Python code runs when it is compiled, and never again."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return x * 2

    compiled = mg.compile(f, 1.0)
    assert [compiled(2.0), compiled(3.0)] == [4.0, 6.0]
    assert len(calls) == 1


@pytest.mark.parametrize("transform", [mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian])
def test_transformed_functions_are_compiled(transform: Callable[..., Any]) -> None:
    """A derivative is a function like others, and can be compiled."""
    f = transform(lambda x: np.sum(np.sin(x) ** 2 * x[0]))
    x = np.array([0.3, 0.7])
    for a, b in zip(leaves(mg.compile(f, x)(x)), leaves(f(x)), strict=True):
        assert np.array_equal(a, b)


def test_nan_arguments_are_like_others() -> None:
    """Values do not matter for what fits."""
    assert np.isnan(mg.compile(lambda x: x * 2, 1.0)(np.nan))


# Donated arguments


def test_donated_memory_is_taken() -> None:
    """The result of an update lies where the donated argument lay, and no memory is needed for temporaries of it."""
    compiled = mg.compile(lambda w, g: np.exp(w - 0.5 * g), np.zeros(8), np.zeros(8), donate=(0,))
    w, g = np.ones(8), np.ones(8)
    found = compiled(w, g)
    assert found is w
    assert np.array_equal(found, np.exp(np.full(8, 0.5)))
    assert np.array_equal(g, np.ones(8))


def test_undonated_arguments_stay() -> None:
    """Without donation nothing is overwritten."""
    w = np.ones(8)
    mg.compile(lambda w: np.exp(w - 0.5), w)(w)
    assert np.array_equal(w, np.ones(8))


def test_a_donated_tree_is_donated_leaf_by_leaf() -> None:
    """Every array in a donated argument may be overwritten."""

    def step(params: Any, rate: Any) -> Any:
        return {key: value * rate for key, value in params.items()}

    params = {"W": np.ones((2, 2)), "b": np.ones(2)}
    found = mg.compile(step, params, 1.0, donate=(0,))(params, 3.0)
    assert all(found[key] is params[key] for key in params)
    assert np.array_equal(params["b"], [3, 3])


def test_donating_one_array_twice_is_refused() -> None:
    """An array that is overwritten may not be another argument, too: the message names it."""
    compiled = mg.compile(lambda w, g: w - g, np.zeros(3), np.zeros(3), donate=(0,))
    both = np.ones(3)
    with pytest.raises(PlanError, match="overwrites w, which is another of its arguments"):
        compiled(both, both)
    assert np.array_equal(both, np.ones(3))


def test_equal_numbers_may_be_donated() -> None:
    """A Python float is nobody's memory: the same one twice is no mistake."""
    compiled = mg.compile(lambda a, b: a - b, 1.0, 1.0, donate=(0, 1))
    one = 1.0
    assert compiled(one, one) == 0.0


# What it tells


def test_repr_says_what_it_is() -> None:
    """Name, number of results, and bytes."""
    compiled = mg.compile(affine, PARAMS, X)
    assert repr(compiled) == (
        "<compiled affine: Plan(3 results, 1 of them in place of an operand; peak 64 bytes in an arena of 64)>"
    )
    assert compiled.__name__ == "affine"


def test_name_of_what_has_none() -> None:
    """An object that is called is named by its class."""

    class Model:
        def __call__(self, x: Any) -> Any:
            return x * 2

    assert repr(mg.compile(Model(), 1.0)).startswith("<compiled Model: ")


def test_counts_are_those_of_the_formula() -> None:
    """Operations are counted by kind: a 4×3 by 3×2 product, a bias, one doubling."""
    counts = mg.compile(affine, PARAMS, X).counts
    assert counts.matmul_multiplications == 4 * 3 * 2
    assert counts.multiplications == 4 * 3 * 2 + 4 * 2
    assert counts.additions == 4 * 2 * 2 + 4 * 2
    assert counts.others == 0


def test_equal_work_is_counted_and_done_once() -> None:
    """What is written twice is computed once."""
    compiled = mg.compile(lambda x, y: np.exp(x) * y + np.exp(x), X, X)
    assert compiled.counts.others == X.size
    code = [line for line in compiled.source.splitlines() if not line.strip().startswith("#")]
    assert sum("np.exp(" in line for line in code) == 1


def test_graph_plan_and_source_are_of_one_piece() -> None:
    """The graph is well-formed, the schedule passes the judge, and the source names the arguments."""
    compiled = mg.compile(mg.grad(lambda p, x: np.sum(affine(p, x))), PARAMS, X)
    assert check(compiled.graph.outputs, compiled.graph.inputs) > 0
    judge(compiled.plan.problem, compiled.plan.schedule)
    assert compiled.graph.names == ("p['W']", "p['b']", "x")
    assert compiled.source.startswith('"""grad(')


def leaves(tree: Any) -> list[Any]:
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [np.asarray(tree)]
