"""The builder: what it writes is what the operators, loops and branches of Python would do."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import F32, F64, I1, I8, I16, I32, I64, I128, PTR, VOID, Type, literal
from memograd.engine.native.jit import Code
from memograd.engine.native.machine import machine

from .emitted import compiled, results

DTYPES: dict[Type, Any] = {F32: np.float32, F64: np.float64, I8: np.int8, I16: np.int16, I32: np.int32, I64: np.int64}
LANES = (0, 2, 4, 8, 16)


# Types and constants


def test_types_are_named_as_llvm_names_them() -> None:
    """Text and suffix of scalars, vectors and pointers."""
    assert [str(t) for t in (F32, F64, I1, I64, PTR, VOID)] == ["float", "double", "i1", "i64", "ptr", "void"]
    assert [str(t.of(4)) for t in (F32, I8, PTR)] == ["<4 x float>", "<4 x i8>", "<4 x ptr>"]
    assert [t.suffix for t in (F32, F64.of(8), I16.of(2), PTR.of(4))] == ["f32", "v8f64", "v2i16", "v4p0"]
    assert F32.of(8).scalar == F32


FLOATS = (0.0, -0.0, 1.0, -1.5, math.pi, 1e-3, 1e30, math.inf, -math.inf, math.nan, 1e-45, -1e-310, 5e-324, 3.4e38)


def constants(kind: Type, numbers: Sequence[Any]) -> list[Callable[[Builder], Value]]:
    """Each number as a computation of its own."""
    return [partial(Builder.constant, number=number, kind=kind) for number in numbers]


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("kind", [F32, F64], ids=str)
def test_constants_of_floats(kind: Type, lanes: int) -> None:
    """A constant has the bits that NumPy gives the number: signs of zero, NaN, infinities and denormals too."""
    dtype = DTYPES[kind]
    found = results(kind.of(lanes), constants(kind.of(lanes), FLOATS), dtype)
    expected = np.array(FLOATS, dtype)
    assert found.tobytes() == (np.repeat(expected, lanes) if lanes else expected).tobytes()


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("kind", [I8, I16, I32, I64], ids=str)
def test_constants_of_integers(kind: Type, lanes: int) -> None:
    """Negative numbers, the least and the largest; and those without sign wrap."""
    low, high = -(1 << (kind.bits - 1)), (1 << (kind.bits - 1)) - 1
    numbers = [0, 1, -1, 100, low, high, (1 << kind.bits) - 1]
    found = results(kind.of(lanes), constants(kind.of(lanes), numbers), DTYPES[kind])
    expected = np.array([*numbers[:-1], -1], DTYPES[kind])
    np.testing.assert_array_equal(found, np.repeat(expected[:, None], lanes, axis=1) if lanes else expected)


@pytest.mark.parametrize("lanes", LANES)
def test_constants_of_bools(lanes: int) -> None:
    """True, False, and NumPy's."""
    numbers = [True, False, 1, 0, np.True_, np.False_]
    found = results(I1.of(lanes), constants(I1.of(lanes), numbers), np.uint8)
    np.testing.assert_array_equal(found.reshape(6, -1)[:, 0], [1, 0] * 3)
    assert np.ptp(found.reshape(6, -1), axis=1).max() == 0


def test_constants_of_numpy_scalars() -> None:
    """A number of NumPy is as good as one of Python, also where float32 cannot hold it."""
    assert literal(np.float32(0.1), F64) == literal(float(np.float32(0.1)), F64)
    assert literal(np.float64(0.1), F32) == literal(float(np.float32(0.1)), F64)
    assert literal(np.int64(-3), I32) == "-3"
    with np.errstate(over="ignore"):
        assert literal(1e300, F32) == literal(math.inf, F32)
    assert literal(5, PTR) == "null"


