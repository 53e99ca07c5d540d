"""Every row of the table of NumPy functions, against NumPy: the same values, shapes and dtypes.

A case is a function of arrays that is run twice: as it is, and traced and evaluated. A row without a case fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from memograd.errors import ShapeError, TraceError
from memograd.graph.check import check
from memograd.graph.evaluate import evaluate
from memograd.graph.numpy_rows.elementwise import CHEAP_POWERS, COMPOSED_UFUNCS, COMPOSED_UNARY
from memograd.graph.traced import FUNCTIONS
from memograd.graph.tracing import take_apart, trace
from memograd.graph.tree import flatten, unflatten

DTYPES = ("float32", "float64", "int64", "int32", "bool")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A use of a NumPy function: a call on arrays of these shapes, for some dtypes."""

    function: Callable[..., Any]
    call: Callable[..., Any]
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...] = DTYPES

    def __str__(self) -> str:
        return f"{self.function.__name__}-{CASES.index(self)}"


def case(function: Callable[..., Any], call: Callable[..., Any], *shapes: Shape, only: str = "") -> Case:
    """A case for arrays of all dtypes, or those named."""
    return Case(function, call, shapes, tuple(only.split()) or DTYPES)


def array(shape: Shape, dtype: str, seed: int = 0) -> Any:
    """Some quarters from −2 to 2, with ties: sums and products of a few are exact in float32."""
    quarters = np.random.default_rng(seed).integers(-8, 9, shape)
    return quarters > 0 if dtype == "bool" else (quarters / 4 if dtype.startswith("float") else quarters).astype(dtype)


def traced_value(f: Callable[..., Any], *args: Any) -> Any:
    """What the graph of a function computes."""
    arguments = take_apart(f, args, {})
    graph, structure = trace(f, arguments)
    check(graph.outputs, graph.inputs)
    results = evaluate(graph.outputs, dict(zip(graph.inputs, arguments.values, strict=True)))
    for result, node in zip(results, graph.outputs, strict=True):
        assert (result.shape, result.dtype) == (node.shape, node.dtype)
    return unflatten(structure, results)


