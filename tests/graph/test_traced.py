"""The traced array: every ufunc, operator and method, against NumPy, with NumPy's promotion and broadcasting."""

from __future__ import annotations

import copy
import inspect
import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

from memograd.errors import DtypeError, TraceError
from memograd.graph.check import check
from memograd.graph.evaluate import evaluate
from memograd.graph.numpy_rows.elementwise import COMPOSED_UFUNCS, COMPOSED_UNARY
from memograd.graph.traced import FUNCTIONS, UFUNC_OPS, TracedArray
from memograd.graph.tracing import take_apart, trace
from memograd.graph.tree import unflatten

DTYPES = ("float32", "float64", "int64", "int32", "bool")

UFUNCS = {*UFUNC_OPS, *(f for f in FUNCTIONS if isinstance(f, np.ufunc))} - {np.matmul}
UNARY = sorted((f for f in UFUNCS if f.nin == 1), key=lambda f: f.__name__)
BINARY = sorted((f for f in UFUNCS if f.nin == 2), key=lambda f: f.__name__)

# Refused by name, although NumPy computes them: see the tests of errors.
REFUSED = {
    (f, dtype)
    for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.reciprocal)
    for dtype in ("int64", "int32")
} | {(np.reciprocal, "bool")}

# Made of other ufuncs, so rounded a few times; these magnify what the first one rounds.
EPS = {np.exp2: 16, np.log2: 16, np.log10: 16}


def values(dtype: str) -> Any:
    """Six values, of both signs where there are any, inside and outside of the domains of functions."""
    return np.array([-2.25, -1.0, 0.0, 0.25, 1.0, 3.5]).astype(dtype).reshape(2, 3)


def traced_value(f: Callable[..., Any], *args: Any) -> Any:
    """What the graph of a function computes."""
    arguments = take_apart(f, args, {})
    graph, structure = trace(f, arguments)
    check(graph.outputs, graph.inputs)
    results = evaluate(graph.outputs, dict(zip(graph.inputs, arguments.values, strict=True)))
    return unflatten(structure, results)


def assert_same(found: Any, expected: Any, n_eps: float = 4) -> None:
    """The same dtype, shape and values, up to a few roundings."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    tolerance = n_eps * float(np.finfo(expected.dtype).eps) if expected.dtype.kind == "f" else 0
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0)


def assert_traces_like_numpy(f: Callable[..., Any], *args: Any, n_eps: float = 4) -> None:
    """What NumPy computes is computed, and what is a TypeError to NumPy is one when traced."""
    with np.errstate(all="ignore"):
        try:
            expected = f(*args)
        except TypeError:
            with pytest.raises(TypeError):
                traced_value(f, *args)
            return
    assert_same(traced_value(f, *args), expected, n_eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", UNARY)
def test_unary_ufuncs(ufunc: np.ufunc, dtype: str) -> None:
    """A ufunc of one array has NumPy's values and dtype, outside of its domain too, or is refused as in NumPy."""
    if (ufunc, dtype) not in REFUSED:
        for x in (values(dtype), values(dtype)[0, 0], values(dtype)[:0], values(dtype).T):
            assert_traces_like_numpy(ufunc, x, n_eps=EPS.get(ufunc, 4))


@pytest.mark.parametrize("ufunc", UNARY)
def test_unary_ufuncs_of_special_values(ufunc: np.ufunc) -> None:
    """Zeros of both signs, infinities, NaN and the smallest number give what they give in NumPy, signs of zero too."""
    if ufunc is np.invert:
        return  # for bools only
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e308])
    with np.errstate(all="ignore"):
        expected = ufunc(x)
    found = traced_value(ufunc, x)
    assert_same(found, expected)
    if expected.dtype.kind == "f":
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", BINARY)
def test_binary_ufuncs(ufunc: np.ufunc, dtype: str) -> None:
    """A ufunc of two arrays has NumPy's values and dtype, for broadcast shapes and every other dtype."""
    if (ufunc, dtype) in REFUSED:
        return
    for other in DTYPES:
        if (ufunc, other) not in REFUSED:
            x, y = values(dtype), values(other)[::-1]
            if ufunc is np.power:
                x, y = abs(x), abs(y)  # integers have no negative powers
            for operands in ((x, y), (x, y[0]), (x[:, :1], y[:1]), (x[0, 0], y), (x[:0], y[:1]), (x[1, 2], y[0, 1])):
                assert_traces_like_numpy(ufunc, *operands)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scalar", [3, 0.5, True, np.float32(0.5), np.float64(0.5), np.int8(3)], ids=repr)