def test_vectors_of_different_lanes() -> None:
    """Each lane has its own number."""
    rows = [(0.5, -0.0, math.inf, 1e-45), (1.0, 2.0, 3.0, -4.0)]
    found = results(F32.of(4), [partial(Builder.vector, numbers=row, kind=F32) for row in rows], np.float32)
    assert found.tobytes() == np.array(rows, np.float32).tobytes()
    np.testing.assert_array_equal(results(I64.of(8), [lambda b: b.lane_numbers(8)], np.int64), [range(8)])
    bits = results(I1.of(4), [lambda b: b.vector([True, False, False, True], I1)], np.uint8)
    np.testing.assert_array_equal(bits, [[1, 0, 0, 1]])


# Operators

FLOAT_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "-x": lambda x, y: -x,
    "3 + x": lambda x, y: 3 + x,
    "x + 0.1": lambda x, y: x + 0.1,
    "3 - x": lambda x, y: 3 - x,
    "x - 3": lambda x, y: x - 3,
    "2 * x": lambda x, y: 2 * x,
    "x * 0.0": lambda x, y: x * 0.0,
    "1 / x": lambda x, y: 1 / x,
    "x / 3": lambda x, y: x / 3,
    "x + 0": lambda x, y: x + 0,
    "x * 1": lambda x, y: x * 1,
}
INTEGER_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "-x": lambda x, y: -x,
    "x & y": lambda x, y: x & y,
    "x | y": lambda x, y: x | y,
    "x ^ y": lambda x, y: x ^ y,
    "7 - x": lambda x, y: 7 - x,
    "7 * x": lambda x, y: 7 * x,
    "x << 3": lambda x, y: x << 3,
    "x + 0": lambda x, y: x + 0,
    "x - 0": lambda x, y: x - 0,
    "x * 1": lambda x, y: x * 1,
    "x * 0": lambda x, y: x * 0,
    "x | 0": lambda x, y: x | 0,
    "x ^ 0": lambda x, y: x ^ 0,
    "x << 0": lambda x, y: x << 0,
    "x & 0": lambda x, y: x & 0,
}
# Of numbers without sign, or that have none to show.
UNSIGNED_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "x // y": lambda x, y: x // y,
    "x % y": lambda x, y: x % y,
    "x >> 3": lambda x, y: x >> 3,
    "x >> 0": lambda x, y: x >> 0,
    "x // 1": lambda x, y: x // 1,
    "x % 1": lambda x, y: x % 1,
    "x // 7": lambda x, y: x // 7,
    "x % 7": lambda x, y: x % 7,
}


def assert_operators(kind: Type, lanes: int, operators: dict[str, Callable[[Any, Any], Any]], x: Any, y: Any) -> None:
    """Compile all operators at once, and compare each with NumPy's."""
    width = max(lanes, 1)
    n = len(x) // width

    def body(b: Builder, p: Value, q: Value, out: Value) -> None:
        for i, operator in enumerate(operators.values()):
            for j in range(n):
                at = [b.load(b.offset(pointer, j * width, kind), kind.of(lanes)) for pointer in (p, q)]
                b.store(b.offset(out, (i * n + j) * width, kind), operator(*at))

    found = np.zeros((len(operators), n * width), x.dtype)
    compiled(body, 3)(x, y, found)
    with np.errstate(all="ignore"):
        for row, (name, operator) in zip(found, operators.items(), strict=True):
            expected = np.asarray(operator(x[: n * width], y[: n * width]), x.dtype)
            np.testing.assert_array_equal(row, expected, err_msg=name)
            found_sign, sign = (np.where(np.isnan(expected), 0, np.signbit(x)) for x in (row, expected))
            np.testing.assert_array_equal(found_sign, sign, err_msg=name)