def assert_same(found: Any, expected: Any) -> None:
    """Trees of the same containers, and arrays of the same dtype, shape and values."""
    found_leaves, found_structure = flatten(found)
    leaves, structure = flatten(expected)
    assert found_structure == structure
    for x, y in zip(found_leaves, leaves, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        # Some rows round a few times where NumPy rounds once, or add in another order.
        eps = float(np.finfo(y.dtype).eps) if y.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(x, y, rtol=8 * eps, atol=8 * eps)


M, V, S, T, E = (2, 3), (3,), (), (2, 3, 4), (0, 3)
FLOATS = "float32 float64"
NUMBERS = "float32 float64 int64 int32"
POSITIONS = np.array([[2, 0], [-1, 1]])

CASES: list[Case] = [
    # Products
    case(np.power, lambda x: np.power(x, 2), M, only=FLOATS),
    case(np.power, lambda x: x**2, M, only=NUMBERS),  # ndarray squares bools as int8, where np.power gives int64
    case(np.power, lambda x: x**3, M),
    case(np.power, lambda x: abs(x) ** 0.5, M, only=NUMBERS),
    case(np.power, lambda x: (abs(x) + 1) ** -1, M, only=FLOATS),
    case(np.power, lambda x: x**1, M),
    case(np.power, lambda x: abs(x) ** 2.5, M, only=NUMBERS),
    case(np.power, lambda x: 2.0**x, M),
    case(np.power, lambda x, y: np.power(abs(x), y), M, V, only=FLOATS),
    case(np.power, lambda x, y: np.power(x, abs(y)), M, V, only="int64 int32"),
    case(np.power, lambda x: np.power(x, np.float32(2)), M),
    case(np.matmul, lambda a, b: a @ b, M, (3, 4)),
    case(np.matmul, lambda a, b: np.matmul(a, b), V, V),
    case(np.matmul, lambda a, b: a @ b, V, (3, 4)),
    case(np.matmul, lambda a, b: a @ b, M, V),
    case(np.matmul, lambda a, b: a @ b, (5, 1, 2, 3), (4, 3, 2)),
    case(np.matmul, lambda a, b: a @ b, V, (5, 3, 2)),
    case(np.matmul, lambda a, b: a @ b, (5, 2, 3), V),
    case(np.matmul, lambda a, b: a @ b, (2, 0), (0, 3)),
    case(np.matmul, lambda a: a @ np.ones((3, 2), np.float32), M),
    case(np.matmul, lambda a: np.arange(4).reshape(2, 2) @ a, M),
    case(np.matmul, lambda a: a @ [1, 2, 3], M),
    case(np.dot, lambda a, b: np.dot(a, b), M, (3, 4)),
    case(np.dot, lambda a, b: np.dot(a, b), V, V),
    case(np.dot, lambda a, b: np.dot(a, b), S, M),
    case(np.dot, lambda a, b: np.dot(a, b), T, (4,)),
    case(np.dot, lambda a, b: np.dot(a, b), T, (4, 2)),
    case(np.dot, lambda a: np.dot([1, 2, 3], a), V),
    case(np.outer, lambda a, b: np.outer(a, b), V, (4,)),
    case(np.outer, lambda a, b: np.outer(a, b), M, S),
    case(np.outer, lambda a: np.outer(a, [1.0, 2.0]), E),
    case(np.where, lambda x, y: np.where(x > 0, x, y), M, M, only=NUMBERS),
    case(np.where, lambda x, y: np.where(x, y, 0), M, V),
    case(np.where, lambda x: np.where(x > 0, 1.0, 0.0), M, only=NUMBERS),
    case(np.where, lambda x: np.where(x, x, 1), (2, 1)),
    case(np.where, lambda x: np.where([True, False, True], x, np.float64(2)), M),
    # Reductions
    *(
        case(f, lambda x, f=f, options=options: f(x, **options), shape)
        for f in (np.sum, np.prod, np.mean, np.var, np.std)
        for shape, options in [
            (M, {}), (M, {"axis": 0}), (M, {"axis": -1, "keepdims": True}), (T, {"axis": (0, -1)}), (S, {}),
            (T, {"axis": (2, 0), "keepdims": True}), (M, {"axis": ()}), (M, {"keepdims": True}), (M, {"axis": None}),
            (E, {"axis": 1}), (M, {"dtype": np.float64}), (M, {"axis": np.int64(1)}),
        ]
    ),
    *(
        case(f, lambda x, f=f, options=options: f(x, **options), shape)
        for f in (np.max, np.min, np.amax, np.amin)
        for shape, options in [
            (M, {}), (M, {"axis": 0}), (M, {"axis": -1, "keepdims": True}), (T, {"axis": (0, -1)}), (S, {}),
            (E, {"axis": 1}), (M, {"keepdims": True}), (M, {"axis": ()}),
        ]
    ),
    *(
        case(f, lambda x, f=f, options=options: f(x, **options), shape)
        for f in (np.argmax, np.argmin)
        for shape, options in [
            (M, {}), (M, {"axis": 0}), (M, {"axis": -1, "keepdims": True}), (T, {"keepdims": True}), (S, {}),
            ((3, 0), {"axis": 0}),
        ]
    ),
    case(np.sum, lambda x: np.sum(x), E),
    case(np.sum, lambda x: np.sum(x, 0, None, None, True), M),
    case(np.sum, lambda x: np.sum(a=x, axis=1), M),
    case(np.sum, lambda x: np.sum(x, dtype=np.float32), M),
    case(np.prod, lambda x: np.prod(x), E),
    case(np.prod, lambda x: np.prod(x, axis=0), E),
    case(np.prod, lambda x: np.prod(x, 0, np.float64), M),
    case(np.mean, lambda x: np.mean(x, 1, None, None, True), M),
    case(np.mean, lambda x: np.mean(x), E),
    case(np.var, lambda x: np.var(x, 0, None, None, 1), M),
    case(np.var, lambda x: np.var(x, ddof=1, axis=1), M),
    case(np.var, lambda x: np.var(x, axis=0, ddof=1.5), M),
    case(np.var, lambda x: np.var(x, axis=0, ddof=3), M),
    case(np.std, lambda x: np.std(x, axis=1, ddof=1, keepdims=True), M),
    case(np.max, lambda x: np.max(x, 0, None, True), M),
    case(np.min, lambda x: np.min(x, out=None), M),
    case(np.ptp, lambda x: np.ptp(x), M, only=NUMBERS),
    case(np.ptp, lambda x: np.ptp(x, axis=-1, keepdims=True), M, only=NUMBERS),
    case(np.ptp, lambda x: np.ptp(x, 0, None, True), M, only=NUMBERS),
    case(np.cumsum, lambda x: np.cumsum(x), M),
    case(np.cumsum, lambda x: np.cumsum(x, axis=-2), M),
    case(np.cumsum, lambda x: np.cumsum(x, axis=1, dtype=np.float64), E),
    case(np.cumsum, lambda x: np.cumsum(x), S),
    case(np.average, lambda x: np.average(x), M),
    case(np.average, lambda x: np.average(x, axis=1, keepdims=True), M),
    case(np.average, lambda x: np.average(x, axis=-1, weights=[1, 2, 3]), M),
    case(np.average, lambda x: np.average(x, axis=0, weights=np.array([1, 2], np.float32), keepdims=True), T),
    case(np.average, lambda x: np.average(x, axis=0, weights=np.array([True, True])), M),
    case(np.average, lambda x, w: np.average(x, weights=abs(w) + 1), M, M, only=NUMBERS),
    case(np.average, lambda x, w: np.average(x, weights=abs(w) + 1, axis=(0, 2)), T, T, only=NUMBERS),
    case(np.average, lambda w: np.average(np.arange(6).reshape(2, 3), 1, abs(w) + 1), V, only=NUMBERS),
    case(np.linalg.norm, lambda x: np.linalg.norm(x), V),
    case(np.linalg.norm, lambda x: np.linalg.norm(x), T),
    case(np.linalg.norm, lambda x: np.linalg.norm(x, axis=-1, keepdims=True), M),
    case(np.linalg.norm, lambda x: np.linalg.norm(x, ord=2, axis=0), M),
    case(np.linalg.norm, lambda x: np.linalg.norm(x, 2), V),
    case(np.linalg.norm, lambda x: np.linalg.norm(x, "fro"), M),
    case(np.linalg.norm, lambda x: np.linalg.norm(x, "fro", axis=(0, 2)), T),
    case(np.clip, lambda x: np.clip(x, -1, 1), M),
    case(np.clip, lambda x: np.clip(x, -0.5, None), M),
    case(np.clip, lambda x: np.clip(x, None, 0.5), M),
    case(np.clip, lambda x: np.clip(x, min=0), M),
    case(np.clip, lambda x: np.clip(x, max=np.array([1, 0, -1])), M),
    case(np.clip, lambda x: np.clip(x, 1, -1), M),
    case(np.clip, lambda x, low: np.clip(x, low, 2), M, V, only=NUMBERS),
    case(np.clip, lambda high: np.clip(np.arange(3), 0, high), V),
    # Shapes
    case(np.reshape, lambda x: np.reshape(x, (3, -1)), M),
    case(np.reshape, lambda x: np.reshape(x, 6), M),
    case(np.reshape, lambda x: np.reshape(x, (-1,), order="C"), M),
    case(np.reshape, lambda x: np.reshape(x, [1, 2, 3, 1]), M),
    case(np.reshape, lambda x: np.reshape(x, (0, 7)), E),
    case(np.reshape, lambda x: np.reshape(x, (-1, 3)), E),
    case(np.reshape, lambda x: np.reshape(x, ()), (1, 1)),
    case(np.reshape, lambda x: np.reshape(x, (np.int64(3), np.int32(2))), M),
    case(np.ravel, lambda x: np.ravel(x), T),
    case(np.ravel, lambda x: np.ravel(x, "C"), E),
    case(np.ravel, lambda x: np.ravel(x), S),
    case(np.expand_dims, lambda x: np.expand_dims(x, 0), M),
    case(np.expand_dims, lambda x: np.expand_dims(x, (-1, 1)), M),
    case(np.expand_dims, lambda x: np.expand_dims(x, axis=0), S),
    case(np.squeeze, lambda x: np.squeeze(x), (1, 3, 1)),
    case(np.squeeze, lambda x: np.squeeze(x, axis=-1), (1, 3, 1)),
    case(np.squeeze, lambda x: np.squeeze(x, (0, 2)), (1, 3, 1)),
    case(np.transpose, lambda x: np.transpose(x), T),
    case(np.transpose, lambda x: np.transpose(x, (1, -1, 0)), T),
    case(np.transpose, lambda x: np.transpose(x, axes=[0, 1, 2]), T),
    case(np.permute_dims, lambda x: np.permute_dims(x, (2, 0, 1)), T),
    case(np.swapaxes, lambda x: np.swapaxes(x, 0, -1), T),
    case(np.moveaxis, lambda x: np.moveaxis(x, 0, -1), T),
    case(np.moveaxis, lambda x: np.moveaxis(x, [0, 1], [-1, 0]), T),
    case(np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)), M),
    case(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3)), (2, 1)),
    case(np.broadcast_to, lambda x: np.broadcast_to(x, 3), S),
    case(np.broadcast_to, lambda x: np.broadcast_to(x, (0, 3)), (1, 3)),
    case(np.broadcast_arrays, lambda x, y: np.broadcast_arrays(x, y, np.zeros((4, 1, 1))), M, V),
    case(np.concatenate, lambda x, y: np.concatenate([x, y]), M, (1, 3)),
    case(np.concatenate, lambda x, y: np.concatenate((x, y), axis=-1), M, (2, 1)),
    case(np.concatenate, lambda x: np.concatenate([x, [[1.5], [2.5]]], axis=1), M),
    case(np.concatenate, lambda x: np.concatenate([np.ones((1, 3), np.int8), x]), M),
    case(np.concatenate, lambda x, y: np.concatenate([x, y], axis=None), M, S),
    case(np.concatenate, lambda x: np.concatenate(x), T),
    case(np.concatenate, lambda x: np.concatenate([x, x]), E),
    case(np.stack, lambda x, y: np.stack([x, y]), M, M),
    case(np.stack, lambda x, y: np.stack([x, y], axis=-1), M, M),
    case(np.stack, lambda x: np.stack([x, 1.5]), S),
    case(np.stack, lambda x: np.stack(list(x), 1), T),
    case(np.vstack, lambda x, y: np.vstack([x, y]), M, V),
    case(np.vstack, lambda x: np.vstack((x, [1, 2, 3])), V),
    case(np.hstack, lambda x, y: np.hstack([x, y]), M, (2, 1)),
    case(np.hstack, lambda x, y: np.hstack([x, y, 1]), V, S),
    case(np.column_stack, lambda x, y: np.column_stack([x, y]), V, (3, 2)),
    case(np.column_stack, lambda x: np.column_stack((x, [1, 2, 3])), V),
    case(np.pad, lambda x: np.pad(x, 1), M),
    case(np.pad, lambda x: np.pad(x, (1, 2)), V),
    case(np.pad, lambda x: np.pad(x, ((0, 1), (2, 0)), mode="constant"), M),
    case(np.pad, lambda x: np.pad(x, ((1, 1), (2, 0)), "constant"), E),
    case(np.tril, lambda x: np.tril(x), (3, 4)),
    case(np.tril, lambda x: np.tril(x, -1), T),
    case(np.tril, lambda x: np.tril(x, k=1), V),
    case(np.triu, lambda x: np.triu(x), (4, 3)),
    case(np.triu, lambda x: np.triu(x, 1), T),
    case(np.triu, lambda x: np.triu(x, k=-1), V),
    case(np.diag, lambda x: np.diag(x), V),
    case(np.diag, lambda x: np.diag(x, 2), V),
    case(np.diag, lambda x: np.diag(x, k=-1), V),
    case(np.diag, lambda x: np.diag(x, 1), (0,)),
    case(np.diag, lambda x: np.diag(x), (3, 4)),
    case(np.diag, lambda x: np.diag(x, -1), (3, 4)),
    case(np.trace, lambda x: np.trace(x), (3, 4)),
    case(np.trace, lambda x: np.trace(x, 1), (3, 4)),
    case(np.trace, lambda x: np.trace(x, offset=-1, axis1=2, axis2=0), T),
    case(np.diff, lambda x: np.diff(x), M),
    case(np.diff, lambda x: np.diff(x, 2), M),
    case(np.diff, lambda x: np.diff(x, n=1, axis=0), M),
    case(np.diff, lambda x: np.diff(x, 3), V),
    case(np.diff, lambda x: np.diff(x, n=0), V),
    case(np.diff, lambda x: np.diff(x, axis=0), E),
    case(np.copy, lambda x: np.copy(x), M),
    # Questions with concrete answers
    case(np.shape, lambda x: x * np.shape(x)[1], M, only=NUMBERS),
    case(np.ndim, lambda x: x + np.ndim(x), T),
    case(np.size, lambda x: x + np.size(x), M),
    case(np.size, lambda x: x + np.size(x, 1), M),
    case(np.result_type, lambda x: x.astype(np.result_type(x, np.float32)), M),
    case(np.result_type, lambda x: x.astype(np.result_type("f4", x, 2)), M),
    case(np.zeros_like, lambda x: np.zeros_like(x), M),
    case(np.zeros_like, lambda x: np.zeros_like(x, dtype=np.float32), M),
    case(np.zeros_like, lambda x: np.zeros_like(x, shape=(2, 2)), M),
    case(np.zeros_like, lambda x: np.zeros_like(x, None, "K", True, (5,)), M),
    case(np.ones_like, lambda x: np.ones_like(x), M),
    case(np.ones_like, lambda x: np.ones_like(x, shape=(), dtype=int), M),
    case(np.empty_like, lambda x: np.empty_like(x, dtype=np.int8) * 0, M),
    case(np.empty_like, lambda x: np.empty_like(x, shape=(2,)).astype(bool) & False, M),
    case(np.full_like, lambda x: np.full_like(x, 1), M),
    case(np.full_like, lambda x: np.full_like(x, 1.5, dtype=np.float32), M),
    # Positions
    case(np.take, lambda x: np.take(x, 3), M),
    case(np.take, lambda x: np.take(x, POSITIONS, axis=1), M),
    case(np.take, lambda x: np.take(x, POSITIONS, -1), M),
    case(np.take, lambda x: np.take(x, [[5, -6]]), M),
    case(np.take, lambda x: np.take(x, np.array([1, 0], np.uint8), axis=0), M),
    case(np.take, lambda x: np.take(x, np.array([], int), axis=1), M),
    case(np.take, lambda x: np.take(x, -1, axis=0, mode="raise"), M),
    case(np.take, lambda x, i: np.take(x, np.argmax(i, axis=1), axis=1), M, (4, 3)),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[2, 0], [-1, 1]]), axis=1), M),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[1, 0, -1]]), axis=0), M),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[2, 0, 1, 1]]), axis=1), M),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[2], [0], [1], [-3]]), axis=1), (1, 3)),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[[1]]]), axis=-2), T),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([5, 0, -1]), axis=None), M),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.zeros((0, 3), int), axis=0), E),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), axis=1), M),
    case(np.take_along_axis, lambda x: np.take_along_axis(x, np.argmin(x, axis=1, keepdims=True) - 3, axis=1), T),
    case(np.take_along_axis,
         lambda x: np.take_along_axis(np.arange(6.0).reshape(2, 3), np.argmax(x, axis=1, keepdims=True), axis=1), M),
    # Rearrangements
    case(np.roll, lambda x: np.roll(x, 2), M),
    case(np.roll, lambda x: np.roll(x, (1, -1), axis=(0, 1)), M),
    case(np.repeat, lambda x: np.repeat(x, 2), M),
    case(np.repeat, lambda x: np.repeat(x, [1, 0, 2], axis=1), M),
    case(np.tile, lambda x: np.tile(x, (2, 1, 2)), M),
    case(np.tile, lambda x: np.tile(x, 2), E),
    case(np.flip, lambda x: np.flip(x), M),
    case(np.flip, lambda x: np.flip(x, axis=0), M),
    case(np.fliplr, lambda x: np.fliplr(x), M),
    case(np.flipud, lambda x: np.flipud(x), M),
    case(np.rot90, lambda x: np.rot90(x), M),
    case(np.rot90, lambda x: np.rot90(x, 3, axes=(1, 2)), T),
    case(np.diagonal, lambda x: np.diagonal(x, 1), (3, 4)),
    case(np.diagonal, lambda x: np.diagonal(x, axis1=0, axis2=2), T),
    case(np.split, lambda x: np.split(x, 3, axis=1), M),
    case(np.split, lambda x: np.split(x, [1, 2]), V),
    case(np.array_split, lambda x: np.array_split(x, 2, axis=-1), M),
    case(np.hsplit, lambda x: np.hsplit(x, 3), M),
    case(np.vsplit, lambda x: np.vsplit(x, 2), M),
    case(np.dsplit, lambda x: np.dsplit(x, [1, 3]), T),
    case(np.atleast_1d, lambda x: np.atleast_1d(x), S),
    case(np.atleast_1d, lambda x, y: np.atleast_1d(x, y, 3.0), S, M),
    case(np.atleast_2d, lambda x: np.atleast_2d(x), V),
    case(np.atleast_2d, lambda x, y: np.atleast_2d(x, y), S, T),
    case(np.atleast_3d, lambda x: np.atleast_3d(x), M),
    case(np.atleast_3d, lambda x, y: np.atleast_3d(x, y), V, S),
]  # fmt: skip

