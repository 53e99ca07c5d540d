"""Every row of the table of rules: its derivatives to second order, and what it says where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.special

from memograd.errors import GradientMismatch
from memograd.gradient.numeric import check_grad
from memograd.gradient.rules import RULES, Flat, Rule
from memograd.gradient.transforms import grad, jvp, value_and_grad, vjp
from memograd.graph.ops import OPS
from memograd.graph.tracing import take_apart, trace
from memograd.graph.walk import topological

Function = Callable[..., Any]


def points(*shape: int, low: float = 0.2, high: float = 0.9, seed: int = 0) -> Any:
    """Distinct numbers in some order, none near a kink."""
    n = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(np.linspace(low, high, n) if n else np.zeros(0)).reshape(shape)


X, Y = points(2, 3), points(2, 3, low=0.25, high=0.95, seed=1)
SIGNED = points(2, 3, low=-1.5, high=1.6, seed=2)
ROW, COLUMN = points(3, seed=3), points(2, 1, seed=4)
MANY = points(2, 3, 4, low=-1.0, high=1.0, seed=5)
MASK = np.array([[True, False, True], [False, True, True]])

CASES: dict[str, list[tuple[Any, ...]]] = {
    "add": [(lambda x, y: np.sin(x) + np.sin(y), X, ROW), (lambda x: x**2 + x**2, X)],
    "subtract": [(lambda x, y: np.sin(x) - np.sin(y), X, COLUMN), (lambda x: np.exp(x) - x**2, X)],
    "negative": [(lambda x: -np.sin(x), SIGNED)],
    "multiply": [(lambda x, y: x * y, SIGNED, ROW), (lambda x: x * x * x, SIGNED)],
    "divide": [(lambda x, y: x / y, SIGNED, ROW), (lambda x: x / (x + 2), SIGNED), (lambda x: 1 / x, X)],
    "power": [
        (lambda x, y: x**y, X, SIGNED), (lambda x: x**3, SIGNED), (lambda x: x**-1.5, X), (lambda x: 2.0**x, SIGNED),
        (lambda x, y: np.power(x, y), X, COLUMN), (lambda x: x**x, X),
    ],
    "maximum": [(lambda x, y: np.maximum(x, y) ** 2, X, Y), (lambda x: np.maximum(x, 0.0) ** 3, SIGNED)],
    "minimum": [(lambda x, y: np.minimum(x, y) ** 2, X, Y), (lambda x: np.minimum(x**2, 1.0) * x, SIGNED)],
    "absolute": [(lambda x: abs(x) ** 3, SIGNED), (lambda x: np.abs(x) * x, SIGNED)],
    "sqrt": [(np.sqrt, X)],
    "exp": [(np.exp, SIGNED)],
    "expm1": [(np.expm1, SIGNED)],
    "log": [(np.log, X)],
    "log1p": [(np.log1p, X)],
    "logaddexp": [(np.logaddexp, SIGNED, ROW), (lambda x: np.logaddexp(0, 5 * x), SIGNED)],
    "logistic": [(scipy.special.expit, 3 * SIGNED)],
    "erf": [(scipy.special.erf, SIGNED)],
    "sin": [(np.sin, SIGNED)],
    "cos": [(np.cos, SIGNED)],
    "tan": [(np.tan, X)],
    "arcsin": [(np.arcsin, X)],
    "arccos": [(np.arccos, X)],
    "arctan": [(np.arctan, SIGNED)],
    "arctan2": [(np.arctan2, SIGNED, ROW), (np.arctan2, ROW, SIGNED)],
    "sinh": [(np.sinh, SIGNED)],
    "cosh": [(np.cosh, SIGNED)],
    "tanh": [(np.tanh, SIGNED)],
    "where": [
        (lambda x, y: np.where(MASK, x**2, y**3), SIGNED, ROW), (lambda x: np.where(x > 0.1, x**3, np.sin(x)), SIGNED),
        (lambda x: np.where(x > 0.1, x**3, 0.0), SIGNED),
    ],
    "cast": [],  # rounding to float32 hides differences: see below
    "matmul": [
        (lambda a, b: a @ b, SIGNED, points(3, 4)), (lambda a, b: a @ b, ROW, points(3)), (lambda a: a @ a.T, SIGNED),
        (lambda a, b: a @ b, MANY, points(2, 4, 2)), (lambda a, b: a @ b, MANY, points(4, 3)),
        (lambda a: a @ np.ones((3, 2)), SIGNED**2), (lambda a, b: a @ b, points(2, 0), points(0, 3)),
    ],
    "sum": [
        (lambda x: np.sum(x**2), SIGNED), (lambda x: np.sum(x**3, axis=(0, 2)), MANY),
        (lambda x: x**2 / np.sum(x**2, axis=1, keepdims=True), X), (lambda x: np.sum(x**2, axis=0), points(0, 3)),
    ],
    "cumsum": [(lambda x: np.cumsum(x**2, axis=1) * x, SIGNED), (lambda x: np.cumsum(x**2, axis=-2) ** 2, MANY)],
    "max": [(lambda x: np.max(x**2), X), (lambda x: np.max(np.sin(x), axis=(0, 2)), MANY)],
    "min": [(lambda x: np.min(x**2), X), (lambda x: np.min(np.sin(x), axis=1, keepdims=True) * x, MANY)],
    "broadcast_to": [
        (lambda x: np.broadcast_to(x**2, (4, 2, 3)) ** 2, COLUMN), (lambda x: np.broadcast_to(x, (0, 3)) ** 2, ROW),
        (lambda x: np.broadcast_to(x**2, (1, 1)) ** 2, np.array(0.3)),
    ],
    "reshape": [(lambda x: np.reshape(x**2, (3, 2)) ** 2, SIGNED)],
    "transpose": [(lambda x: np.transpose(x**2, (2, 0, 1)) ** 2, MANY)],
    "slice": [(lambda x: x[::-2, 1:] ** 3, SIGNED), (lambda x: x[1] * x[0], SIGNED), (lambda x: x[:0] ** 2, SIGNED)],
    "unslice": [(lambda x: np.pad(x**2, ((1, 0), (2, 1))) ** 2, SIGNED)],
    "take": [
        (lambda x: x[[1, 0, 1, 1]] ** 3, SIGNED), (lambda x: np.take(x, [[0, -1]], axis=1) ** 2, SIGNED),
        (lambda x, i: x[:, i] ** 2, SIGNED, np.array([2, 2])),
    ],
    "scatter_add": [(lambda x: x[[1, 0, 1, 1]] ** 3, SIGNED), (lambda x: np.take(x, [[0, -1]], axis=1) ** 3, SIGNED)],
    "concatenate": [(lambda x, y: np.concatenate([x**2, y, x], axis=1) ** 2, SIGNED, COLUMN)],
}  # fmt: skip

STEPS: dict[str, Function] = {
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "less": lambda x: x < 0.1,
    "less_equal": lambda x: x <= 0.1,
    "equal": lambda x: x == 0.1,
    "not_equal": lambda x: x != 0.1,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_and": lambda x: np.logical_and(x > 0.1, x),
    "logical_or": lambda x: np.logical_or(x > 0.1, x < 0),
    "logical_not": lambda x: np.logical_not(x),
    "argmax": lambda x: np.argmax(x, axis=1, keepdims=True),
    "argmin": lambda x: np.argmin(x, axis=0, keepdims=True),
}

LEAVES = {"input", "constant", "random_bits"}

PAIRS = [(op, *use) for op, uses in CASES.items() for use in uses]


def ops_of(f: Function, *args: Any) -> set[str]:
    """The ops in the graph of a function and of its gradient."""

    def both(*args: Any) -> Any:
        floating = [x for x in args if x.dtype.kind == "f"]
        rest = args[len(floating) :]
        value, pullback = vjp(lambda *xs: f(*xs, *rest), *floating)
        return value, pullback(np.ones(value.shape))

    graph, _ = trace(both, take_apart(both, args, {}))
    return {node.op for node in topological(graph.outputs)}


def test_every_op_has_a_case() -> None:
    """An op that gets a rule gets a case, and ops through which nothing flows are told from the others."""
    flat = {op for op, rule in RULES.items() if isinstance(rule, Flat)}
    assert flat == STEPS.keys() | LEAVES
    assert CASES.keys() == OPS.keys() - flat


@pytest.mark.parametrize(
    ("op", "f", "args"), [(op, f, args) for op, f, *args in PAIRS], ids=lambda part: str(part)[:12]
)
def test_derivatives(op: str, f: Function, args: list[Any]) -> None:
    """First and second derivatives agree with finite differences, and forward mode with reverse mode."""
    assert op in ops_of(f, *args)
    check_grad(f, *args)


@dataclass(frozen=True)
class Spoiled:
    """A rule that is wrong by 1 %: in reverse mode, or in both."""

    right: Rule
    both: bool

    def pull(self, i: int, g: Any, y: Any, x: Any) -> Any:
        return self.right.pull(i, 1.01 * g, y, x)

    def push(self, y: Any, x: Any, tangents: Any) -> Any:
        return self.right.push(y, x, [None if t is None else 1.01 * t for t in tangents] if self.both else tangents)


@pytest.mark.parametrize("both", [False, True], ids=["reverse", "both modes"])
@pytest.mark.parametrize("op", [op for op, uses in CASES.items() if uses])
def test_a_wrong_rule_is_found(op: str, both: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases above would fail if the row of their op were wrong by 1 %, in one mode or in both alike."""
    f, *args = CASES[op][0]
    monkeypatch.setitem(RULES, op, Spoiled(RULES[op], both))  # type: ignore[arg-type]
    with pytest.raises(GradientMismatch):
        check_grad(f, *args)