@pytest.mark.parametrize("lanes", [0, 4, 16])
@pytest.mark.parametrize("kind", [F32, F64], ids=str)
def test_operators_of_floats(kind: Type, lanes: int) -> None:
    """Operators between values and with Python's numbers give NumPy's bits, whatever the numbers."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 1e38, 1e-320]
    values = np.array([*special, 1.0, -2.5, 3.0, -7.0, 0.5, 9.0, 2.0, 5.0])
    x, y = values.astype(DTYPES[kind]), np.roll(values, 3).astype(DTYPES[kind])
    assert_operators(kind, lanes, FLOAT_OPERATORS, x, y)


@pytest.mark.parametrize("lanes", [0, 4, 16])
@pytest.mark.parametrize("kind", [I8, I16, I32, I64], ids=str)
def test_operators_of_integers(kind: Type, lanes: int) -> None:
    """Operators between values and with Python's numbers wrap as NumPy's do; those that change nothing are folded."""
    rng = np.random.default_rng(kind.bits)
    limits = np.iinfo(DTYPES[kind])
    x = rng.integers(limits.min, limits.max, 16, DTYPES[kind], endpoint=True)
    y = rng.integers(limits.min, limits.max, 16, DTYPES[kind], endpoint=True)
    x[:2], y[:2] = (limits.min, limits.max), (-1, limits.max)
    assert_operators(kind, lanes, INTEGER_OPERATORS, x, y)


@pytest.mark.parametrize("lanes", [0, 4, 16])
@pytest.mark.parametrize("kind", [I8, I32, I64], ids=str)
def test_operators_without_sign(kind: Type, lanes: int) -> None:
    """Quotients, remainders and shifts to the right take numbers as without sign."""
    dtype = np.dtype(DTYPES[kind]).str.replace("i", "u")
    rng = np.random.default_rng(kind.bits)
    x = rng.integers(0, (1 << kind.bits) - 1, 16, dtype, endpoint=True)
    y = rng.integers(1, (1 << kind.bits) - 1, 16, dtype, endpoint=True)
    y[:4] = 1, 2, 3, 10
    assert_operators(kind, lanes, UNSIGNED_OPERATORS, x, y)


def test_wide_products() -> None:
    """128 bits hold the product of two numbers of 64."""
    x = np.array([0xFFFF_FFFF_FFFF_FFFF, 0xD2E7_470E_E14C_6C93], np.uint64)

    def body(b: Builder, p: Value, out: Value) -> None:
        left, right = (b.convert(b.load(b.offset(p, i, I64), I64), "zext", I128) for i in range(2))
        b.store(out, b.convert((left * right) >> 64, "trunc", I64))
        b.store(b.offset(out, 1, I64), b.convert(left * right, "trunc", I64))

    out = np.zeros(2, np.uint64)
    compiled(body, 2)(x, out)
    assert (int(out[0]) << 64) + int(out[1]) == int(x[0]) * int(x[1])


def test_what_changes_nothing_is_not_written() -> None:
    """x + 0, x · 1 and their like are x itself; of floats they are not, for −0.0 + 0 is 0."""
    b = Builder(Module())
    x, y = Value(b, I64, "%x"), Value(b, F64, "%y")
    assert all(found is x for found in (x + 0, x - 0, x * 1, x | 0, x ^ 0, x << 0, x >> 0, x // 1, 0 + x, 1 * x))
    assert not b.lines
    assert y + 0 is not y
    assert all(found is not x for found in (x * 0, x & 0, x % 1, 0 - x))


TESTS = ("<", "<=", ">", ">=", "==", "!=", "is_nan")


@pytest.mark.parametrize("lanes", [0, 8])
@pytest.mark.parametrize("kind", [F32, F64], ids=str)
def test_comparisons_of_floats(kind: Type, lanes: int) -> None:
    """Comparisons with NaN are false, but for !=, and zeros of both signs are equal."""
    numbers = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40], DTYPES[kind])
    x, y = (grid.reshape(-1).copy() for grid in np.meshgrid(numbers, numbers))
    expected = [x < y, x <= y, x > y, x >= y, x == y, x != y, np.isnan(x) | np.isnan(y)]
    np.testing.assert_array_equal(compared(kind, lanes, TESTS, x, y), expected)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("lanes", [0, 8])
def test_comparisons_of_integers(lanes: int, signed: bool) -> None:
    """With sign or without, as they are told."""
    dtype = np.int32 if signed else np.uint32
    numbers = np.array([0, 1, -1, 2**31 - 1, -(2**31), 7, -7, 100], np.int32).view(dtype)
    x, y = (grid.reshape(-1).copy() for grid in np.meshgrid(numbers, numbers))
    expected = [x < y, x <= y, x > y, x >= y, x == y, x != y]
    np.testing.assert_array_equal(compared(I32, lanes, TESTS[:-1], x, y, signed=signed), expected)


def compared(kind: Type, lanes: int, tests: tuple[str, ...], x: Any, y: Any, *, signed: bool = True) -> Any:
    """A row of bits for each test."""
    width = max(lanes, 1)

    def body(b: Builder, p: Value, q: Value, out: Value) -> None:
        for i, test in enumerate(tests):
            for j in range(0, len(x), width):
                u, v = (b.load(b.offset(pointer, j, kind), kind.of(lanes)) for pointer in (p, q))
                bit = b.compare(test, u, v, signed=signed)
                b.store(b.offset(out, i * len(x) + j, I8), b.convert(bit, "zext", I8))

    out = np.zeros((len(tests), len(x)), np.bool_)
    compiled(body, 3)(x, y, out)
    return out


def test_scalars_meet_vectors() -> None:
    """A scalar in an operation with a vector counts for all lanes, on either side; and numbers of Python do."""
    vector = np.arange(1.0, 5.0)
    number = np.array([10.0])

    def body(b: Builder, p: Value, q: Value, out: Value) -> None:
        x, s = b.load(p, F64.of(4)), b.load(q, F64)
        values = [
            x - s,
            s - x,
            b.select(x < 2.5, s, x),
            b.select(s > 5.0, x, s),
            b.select(s < x, 1.0, x),
            b.fma(s, x, 1.0),
            b.fma(x, 2.0, s),
            b.select(b.constant(True, I1), x, 0.0),
        ]
        for i, value in enumerate(values):
            assert value.type == F64.of(4)
            b.store(b.offset(out, 4 * i, F64), value)

    out = np.zeros((8, 4))
    compiled(body, 3)(vector, number, out)
    expected = [
        vector - 10, 10 - vector, [10, 10, 3, 4], vector, vector, 10 * vector + 1, 2 * vector + 10, vector,
    ]  # fmt: skip
    np.testing.assert_array_equal(out, expected)


def test_lanes() -> None:
    """Shuffles, single lanes, splats, and the sum of all lanes in halves."""
    x = np.arange(8, dtype=np.float32)

    def body(b: Builder, p: Value, out: Value) -> None:
        v = b.load(p, F32.of(8))
        low, high = b.shuffle(v, v, range(4)), b.shuffle(v, v, range(4, 8))
        four = [
            b.shuffle(low, high, [7, 0, 4, 3]),
            b.splat(b.lane(v, 5), 4),
            b.with_lane(low, 2, b.lane(high, 3)),
            b.splat(b.constant(-0.0, F32), 4),
            b.splat(b.constant(0.0, F32), 4),
            b.splat(b.reduce(v, lambda s, t: s + t), 4),
            b.splat(b.reduce(v, lambda s, t: b.select(s > t, s, t)), 4),
            b.splat(b.lane(b.lane(v, 6), 0), 4),
        ]
        for i, value in enumerate(four):
            b.store(b.offset(out, 4 * i, F32), value)

    out = np.zeros((8, 4), np.float32)
    compiled(body, 2)(x, out)
    expected = [[7, 0, 4, 3], [5] * 4, [0, 1, 7, 3], [-0.0] * 4, [0.0] * 4, [28] * 4, [7] * 4, [6] * 4]
    assert out.tobytes() == np.array(expected, np.float32).tobytes()


def test_the_sum_of_lanes_has_one_order() -> None:
    """Halves first: the order, and with it the rounding, is the one that is promised."""
    x = np.array([1e8, 1.0, -1e8, 3.0, 0.1, 7e7, -7e7, 0.3], np.float32)
    out = np.zeros(1, np.float32)

    def body(b: Builder, p: Value, q: Value) -> None:
        b.store(q, b.reduce(b.load(p, F32.of(8)), lambda s, t: s + t))

    compiled(body, 2)(x, out)
    while len(x) > 1:
        x = x[: len(x) // 2] + x[len(x) // 2 :]
    assert out[0] == x[0]


@pytest.mark.parametrize("count", range(1, 9))
def test_the_sum_of_some_lanes(count: int) -> None:
    """Of the first ones alone, whatever is beyond the next power of two; the order is that of all."""
    x = np.zeros(8, np.float32)
    x[:count] = np.array([1e8, 1.0, -1e8, 3.0, 0.1, 7e7, -7e7, 0.3], np.float32)[:count]
    whole, some = np.zeros(1, np.float32), np.zeros(1, np.float32)

    def body(b: Builder, p: Value, q: Value, n: int | None) -> None:
        b.store(q, b.reduce(b.load(p, F32.of(8)), lambda s, t: s + t, n))

    compiled(partial(body, n=None), 2)(x, whole)
    x[1 << (count - 1).bit_length() :] = np.nan
    compiled(partial(body, n=count), 2)(x, some)
    assert some.tobytes() == whole.tobytes()


# Loops


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "at run time"])
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize(("start", "stop"), [(0, 0), (5, 2), (0, 1), (4, 5), (0, 2), (0, 7), (-3, 3), (2, 1000)])
def test_loops_have_the_rounds_of_range(start: int, stop: int, step: int, is_known: bool) -> None:
    """No round, one or many, with bounds known to Python or not; what is carried comes out, also of no round."""

    def body(b: Builder, bounds: Value, out: Value) -> None:
        low, high = (b.load(b.offset(bounds, i, I64), I64) for i in range(2))

        def inside(i: Any, count: Value, last: Value) -> list[Value]:
            return [count + 1, b.constant(i, I64) + last * 3]

        carry = [b.constant(10, I64), b.constant(-1, I64)]
        first, end = (start, stop) if is_known else (low, high)
        found = b.loop(first, end, inside, step=step, carry=carry)
        for i, value in enumerate(found):
            b.store(b.offset(out, i, I64), value)

    out = np.zeros(2, np.int64)
    compiled(body, 2)(np.array([start, stop], np.int64), out)
    count, last = np.int64(10), np.int64(-1)
    with np.errstate(over="ignore"):
        for i in range(start, stop, step):
            count, last = count + 1, last * np.int64(3) + np.int64(i)
    assert out.tolist() == [count, last]


@pytest.mark.parametrize(("start", "stop"), [(0, "n"), ("n", 9)])
def test_loops_with_one_bound_known(start: Any, stop: Any) -> None:
    """Either bound may be a number of Python's."""

    def body(b: Builder, p: Value, out: Value) -> None:
        n = b.load(p, I64)
        first, end = (n if bound == "n" else bound for bound in (start, stop))
        (total,) = b.loop(first, end, lambda i, total: [total + i], carry=[b.constant(0, I64)])
        b.store(out, total)

    call, out = compiled(body, 2), np.zeros(1, np.int64)
    for n in (0, 1, 5, 9, 12):
        call(np.array([n]), out)
        assert out[0] == sum(range(n if start == "n" else start, n if stop == "n" else stop))