@pytest.mark.parametrize("ufunc", BINARY)
def test_python_scalars_are_weak(ufunc: np.ufunc, scalar: Any, dtype: str) -> None:
    """A Python number takes the dtype of the array that it meets, a NumPy scalar keeps its own (NEP 50)."""
    kinds = {dtype, np.asarray(scalar).dtype.name}
    if any((ufunc, kind) in REFUSED for kind in (*kinds, "int64" if "int8" in kinds else "")):
        return
    x = abs(values(dtype))
    assert_traces_like_numpy(lambda x: ufunc(x, scalar), x)
    assert_traces_like_numpy(lambda x: ufunc(scalar, x), x)


# A traced Python float in place of one: f of an array and a number.
@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: x * w,
        lambda x, w: w - x,
        lambda x, w: x * (2 * w + 1),
        lambda x, w: (w**2 / 3) * x,
        lambda x, w: x + abs(-w),
        lambda x, w: np.where(x > 0, x, w),
        lambda x, w: np.maximum(w, x),
        lambda x, w: x * np.sqrt(w),
        lambda x, w: x + np.stack([w, w, w]),
        lambda x, w: x + w * np.float32(2),
        lambda x, w: x.astype(np.float32) + w,
        lambda x, w: x < w,
        lambda x, w: x + np.full_like(x, w),
        lambda x, w: np.clip(x, w, 2 * w),
        lambda x, w: np.result_type(x, w).type(1) * x,
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_traced_python_floats_are_weak(f: Callable[..., Any], dtype: str) -> None:
    """A stand-in for a Python float promotes as a Python float does, also after arithmetic with others of its kind."""
    assert_traces_like_numpy(f, values(dtype), 1.5)


BINARY_OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt, operator.le, operator.eq,
    operator.ne, operator.gt, operator.ge,
]  # fmt: skip


@pytest.mark.parametrize("other", [2, 2.0, np.float32(2), np.array([1, 2, 3]), np.float64(2)], ids=repr)
@pytest.mark.parametrize("symbol", BINARY_OPERATORS)
def test_operators(symbol: Callable[..., Any], other: Any) -> None:
    """An operator with a traced array on either side is the operator of NumPy."""
    for dtype in ("float32", "float64", "int64"):
        x = abs(values(dtype)) + 1
        assert_traces_like_numpy(lambda x: symbol(x, other), x)
        assert_traces_like_numpy(lambda x: symbol(other, x), x.astype(int) if symbol is operator.pow else x)


@pytest.mark.parametrize("symbol", [operator.and_, operator.or_, operator.xor])
def test_operators_on_masks(symbol: Callable[..., Any]) -> None:
    """Masks are combined by bitwise operators, as in NumPy."""
    x = values("float64")
    assert_traces_like_numpy(lambda x: symbol(x > 0, x < 1), x)
    assert_traces_like_numpy(lambda x: symbol(x > 0, True), x)
    assert_traces_like_numpy(lambda x: symbol(np.array([True, False, True]), ~(x > 0)), x)


@pytest.mark.parametrize("symbol", [operator.neg, operator.pos, operator.abs])
def test_signs(symbol: Callable[..., Any]) -> None:
    """Unary operators are those of NumPy."""
    for dtype in DTYPES[:-1]:
        assert_traces_like_numpy(symbol, values(dtype))


