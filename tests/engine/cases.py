"""For each op its operands, and functions of plain NumPy code: what engines are tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.special

from memograd.errors import DtypeError
from memograd.graph.ops import BINARY, OPS, UNARY, make, make_input

Case = tuple[Sequence[Any], Mapping[str, Any]]
Cases = Callable[[], Iterator[Case]]

DTYPES = tuple(np.dtype(name) for name in ("?", "i1", "u8", "i8", "e", "f", "d"))
SHAPES = ((3, 4), (), (0,))
FLOATS = (np.dtype("f"), np.dtype("d"))
INDICES = (np.array([2, 0, 2]), np.array([[1], [1]]), np.array(2), np.empty(0, int))


def a_value(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    """An array of small numbers, positive and negative where there are negative ones."""
    rng = np.random.default_rng((seed, *shape))
    if dtype.kind == "f":
        return np.asarray(rng.normal(size=shape), dtype)
    return np.asarray(rng.integers(0, 2 if dtype.kind == "b" else 100, shape), dtype)


def elementwise(op: str) -> Iterator[Case]:
    """Every dtype that the op takes, in some shapes."""
    for dtype in DTYPES:
        for shape in SHAPES:
            values = [a_value(shape, dtype, seed) for seed in range(OPS[op].arity)]
            try:
                make(op, *(make_input(1, i, x.shape, x.dtype) for i, x in enumerate(values)))
            except DtypeError:
                break
            yield values, {}


def cast() -> Iterator[Case]:
    """From every dtype to every other one, of numbers that both have."""
    for dtype in DTYPES:
        for other in DTYPES:
            yield [np.abs(a_value((3, 4), dtype))], {"dtype": other}


def where() -> Iterator[Case]:
    """Choices of every dtype, conditions among them."""
    for dtype in DTYPES:
        for shape in SHAPES:
            yield [a_value(shape, np.dtype(bool)), a_value(shape, dtype, 1), a_value(shape, dtype, 2)], {}


def matmul() -> Iterator[Case]:
    """Matrices, stacks of matrices, and those without rows, columns or anything to add up."""
    shapes = (((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((3, 0), (0, 5)), ((0, 4), (4, 5)), ((1, 4), (4, 1)))
    for dtype in DTYPES:
        for a, b in shapes:
            yield [a_value(a, dtype, 1), a_value(b, dtype, 2)], {}


def reduction(may_be_empty: bool, one_axis: bool = False) -> Iterator[Case]:
    """Along one axis, several, all, and none."""
    for dtype in DTYPES:
        for shape, axes in (((3, 4), (0,)), ((3, 4), (1,)), ((2, 3, 4), (1,)), ((5,), (0,)), ((0, 4), (1,))):
            yield [a_value(shape, dtype)], {"axes": axes}
        for shape, axes in (((3, 4), (0, 1)), ((2, 3, 4), (0, 2)), ((3, 4), ()), ((), ())):
            if not one_axis:
                yield [a_value(shape, dtype)], {"axes": axes}
        if may_be_empty:
            yield [a_value((0, 4), dtype)], {"axes": (0,)}


def cumsum() -> Iterator[Case]:
    """Along either axis."""
    for dtype in DTYPES:
        yield from (([a_value(shape, dtype)], {"axis": axis}) for shape, axis in (((3, 4), 0), ((3, 4), 1), ((0,), 0)))


def moves(*cases: tuple[tuple[int, ...], Mapping[str, Any]]) -> Iterator[Case]:
    """One operand of some dtypes: a bool, an integer and two floats."""
    for dtype in (np.dtype(bool), np.dtype("i4"), *FLOATS):
        yield from (([a_value(shape, dtype)], attributes) for shape, attributes in cases)


def take() -> Iterator[Case]:
    """Rows, columns and elements by positions, some repeated; and one position that is not there."""
    for dtype in (np.dtype("i4"), *FLOATS):
        for indices in INDICES:
            yield from (
                ([a_value(shape, dtype), indices], {"axis": axis}) for shape, axis in (((3, 4), 0), ((3, 4), 1))
            )
        yield [a_value((0, 4), dtype), np.empty(0, int)], {"axis": 0}
    yield [a_value((3, 4), np.dtype("d")), np.array([0, 3])], {"axis": 0}


def scatter_add() -> Iterator[Case]:
    """The same positions, the other way round."""
    for dtype in (np.dtype("i4"), *FLOATS):
        for indices in INDICES:
            yield [a_value((*indices.shape, 4), dtype), indices], {"axis": 0, "length": 3}
            yield [a_value((2, *indices.shape), dtype), indices], {"axis": 1, "length": 3}


def concatenate() -> Iterator[Case]:
    """One part, several, an empty one, along either axis."""
    for dtype in (np.dtype(bool), np.dtype("i4"), *FLOATS):
        yield [a_value((3, 4), dtype)], {"axis": 0}
        yield [a_value((3, n), dtype, n) for n in (2, 0, 3)], {"axis": 1}
        yield [a_value((n, 2), dtype, n) for n in (1, 2)], {"axis": 0}


def random_bits() -> Iterator[Case]:
    """Keys and counters, one of which carries, in shapes of even and odd size."""
    key, counter = np.array([3, 9], np.uint64), np.array([2**64 - 1, 5, 0, 1], np.uint64)
    yield from (([key, counter], {"shape": shape}) for shape in ((2, 3), (5,), (), (0, 3)))


CASES: Mapping[str, Cases] = {
    **{op: partial(elementwise, op) for op in UNARY | BINARY},
    "input": partial(moves, ((3, 4), {}), ((), {}), ((0,), {})),
    "constant": partial(moves, ((3, 4), {}), ((), {}), ((0,), {})),
    "cast": cast,
    "where": where,
    "matmul": matmul,
    "sum": partial(reduction, may_be_empty=True),
    "max": partial(reduction, may_be_empty=False),
    "min": partial(reduction, may_be_empty=False),
    "argmax": partial(reduction, may_be_empty=False, one_axis=True),
    "argmin": partial(reduction, may_be_empty=False, one_axis=True),
    "cumsum": cumsum,
    "broadcast_to": partial(moves, ((3, 1), {"shape": (2, 3, 4)}), ((), {"shape": (2,)}), ((1,), {"shape": (0,)})),
    "reshape": partial(moves, ((3, 4), {"shape": (2, 6)}), ((1,), {"shape": ()}), ((0, 4), {"shape": (2, 0)})),
    "transpose": partial(
        moves, ((2, 3, 4), {"axes": (1, 2, 0)}), ((3, 1), {"axes": (1, 0)}), ((0, 4), {"axes": (1, 0)})
    ),
    "slice": partial(
        moves,
        ((3, 4), {"ranges": ((0, 3, 1), (1, 2, 1))}),
        ((3, 4), {"ranges": ((2, 3, -1), (0, 2, 3))}),
        ((3, 4), {"ranges": ((0, 0, 1), (3, 4, -1))}),
        ((), {"ranges": ()}),
    ),
    "unslice": partial(
        moves,
        ((3, 2), {"shape": (3, 4), "ranges": ((0, 3, 1), (1, 2, 1))}),
        ((3, 2), {"shape": (3, 4), "ranges": ((2, 3, -1), (0, 2, 3))}),
        ((0, 4), {"shape": (3, 4), "ranges": ((0, 0, 1), (3, 4, -1))}),
    ),
    "take": take,
    "scatter_add": scatter_add,
    "concatenate": concatenate,
    "random_bits": random_bits,
}

# Functions with arguments of a dtype to call them with. All are differentiable twice.


def perceptron(dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Three layers and a mean squared loss."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        for layer in params:
            x = np.tanh(x @ layer["W"] + layer["b"])
        return np.mean((x - y) ** 2)

    params = [
        {"W": a_value((n, m), np.dtype(dtype), n), "b": a_value((m,), np.dtype(dtype), m)}
        for n, m in pairwise((3, 5, 4, 2))
    ]
    return loss, [params, a_value((6, 3), np.dtype(dtype)), a_value((6, 2), np.dtype(dtype))]


def classifier(dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Softmax cross-entropy with a maximum taken out, and labels by position."""

    def loss(W: Any, x: Any) -> Any:
        z = x @ W
        z = z - np.max(z, axis=1, keepdims=True)
        chosen = np.take_along_axis(z, np.array([[0], [2], [1], [0], [1]]), axis=1)
        return np.mean(np.log(np.sum(np.exp(z), axis=1, keepdims=True)) - chosen)

    return loss, [a_value((4, 3), np.dtype(dtype), 1), a_value((5, 4), np.dtype(dtype), 2)]