def test_loops_in_loops() -> None:
    """An inner loop, whose bound is the outer position, carries values of its own; what is around it carries others."""

    def body(b: Builder, p: Value, out: Value) -> None:
        n = b.load(p, I64)

        def outer(i: Value, total: Value, xs: Value) -> list[Value]:
            (inner,) = b.loop(0, i, lambda j, t: [t + j * i], carry=[b.constant(0, I64)])
            return [total + inner, xs + 2.0]

        total, xs = b.loop(0, n, outer, carry=[b.constant(0, I64), b.constant(0.5, F32.of(4))])
        b.store(out, total)
        b.store(b.offset(out, 1, I64), b.convert(b.lane(xs, 3), "fptosi", I64))

    call, out = compiled(body, 2), np.zeros(2, np.int64)
    for n in (0, 1, 2, 10):
        call(np.array([n]), out)
        assert out.tolist() == [sum(j * i for i in range(n) for j in range(i)), 2 * n]


def test_what_is_hoisted_runs_once() -> None:
    """Code for a depth is written before the loops below it, also from a loop of one round, and values can be used."""

    def body(b: Builder, p: Value, counts: Value) -> None:
        def note(i: int) -> Value:
            place = b.offset(counts, i, I64)
            found = b.load(place, I64) + 1
            b.store(place, found)
            return found

        def outer(i: Value) -> None:
            assert b.depth == 1

            def inner(j: Value) -> None:
                assert b.depth == 2
                with b.hoisted(0):
                    assert b.depth == 0
                    top = note(0)
                with b.hoisted(1):
                    assert b.depth == 1
                    middle = note(1) + i
                with b.hoisted(5):
                    assert b.depth == 2
                    note(2)
                assert b.depth == 2
                place = b.offset(counts, 3, I64)
                b.store(place, b.load(place, I64) + top * 1000 + middle)

            b.loop(0, b.load(b.offset(p, 1, I64), I64), inner)

        b.loop(0, b.load(p, I64), outer)

    call, counts = compiled(body, 2), np.zeros(4, np.int64)
    call(np.array([3, 4]), counts)
    # Before both loops, in each round of the outer one, in each round of the inner one.
    assert counts[:3].tolist() == [1, 3, 12]
    assert counts[3] == sum(1000 + (i + 1) + i for i in range(3) for _ in range(4))


