"""From graphs to functions: levels, memory that is shared, states that are overwritten, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import memograd as mg
from memograd.engine.native import training_code
from memograd.engine.native.ir import Module
from memograd.engine.native.kernels import shares
from memograd.engine.native.layouts import Layout, bytes_of, place_of
from memograd.engine.native.lowering import Form, Lowering
from memograd.engine.native.machine import machine
from memograd.engine.native.ordered import ordered
from memograd.engine.native.program import lanes_for
from memograd.engine.native.traced_step import ROWS, STATE, TracedStep
from memograd.engine.native.training import NativeTraining
from memograd.engine.native.training_code import TrainingCode
from memograd.errors import CannotLower, ShapeError
from memograd.graph.ops import make_input
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import Adam

from .programs import Training, distance, program

N_ROWS = 48


def lowered(f: Callable[..., Any], *args: Any, n_cores: int = 2) -> Lowering:
    """The functions of a function."""
    compiled = mg.compile(f, *args, engine="numpy")
    graph, plan = compiled.graph, compiled.plan
    target = machine()
    forms = [Form()] * len(graph.inputs), [Form()] * len(graph.outputs)
    return Lowering(
        Module(), "step", ordered(graph, plan), forms,
        machine=target, lanes=lanes_for(plan.nodes, target), n_cores=n_cores,
    )  # fmt: skip


# Levels

# Three panels of columns cannot be shared evenly between two cores, four can.
NARROW, WIDE = ((np.ones((n, 40)), np.ones((40, n))) for n in (3 * 2 * machine().lanes(8), 4 * 2 * machine().lanes(8)))


@pytest.fixture
def wide_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small weights are shared by columns too."""
    monkeypatch.setattr(shares, "WIDE_BYTES", 0)


@pytest.mark.parametrize(
    ("f", "by_rows", "by_columns"),
    [
        (lambda x, w: np.tanh(x @ w), 1, 1),
        (lambda x, w: np.tanh(x @ w) @ w.T @ w, 1, 3),
        (lambda x, w: np.sum(np.tanh(x @ w), axis=1), 1, 1),
        (lambda x, w: np.sum(x @ w, axis=0), 2, 1),
        (lambda x, w: w @ (x @ w), 2, 1),
        (lambda x, w: w @ (x @ (w @ (x @ w))), 4, 1),
        (lambda x, w: (x @ w) * np.sum(x @ w), 2, 2),
        (lambda x, w: (x @ w).T @ (x @ w), 2, 2),
    ],
)
@pytest.mark.usefixtures("wide_from_nothing")
def test_levels(f: Callable[..., Any], by_rows: int, by_columns: int) -> None:
    """Threads wait where one reads what another has written, and nowhere else."""
    assert (lowered(f, *NARROW).n_levels, lowered(f, *WIDE).n_levels) == (by_rows, by_columns)