@pytest.mark.parametrize("op", STEPS)
def test_steps_are_flat(op: str) -> None:
    """Nothing flows through a step: what it multiplies has it as its derivative, in both modes."""
    f = STEPS[op]
    assert op in ops_of(lambda x: x * f(x), SIGNED)
    check_grad(lambda x: x**2 * f(x), SIGNED)
    (found,) = vjp(lambda x: x * f(x), SIGNED)[1](np.ones((2, 3)))
    np.testing.assert_array_equal(found, np.broadcast_to(f(SIGNED), (2, 3)))
    np.testing.assert_array_equal(jvp(lambda x: 1.0 * f(x), (SIGNED,), (np.ones((2, 3)),))[1], 0)


def test_casts() -> None:
    """A cast hands the adjoint on in the dtype of its operand; through an integer nothing flows."""
    check_grad(lambda x: (x.astype(np.float32) ** 2).astype(np.float64), SIGNED, rtol=0.05)  # float32 is 1 % of a step
    gradient = grad(lambda x: np.sum(x.astype(np.float32) ** 2))(SIGNED)
    assert gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, 2 * SIGNED.astype(np.float32))
    np.testing.assert_array_equal(grad(lambda x: np.sum(x.astype(int) * x))(SIGNED), SIGNED.astype(int))
    tangent = jvp(lambda x: x.astype(np.float32), (SIGNED,), (SIGNED,))[1]
    assert tangent.dtype == np.float32


