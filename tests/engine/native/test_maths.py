"""The vector functions: the errors that their module's docstring states are true, and special values go where NumPy's.

The table is read from the docstring, so the two cannot differ. The reference has at least ten bits more than what it
is compared with: float64 for float32, the extended floats of the processor for float64.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import scipy.special

from memograd.engine.native import maths
from memograd.engine.native.elementwise import ELEMENTWISE
from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import F32, F64, I64, Type
from memograd.engine.native.machine import Machine, machine

from .emitted import MACHINES, compiled

N = 1_000_000
KINDS: Mapping[Any, Type] = {np.float32: F32, np.float64: F64}


def stated() -> dict[tuple[str, Any], float]:
    """The errors in units in the last place, by function and dtype, as the docstring has them."""
    rows = re.findall(r"^(\w+) +([\d.]+|\(.*?\)) +([\d.]+|\(.*?\))$", maths.__doc__ or "", re.MULTILINE)
    table = {}
    for name, single, double in rows:
        for dtype, number in ((np.float32, single), (np.float64, double)):
            if not number.startswith("("):
                table[name, dtype] = float(number)
    return table


STATED = stated()


def wide_logistic(x: Any) -> Any:
    """1 / (1 + e⁻ˣ), exact to the last digits on both sides."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


REFERENCES: Mapping[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "logistic": wide_logistic,
    "erf": scipy.special.erf,
}

# Where each function does something other than be 0, infinite, 1 or its argument, by the bits of the float.
RANGES: Mapping[str, Mapping[Any, tuple[float, float]]] = {
    "exp": {np.float32: (-104.5, 89.5), np.float64: (-746.5, 710.5)},
    "expm1": {np.float32: (-20, 89.5), np.float64: (-45, 710.5)},
    "log": {np.float32: (0, 4), np.float64: (0, 4)},
    "log1p": {np.float32: (-1, 4), np.float64: (-1, 4)},
    "tanh": {np.float32: (-10, 10), np.float64: (-20, 20)},
    "logistic": {np.float32: (-104.5, 20), np.float64: (-746.5, 40)},
    "erf": {np.float32: (-4.5, 4.5), np.float64: (-6.5, 6.5)},
}

# Where the code changes from one formula to the next.
SEAMS: Mapping[str, tuple[float, ...]] = {
    "exp": (
        0.0,
        math.log(2) / 2,
        88.722839,
        88.0,
        -87.336544,
        -103.97208,
        -104.0,
        709.78271289,
        -708.396,
        -745.133,
        -746.0,
    ),
    "expm1": (
        0.0,
        1e-30,
        1e-290,
        math.log(2) / 2,
        -math.log(2) / 2,
        88.722839,
        709.78271289,
        -30.0,
        -50.0,
        -17.0,
        -37.0,
    ),
    "log": (1.0, math.sqrt(0.5), math.sqrt(2.0), 2.0**-126, 2.0**-1022, 2.0),
    "log1p": (0.0, -0.5, math.sqrt(0.5) - 1, math.sqrt(2.0) - 1, 1.0, -1.0, 2.0**-24, 2.0**-53),
    "tanh": (0.0, 0.55, -0.55, 9.0, 30.0, 19.0),
    "logistic": (0.0, 88.722839, -88.0, -103.0, -745.0, -708.0),
    "erf": (0.0, 0.92, -0.92, 3.95, -3.95),
}


