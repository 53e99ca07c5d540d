"""The transforms: trees in and out, nested in each other, on any array, and honest about what has no derivative."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memograd.errors import (
    Disconnected,
    DtypeError,
    NotDifferentiable,
    ShapeError,
    StructureError,
    TraceError,
    UnknownName,
)
from memograd.gradient.numeric import check_grad
from memograd.gradient.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from memograd.graph.trace import open_depth
from memograd.graph.tree import flatten

X = np.array([0.5, -1.0, 2.0])
A = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])


@dataclass(frozen=True, slots=True)
class Layer:
    """Refuses what is no array, as a record of a user's may."""

    W: Any
    b: Any
    name: Any = "dense"

    def __post_init__(self) -> None:
        if not isinstance(self.W, np.ndarray):
            raise TypeError("W is an array")


class Pair(NamedTuple):
    left: Any
    right: Any


def assert_equal(found: Any, expected: Any, rtol: float = 1e-13) -> None:
    """Trees of the same containers with arrays of the same shapes and dtypes and, to a few roundings, values."""
    leaves, structure = flatten(found)
    expected_leaves, expected_structure = flatten(expected)
    assert structure == expected_structure
    for x, y in zip(leaves, expected_leaves, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-14)


# Trees and arguments


@pytest.mark.parametrize(
    ("f", "tree", "expected"),
    [
        (lambda p: p[0] * p[1][0], [2.0, (3.0,)], [3.0, (2.0,)]),
        (lambda p: p["a"] @ p["b"], {"b": X, "a": 2 * X}, {"a": X, "b": 2 * X}),
        (lambda p: p.left * np.sum(p.right), Pair(2.0, X), Pair(np.sum(X), np.full(3, 2.0))),
        (lambda p: np.sum(p[0].W @ X + p[0].b), [Layer(A, np.ones(2)), None],
         [Layer(np.tile(X, (2, 1)), np.ones(2), None), None]),
        (lambda p: p[0] + np.sum(p[1]), (1.5, np.zeros((0, 2))), (1.0, np.zeros((0, 2)))),
        (lambda p: sum(v**2 for v in p.values()), {2: 3.0, 1: 4.0}, {2: 6.0, 1: 8.0}),
        (lambda p: p["f"](p["x"]), {"f": np.sin, "x": 0.0}, {"f": None, "x": 1.0}),
    ],
)  # fmt: skip
def test_trees(f: Callable[..., Any], tree: Any, expected: Any) -> None:
    """A gradient is a tree like the argument, containers and all; leaves that are no numbers have None."""
    assert_equal(grad(f)(tree), expected)


def test_values_are_trees_too() -> None:
    """vjp, jvp and jacobian give a tree like the result, of trees like the arguments."""

    def f(p, q):
        return {"y": p["a"] * q, "rest": (p["b"], None)}

    p, q = {"a": X, "b": np.ones((2, 1))}, 3.0
    value, pullback = vjp(f, p, q)
    assert_equal(value, {"y": 3 * X, "rest": (np.ones((2, 1)), None)})
    assert_equal(pullback(value), ({"a": 9 * X, "b": np.ones((2, 1))}, 3 * np.sum(X**2)))
    assert_equal(jvp(f, (p, q), ({"a": np.ones(3), "b": np.zeros((2, 1))}, 1.0))[1], {
        "y": 3 + X, "rest": (np.zeros((2, 1)), None),
    })  # fmt: skip
    matrix = jacobian(f, (0, 1))(p, q)
    assert_equal(matrix["y"], ({"a": 3 * np.eye(3), "b": np.zeros((3, 2, 1))}, X))
    assert_equal(matrix["rest"][0][0]["b"], np.eye(2).reshape(2, 1, 2, 1))


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 6.0), (1, 3.0), (-1, 2.0), (-3, 6.0), ((0,), (6.0,)), ((2, 0), (2.0, 6.0)), ([-1, 1], (2.0, 3.0)), ((), ())],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    """One number gives one gradient, a sequence a tuple in its order; negative numbers count from the end."""

    def f(x, y, z):
        return x * y * 3.0 + z * 2.0

    assert_equal(grad(f, argnums)(1.0, 2.0, 5.0), expected)
    assert_equal(value_and_grad(f, argnums)(1.0, 2.0, 5.0), (16.0, expected))