# Branches


def test_branches() -> None:
    """One side or the other runs; a condition of Python's is decided while the code is written."""

    def body(b: Builder, p: Value, out: Value) -> None:
        x = b.load(p, I64)
        put = lambda i, n: b.store(b.offset(out, i, I64), b.constant(n, I64))  # noqa: E731
        b.branch(x > 5, partial(put, 0, 1), partial(put, 0, 2))
        b.branch(x > 5, partial(put, 1, 1))
        b.branch(True, partial(put, 2, 1), lambda: pytest.fail("not this one"))
        b.branch(False, lambda: pytest.fail("not this one"), partial(put, 3, 2))
        b.branch(False, lambda: pytest.fail("not this one"))
        nested = lambda: b.branch(x > 7, partial(put, 4, 1), partial(put, 4, 2))  # noqa: E731
        b.branch(x > 5, nested, partial(put, 4, 3))

    call = compiled(body, 2)
    for x, expected in ((9, [1, 1, 1, 2, 1]), (6, [1, 1, 1, 2, 2]), (5, [2, 0, 1, 2, 3])):
        out = np.zeros(5, np.int64)
        call(np.array([x]), out)
        assert out.tolist() == expected


def test_branches_in_loops_and_loops_in_branches() -> None:
    """Values that a loop carries pass through the branches in it."""

    def body(b: Builder, p: Value, out: Value) -> None:
        n = b.load(p, I64)

        def inside(i: Value, total: Value) -> list[Value]:
            def add(j: Value) -> None:
                b.store(out, b.load(out, I64) + j)

            def add_all() -> None:
                b.loop(0, i, add)

            b.branch(b.compare("==", i % 2, 0), add_all)
            return [total + i]

        (total,) = b.loop(0, n, inside, carry=[b.constant(0, I64)])
        b.store(b.offset(out, 1, I64), total)

    call = compiled(body, 2)
    for n in (0, 1, 9):
        out = np.zeros(2, np.int64)
        call(np.array([n]), out)
        assert out.tolist() == [sum(sum(range(i)) for i in range(0, n, 2)), sum(range(n))]