def pieces(dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Choices, slices, reversals, joins, and the same value read in several orders."""

    def f(x: Any) -> Any:
        positive = np.where(x > 0, x, 0.1 * x)
        turned = np.concatenate([positive[::-1], positive.T.reshape(-1)[:6].reshape(2, 3)])
        return np.sum(np.cumsum(turned, axis=0)[1:, ::2] * np.maximum(turned, 0.5)[:-1, ::2])

    return f, [a_value((2, 3), np.dtype(dtype))]


def recurrence(dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    """One matrix used in every step, and all the states looked at in the end."""

    def f(W: Any, h: Any) -> Any:
        states = []
        for _ in range(5):
            h = np.sin(W @ h)
            states.append(h)
        return np.sum(np.stack(states) ** 3)

    return f, [a_value((4, 4), np.dtype(dtype), 1), a_value((4,), np.dtype(dtype), 2)]


def numbers(dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    """No arrays at all."""

    def f(a: Any, b: Any) -> Any:
        c = np.exp(a) * b + a / (1.0 + b * b)
        return c * c - np.sqrt(np.abs(c)) + scipy.special.expit(a) * scipy.special.erf(b)

    return f, [np.dtype(dtype).type(0.3), np.dtype(dtype).type(-1.2)] if dtype != np.float64 else [0.3, -1.2]


def statistics(dtype: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Means and deviations along the rows, and broadcasts against both axes."""

    def f(x: Any, scale: Any, shift: Any) -> Any:
        normal = (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 1e-5)
        return np.sum(np.logaddexp(normal * scale + shift, x) ** 2) / x.size

    sizes = ((8, 3), (3,), (8, 1))
    return f, [a_value(shape, np.dtype(dtype), i) for i, shape in enumerate(sizes)]


FUNCTIONS: Mapping[str, Callable[[Any], tuple[Callable[..., Any], list[Any]]]] = {
    f.__name__: f for f in (perceptron, classifier, pieces, recurrence, numbers, statistics)
}