def test_keyword_arguments() -> None:
    """They are handed on as they are, arrays and settings alike."""

    def f(x, *rest, scale, power=1, **more):
        assert more == {"flag": True}
        return np.sum(x**power * scale) + rest[0]

    assert_equal(grad(f)(X, 1, scale=2 * X, power=2, flag=True), 4 * X**2)
    with pytest.raises(TypeError, match="scale"):
        grad(f)(X, 1)


def test_auxiliary_values() -> None:
    """With has_aux the rest of what the function returns comes along, computed and not differentiated."""

    def f(x):
        y = np.sin(x)
        return np.sum(y), {"y": y, "n": 3, "none": None}

    slope, aux = grad(f, has_aux=True)(X)
    assert_equal(slope, np.cos(X))
    assert_equal(aux, {"y": np.sin(X), "n": 3, "none": None})
    value, slope = value_and_grad(f, has_aux=True)(X)
    assert_equal(value, (np.sum(np.sin(X)), {"y": np.sin(X), "n": 3, "none": None}))
    assert_equal(slope, np.cos(X))


@pytest.mark.parametrize(
    "result", [lambda x: x, lambda x: {"loss": x, "aux": x}, lambda x: (x,), lambda x: ([x, x], x), lambda x: (None, x)]
)
def test_auxiliary_values_come_in_a_pair(result: Callable[..., Any]) -> None:
    """What is no pair (loss, rest) is refused; a dict would be read in the order of its keys, the loss second."""
    with pytest.raises(ShapeError, match=r"has_aux=True needs a pair \(loss, rest\)"):
        grad(result, has_aux=True)(1.0)


def test_names() -> None:
    """A transformed function is named after what it transforms, ufuncs and partials too."""
    assert grad(np.sin).__name__ == "grad(sin)"
    assert value_and_grad(assert_equal).__name__ == "value_and_grad(assert_equal)"
    assert jacobian(functools.partial(np.power, 2.0)).__name__.startswith("jacobian(functools.partial(")
    assert hessian(np.sin).__name__ == "jacobian(grad(sin))"


# Dtypes and layouts


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_dtypes_stay(dtype: Any) -> None:
    """A gradient has the dtype of its argument, a value that of the function; Python's numbers do not widen them."""

    def f(x):
        return np.sum(np.tanh(2.0 * x) ** 2 / 3 + 1) * 0.5

    x = X.astype(dtype)
    value, slope = value_and_grad(f)(x)
    assert (value.dtype, slope.dtype) == (dtype, dtype)
    assert hvp(f, (x,), (x,)).dtype == dtype
    assert hessian(f)(x).dtype == dtype
    assert jacobian(lambda x: x[:2] * 2)(x).dtype == dtype


def test_mixed_dtypes() -> None:
    """Each gradient has the dtype of its own argument, whatever it met on its way; a Python float has float64."""

    def f(x, y, z):
        return np.sum(x * y) * z

    slopes = grad(f, (0, 1, 2))(X.astype(np.float32), X, 2.0)
    assert [np.asarray(slope).dtype for slope in slopes] == [np.float32, np.float64, np.float64]
    assert vjp(lambda x, z: x * z, X.astype(np.float32), 2.0)[1](X)[0].dtype == np.float32


@pytest.mark.parametrize(
    "x",
    [
        np.asfortranarray(A),
        A[:, ::-1],
        np.repeat(A, 2, axis=1)[:, ::2],
        A.astype(">f8"),
        np.broadcast_to(A[:1], (2, 3)),
        A.T.copy().T,
    ],
    ids=["Fortran", "reversed", "gaps", "big-endian", "broadcast", "transposed"],
)
@pytest.mark.parametrize("writeable", [True, False])
def test_layouts(x: Any, writeable: bool) -> None:
    """Order, gaps, byte order and protection of an argument do not matter, and it is not written to."""
    x = x if writeable else np.broadcast_to(x, x.shape)
    before = np.array(x, np.float64, order="C")

    def f(x):
        return np.sum(x.T @ x * x[0]) + np.sum(x[::-1, 1:] ** 3)

    for transform in (grad(f), hessian(f), lambda x: vjp(np.transpose, x)[0], lambda x: hvp(f, (x,), (x,))):
        assert_equal(transform(x), transform(before))
    np.testing.assert_array_equal(x, before)