def test_a_loop_that_is_left() -> None:
    """`forever` goes round until it is told a condition that holds, wherever in the round."""

    def body(b: Builder, p: Value, out: Value) -> None:
        with b.forever() as leave:
            n = b.load(out, I64)
            leave(b.compare("==", n, b.load(p, I64)))
            b.store(out, n + 1)
            leave(n > 98)

    call = compiled(body, 2)
    for limit, expected in ((0, 0), (7, 7), (1000, 100)):
        out = np.zeros(1, np.int64)
        call(np.array([limit]), out)
        assert out[0] == expected


# Memory


@pytest.mark.parametrize("kind", [F32, F64, I8, I16, I32, I64], ids=str)
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_masked_loads_and_stores(kind: Type, lanes: int) -> None:
    """Lanes that are masked read as 0, without touching memory, and are not written; others may lie anywhere."""
    x = np.arange(1, lanes + 2).astype(DTYPES[kind])

    def body(b: Builder, p: Value, count: Value, loaded: Value, stored: Value) -> None:
        mask = b.lane_numbers(lanes) < b.load(count, I64)
        # One element on: no vector is aligned.
        value = b.load(b.offset(p, 1, kind), kind.of(lanes), mask)
        b.store(loaded, value)
        b.store(b.offset(stored, 1, kind), b.load(b.offset(p, 1, kind), kind.of(lanes)), mask)

    call = compiled(body, 4)
    for n in (0, 1, lanes - 1, lanes):
        loaded, stored = np.full(lanes, 99, x.dtype), np.full(lanes + 1, 99, x.dtype)
        call(x, np.array([n]), loaded, stored)
        np.testing.assert_array_equal(loaded, [*x[1 : n + 1], *[0] * (lanes - n)])
        np.testing.assert_array_equal(stored, [99, *x[1 : n + 1], *[99] * (lanes - n)])


