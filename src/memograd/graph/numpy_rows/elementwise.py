"""Rows of functions that work element by element: ufuncs made of others, powers, choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from memograd.graph.shapes import BOOL, resolve
from memograd.graph.traced import FUNCTIONS, apply, cast, common_dtype, elementwise, implements, refuse, spread


def _truth(x: Any) -> Any:
    return cast(x, BOOL)


def _mask(x: Any) -> Any:
    if common_dtype(x) != BOOL:
        refuse("bitwise operators work on masks of bool when traced", "compare first: (x > 0) & (y > 0)")
    return x


def _reciprocal(x: Any) -> Any:
    if x.dtype.kind != "f":
        refuse("np.reciprocal of integers cuts the fraction off", "write 1.0 / x, or np.floor(1.0 / x)")
    return 1.0 / x


# They get x in the dtype of NumPy's own loop: np.square of bools is int8, and not a bool.
COMPOSED_UNARY: dict[np.ufunc, Callable[[Any], Any]] = {
    np.positive: lambda x: x,
    np.fabs: np.absolute,
    np.square: lambda x: x * x,
    np.reciprocal: _reciprocal,
    np.exp2: lambda x: np.power(2.0, x),
    np.log2: lambda x: np.log(x) / math.log(2.0),
    np.log10: lambda x: np.log(x) / math.log(10.0),
    np.deg2rad: lambda x: x * (math.pi / 180),
    np.radians: lambda x: x * (math.pi / 180),
    np.rad2deg: lambda x: x * (180 / math.pi),
    np.degrees: lambda x: x * (180 / math.pi),
}

# Comparisons the other way round keep NaN's answer, unlike negations.
COMPOSED_UFUNCS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.greater: lambda x, y: np.less(y, x),
    np.greater_equal: lambda x, y: np.less_equal(y, x),
    np.isinf: lambda x: np.equal(np.absolute(x), math.inf),
    np.logical_xor: lambda x, y: np.not_equal(_truth(x), _truth(y)),
    np.bitwise_and: lambda x, y: np.logical_and(_mask(x), _mask(y)),
    np.bitwise_or: lambda x, y: np.logical_or(_mask(x), _mask(y)),
    np.bitwise_xor: lambda x, y: np.not_equal(_mask(x), _mask(y)),
    np.invert: lambda x: np.logical_not(_mask(x)),
}
FUNCTIONS.update(COMPOSED_UFUNCS)


def _in_loop_dtype(ufunc: np.ufunc, row: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: row(cast(x, resolve(ufunc, (common_dtype(x),))[0]))


FUNCTIONS.update((ufunc, _in_loop_dtype(ufunc, row)) for ufunc, row in COMPOSED_UNARY.items())


# NumPy, too, computes these powers by the cheaper op.
CHEAP_POWERS: dict[float, Callable[[Any], Any]] = {
    2: lambda x: x * x,
    1: lambda x: x,
    0.5: np.sqrt,
    -1: lambda x: 1.0 / x,
}


@implements(np.power)
def power(x: Any, exponent: Any) -> Any:
    """x to a power; a Python number 2, 1, 0.5 or −1 is a product, nothing, a root or a division."""
    if type(exponent) in (int, float) and exponent in CHEAP_POWERS and x.dtype.kind == "f":
        return CHEAP_POWERS[exponent](x)
    return elementwise(np.power, x, exponent)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """Choose element by element."""
    if len(choices) != 2:
        refuse("np.where with one argument: the shape of its result depends on values",
               "write np.where(condition, a, b)")  # fmt: skip
    dtype = common_dtype(*choices)
    return apply("where", *spread("where", _truth(condition), *(cast(x, dtype) for x in choices)))


@implements(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """No smaller than a_min, no larger than a_max."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)