def test_results_are_native() -> None:
    """Value and gradient have this machine's byte order, also where nothing is computed of the argument."""
    x = X.astype(">f8")
    value, pullback = vjp(lambda x: x, x)
    assert value.dtype.isnative
    assert pullback(x)[0].dtype.isnative
    np.testing.assert_array_equal(value, X)
    np.testing.assert_array_equal(pullback(x)[0], X)


EVERYTHING = [
    lambda f, x: grad(f)(x),
    lambda f, x: value_and_grad(f)(x)[1],
    lambda f, x: vjp(lambda x: x, x)[0],
    lambda f, x: vjp(lambda x: x, x)[1](x)[0],
    lambda f, x: vjp(lambda x: x[::-1], x)[1](x)[0],
    lambda f, x: jvp(lambda x: x, (x,), (x,))[1],
    lambda f, x: jacobian(lambda x: 2 * x)(x),
    lambda f, x: hessian(f)(x),
    lambda f, x: grad(lambda x: np.sum(np.zeros(3)))(x),
    lambda f, x: value_and_grad(lambda x: (np.sum(x), x), has_aux=True)(x)[0][1],
]


@pytest.mark.parametrize("transform", EVERYTHING)
@pytest.mark.parametrize("f", [np.sum, lambda x: np.sum(x**2), lambda x: x @ x])
def test_results_are_the_callers_own(f: Any, transform: Any) -> None:
    """Every array that comes out can be written, which changes neither argument, nor graph, nor another result."""
    x = X.copy()
    first = transform(f, x)
    expected = first.copy()
    second = transform(f, x)
    assert not np.shares_memory(first, x)
    assert not np.shares_memory(first, second)
    first += 1e6
    np.testing.assert_array_equal(x, X)
    assert_equal(second, expected)
    assert_equal(transform(f, x), expected)


def test_two_results_that_are_one_node_are_two_arrays() -> None:
    """Interning makes equal gradients one node; the caller gets them apart."""
    one, other = grad(lambda x, y: np.sum(x + y), (0, 1))(X, X)
    one += 1
    assert_equal(other, np.ones(3))


@pytest.mark.parametrize("x", [2.0, np.float64(2), np.array(2.0)], ids=repr)
def test_numbers_come_out_as_scalars(x: Any) -> None:
    """Python floats, NumPy scalars and arrays without axes all give NumPy scalars, which share nothing."""
    for f in (lambda x: x, lambda x: x * 3, lambda x: np.reshape(np.reshape(x, (1, 1)), ())):
        value, slope = value_and_grad(f)(x)
        assert (type(value), type(slope)) == (np.float64, np.float64)
        assert value == float(f(x))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (1, 0, 2)])
def test_empty_arrays(shape: tuple[int, ...]) -> None:
    """An array without elements has a gradient without elements, and Jacobians have the shapes they must."""
    x = np.zeros(shape)
    assert_equal(value_and_grad(lambda x: np.sum(x**2) + 1)(x), (1.0, x))
    assert_equal(jacobian(np.sin)(x), np.zeros(shape + shape))
    assert_equal(jacobian(np.sin, mode="forward")(x), np.zeros(shape + shape))
    assert_equal(jacobian(lambda x: np.sum(x))(x), x)
    assert_equal(jacobian(lambda x: x)(np.float64(1)), 1.0)
    assert_equal(hessian(lambda x: np.sum(x**2))(x), np.zeros(shape + shape))
    assert_equal(hvp(lambda x: np.sum(x**2), (x,), (x,)), x)


# Nesting