# Their cases are in the tests of ufuncs, of indexing and of traced arrays.
ELSEWHERE = {operator.getitem, *COMPOSED_UFUNCS, *COMPOSED_UNARY}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of empty means, which are NaN for both
@pytest.mark.parametrize("use", CASES, ids=str)
def test_rows(use: Case) -> None:
    """A traced call gives what NumPy gives, for every dtype."""
    for dtype in use.dtypes:
        args = [array(shape, dtype, seed) for seed, shape in enumerate(use.shapes)]
        assert_same(traced_value(use.call, *args), use.call(*args))


def test_every_row_has_a_case() -> None:
    """A function that gets a row gets a case."""
    assert {use.function for use in CASES} | ELSEWHERE == FUNCTIONS.keys()


def test_every_row_of_other_dtypes_has_a_case() -> None:
    """No function is tested for some dtypes only, but those that NumPy itself has no loop for."""
    tested = {f: {d for use in CASES if use.function is f for d in use.dtypes} for f in {use.function for use in CASES}}
    incomplete = {function for function, dtypes in tested.items() if dtypes != set(DTYPES)}
    assert incomplete == {np.ptp, np.shape}  # bools have no difference, and are not multiplied by an int


@pytest.mark.parametrize("exponent", CHEAP_POWERS)
def test_cheap_powers(exponent: float) -> None:
    """A power that is computed by a cheaper op has NumPy's value, for infinities, NaN and zeros too."""
    x = np.array([0.0, -0.0, 1.5, -2.0, np.inf, np.nan])
    with np.errstate(all="ignore"):
        assert_same(traced_value(lambda x: x**exponent, x), x**exponent)


