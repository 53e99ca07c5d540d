"""Functions of vectors of floats: a polynomial on a short interval, and exact arithmetic that leads there.

The errors, in units in the last place against the exact value, are measured by the tests on a million arguments each:

=========  =======  =======
function   float32  float64
=========  =======  =======
exp        1.5      1.5
expm1      3        3
log        1.5      1.5
log1p      3        3
tanh       2.5      3
logistic   3        3
erf        2.5      (C library)
=========  =======  =======

NaN and infinity go through as in NumPy, denormal numbers are neither flushed nor lost, and the state of the
processor's floating-point unit is not touched. Arguments are reduced as W. J. Cody and W. Waite do it (Software Manual
for the Elementary Functions, 1980); the polynomials are interpolated at Chebyshev points when they are first needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I32, I64, Type

LN2 = math.log(2.0)
# ln 2 in two parts: the first has so few bits that its products with small integers are exact.
_LN2_PARTS = {32: (0.693359375, LN2 - 0.693359375), 64: (6.93145751953125e-1, 1.42860682030941723212e-6)}
_MANTISSA_BITS = {32: 23, 64: 52}
_BIAS = {32: 127, 64: 1023}


@lru_cache
def interpolated(function: Callable[[float], float], degree: int, low: float, high: float) -> tuple[float, ...]:
    """The coefficients, lowest power first, of the polynomial that meets a function at the Chebyshev points."""
    fitted = np.polynomial.Chebyshev.interpolate(np.vectorize(function), degree, domain=[low, high])
    return tuple(fitted.convert(kind=np.polynomial.Polynomial).coef.tolist())


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule, lowest power first."""
    result = b.constant(coefficients[-1], x.type)
    for c in coefficients[-2::-1]:
        result = b.fma(result, x, c)
    return result


def _series(first: int) -> Callable[[float], float]:
    """Σ xⁿ / (n + first)! from n = 0: what is left of exp after its first terms, without cancellation."""

    def function(x: float) -> float:
        total, term = 0.0, 1.0 / math.factorial(first)
        for n in range(1, 30):
            total += term
            term *= x / (n + first)
        return total

    return function


_EXP_REST = _series(2)
# For doubles, the interpolation itself would have to be done with more digits.
_TAYLOR = tuple(1.0 / math.factorial(n) for n in range(2, 14))


def _log_rest(f: float) -> float:
    """(log(1 + f) - f + f²/2) / f³."""
    if abs(f) > 0.02:
        return (math.log1p(f) - f + 0.5 * f * f) / f**3
    return sum((-f) ** n / (n + 3) for n in range(12))


def _atanh_rest(z: float) -> float:
    """(2 artanh(s) - 2 s) / s³ of z = s²."""
    return sum(2.0 * z**n / (2 * n + 3) for n in range(24))


def _integer(x: Value) -> Type:
    return (I32 if x.type.bits == 32 else I64).of(x.type.lanes)


def _bits(b: Builder, x: Value) -> Value:
    return b.convert(x, "bitcast", _integer(x))


def _nearest(b: Builder, x: Value) -> tuple[Value, Value]:
    """The nearest integer, as float and as integer; any integer for NaN."""
    # Adding 1.5 · 2^mantissa leaves the integer in the low bits: a conversion of NaN has no defined result.
    magic = 1.5 * 2.0 ** _MANTISSA_BITS[x.type.bits]
    shifted = x + magic
    anchor = int(np.float32(magic).view(np.int32)) if x.type.bits == 32 else int(np.float64(magic).view(np.int64))
    return shifted - magic, _bits(b, shifted) - anchor


def _power_of_two(b: Builder, n: Value, kind: Type) -> Value:
    """2ⁿ for the exponents of normal numbers."""
    mantissa = _MANTISSA_BITS[kind.bits]
    return b.convert((n + _BIAS[kind.bits]) << mantissa, "bitcast", kind)


def _scaled(b: Builder, x: Value, n: Value) -> Value:
    """x 2ⁿ, also where 2ⁿ overflows or the result is denormal."""
    half = b.binary("ashr", n, 1)
    return x * _power_of_two(b, half, x.type) * _power_of_two(b, n - half, x.type)


def clamped(b: Builder, x: Value, low: float, high: float) -> Value:
    """x within bounds; NaN stays."""
    x = b.select(x < low, b.constant(low, x.type), x)
    return b.select(x > high, b.constant(high, x.type), x)