def test_perturbations_are_not_confused() -> None:
    """Derivatives for an inner variable do not see an outer one (Siskind & Pearlmutter 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6
    assert grad(lambda x: grad(lambda x: x**2)(x * 2))(1.0) == 4
    assert grad(lambda x: grad(lambda y: y * grad(lambda z: x * y * z)(2.0))(x))(3.0) == 4 * 3
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1
    assert grad(lambda x: x * jvp(lambda y: x * y, (2.0,), (1.0,))[1])(3.0) == 6
    assert jvp(lambda x: x * vjp(lambda y: x * y, 2.0)[1](1.0)[0], (3.0,), (1.0,))[1] == 6
    assert grad(lambda x: grad(lambda y: 1.0 * x)(x) + x)(1.0) == 1


def test_amazing_bugs_are_absent() -> None:
    """A derivative that a function returns as a function keeps its own variable (Manzyuk et al. 2019)."""

    def shifted(u):
        return lambda g: lambda x: g(x + u)

    # d/du at 0 of x ↦ g(x + u) is g′; applied twice, with itself as g, it is g″.
    def derivative(g):
        return lambda x: grad(lambda u: shifted(u)(g)(x))(0.0)

    for x in (0.5, 2.0):
        assert derivative(derivative(np.exp))(x) == pytest.approx(np.exp(x), rel=1e-14)
        assert derivative(derivative(lambda x: x**3))(x) == pytest.approx(6 * x, rel=1e-14)


@pytest.mark.parametrize(
    ("f", "fourth"),
    [
        (np.sin, np.sin),
        (np.exp, np.exp),
        (lambda x: x**4, lambda x: 24.0),
        (lambda x: 1 / x, lambda x: 24 / x**5),
        (np.log, lambda x: -6 / x**4),
    ],
)
def test_fourth_derivatives(f: Any, fourth: Any) -> None:
    """Any four transforms in a row give the fourth derivative: reverse and forward mode, in every order."""

    def forward(f: Any) -> Any:
        return lambda x: jvp(f, (x,), (1.0,))[1]

    for modes in itertools.product([grad, forward], repeat=4):
        g = f
        for mode in modes:
            g = mode(g)
        assert g(1.3) == pytest.approx(fourth(1.3), rel=1e-12)


def test_closures_over_traced_values() -> None:
    """An inner function may use what an outer one is differentiated for, in every transform."""

    def outer(x):
        inner = grad(lambda y: np.sum(x * y**2))(x)
        turned = vjp(lambda y: x * y, x)[1](x)[0]
        pushed = jvp(lambda y: x * y, (x,), (x,))[1]
        matrix = jacobian(lambda y: x * y)(x)
        curved = hvp(lambda y: np.sum(x * y**2), (x,), (x,))
        return np.sum(inner + turned + pushed + np.diagonal(matrix) + curved)

    # 2x² + x² + x² + x + 2x²
    assert_equal(grad(outer)(X), 12 * X + 1)
    check_grad(outer, X)


def test_pullbacks_are_traced_too() -> None:
    """A pullback made outside is used inside of a traced function, and one made inside with traced cotangents."""
    _, outside = vjp(np.sin, X)
    assert_equal(grad(lambda c: np.sum(outside(c)[0] ** 2))(A[0]), 2 * A[0] * np.cos(X) ** 2)
    found = grad(lambda x, c: np.sum(vjp(np.sin, x)[1](c)[0]), (0, 1))(X, A[0])
    assert_equal(found, (-A[0] * np.sin(X), np.cos(X)))


def test_a_cotangent_is_cast_to_the_dtype_of_its_value() -> None:
    """A Python float or a float64 meets a float32 value as its cotangent, concrete or traced."""
    x = X.astype(np.float32)
    assert_equal(vjp(lambda x: np.sum(x * x), x)[1](1.5)[0], 3 * x)
    assert_equal(grad(lambda w: np.sum(vjp(lambda x: np.sum(x * x), x)[1](w)[0]))(1.5), float(np.sum(2 * x)))
    assert_equal(grad(lambda w: np.sum(jvp(lambda x: x * x, (x,), (w,))[1]))(X), (2 * x).astype(float))


def test_a_pullback_serves_many_cotangents() -> None:
    """The forward values are computed once and kept; calls do not disturb each other."""
    n_values = []

    def f(x):
        n_values.append(1)
        return np.tanh(A @ x)

    value, pullback = vjp(f, X)
    rows = [pullback(e)[0] for e in np.eye(2)]
    again = [pullback(e)[0] for e in np.eye(2)]
    assert len(n_values) == 1
    assert_equal(rows, again)
    assert_equal(np.stack(rows), (1 - value**2)[:, None] * A)
    x = X.copy()
    pullback = vjp(lambda x: x**3, x)[1]
    x += 100
    assert_equal(pullback(np.ones(3))[0], 3 * X**2)


def test_a_pullback_does_not_outlive_the_trace_that_it_belongs_to() -> None:
    """Kept from inside of a finished function it is refused, also inside of another trace, and never computed wrong."""
    kept = []

    def f(x):
        kept.append(vjp(lambda y: x * y, 2.0)[1])
        kept.append(vjp(lambda y: y * y, x)[1])
        return x

    grad(f)(3.0)
    for pullback in kept:
        with pytest.raises(TraceError, match="left over from a finished trace"):
            pullback(1.0)
        with pytest.raises(TraceError, match="left over from a finished trace"):
            grad(lambda x, pullback=pullback: pullback(x)[0])(5.0)


def test_a_leaked_argument_is_refused() -> None:
    """A traced array kept from a finished function is no argument of another transform."""
    kept = []
    grad(lambda x: kept.append(x) or x)(3.0)
    for use in (lambda: grad(np.sin)(kept[0]), lambda: grad(lambda x: x * grad(np.sin)(kept[0]))(1.0)):
        with pytest.raises(TraceError, match="left over from a finished trace"):
            use()


# Jacobians and Hessians


def vector_function(x):
    """From three numbers to four, of several kinds of curvature."""
    return np.stack([x[0] * x[1], np.sin(x[2]) * x[0], np.sum(x**2), x[1] / x[2]])


@pytest.mark.parametrize("mode", ["auto", "reverse", "forward"])
def test_jacobians(mode: Any) -> None:
    """Row by row and column by column are one matrix: autograd's, and that of loops of vjp and jvp."""
    found = jacobian(vector_function, mode=mode)(X)
    expected = autograd.jacobian(lambda x: anp.stack([x[0] * x[1], anp.sin(x[2]) * x[0], anp.sum(x**2), x[1] / x[2]]))(
        X
    )
    assert_equal(found, expected)
    _, pullback = vjp(vector_function, X)
    assert_equal(found, np.stack([pullback(e)[0] for e in np.eye(4)]))
    assert_equal(found, np.stack([jvp(vector_function, (X,), (e,))[1] for e in np.eye(3)], axis=1))