METHODS: dict[str, list[Callable[..., Any]]] = {
    "sum": [lambda x: x.sum(), lambda x: x.sum(0), lambda x: x.sum(axis=1, keepdims=True)],
    "prod": [lambda x: x.prod(), lambda x: x.prod(1)],
    "mean": [lambda x: x.mean(), lambda x: x.mean(axis=-1)],
    "max": [lambda x: x.max(), lambda x: x.max(0, None, True)],
    "min": [lambda x: x.min(), lambda x: x.min(axis=1)],
    "var": [lambda x: x.var(), lambda x: x.var(0, None, None, 1)],
    "std": [lambda x: x.std(), lambda x: x.std(axis=1, ddof=1)],
    "argmax": [lambda x: x.argmax(), lambda x: x.argmax(0)],
    "argmin": [lambda x: x.argmin(), lambda x: x.argmin(axis=1)],
    "cumsum": [lambda x: x.cumsum(), lambda x: x.cumsum(1)],
    "ravel": [lambda x: x.ravel(), lambda x: x.T.ravel("C")],
    "flatten": [lambda x: x.flatten(), lambda x: x.T.flatten("C")],
    "squeeze": [lambda x: x[:1].squeeze(), lambda x: x[:1].squeeze(0)],
    "swapaxes": [lambda x: x.swapaxes(0, 1)],
    "take": [lambda x: x.take([0, -1]), lambda x: x.take(1, axis=1)],
    "dot": [lambda x: x.dot(np.arange(3.0))],
    "clip": [lambda x: x.clip(-1, 1), lambda x: x.clip(max=0)],
    "repeat": [lambda x: x.repeat(2), lambda x: x.repeat([1, 0, 2], axis=1)],
    "diagonal": [lambda x: x.diagonal(), lambda x: x.diagonal(1)],
    "trace": [lambda x: x.trace(), lambda x: x.trace(-1)],
    "astype": [lambda x: x.astype(np.float32), lambda x: x.astype(int, copy=False), lambda x: x.astype(bool)],
    "reshape": [lambda x: x.reshape(3, 2), lambda x: x.reshape((-1,)), lambda x: x.reshape([6, 1])],
    "transpose": [lambda x: x.transpose(), lambda x: x.transpose(1, 0), lambda x: x.transpose((-2, 1))],
    "copy": [lambda x: x.copy() + 1],
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    """A method does what ndarray's does."""
    for f in METHODS[name]:
        for dtype in DTYPES:
            assert_traces_like_numpy(f, values(dtype))


def test_every_method_has_a_case() -> None:
    """A method that ndarray has, too, is tested here, or refused in the tests of errors."""
    own = {name for name, _ in inspect.getmembers(TracedArray, inspect.isfunction) if not name.startswith("_")}
    assert own == METHODS.keys() | {"item", "tolist"}
    assert all(hasattr(np.ndarray, name) for name in own)


def test_every_ufunc_is_among_these() -> None:
    """The lists are made of the tables, so a new row is tested as soon as it is there."""
    assert {np.sin, scipy.special.erf, *COMPOSED_UNARY} <= set(UNARY)
    assert {np.add, np.power, *COMPOSED_UFUNCS} <= {*UNARY, *BINARY}
    assert {*UNARY, *BINARY} == UFUNCS


def test_questions_have_concrete_answers() -> None:
    """Shape, dtype, sizes and length are known while tracing, so Python may branch on them."""
    seen = []

    def f(x):
        seen.append((x.shape, x.dtype, x.ndim, x.size, x.nbytes, len(x), x.T.shape))
        return x

    x = np.ones((2, 3), np.float32)
    f(x)
    traced_value(f, x)
    assert seen[0] == seen[1]


def test_iteration() -> None:
    """A traced array is a sequence of its parts; one without axes is none."""

    def f(x):
        a, b = x
        return [*x, a + b, max(len(row) for row in x)]

    x = values("float64")
    for found, expected in zip(traced_value(f, x), f(x), strict=True):
        assert_same(found, expected)
    for g in (list, len):
        with pytest.raises(TypeError):
            traced_value(g, np.float64(1))


def test_numbers_are_rebound_in_place() -> None:
    """`total += x[i]` rebinds the name of a scalar, as it does with NumPy's scalars."""

    def f(x):
        total = x[0, 0]
        total += x[0, 1]
        total *= 2.0
        total -= x[1, 1]
        total /= 3.0
        total **= 2
        start = 0.0
        start += x[1, 2]
        return total, start

    for found, expected in zip(traced_value(f, values("float64")), f(values("float64")), strict=True):
        assert_same(found, expected)


def test_a_traced_array_is_itself() -> None:
    """It can be a key, copies of it are itself, and it prints its form."""

    def f(x):
        assert {x: 1}[x] == 1
        assert copy.deepcopy([x])[0] is x
        assert x.copy() is x
        assert np.copy(x) is x
        assert repr(x) == "TracedArray(float64[2, 3])"
        return x

    assert_same(traced_value(f, values("float64")), values("float64"))


def test_equal_computations_are_one_node() -> None:
    """What is written twice is computed once: equal nodes are the same node."""

    def f(x):
        return np.sin(x) * 2 + np.sin(x) * 2, np.sin(x) * 2.0

    graph, _ = trace(f, take_apart(f, (values("float64"),), {}))
    total, product = graph.outputs
    assert total.inputs == (product, product)


def test_nothing_is_made_of_a_cast_to_the_same_dtype() -> None:
    """`astype` of what an array already is gives the array."""

    def f(x):
        return x.astype(np.float64)

    graph, _ = trace(f, take_apart(f, (values("float64"),), {}))
    assert graph.outputs == graph.inputs


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3), np.zeros((50, 50))])
def test_a_captured_array_is_one_node(array: Any) -> None:
    """An array that is used often is stored once, and written into in between it is another."""

    def f(x):
        once = np.sum(array) * x + array[0, 0]
        one = (x + array, x * array)
        array[0, 0] += 1
        return *one, x + array, once

    graph, _ = trace(f, take_apart(f, (1.0,), {}))
    first, second, third, _ = ({s for s in node.inputs if s.op == "constant"} for node in graph.outputs)
    assert first == second
    assert first != third