@lru_cache(2)
def arguments(name: str, dtype: Any) -> tuple[Any, Any]:
    """A million arguments (uniform where the function bends, floats of all sizes, neighbours of seams) and values."""
    rng = np.random.default_rng(0)
    low, high = RANGES[name][dtype]
    uniform = rng.uniform(low, high, N // 2)
    bits = rng.integers(0, np.iinfo(f"u{np.dtype(dtype).itemsize}").max, N // 4, f"u{np.dtype(dtype).itemsize}")
    sizes = np.exp2(rng.uniform(-60, 8, N // 4)) * rng.choice([-1.0, 1.0], N // 4)
    near = [
        (np.array(seam, dtype).view(f"i{np.dtype(dtype).itemsize}") + np.arange(-300, 300)).astype(
            f"i{np.dtype(dtype).itemsize}"
        )
        for seam in SEAMS[name]
    ]
    x = np.concatenate([uniform.astype(dtype), bits.view(dtype), sizes.astype(dtype), np.concatenate(near).view(dtype)])
    if name.startswith("log") and name != "logistic":
        x = np.abs(x) if name == "log" else np.divide(-1, x, out=x.copy(), where=x < -1)
    x = x[np.isfinite(x)]
    with np.errstate(all="ignore"):
        return x, REFERENCES[name](x.astype(np.longdouble if dtype is np.float64 else np.float64))


def function_of(name: str, dtype: Any, target: Machine, lanes: int) -> Callable[[Any], Any]:
    """The compiled function of an array."""
    kind = KINDS[dtype]

    def body(b: Builder, p: Value, out: Value, count: Value) -> None:
        def vector(i: Value) -> None:
            x = b.load(b.offset(p, i, kind), kind.of(lanes))
            b.store(b.offset(out, i, kind), getattr(maths, name)(b, x))

        b.loop(0, b.load(count, I64), vector, step=max(lanes, 1))

    call = compiled(body, 3, target)

    def apply(x: Any) -> Any:
        width = max(lanes, 1)
        padded = np.ones(-(-len(x) // width) * width, dtype)
        padded[: len(x)] = x
        out = np.full_like(padded, 7)
        call(padded, out, np.array([len(padded)], np.int64))
        return out[: len(x)]

    return apply


def errors(found: Any, exact: Any) -> Any:
    """Distances in units in the last place of the exact value, as float of the result's dtype; an overflow is 2^n."""
    limits = np.finfo(found.dtype)
    # Above the largest float, its unit is not defined: that of its neighbour is the same.
    top = np.nextafter(limits.max, found.dtype.type(0))
    beyond = exact.dtype.type(limits.max) + exact.dtype.type(np.spacing(top))
    clipped = np.clip(exact, -beyond, beyond)
    wide = np.clip(found.astype(exact.dtype), -beyond, beyond)
    nearest = np.clip(clipped, exact.dtype.type(-top), exact.dtype.type(top)).astype(found.dtype)
    return np.abs(wide - clipped) / np.abs(np.spacing(nearest)).astype(exact.dtype)


def test_the_table_of_errors_is_complete() -> None:
    """Each function has a row, and nothing else has one."""
    assert STATED.keys() == {(name, dtype) for name in REFERENCES for dtype in KINDS} - {("erf", np.float64)}


def test_the_measure_of_errors() -> None:
    """A neighbour is one unit away, also among denormals and at the edge of infinity."""
    one, tiny, top = np.float32(1), np.float32(1e-45), np.finfo(np.float32).max
    found = np.array([np.nextafter(one, np.float32(2)), one, 2 * tiny, np.inf, top], np.float32)
    exact = np.array([1.0, 1.0, float(tiny), float(top), 1e300])
    np.testing.assert_array_equal(errors(found, exact), [1, 0, 1, 1, 1])


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize(("name", "dtype"), STATED, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_errors_are_as_stated(name: str, dtype: Any, target: Machine) -> None:
    """None of a million arguments is further from the exact value than the docstring says."""
    if dtype is np.float64 and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("this machine has no floats of more digits than float64")
    x, exact = arguments(name, dtype)
    assert len(x) > 0.9 * N
    found = function_of(name, dtype, target, target.lanes(np.dtype(dtype).itemsize))(x)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
    error = np.nan_to_num(errors(found, exact))
    worst = int(error.argmax())
    assert error[worst] <= STATED[name, dtype], f"{name}({x[worst]!r}) = {found[worst]!r}, {error[worst]:.2f} ulp"


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", REFERENCES)
def test_statements_are_no_excuses(name: str, dtype: Any) -> None:
    """What is stated is at most 2.5 times what is found: a table of large numbers says nothing."""
    if (name, dtype) not in STATED or (dtype is np.float64 and np.finfo(np.longdouble).nmant < 63):
        pytest.skip("not stated, or not to be measured")
    x, exact = arguments(name, dtype)
    target = machine()
    found = function_of(name, dtype, target, target.lanes(np.dtype(dtype).itemsize))(x)
    assert STATED[name, dtype] <= 2.5 * np.nan_to_num(errors(found, exact)).max()


# (argument, value) for each function; the same in both dtypes.
nan, inf = math.nan, math.inf
SPECIAL: Mapping[str, Sequence[tuple[float, float]]] = {
    "exp": (
        (nan, nan),
        (inf, inf),
        (-inf, 0.0),
        (0.0, 1.0),
        (-0.0, 1.0),
        (1e4, inf),
        (-1e4, 0.0),
        (1e-40, 1.0),
        (-1e-40, 1.0),
    ),
    "expm1": (
        (nan, nan),
        (inf, inf),
        (-inf, -1.0),
        (0.0, 0.0),
        (-0.0, -0.0),
        (1e4, inf),
        (-1e4, -1.0),
        (1e-40, 1e-40),
        (-1e-42, -1e-42),
    ),
    "log": ((nan, nan), (inf, inf), (-inf, nan), (0.0, -inf), (-0.0, -inf), (1.0, 0.0), (-1.0, nan), (-1e-40, nan)),
    "log1p": (
        (nan, nan),
        (inf, inf),
        (-inf, nan),
        (0.0, 0.0),
        (-0.0, -0.0),
        (-1.0, -inf),
        (-2.0, nan),
        (1e-40, 1e-40),
        (-1e-42, -1e-42),
    ),
    "tanh": (
        (nan, nan),
        (inf, 1.0),
        (-inf, -1.0),
        (0.0, 0.0),
        (-0.0, -0.0),
        (1e4, 1.0),
        (-1e30, -1.0),
        (1e-40, 1e-40),
        (-1e-42, -1e-42),
    ),
    "logistic": ((nan, nan), (inf, 1.0), (-inf, 0.0), (0.0, 0.5), (-0.0, 0.5), (1e4, 1.0), (-1e4, 0.0), (1e-40, 0.5)),
    "erf": ((nan, nan), (inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (1e4, 1.0), (-1e4, -1.0)),
}


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, dtype: Any, target: Machine) -> None:
    """NaN, infinities, zeros of both signs and denormals, in vectors and in scalars."""
    if (name, dtype) not in STATED:
        pytest.skip("of the C library")
    pairs = [*SPECIAL[name]] * 2
    x = np.array([pair[0] for pair in pairs], dtype)
    expected = np.array([pair[1] for pair in pairs], dtype)
    for lanes in (target.lanes(np.dtype(dtype).itemsize), 0):
        found = function_of(name, dtype, target, lanes)(x)
        np.testing.assert_array_equal(found, expected)
        sign = np.signbit(np.where(np.isnan(expected), 0, expected))
        np.testing.assert_array_equal(np.signbit(np.where(np.isnan(found), 0, found)), sign)


@pytest.mark.parametrize("dtype", KINDS)
def test_denormal_results(dtype: Any) -> None:
    """Results below the least normal number are neither flushed to 0 nor lost."""
    least = np.finfo(dtype).smallest_subnormal
    exponents = np.log(least) + np.arange(1, 16, dtype=np.float64)
    x = exponents.astype(dtype)
    assert (x < math.log(np.finfo(dtype).tiny)).any()
    for name in ("exp", "logistic"):
        found = function_of(name, dtype, machine(), 4)(x)
        expected = REFERENCES[name](x.astype(np.longdouble)).astype(dtype)
        # The smallest are of few digits; the largest are normal numbers with an error of a few units.
        atol = 2 * float(least) + 4 * float(np.spacing(expected.max()))
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)
        assert (found > 0).all()
    small = np.array([1, 5, 1000], f"u{np.dtype(dtype).itemsize}").view(dtype)
    found = function_of("log", dtype, machine(), 4)(small)
    np.testing.assert_allclose(found, np.log(small.astype(np.longdouble)).astype(dtype), rtol=4e-7)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", REFERENCES)
def test_vectors_of_all_widths_agree(name: str, dtype: Any) -> None:
    """A value does not depend on the lane it is in, nor on how many there are, on one machine."""
    if (name, dtype) not in STATED:
        pytest.skip("of the C library")
    x = arguments(name, dtype)[0][:: N // 1000]
    found = [function_of(name, dtype, machine(), lanes)(x).tobytes() for lanes in (0, 2, 4, 8, 16)]
    assert len(set(found)) == 1


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(("name", "sign"), [("tanh", -1), ("erf", -1)])
def test_odd_functions_are_odd(name: str, sign: int, dtype: Any) -> None:
    """f(−x) is −f(x), bit for bit."""
    if (name, dtype) not in STATED:
        pytest.skip("of the C library")
    x = arguments(name, dtype)[0][:: N // 10_000]
    apply = function_of(name, dtype, machine(), 8)
    assert apply(-x).tobytes() == (sign * apply(x)).tobytes()


@pytest.mark.parametrize("dtype", KINDS)
def test_values_stay_in_their_range(dtype: Any) -> None:
    """Rounding takes no tanh or erf out of [−1, 1], no logistic out of [0, 1], no exponential below 0."""
    for name, low, high in (("tanh", -1, 1), ("erf", -1, 1), ("logistic", 0, 1), ("exp", 0, inf), ("expm1", -1, inf)):
        if (name, dtype) in STATED:
            found = function_of(name, dtype, machine(), 8)(arguments(name, dtype)[0])
            assert (found >= low).all(), name
            assert (found <= high).all(), name


def test_the_error_function_of_doubles_is_the_librarys() -> None:
    """The row of erf calls the C library for each lane of float64."""

    def body(b: Builder, p: Value, out: Value) -> None:
        b.store(out, ELEMENTWISE["erf"](b, None, b.load(p, F64.of(8))))

    x, out = np.array([-0.0, 0.3, -1.7, 5.0, inf, -inf, nan, 1e-310]), np.zeros(8)
    compiled(body, 2)(x, out)
    np.testing.assert_array_equal(out, [math.erf(v) for v in x])


def test_the_floating_point_unit_is_left_as_it_was() -> None:
    """After the functions have run, rounding and denormals are what they were."""
    x = np.array([0.1, 3.0, 1e-310, 710.5, -745.0, 1e300, 2.0, nan])
    before = (np.float64(1e-310) * 0.5, np.float32(1e-42) / 2, np.float64(1) / 3, np.float64(1) + 2.0**-53)
    for name in REFERENCES:
        if (name, np.float64) in STATED:
            function_of(name, np.float64, machine(), 8)(x)
    after = (np.float64(1e-310) * 0.5, np.float32(1e-42) / 2, np.float64(1) / 3, np.float64(1) + 2.0**-53)
    assert before == after
    assert before[0] > 0