def test_shapes_of_jacobians() -> None:
    """The axes of the result come first, then those of the argument; for several arguments a tuple."""
    matrix = jacobian(lambda x: x.T * 2)(A)
    assert_equal(matrix, 2 * np.einsum("jk,il->ijkl", np.eye(2), np.eye(3)))
    left, right = jacobian(np.multiply, (0, 1))(X, 2 * X)
    assert_equal((left, right), (np.diag(2 * X), np.diag(X)))
    assert_equal(jacobian(lambda x: np.sum(x))(X), np.ones(3))
    assert_equal(jacobian(lambda t: t * X)(2.0), X)


def test_hessians() -> None:
    """The matrix of second derivatives is autograd's, is symmetric, and times a vector is hvp."""
    found = hessian(lambda x: np.sum(np.exp(A @ x)) * x[0])(X)
    assert_equal(found, autograd.hessian(lambda x: anp.sum(anp.exp(anp.dot(A, x))) * x[0])(X), rtol=1e-12)
    assert_equal(found, found.T, rtol=1e-12)
    v = np.array([1.0, -2.0, 0.5])
    assert_equal(hvp(lambda x: np.sum(np.exp(A @ x)) * x[0], (X,), (v,)), found @ v, rtol=1e-12)
    assert_equal(hessian(lambda x: np.sum(x))(X), np.zeros((3, 3)))


def test_hessians_of_trees() -> None:
    """A tree of trees: every leaf by every leaf."""
    blocks = hessian(lambda p: p["w"] @ p["w"] * p["b"])({"w": X, "b": 2.0})
    assert_equal(blocks, {"w": {"w": 4 * np.eye(3), "b": 2 * X}, "b": {"w": 2 * X, "b": 0.0}})
    (xx, xy), (yx, yy) = hessian(lambda x, y: x**2 * y, (0, 1))(3.0, 5.0)
    assert (xx, xy, yx, yy) == (10, 6, 6, 0)


def test_hessian_vector_products_of_several_arguments() -> None:
    """A tuple with one for each."""
    assert_equal(hvp(lambda x, y: x**2 * y, (3.0, 5.0), (1.0, 2.0)), (10.0 + 2 * 6.0, 6.0))


