"""Derivatives against finite differences: a test of an op, or of a user's function, in one line.

The function itself is run in plain NumPy, untraced, so this checks tracing, the rules and both sweeps together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from memograd.errors import BadSetting, GradientMismatch, NotDifferentiable
from memograd.gradient.transforms import jvp, vjp
from memograd.graph.node import Array
from memograd.graph.tree import flatten, unflatten

Mode = Literal["reverse", "forward"]
Arrays = Sequence[Any]
Function = Callable[..., list[Any]]

# A central difference along a step of h is wrong by about h²·|f‴|/6, and by ε·|f|/h because f is rounded; the sum
# is least near h = ε^(1/3), where both are about ε^(2/3) = 4e-11 (Nocedal & Wright 2006, "Numerical
# Optimization", 2nd ed., section 8.1). In units of the largest argument, as ε is relative to it.
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


def check_grad(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    modes: Sequence[Mode] = ("reverse", "forward"),
    n_directions: int = 2,
    seed: int = 0,
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> None:
    """Check the derivatives of a function by central finite differences along random directions.

    For a random cotangent u and a random tangent v the number u·J·v is computed by each mode and by differences.
    The modes must agree with the differences, and with each other. The second order does the same to the gradient
    of u·f, the third to a gradient of that, and so on. Deterministic.

    Parameters
    ----------
    f : callable
        Plain NumPy code.
    *args : trees
        Where to check, away from kinks. All floating leaves are moved, as float64 whatever their dtype; the others
        (integers, strings, ...) stay as they are. Floating leaves of the result are looked at.
    order : int
        How many derivatives to take.
    modes : sequence of {"reverse", "forward"}
        The first of them takes the derivatives that higher orders are derivatives of.
    n_directions : int
        How many pairs of directions each order draws.
    seed : int
        Of the directions.
    rtol : float
        Allowed difference, relative to the larger number. Differences are good to about 1e-10 where the third
        derivative is no larger than the first; the rest is room for functions that are curved more.
    atol : float
        Allowed difference, relative to the sum of |uᵢ·fᵢ|, whose rounding the differences magnify to about 1e-10.

    Raises
    ------
    GradientMismatch
        With order, mode, both numbers and their relative difference.
    NotDifferentiable
        When no argument or no result is floating.
    BadSetting
        When there is no such order or mode.

    Notes
    -----
    A wrong entry of a Jacobian of n columns changes u·J·v, but for a set of directions of measure zero, so few
    directions do for many entries. Each costs two evaluations of `f` and one sweep in each mode.

    Examples
    --------
    >>> check_grad(lambda x, y: np.tanh(x) @ y, np.ones((2, 3)), np.ones(3))

    At a jump there is nothing that a derivative could agree with:

    >>> check_grad(np.floor, 1.0)
    Traceback (most recent call last):
    memograd.errors.GradientMismatch: floor, order 1: u·J·v is 0 in reverse mode, but ... by central differences...
    """
    unknown = [mode for mode in modes if mode not in ("reverse", "forward")]
    if unknown or not modes or order < 1 or n_directions < 1:
        raise BadSetting(
            f"check_grad was asked for order={order}, modes={tuple(modes)}, n_directions={n_directions}; orders and "
            "directions are counted from 1, and there are the modes reverse and forward"
        )
    name = getattr(f, "__name__", repr(f))
    function, point = _floating_part(f, args, name)
    rng = np.random.default_rng(seed)
    for k in range(1, order + 1):
        for _ in range(n_directions):
            _Check.draw(f"{name}, order {k}", function, point, rng).run(modes, rtol, atol)
        function = _projected_derivative(function, point, rng, modes[0])


@dataclass(frozen=True, slots=True)
class _Check:
    """One comparison: a function, a point, and a pair of directions there."""

    title: str
    function: Function
    point: Arrays
    value: Arrays
    cotangent: Arrays
    tangent: Arrays

    @classmethod
    def draw(cls, title: str, function: Function, point: Arrays, rng: np.random.Generator) -> _Check:
        value = function(*point)
        return cls(title, function, point, value, _direction(value, rng), _direction(point, rng))

    def run(self, modes: Sequence[Mode], rtol: float, atol: float) -> None:
        numbers = {f"in {mode} mode": self._exact(mode) for mode in modes}
        numbers["by central differences"] = self._differences()
        noise = atol * (_dot(map(np.abs, self.cotangent), map(np.abs, self.value)) + 1)
        (first, a), *others = numbers.items()
        for other, b in others:
            largest = max(abs(a), abs(b))
            # Not `>`: a NaN must not pass.
            if not abs(a - b) <= rtol * largest + noise:
                raise GradientMismatch(
                    f"{self.title}: u·J·v is {a:.10g} {first}, but {b:.10g} {other}: "
                    f"a relative difference of {abs(a - b) / largest:.1e}, where {rtol:.1e} is allowed"
                )

    def _exact(self, mode: Mode) -> float:
        if mode == "forward":
            return _dot(self.cotangent, jvp(self.function, self.point, self.tangent)[1])
        return _dot(vjp(self.function, *self.point)[1](list(self.cotangent)), self.tangent)

    def _differences(self) -> float:
        step = STEP * max([1.0, *(float(np.max(np.abs(x))) for x in self.point if x.size)])
        after, before = (
            self.function(*(x + sign * step * v for x, v in zip(self.point, self.tangent, strict=True)))
            for sign in (+1, -1)
        )
        return _dot(self.cotangent, [(a - b) / (2 * step) for a, b in zip(after, before, strict=True)])


def _floating_part(f: Callable[..., Any], args: tuple[Any, ...], name: str) -> tuple[Function, Arrays]:
    """The function from the floating leaves of the arguments to those of the result, and its point in float64."""
    leaves, structure = flatten(args)
    moving = [i for i, leaf in enumerate(leaves) if _is_floating(leaf)]

    def function(*values: Any) -> list[Any]:
        filled = list(leaves)
        for i, value in zip(moving, values, strict=True):
            filled[i] = value
        # Silent like the traced run: a branch that a `where` discards may be infinite.
        with np.errstate(all="ignore"):
            results, _ = flatten(f(*unflatten(structure, filled)))
        return [result for result in results if _is_floating(result)]

    point = [np.array(leaves[i], np.float64)[()] for i in moving]
    if not point or not function(*point):
        raise NotDifferentiable(f"{name} has no floating {'result' if point else 'argument'}; check_grad needs one")
    return function, point


def _projected_derivative(function: Function, point: Arrays, rng: np.random.Generator, mode: Mode) -> Function:
    """The gradient of u·f, or in forward mode one directional derivative of it, for a random u."""
    cotangent = _direction(function(*point), rng)
    if mode == "reverse":
        return lambda *values: list(vjp(function, *values)[1](cotangent))
    tangent = _direction(point, rng)
    return lambda *values: jvp(function, values, tangent)[1]


def _direction(like: Arrays, rng: np.random.Generator) -> list[Array]:
    return [rng.standard_normal(np.shape(x)) for x in like]


def _dot(xs: Any, ys: Any) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True)))


def _is_floating(leaf: Any) -> bool:
    return isinstance(leaf, float) or (hasattr(leaf, "dtype") and leaf.dtype.kind == "f")