@pytest.mark.parametrize(("width", "n_levels"), [(8, 2), (128, 2), (256, 5)])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_levels_of_a_step(loss: str, width: int, n_levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that have rows go forward and back with their own, and wait once, before they sum over all rows. Where
    layers are wide they have columns, and wait after each layer.
    """
    monkeypatch.setattr(training_code, "usable_cores", lambda: 2)
    monkeypatch.setattr(training_code, "_narrow", refused)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 64) if loss == "cross_entropy" else rng.normal(size=(64, 5)).astype(np.float32)
    X = rng.normal(size=(64, 20)).astype(np.float32)
    training = Training(MLP((20, width, width, 5), "gelu", loss), Adam(), (X, y, None))
    ((lowering, _),) = training.code.lowered
    assert isinstance(lowering, Lowering)
    assert lowering.n_levels == n_levels
    # Those between levels, and two of the loop over steps.
    assert training.code.source.count("call void @barrier") == n_levels - 1 + 2


# Memory


def test_temporaries_share_memory() -> None:
    """A chain of products between which threads wait needs the memory of a few of them, not of all."""

    def f(x: Any) -> Any:
        for _ in range(20):
            x = x.T @ np.tanh(x)
        return x

    size = bytes_of(make_input(1, 0, (64, 64), np.dtype(float)), machine().lanes(8), Layout.ROWS)
    lowering = lowered(f, np.ones((64, 64)))
    assert lowering.n_levels >= 20
    assert lowering.arena_bytes <= 5 * size


def test_rows_of_whole_vectors() -> None:
    """Rows begin at whole vectors, not all at the same place of a page, and there is room to read one vector more."""
    for shape in ((3, 5), (7, 1, 16), (100, 1024), (1, 9), (5, 1), (4, 3, 2), (), (33,), (2, 2048)):
        for dtype in (np.float32, np.float64, np.bool_):
            node = make_input(1, 0, shape, np.dtype(dtype))
            for lanes in (4, 8, 16):
                strides = place_of(0, node, lanes, Layout.ROWS).strides
                last = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
                size = bytes_of(node, lanes, Layout.ROWS) // node.dtype.itemsize
                whole = -(-(last + 1) // lanes) * lanes
                assert size >= whole
                long = [axis for axis, n in enumerate(shape) if n != 1]
                if len(long) == 2:
                    assert strides[long[0]] % lanes == 0
                    assert strides[long[0]] * node.dtype.itemsize % 4096 != 0
                # Each element has a place of its own.
                places = sum(
                    (np.arange(n).reshape([-1 if a == axis else 1 for a in range(len(shape))]) * stride)
                    for axis, (n, stride) in enumerate(zip(shape, strides, strict=True))
                )  # fmt: skip
                assert np.unique(places).size == node.size


# States that are overwritten


def stepped(f: Callable[..., Any], states: list[Any], X: Any, *, n_threads: int, n_steps: int = 3) -> list[Any]:
    """What becomes of states when `f(X, *states)` is done a few times in machine code."""

    def step(states: Any, X: Any) -> Any:
        return f(X, *states), np.sum(X.astype(np.float64)), np.float64(1.0)

    compiled = mg.compile(step, states, X, engine="numpy")
    traced = TracedStep(compiled.graph, compiled.plan, (STATE,) * len(states) + (ROWS,))
    run = NativeTraining(TrainingCode({len(X): traced}), states, [X], epochs=n_steps, seed=0, n_threads=n_threads)
    run.run(n_steps)
    return run.state


def refused(*_: Any) -> Any:
    """In the place of the narrow form, that the other one may be tested."""
    raise CannotLower("no narrow form")


def big(x: Any) -> Any:
    """What makes a step too large for the narrow form."""
    return np.tanh(x @ np.ones((x.shape[1], 40)) @ np.full((40, x.shape[1]), 0.01))


A, B = np.linspace(-1, 1, 30 * 40).reshape(30, 40), np.linspace(0, 2, 30 * 40).reshape(30, 40)
S, T = np.linspace(-1, 1, 40 * 40).reshape(40, 40), np.linspace(0, 0.1, 40 * 40).reshape(40, 40)

# name: (new states from X and the states, the states)
UPDATES: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "in place": (lambda X, a, b: (a * 0.5, b + 1.0), [A, B]),
    "one reads the other": (lambda X, a, b: (a + b, b * 0.5), [A, B]),
    "the other way": (lambda X, a, b: (a * 0.5, b + a), [A, B]),
    "old and new": (lambda X, a, b: (a * 0.5, b + a * 0.5), [A, B]),
    "kept": (lambda X, a, b: (a, b + 1.0), [A, B]),
    "product": (lambda X, a, b: (a @ b, b * 1.5), [S * 0.1, T]),
    "both products": (lambda X, a, b: (a * 0.5 + np.sum(b), b + np.sum(a)), [A, B]),
    "reductions": (lambda X, a, b: (a + np.sum(b, axis=0), b * np.max(a, axis=1, keepdims=True)), [A, B]),
    "rows of the data": (lambda X, a, b: (a + X.T @ big(X @ a), b + np.sum(X, axis=0)[:30, None]), [A * 0.01, B]),
    "turned": (lambda X, a, b: (a.T * 0.9, b + a), [S, T]),
    "turned both": (lambda X, a, b: (a.T + b, b.T * 0.5), [S, T]),
    "reversed": (lambda X, a, b: (a[::-1] * 0.9, b[:, ::-1] + 1.0), [A, B]),
    "shifted": (lambda X, a, b: (np.concatenate([a[1:], a[:1]]), b * 0.5), [A, B]),
    "swapped": (lambda X, a, b: (b, a), [A, B]),
    "swapped and more": (lambda X, a, b: (b + 1.0, a * 0.5), [A, B]),
    "round": (lambda X, a, b, c: (b, c, a), [A, B, A + B]),
    "scalars": (lambda X, a, s, t: (a * s, s + 1.0, t + s), [A, np.array(0.5), np.array(1.0)]),
    "scalars swapped": (lambda X, a, s, t: (a + np.sum(X), t, s), [A, np.array(0.5), np.array(1.0)]),
    "scalar of arrays": (lambda X, a, s: (a * s, np.sum(a) * 1e-3), [B, np.array(0.5)]),
    "same twice": (lambda X, a, b: (a + b, a + b), [A, B]),
    "vectors": (lambda X, a, b: (a + b[::-1], b * np.sum(a)), [A[0], B[0]]),
    "running sums": (lambda X, a, b: (np.cumsum(a, axis=0) * 0.1, np.cumsum(b, axis=1) * 0.1 + a), [A, B]),
    "scattered": (lambda X, a, b: (a[np.arange(30)[::-1]] + b, b * 0.5), [A, B]),
}


# Refused whatever the form; and only where results go to memory one after the other.
ALWAYS_REFUSED = {"product", "turned", "turned both", "reversed", "shifted", "scattered"}
REFUSED = {*ALWAYS_REFUSED, "swapped", "swapped and more", "round", "scalars swapped"}


def _cases() -> Iterator[Any]:
    for name in UPDATES:
        for n_threads in (None, 1, 2, 3):
            yield pytest.param(name, n_threads)


@pytest.mark.parametrize(("name", "n_threads"), [*_cases()])
def test_states_are_read_before_they_are_overwritten(
    name: str, n_threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new state is made of the old ones, whichever is written first; or the step is refused, and says why."""
    f, states = UPDATES[name]
    X = np.random.default_rng(0).normal(size=(N_ROWS, 30))
    if n_threads is not None:
        # Otherwise small steps are straight-line code, which holds all in registers.
        monkeypatch.setattr(training_code, "_narrow", refused)
    if name in (ALWAYS_REFUSED if n_threads is None else REFUSED):
        with pytest.raises(CannotLower, match="is read after its place has been taken"):
            stepped(f, states, X, n_threads=n_threads)
        return
    found = stepped(f, states, X, n_threads=n_threads or 1)
    expected = states
    for _ in range(3):
        expected = [np.asarray(x) for x in f(X, *expected)]
    assert distance(found, expected) < 1e-12


# Refusals


def test_float16_is_refused() -> None:
    """With the op and what to do."""
    with pytest.raises(CannotLower, match=r"float16.*cast to float32"):
        mg.compile(lambda x: x * x, np.ones(3, np.float16), engine="native")
    with pytest.raises(CannotLower, match="float16"):
        mg.compile(lambda x: np.tanh(x).astype(np.float16).astype(np.float32), np.ones(3, np.float32), engine="native")


def test_powers_of_integers_are_refused() -> None:
    """NumPy raises for negative exponents, which machine code cannot."""
    with pytest.raises(CannotLower, match=r"power.*cast to float"):
        mg.compile(lambda x, y: x**y, np.ones(3, int), np.ones(3, int), engine="native")


def test_positions_computed_of_one_argument_are_checked() -> None:
    """Before the code runs they are computed by NumPy; those that follow from several arguments are refused."""
    x, rows = np.arange(12.0).reshape(4, 3), np.array([3, 0])
    with pytest.raises(CannotLower, match=r"take.*positions are computed"):
        mg.compile(lambda x, rows, more: x[rows + more], x, rows, rows, engine="native")
    f = mg.compile(lambda x, codes: x[(codes[:, 1] + 1.0).astype(np.int64)], x, np.zeros((2, 2)), engine="native")
    np.testing.assert_array_equal(f(x, np.array([[9.0, 2.0], [9.0, 0.5]])), x[[3, 1]])
    for outside in (3.0, -6.0, np.nan, np.inf, 1e300):
        with pytest.raises(IndexError, match="out of bounds"):
            f(x, np.array([[0.0, 0.0], [0.0, outside]]))
    f = mg.compile(lambda x, rows: x[rows[::-1].astype(np.int32).reshape(2, 1)], x, rows, engine="native")
    np.testing.assert_array_equal(f(x, rows), x[[[0], [3]]])


def test_constant_positions_outside_are_refused() -> None:
    """They are found while the graph is made, or else by the engine, and never reach the code."""
    x = np.arange(4.0)
    with pytest.raises(ShapeError, match="out of bounds"):
        mg.compile(lambda x: np.take(x, np.array([0, 4])), x, engine="native")


def test_looking_for_nan_is_refused() -> None:
    """The native engine does not name lines."""
    with pytest.raises(CannotLower, match="NaN"):
        mg.compile(lambda x: x + 1.0, np.ones(3), engine="native", check_nan=True)


# Positions


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_positions_are_checked_first(dtype: Any) -> None:
    """One outside raises IndexError before anything runs; negative ones count from the end."""
    x = np.arange(12.0).reshape(4, 3)
    good = np.array([3, 0, 1], dtype)
    take = program(lambda x, rows: x[rows] * 2.0, x, good)
    np.testing.assert_array_equal(take(x, good)[0], x[good] * 2.0)
    limits = np.iinfo(dtype)
    for bad in (4, 100, limits.max, *([-5, limits.min] if limits.min < 0 else [])):
        for place in range(3):
            rows = good.copy()
            rows[place] = bad
            with pytest.raises(IndexError, match="out of bounds for axis 0 with size 4"):
                take(x, rows)
    if limits.min < 0:
        rows = np.array([-4, -1, 2], dtype)
        np.testing.assert_array_equal(take(x, rows)[0], x[rows] * 2.0)
    np.testing.assert_array_equal(take(x, good)[0], x[good] * 2.0)


def test_positions_of_derivatives_are_checked() -> None:
    """What scatters raises as what gathers does."""
    table, rows = np.arange(12.0).reshape(4, 3), np.array([1, 1, 3])
    gradient = mg.grad(lambda table, rows: np.sum(np.exp(table[rows])))
    compiled = mg.compile(gradient, table, rows, engine="native")
    np.testing.assert_allclose(compiled(table, rows), gradient(table, rows), rtol=1e-14)
    for bad in (4, -5):
        with pytest.raises(IndexError, match="out of bounds"):
            compiled(table, np.array([0, bad, 1]))


def test_positions_in_data_are_checked_before_training() -> None:
    """Rows that hold positions of an embedding are looked through once, all of them."""
    table = np.linspace(-1, 1, 7 * 40).reshape(7, 40)

    def f(X: Any, table: Any) -> Any:
        return (table * 0.9 + np.sum(np.tanh(table[X] @ np.ones((40, 40))), axis=0),)

    X = np.random.default_rng(0).integers(0, 7, N_ROWS)
    (found,) = stepped(f, [table], X, n_threads=2)
    expected = table
    for _ in range(3):
        (expected,) = f(X, expected)
    assert distance([found], [expected]) < 1e-12
    for bad in (7, -8):
        X[-1] = bad
        with pytest.raises(IndexError, match="out of bounds"):
            stepped(f, [table], X, n_threads=1)