@settings(max_examples=25)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6))
def test_modes_agree(n_rows: int, n_columns: int, seed: int) -> None:
    """Forward and reverse mode give the same matrix for any function, to rounding."""
    draw = np.random.default_rng(seed)
    W, V, x = draw.normal(size=(5, n_columns)), draw.normal(size=(n_rows, 5)), draw.normal(size=n_columns)

    def f(x):
        return V @ (np.tanh(W @ x) * np.sin(W @ x)) + np.cumsum(x)[0]

    assert_equal(jacobian(f, mode="forward")(x), jacobian(f, mode="reverse")(x), rtol=1e-10)


# No derivative


def through_nothing(x):
    return 3.0


def through_a_step(x):
    return np.sum(np.sign(x))


def through_a_step_of_something(x):
    return np.sum(np.floor(2.0 * x + 1))


def through_a_comparison(x):
    return np.sum(np.where(x > 0, 1.0, -1.0))


def through_an_integer(x):
    return 1.0 * np.sum(x.astype(int))


def through_a_position(x):
    return X[0] * np.argmax(2 * x)


def times_zero(x):
    return 0.0 * np.sum(x)


STEPS = [through_a_step, through_a_step_of_something, through_a_comparison, through_an_integer, through_a_position]


@pytest.mark.parametrize("f", [*STEPS, times_zero, through_nothing])
def test_no_derivative_is_zero_unless_asked(f: Any) -> None:
    """Whatever the reason, the gradient is zeros like the argument, in every transform."""
    assert_equal(grad(f)(X), np.zeros(3))
    assert_equal(vjp(f, X)[1](1.0)[0], np.zeros(3))
    assert jvp(f, (X,), (np.ones(3),))[1] == 0
    assert_equal(jacobian(f)(X), np.zeros(3))
    assert_equal(jacobian(f, mode="forward")(X), np.zeros(3))


@pytest.mark.parametrize("f", [*STEPS, times_zero])
def test_a_zero_derivative_is_not_disconnected(f: Any) -> None:
    """What depends on the argument, if only in steps, has a derivative, which is 0."""
    assert_equal(grad(f, disconnected="none")(X), np.zeros(3))
    assert_equal(grad(f, disconnected="error")(X), np.zeros(3))
    assert_equal(vjp(f, X, disconnected="error")[1](1.0)[0], np.zeros(3))