def gradients(f: Function, *args: float) -> list[float]:
    """The partial derivatives at a point."""
    return [float(g) for g in grad(f, tuple(range(len(args))))(*args)]


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (abs, (0.0,), [0.0]),
        (abs, (-0.0,), [0.0]),
        (np.maximum, (1.0, 1.0), [0.5, 0.5]),
        (np.minimum, (1.0, 1.0), [0.5, 0.5]),
        (np.maximum, (0.0, -0.0), [0.5, 0.5]),
        (lambda x: np.maximum(x, x), (1.0,), [1.0]),
        (lambda x: np.maximum(x, 0), (0.0,), [0.5]),
        (lambda x: np.clip(x, 0, 1), (1.0,), [0.5]),
        (np.sqrt, (0.0,), [np.inf]),
        (np.log, (0.0,), [np.inf]),
        (np.log1p, (-1.0,), [np.inf]),
        (np.arcsin, (1.0,), [np.inf]),
        (np.arccos, (-1.0,), [-np.inf]),
        (np.arctan2, (0.0, 0.0), [np.nan, np.nan]),
        (np.logaddexp, (-np.inf, 0.0), [0.0, 1.0]),
        (np.logaddexp, (1e6, -1e6), [1.0, 0.0]),
        (scipy.special.expit, (-1e6,), [0.0]),
        (np.tanh, (1e6,), [0.0]),
        (np.power, (0.0, 0.0), [0.0, 0.0]),
        (np.power, (0.0, 1.0), [1.0, 0.0]),
        (np.power, (0.0, 2.0), [0.0, 0.0]),
        (np.power, (0.0, 0.5), [np.inf, 0.0]),
        (np.power, (-2.0, 3.0), [12.0, np.nan]),
        (np.power, (2.0, 0.0), [0.0, np.log(2.0)]),
        (lambda x: x**0, (0.0,), [0.0]),
        (lambda x: x**1, (0.0,), [1.0]),
        (lambda x: x**2, (0.0,), [0.0]),
        (lambda x: x**3, (-2.0,), [12.0]),
        (lambda x: x**0.5, (0.0,), [np.inf]),
        (lambda x: x**1.5, (0.0,), [0.0]),
        (lambda x: 0.0**x, (2.0,), [0.0]),
        (np.sign, (0.0,), [0.0]),
        (np.floor, (1.0,), [0.0]),
        (lambda x: np.linalg.norm(np.stack([x, x])), (0.0,), [np.nan]),
        (lambda x: np.std(np.stack([x, x])), (1.0,), [np.nan]),
        (lambda x: np.prod(np.stack([x, 0 * x, x + 3])), (2.0,), [0.0]),
    ],
)
def test_where_there_is_no_derivative(f: Function, args: tuple[float, ...], expected: list[float]) -> None:
    """At a kink the row says which value it takes; where the derivative is infinite or undefined it says so."""
    found = gradients(f, *args)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    forward = [jvp(lambda x, i=i: f(*args[:i], x, *args[i + 1 :]), (args[i],), (1.0,))[1] for i in range(len(args))]
    np.testing.assert_array_equal(np.asarray(forward, float), found)