def test_arrays_of_lists_and_other_layouts_are_captured() -> None:
    """Lists, transposed, big-endian and read-only arrays are constants as NumPy reads them."""
    frozen = np.arange(6.0).reshape(2, 3)
    frozen.setflags(write=False)
    for other in ([[1, 2, 3], [4, 5, 6]], np.ones((3, 2)).T, np.arange(3).astype(">i4"), frozen, np.ones(6)[::2]):
        assert_traces_like_numpy(lambda x, other=other: x * other, values("float64"))


def test_unknown_dtypes_of_operands_are_refused() -> None:
    """Operands that are no numbers are refused with their dtype."""
    for other in ("a", np.array(["a", "b", "c"]), 1j, np.ones(3, complex), np.array([None] * 3), np.datetime64("2020")):
        with pytest.raises(DtypeError, match=r"complex128|<U1|object|datetime64|not defined"):
            traced_value(lambda x, other=other: x + other, values("float64"))


def test_traces_of_threads_do_not_meet() -> None:
    """Threads trace at the same time; each gets its own graph and origins."""
    n_threads, results = 4, {}
    start = threading.Barrier(n_threads)

    def work(i: int) -> None:
        def f(x):
            for _ in range(50):
                x = np.sin(x) + i
            return x

        start.wait()
        results[i] = (traced_value(f, values("float64")), f(values("float64")))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.keys() == set(range(n_threads))
    for found, expected in results.values():
        assert_same(found, expected)


def test_a_traced_array_stays_in_its_thread() -> None:
    """A thread starts with no trace open, so it could not tell another's arrays from its own: it is refused."""
    errors = []

    def f(x):
        def work() -> None:
            try:
                np.sin(x)
            except TraceError as error:
                errors.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return x

    traced_value(f, values("float64"))
    assert len(errors) == 1
    assert "in another thread than the one that traces" in errors[0]
    assert f"{__file__}:" in errors[0]