def test_what_does_not_depend_is_disconnected() -> None:
    """Zero, None or an error that names the argument, as asked."""

    def f(used, unused):
        return np.sum(used) + 0.0 * np.sum(unused["b"][0])

    args = X, {"a": X, "b": [X]}
    assert_equal(grad(f, (0, 1))(*args), (np.ones(3), {"a": np.zeros(3), "b": [np.zeros(3)]}))
    assert_equal(grad(f, (0, 1), disconnected="none")(*args), (np.ones(3), {"a": None, "b": [np.zeros(3)]}))
    with pytest.raises(Disconnected, match=r"the result of f does not depend on unused\['a'\]"):
        grad(f, (0, 1), disconnected="error")(*args)
    assert grad(through_nothing, disconnected="none")(X) is None
    with pytest.raises(Disconnected, match="through_nothing does not depend on x"):
        value_and_grad(through_nothing, disconnected="error")(X)
    assert vjp(through_nothing, X, disconnected="none")[1](1.0) == (None,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grad(np.sin)(3), DtypeError, "sin cannot be differentiated for .*int of int64; pass floats"),
        (lambda: grad(np.sum)(np.arange(3)), DtypeError, "cannot be differentiated for .*ndarray of int64"),
        (lambda: grad(np.sum)(X > 0), DtypeError, "ndarray of bool"),
        (lambda: grad(np.sum)(X * 1j), DtypeError, "ndarray of complex128"),
        (lambda: grad(lambda p: p["x"])({"x": 1.0, "n": 2}), DtypeError, r"for p\['n'\], which is int"),
        (lambda: jvp(np.sin, (1,), (1.0,)), DtypeError, "int of int64"),
        (lambda: grad(lambda x: x)(X), ShapeError, r"grad needs a scalar, and <lambda> returned float64\[3\]; sum it"),
        (lambda: grad(lambda x: (x, x))(1.0), ShapeError, "returned 2 arrays; return the loss alone"),
        (lambda: grad(lambda x: None)(1.0), ShapeError, "returned 0 arrays"),
        (lambda: grad(lambda x: np.argmax(x))(X), DtypeError, r"needs a floating result, and <lambda> returned int64"),
        (lambda: grad(lambda x: "text")(1.0), TraceError, "returned str at result"),
        (lambda: grad(np.sin, 1)(1.0), NotDifferentiable, "argnums=1 of sin, which was called with 1 positional"),
        (lambda: grad(np.sin, -2)(1.0), NotDifferentiable, "argnums=-2 of sin"),
        (lambda: grad(np.sin)(), NotDifferentiable, "called with 0 positional arguments"),
        (lambda: grad(lambda *, x: x)(x=1.0), NotDifferentiable, "called with 0 positional arguments"),
        (lambda: jacobian(np.sin, mode="sideways"), UnknownName, "there are auto, reverse and forward"),
        (lambda: vjp(np.sin, X)[1](np.ones(2)), ShapeError, r"the cotangent has shape \(2,\); float64.* needs \(3,\)"),
        (lambda: vjp(lambda x: [x], X)[1](X), StructureError, r"missing \[0\]; unexpected the leaf itself"),
        (lambda: jvp(np.sin, (X,), (X[:2],)), ShapeError, r"the tangents\[0\] has shape \(2,\)"),
        (lambda: jvp(np.sin, (X,), ([X],)), StructureError, r"missing \[0\]; unexpected \[0\]\[0\]"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    """What cannot be differentiated is refused: what it is, where, and what to pass instead."""
    with pytest.raises(error, match=message):
        call()
    assert open_depth() == 0


# The function itself


def test_captured_arrays_are_read_at_each_call() -> None:
    """A function is traced anew, so an array that it closes over may change between two calls."""
    weights = X.copy()

    def f(x):
        return np.sum(weights * x)

    slope = grad(f)
    assert_equal(slope(X), X)
    weights *= 2
    assert_equal(slope(X), 2 * X)


@pytest.mark.parametrize("n", [3, 10_000])
def test_captured_arrays_may_change_inside_of_the_function(n: int) -> None:
    """What was used before a write is what it was then, for arrays compared by value and by identity."""

    def f(x):
        buffer = np.ones(n)
        total = np.sum(buffer * x)
        buffer[0] = 5.0
        total = total + np.sum(buffer * x)
        buffer[0] = 1.0
        return total + np.sum(buffer * x)

    assert grad(f)(1.0) == 3 * n + 4


def test_exceptions_leave_nothing_behind() -> None:
    """An exception inside of the function ends all traces, however deep, and the next call works."""

    def fails(x):
        return grad(lambda y: 1 / 0 if open_depth() >= 2 else y)(x)

    for transform in (grad(fails), lambda x: vjp(fails, x), lambda x: jvp(fails, (x,), (x,)), hessian(fails)):
        with pytest.raises(ZeroDivisionError):
            transform(1.0)
        assert open_depth() == 0
        assert grad(lambda x: x**2)(3.0) == 6


def test_an_exception_may_be_caught_inside() -> None:
    """After an inner function failed, the outer one goes on at its own depth."""

    def f(x):
        try:
            grad(lambda y: float(y))(x)
        except TraceError:
            assert open_depth() == 1
        return x * grad(lambda y: x * y)(x)

    assert grad(f)(3.0) == 6


def test_threads() -> None:
    """Transforms run in threads at the same time, nested too, and each gets its own derivative."""
    n_threads, found = 4, {}
    start = threading.Barrier(n_threads)

    def work(i: int) -> None:
        def f(x):
            return np.sum(np.sin(i * x)) * grad(lambda y: i * y * x[0])(1.0)

        start.wait()
        found[i] = [grad(f)(X) for _ in range(10)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(n_threads):
        expected = i * np.cos(i * X) * i * X[0] + np.array([i * np.sum(np.sin(i * X)), 0.0, 0.0])
        for slope in found[i]:
            assert_equal(slope, expected)


def test_transforms_work_for_methods_and_callables() -> None:
    """A bound method, a partial, a ufunc and an object that can be called are functions like others."""

    class Model:
        scale = 3.0

        def loss(self, x: Any) -> Any:
            return self.scale * x**2

        def __call__(self, x: Any) -> Any:
            return self.loss(x)

    for f in (Model().loss, Model(), functools.partial(lambda scale, x: scale * x**2, 3.0)):
        assert grad(f)(2.0) == 12
    assert grad(np.exp)(0.0) == 1