def test_masked_lanes_touch_no_memory() -> None:
    """A masked load, store or gather at an address that is not there does nothing."""

    def body(b: Builder, p: Value, out: Value) -> None:
        nowhere = Value(b, PTR, "null")
        off = b.lane_numbers(8) < b.load(p, I64)
        b.store(nowhere, b.load(nowhere, F32.of(8), off), off)
        pointers = b.offset(nowhere, b.lane_numbers(8), F32)
        b.store(out, b.gather(pointers, F32, off))

    out = np.ones(8, np.float32)
    compiled(body, 2)(np.array([0]), out)
    assert not out.any()


@pytest.mark.parametrize("kind", [F32, F64, I8, I32, I64], ids=str)
@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_gathers(kind: Type, lanes: int) -> None:
    """Each lane comes from its own place, before the pointer or behind it, masked or not."""
    x = np.arange(100, 140).astype(DTYPES[kind])
    places = np.random.default_rng(0).integers(-20, 20, lanes)

    def body(b: Builder, p: Value, q: Value, out: Value) -> None:
        pointers = b.offset(b.offset(p, 20, kind), b.load(q, I64.of(lanes)), kind)
        assert pointers.type == PTR.of(lanes)
        b.store(out, b.gather(pointers, kind))
        b.store(b.offset(out, lanes, kind), b.gather(pointers, kind, b.lane_numbers(lanes) < 1))

    out = np.zeros((2, lanes), x.dtype)
    compiled(body, 3)(x, places, out)
    np.testing.assert_array_equal(out, [x[20 + places], [x[20 + places[0]], *[0] * (lanes - 1)]])


def test_memory_of_a_calls_own() -> None:
    """It is aligned to a cache line, and the same in each round of a loop: a million rounds do not use up the stack."""

    def body(b: Builder, p: Value, out: Value) -> None:
        def inside(i: Value) -> None:
            own = b.stack(F64, 1000)
            b.store(b.offset(own, 999, F64), b.convert(i, "sitofp", F64))
            b.store(out, b.load(b.offset(own, 999, F64), F64))
            address = b.emit(I64, f"ptrtoint {own} to i64")
            b.store(b.offset(out, 1, F64), b.convert(address % 64, "sitofp", F64))

        b.loop(0, b.load(p, I64), inside)

    out = np.full(2, -1.0)
    compiled(body, 2)(np.array([1_000_000]), out)
    assert out.tolist() == [999_999.0, 0.0]