@pytest.mark.parametrize("reduce", [np.max, np.min])
@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1.0, 1.0, 1.0], [1 / 3, 1 / 3, 1 / 3]),
        ([0.0, -0.0], [0.5, 0.5]),
        ([np.inf, -np.inf, np.inf, -np.inf], {np.max: [0.5, 0, 0.5, 0], np.min: [0, 0.5, 0, 0.5]}),
        ([1.0, np.nan], [np.nan, np.nan]),
        ([[2.0, 3.0], [3.0, 2.0]], {np.max: [[0, 0.5], [0.5, 0]], np.min: [[0.5, 0], [0, 0.5]]}),
    ],
)
def test_equal_elements_share(reduce: Function, x: Any, expected: Any) -> None:
    """All that are largest share the derivative evenly; where a NaN is, it is undefined."""
    wanted = expected[reduce] if isinstance(expected, dict) else expected
    np.testing.assert_allclose(grad(reduce)(np.array(x)), wanted, rtol=1e-15)


def test_second_derivatives_at_zero() -> None:
    """Powers are differentiated twice at 0 without a NaN."""
    for n, expected in ((1, 0.0), (2, 2.0), (3, 0.0), (4, 0.0)):
        assert grad(grad(lambda x, n=n: x**n))(0.0) == expected
        assert grad(grad(np.power))(0.0, float(n)) == expected


def test_a_discarded_branch() -> None:
    """`where` hands on an adjoint of 0, which an infinite derivative makes NaN; choosing the argument cures it."""
    assert np.isnan(grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(0.0))
    value, slope = value_and_grad(lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0))(0.0)
    assert (value, slope) == (0.0, 0.0)
    assert grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(4.0) == 0.25


def test_products_of_zeros() -> None:
    """The derivative of a product for one factor is the product of the others, whichever of them are 0."""
    np.testing.assert_array_equal(grad(np.prod)(np.array([2.0, 0.0, 3.0])), [0.0, 6.0, 0.0])
    np.testing.assert_array_equal(grad(np.prod)(np.array([0.0, 0.0, 3.0])), [0.0, 0.0, 0.0])
    check_grad(lambda x: np.prod(x, axis=1), np.array([[1.0, 0.0, 2.0], [0.5, 3.0, -1.0]]))


COMPOSED: list[tuple[Any, ...]] = [
    (np.square, SIGNED), (np.reciprocal, X), (np.exp2, SIGNED), (np.log2, X), (np.log10, X), (np.deg2rad, X),
    (np.degrees, X), (np.fabs, SIGNED), (np.positive, SIGNED), (np.outer, ROW, points(4)), (np.dot, SIGNED, ROW),
    (np.mean, SIGNED), (lambda x: np.var(x, axis=0, ddof=1), SIGNED), (lambda x: np.std(x, axis=1), SIGNED),
    (np.ptp, SIGNED), (lambda x: np.prod(x, axis=0), SIGNED), (np.linalg.norm, SIGNED),
    (lambda x, w: np.average(x, axis=1, weights=w), SIGNED, ROW), (lambda x: np.clip(x, -0.5, 0.7) ** 2, SIGNED),
    (lambda x, y: np.stack([x, y], axis=1) ** 2, SIGNED, Y), (lambda x: np.tril(x) ** 2, SIGNED),
    (lambda x: np.triu(x, 1) ** 2, SIGNED), (lambda x: np.diag(x**2, 1), ROW), (lambda x: np.trace(x**2), SIGNED),
    (lambda x: np.diff(x**2, 2, axis=-1), MANY), (lambda x: np.roll(x, 1, axis=0) * x, SIGNED),
    (lambda x: np.repeat(x, [2, 1], axis=0) ** 2, SIGNED), (lambda x: np.tile(x, (2, 2)) ** 2, SIGNED),
    (lambda x: np.rot90(x) ** 2, SIGNED), (lambda x: np.split(x**2, [1], axis=1), SIGNED),
    (lambda x: np.take_along_axis(x**2, np.argsort(SIGNED, axis=1), axis=1), SIGNED),
    (lambda x: np.take_along_axis(x**2, np.argmax(x, axis=1, keepdims=True), axis=1), SIGNED),
    (lambda x: x[np.arange(2), [2, 0]] ** 2, SIGNED), (lambda x: x[:, [True, False, True]] ** 2, SIGNED),
    (lambda x: x[..., None, ::-1] ** 2, SIGNED), (lambda x: np.full_like(SIGNED, 1.0) * x, ROW),
]  # fmt: skip


@pytest.mark.parametrize("case", COMPOSED, ids=lambda case: getattr(case[0], "__name__", ""))
def test_functions_made_of_ops(case: tuple[Any, ...]) -> None:
    """NumPy functions that are written in terms of ops have the derivatives of their own."""
    check_grad(*case)