NAN_CASES = [np.max, np.min, np.argmax, np.argmin, np.sum, np.prod, np.cumsum, np.ptp, np.mean, np.linalg.norm]


@pytest.mark.parametrize("function", NAN_CASES)
def test_a_nan_is_seen(function: Callable[..., Any]) -> None:
    """A NaN goes through reductions as it does in NumPy."""
    x = np.array([1.0, np.nan, np.inf])
    assert_same(traced_value(function, x), function(x))


def test_values_of_a_filled_array_may_be_traced() -> None:
    """`np.full_like` of a traced value repeats it, in the dtype of the array."""
    result = traced_value(lambda x, value: np.full_like(x, value), array(M, "float32"), np.float64(2.5))
    assert_same(result, np.full(M, 2.5, np.float32))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: np.matmul(2.0, x), ShapeError, r"matmul: float64\[\] and float64\[2, 3\]: a scalar is no matrix"),
        (lambda x: x @ 2.0, ShapeError, "a scalar is no matrix; use"),
        (lambda x: x @ x, ShapeError, r"matmul: .*3 columns meet 2 rows"),
        (lambda x: np.ones((4, 3, 2)) @ np.stack([x, x]), ShapeError, r"matmul: the shapes \(4,\) and \(2,\)"),
        (lambda x: np.dot(x, np.ones((2, 3, 2))), TraceError, "np.dot with 3 axes on the right"),
        (lambda x: np.where(x > 0), TraceError, "np.where with one argument"),
        (lambda x: np.where(x > 0, x, np.ones(5)), ShapeError, "where: the shapes of .* do not broadcast"),
        (lambda x: x + np.ones(5), ShapeError, r"add: the shapes of float64\[2, 3\] and float64\[5\] do not broadcast"),
        (lambda x: np.sum(x, axis=2), ShapeError, r"float64\[2, 3\] has no axis 2"),
        (lambda x: np.sum(x, axis=(0, 0)), ShapeError, "not sorted, distinct axes"),
        (lambda x: np.max(x[:0]), ShapeError, "nothing to reduce"),
        (lambda x: np.argmax(x, axis=(0, 1)), ShapeError, "one position along one axis"),
        (lambda x: np.average(x, weights=[1, 2, 3]), TraceError, "needs one axis"),
        (lambda x: np.average(x, axis=1, weights=[1]), ShapeError, r"weights \(1,\) are not one for each part"),
        (lambda x: np.average(x, 0, None, True), TraceError, r"np.average\(returned=...\)"),
        (lambda x: np.linalg.norm(x, 2), TraceError, r"np.linalg.norm\(ord=2\) along 2 axes"),
        (lambda x: np.linalg.norm(x, 2, axis=(0, 1)), TraceError, r"ord=2\) along 2 axes"),
        (lambda x: np.linalg.norm(x, "fro", axis=1), TraceError, r"ord='fro'\) along 1 axes"),
        (lambda x: np.linalg.norm(x, np.inf), TraceError, r"ord=inf\)"),
        (lambda x: np.reshape(x, (4, -1)), ShapeError, "6 elements, which do not fill"),
        (lambda x: np.reshape(x, (-1, -1)), ShapeError, "6 elements, which do not fill"),
        (lambda x: np.reshape(x, (5,)), ShapeError, "6 elements, which do not fill"),
        (lambda x: np.reshape(x, (2.0, 3)), TypeError, "cannot be interpreted as an integer"),
        (lambda x: np.reshape(x, 6, order="F"), TraceError, "order='F'"),
        (lambda x: np.ravel(x, order="F"), TraceError, r"np.ravel\(order=...\)"),
        (lambda x: np.squeeze(x, 0), ShapeError, "are not all of length 1"),
        (lambda x: np.transpose(x, (0, 0)), ShapeError, "not an order of the axes"),
        (lambda x: np.broadcast_to(x, (2, 4)), ShapeError, r"does not broadcast to \(2, 4\)"),
        (lambda x: np.broadcast_arrays(x, np.ones(5)), ShapeError, r"the shapes \(2, 3\) and \(5,\) do not broadcast"),
        (lambda x: np.concatenate([x, np.ones((2, 2))]), ShapeError, "differ elsewhere than along axis 0"),
        (lambda x: np.concatenate([np.ones((2, 3)), x], axis=2), ShapeError, "has no axis 2"),
        (lambda x: np.concatenate([x[0, 0], x[0, 1]]), ShapeError, "has no axis 0"),
        (lambda x: np.pad(x, 1, mode="edge"), TraceError, r"np.pad\(mode='edge'\)"),
        (lambda x: np.pad(x, 1, constant_values=2), TraceError, r"np.pad\(constant_values=...\)"),
        (lambda x: np.pad(x, -1), ShapeError, "do not lie in"),
        (lambda x: np.diag(np.stack([x, x])), ShapeError, "neither a vector nor a matrix"),
        (lambda x: np.diff(x, -1), ShapeError, "negative"),
        (lambda x: np.take(x, 6), ShapeError, "position 6 is out of bounds for axis 0 of length 6"),
        (lambda x: np.take(x, [0, -4], axis=1), ShapeError, "position -4 is out of bounds for axis 1 of length 3"),
        (lambda x: np.take(x, x), TraceError, "positions are integers"),
        (lambda x: np.take(x, 0, mode="wrap"), TraceError, r"np.take\(mode=...\)"),
        (lambda x: np.take_along_axis(x, np.array([[3], [0]]), axis=1), ShapeError, "position 3 is out of bounds"),
        (lambda x: np.take_along_axis(x, np.array([0]), axis=1), ShapeError, "1 axes of int64 are no positions"),
        (lambda x: np.repeat(x, np.argmax(x)), TraceError, "np.repeat by traced numbers"),
        (lambda x: np.tile(np.ones(2), np.argmax(x)), TraceError, "np.tile by traced numbers"),
    ],
)
def test_refusals(call: Callable[..., Any], error: type[Exception], message: str) -> None:
    """What a row cannot do is refused by name, never computed wrong."""
    with pytest.raises(error, match=message):
        traced_value(call, array(M, "float64"))


def test_a_position_outside_of_its_axis_never_reaches_a_neighbour() -> None:
    """Traced positions are checked when the graph runs, also where the flat array goes on behind the axis."""

    def f(x, i):
        return np.take_along_axis(x, i, axis=1)

    x = array(M, "float64")
    assert_same(traced_value(f, x, np.array([[2], [-3]])), f(x, np.array([[2], [-3]])))
    for outside in (3, -4):
        with pytest.raises(IndexError):
            traced_value(f, x, np.array([[outside], [0]]))