def test_tables() -> None:
    """Bytes become a constant, equal ones the same; prefetching any address is harmless."""

    def body(b: Builder, p: Value, out: Value) -> None:
        data = np.arange(5, dtype=np.float32).tobytes() + b'"\\\x00\xff'
        name = b.module.table(data)
        assert b.module.table(bytes(data)) == name
        assert b.module.table(b"other") != name
        table = Value(b, PTR, "@" + name)
        b.prefetch(table)
        b.prefetch(Value(b, PTR, "null"), write=True)
        b.loop(0, len(data), lambda i: b.store(b.offset(out, i, I8), b.load(b.offset(table, i, I8), I8)))

    out = np.zeros(24, np.uint8)
    compiled(body, 2)(np.zeros(1), out)
    assert out.tobytes() == np.arange(5, dtype=np.float32).tobytes() + b'"\\\x00\xff'


def test_atomics() -> None:
    """Additions by several threads are all counted, and each is told another number before."""
    n, n_threads = 20_000, 4

    def body(b: Builder, counter: Value, sums: Value) -> None:
        def inside(i: Value, total: Value) -> list[Value]:
            return [total + b.atomic_add(counter, 1)]

        (total,) = b.loop(0, n, inside, carry=[b.constant(0, I64)])
        b.atomic_store(sums, total)
        b.atomic_store(b.offset(sums, 1, I64), b.atomic_load(sums))

    call, counter = compiled(body, 2), np.zeros(1, np.int64)
    sums = [np.zeros(2, np.int64) for _ in range(n_threads)]
    with ThreadPoolExecutor(n_threads) as threads:
        list(threads.map(lambda own: call(counter, own), sums))
    assert counter[0] == n * n_threads
    assert sum(int(own[1]) for own in sums) == sum(range(n * n_threads))


# Functions


def test_functions_of_a_module() -> None:
    """Functions call each other, return values, and those of one key are one; intrinsics are declared once."""
    module = Module()

    def square(b: Builder, x: Value) -> Value:
        return x * x

    names = [module.shared(("square", F64), F64, [F64], square) for _ in range(2)]
    assert names[0] == names[1]
    assert module.shared(("square", F32), F32, [F32], square) != names[0]
    assert module.n_functions == 2

    def root(b: Builder, x: Value) -> Value:
        found = b.invoke(names[0], F64, x) + b.invoke(names[0], F64, x)
        one: Value = b.call("cos", F64, b.constant(0.0, F64))
        return b.intrinsic("sqrt", b.intrinsic("sqrt", found)) * one

    module.define("f", F64, [F64], root, exported=True)
    module.define("small", F64, [F64], lambda b, x: x + 1.0, inlined=True)
    assert str(module).count("declare double @llvm.sqrt.f64(double)") == 1
    function = Code(str(module), machine()).function("f", ctypes.c_double, ctypes.c_double)
    assert function(3.0) == math.sqrt(math.sqrt(18.0))


def test_conversions() -> None:
    """Between widths, kinds and bits, in scalars and vectors."""
    x = np.array([-3.7, 0.0, 2.5, 1e9])

    def body(b: Builder, p: Value, out: Value, bits: Value) -> None:
        v = b.load(p, F64.of(4))
        whole = b.convert(v, "fptosi", I64)
        assert b.convert(v, "bitcast", F64) is v
        b.store(out, whole)
        b.store(b.offset(out, 4, I64), b.convert(b.convert(whole, "trunc", I32), "sext", I64))
        b.store(b.offset(out, 8, I64), b.convert(b.convert(whole, "trunc", I8), "zext", I64))
        b.store(bits, b.convert(b.convert(v, "fptrunc", F32), "bitcast", I32))

    out, bits = np.zeros((3, 4), np.int64), np.zeros(4, np.int32)
    compiled(body, 3)(x, out, bits)
    whole = x.astype(np.int64)
    np.testing.assert_array_equal(out, [whole, whole.astype(np.int32), whole.astype(np.uint8)])
    np.testing.assert_array_equal(bits, x.astype(np.float32).view(np.int32))