def _reduced(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """n and r of x = n ln 2 + r with |r| ≤ ½ ln 2, and exp(r) - 1 - r."""
    n, number = _nearest(b, x * (1.0 / LN2))
    high, low = _LN2_PARTS[x.type.bits]
    r = b.fma(n, -low, b.fma(n, -high, x))
    series = interpolated(_EXP_REST, 5, -0.36, 0.36) if x.type.bits == 32 else _TAYLOR
    rest = polynomial(b, r, series)
    return number, r, rest * r * r


def exp(b: Builder, x: Value) -> Value:
    """eˣ."""
    x = clamped(b, x, *((-104.0, 89.0) if x.type.bits == 32 else (-746.0, 710.0)))
    n, r, rest = _reduced(b, x)
    return _scaled(b, r + rest + 1.0, n)


def expm1(b: Builder, x: Value) -> Value:
    """eˣ - 1."""
    top, bottom = (89.0, -30.0) if x.type.bits == 32 else (710.0, -50.0)
    inside = clamped(b, x, bottom, top)
    n, r, rest = _reduced(b, inside)
    # 2ⁿ ((exp(r) - 1) + (1 - 2⁻ⁿ)); for the largest n, 2⁻ⁿ is as good as 0.
    limit = b.constant(_BIAS[x.type.bits] - 1, n.type)
    t = _power_of_two(b, -b.select(n > limit, limit, n), x.type)
    result = _scaled(b, (r + rest) + (1.0 - t), n)
    # Keeps the sign of zero, and denormal numbers.
    tiny = b.intrinsic("fabs", x) < (1e-30 if x.type.bits == 32 else 1e-290)
    return b.select(tiny, x, result)


def log(b: Builder, x: Value) -> Value:
    """The natural logarithm; -∞ of 0, NaN of what is negative."""
    is_single = x.type.bits == 32
    mantissa, tiny = (23, 2.0**-126) if is_single else (52, 2.0**-1022)
    is_denormal = x < tiny
    positive = b.select(is_denormal, x * 2.0**mantissa, x)
    bits = _bits(b, positive)
    root_half = int(np.float32(math.sqrt(0.5)).view(np.int32)) if is_single else 0x3FE6A09E667F3BCD
    exponent = b.binary("ashr", bits - root_half, mantissa)
    f = b.convert(bits - (exponent << mantissa), "bitcast", x.type) - 1.0
    n = b.convert(exponent, "sitofp", x.type)
    n = b.select(is_denormal, n - float(mantissa), n)
    high, low = _LN2_PARTS[x.type.bits]
    if is_single:
        rest = polynomial(b, f, interpolated(_log_rest, 9, math.sqrt(0.5) - 1, math.sqrt(2) - 1)) * f * f * f
        y = b.fma(f * f, -0.5, b.fma(n, low, rest))
        result = b.fma(n, high, f + y)
    else:
        # log(1 + f) = 2 artanh(s) with s = f / (2 + f): the same number in powers of a smaller one.
        s = f / (f + 2.0)
        z = s * s
        half_square = f * f * 0.5
        # 2 artanh(s) = f - s (f - Σ) with Σ the rest of the series in z, as in FDLIBM's log.
        series = z * polynomial(b, z, interpolated(_atanh_rest, 7, 0.0, 0.0295))
        y = half_square - (b.fma(s, half_square + series, n * low))
        result = b.fma(n, high, f - y)
    result = b.select(x.equals(math.inf), x, result)
    result = b.select(x.equals(0.0), b.constant(-math.inf, x.type), result)
    result = b.select(x < 0.0, b.constant(math.nan, x.type), result)
    return b.select(b.compare("is_nan", x, x), x, result)


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x): of the rounded sum, corrected for the rounding."""
    u = x + 1.0
    result = log(b, u) + (x - (u - 1.0)) / u
    plain = b.compare("==", u, 1.0)
    result = b.select(plain, x, result)
    result = b.select(x.equals(-1.0), b.constant(-math.inf, x.type), result)
    return b.select(x.equals(math.inf), x, result)


def with_sign(b: Builder, x: Value, sign: Value) -> Value:
    """|x| with the sign of another number."""
    return b.intrinsic("copysign", x, sign)


def tanh(b: Builder, x: Value) -> Value:
    """1 - 2 / (e²ˣ + 1); near 0, (e²ˣ - 1) / (e²ˣ + 1)."""
    size = b.intrinsic("fabs", x)
    m = expm1(b, clamped(b, size, 0.0, 30.0) * 2.0)
    small = m / (m + 2.0)
    large = 1.0 - 2.0 / (m + 2.0)
    return with_sign(b, b.select(size < 0.55, small, large), x)


def logistic(b: Builder, x: Value) -> Value:
    """1 / (1 + e⁻ˣ), from the side on which nothing overflows."""
    e = exp(b, -b.intrinsic("fabs", x))
    return b.select(x < 0.0, e, b.constant(1.0, x.type)) / (e + 1.0)


_ERF_SPLIT, _ERF_ONE = 0.92, 3.95


def _erf_near(z: float) -> float:
    """erf(x) / x - 1 of z = x²."""
    x = math.sqrt(z)
    return (math.erf(x) / x if x else 2.0 / math.sqrt(math.pi)) - 1.0


def _erf_far(x: float) -> float:
    """-log(erfc(x)) / x."""
    return -math.log(math.erfc(x)) / x


def erf(b: Builder, x: Value) -> Value:
    """The error function of float32: a polynomial in x², and 1 - e to a polynomial."""
    size = b.intrinsic("fabs", x)
    near = b.fma(polynomial(b, x * x, interpolated(_erf_near, 6, 0.0, _ERF_SPLIT**2)), x, x)
    inside = clamped(b, size, _ERF_SPLIT, _ERF_ONE)
    exponent = polynomial(b, inside, interpolated(_erf_far, 7, _ERF_SPLIT, _ERF_ONE)) * inside
    far = with_sign(b, 1.0 - exp(b, -exponent), x)
    return b.select(size < _ERF_SPLIT, near, far)
