"""How each op differentiates: a table with one row for each op, in plain NumPy.

Both modes read the same rows. An elementwise op has a diagonal Jacobian, which is its own transpose: one function
`(g, y, *x) -> g · ∂y/∂xᵢ` serves forward (g a tangent) and reverse (g an adjoint). A linear op is its own forward
rule, so only its transpose is written. Two ops are neither: `matmul`, and `max` with `min`.

Letters: x operands, y result, g adjoint of y or tangent of x. Where a derivative is not defined the row says which
of the possible values it takes: |x| has 0 at 0, equal operands of max and min share evenly. The branch that a `where`
discards gets an adjoint of 0, and 0 times an infinite derivative is NaN: choose its argument, too, not only its result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.special

from memograd.graph.traced import apply, filled

Operands = Sequence[Any]
Scale = Callable[..., Any]
Transpose = Callable[[int, Any, Any, Operands], Any]


class Rule(Protocol):
    """A row: how adjoints go from the result to operand i, and tangents from operands to the result."""

    def pull(self, i: int, g: Any, y: Any, x: Operands) -> Any:
        """What the adjoint `g` of the result adds to the adjoint of operand i."""

    def push(self, y: Any, x: Operands, tangents: Sequence[Any | None]) -> Any:
        """The tangent of the result; None stands for a tangent of zero."""


@dataclass(frozen=True, slots=True)
class Diagonal:
    """An elementwise op: one function for each operand."""

    scales: tuple[Scale, ...]

    def pull(self, i: int, g: Any, y: Any, x: Operands) -> Any:
        """Scale the adjoint."""
        return self.scales[i](g, y, *x)

    def push(self, y: Any, x: Operands, tangents: Sequence[Any | None]) -> Any:
        """Scale each tangent, and add."""
        return _total(self.scales[i](t, y, *x) for i, t in enumerate(tangents) if t is not None)


@dataclass(frozen=True, slots=True)
class Linear:
    """An op that is linear in some operands together: all, or those named."""

    transpose: Transpose
    operands: tuple[int, ...] | None = None

    def pull(self, i: int, g: Any, y: Any, x: Operands) -> Any:
        """Transpose."""
        return self.transpose(i, g, y, x)

    def push(self, y: Any, x: Operands, tangents: Sequence[Any | None]) -> Any:
        """The op itself on the tangents."""
        linear = range(len(x)) if self.operands is None else self.operands
        moved = [_tangent(tangents[i], x[i]) if i in linear else x[i] for i in range(len(x))]
        return apply(y.node.op, *moved, **dict(y.node.attributes))


@dataclass(frozen=True, slots=True)
class Product:
    """Matrix product: linear in each operand alone."""

    def pull(self, i: int, g: Any, y: Any, x: Operands) -> Any:
        """g·bᵀ and aᵀ·g."""
        a, b = x
        return g @ np.swapaxes(b, -1, -2) if i == 0 else np.swapaxes(a, -1, -2) @ g

    def push(self, y: Any, x: Operands, tangents: Sequence[Any | None]) -> Any:
        """The product rule."""
        (a, b), (ta, tb) = x, tangents
        terms = ([ta @ b] if ta is not None else []) + ([a @ tb] if tb is not None else [])
        return _total(terms)


@dataclass(frozen=True, slots=True)
class Extremum:
    """The largest or smallest along axes: the derivative is shared by all that are equal to it."""

    def pull(self, i: int, g: Any, y: Any, x: Operands) -> Any:
        """To the winners."""
        return _along(g, y, x[0]) * self._shares(y, x[0])

    def push(self, y: Any, x: Operands, tangents: Sequence[Any | None]) -> Any:
        """From the winners."""
        return np.sum(tangents[0] * self._shares(y, x[0]), axis=y.node["axes"])

    @staticmethod
    def _shares(y: Any, x: Any) -> Any:
        wins = (x == _along(y, y, x)).astype(x.dtype)
        return wins / np.sum(wins, axis=y.node["axes"], keepdims=True)


@dataclass(frozen=True, slots=True)
class Flat:
    """An op whose derivative is zero wherever it is defined; nothing flows through it."""

    def pull(self, i: int, g: Any, y: Any, x: Operands) -> Any:
        """Nothing."""
        return None

    def push(self, y: Any, x: Operands, tangents: Sequence[Any | None]) -> Any:
        """Nothing."""
        return None


def _total(terms: Any) -> Any:
    total = None
    for term in terms:
        total = term if total is None else total + term
    return total


def _tangent(tangent: Any | None, x: Any) -> Any:
    return filled(0, x) if tangent is None else tangent


def _along(g: Any, y: Any, x: Any) -> Any:
    """A result of a reduction, put back along the reduced axes."""
    kept = tuple(1 if i in y.node["axes"] else length for i, length in enumerate(x.shape))
    return np.broadcast_to(np.reshape(g, kept), x.shape)


def _sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of broadcasting."""
    new = g.ndim - len(shape)
    stretched = tuple(i for i in range(g.ndim) if i < new or (shape[i - new] == 1 and g.shape[i] != 1))
    return np.reshape(np.sum(g, axis=stretched) if stretched else g, shape)


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    # 0⁰ is 1, and its derivative 0, but 0·0⁻¹ is NaN: where the exponent is 0 the base must not be looked at.
    flat = np.equal(b, 0)
    return g * np.where(flat, 0, b * np.power(a, np.where(flat, 1, b - 1)))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # 0ᵇ is flat in b > 0, although log 0 is not finite; a negative base stays NaN, as it should.
    return g * y * np.log(np.where(np.equal(a, 0), 1, a))


def _extremum_share(sign: int) -> tuple[Scale, Scale]:
    def share(g: Any, mine: Any, other: Any) -> Any:
        wins = np.greater(mine, other) if sign > 0 else np.less(mine, other)
        return np.where(np.equal(mine, other), 0.5 * g, np.where(wins, g, 0))

    return (lambda g, y, a, b: share(g, a, b)), (lambda g, y, a, b: share(g, b, a))


def _cast(i: int, g: Any, y: Any, x: Operands) -> Any:
    return g.astype(x[0].dtype)


def _where(i: int, g: Any, y: Any, x: Operands) -> Any:
    return np.where(x[0], g, 0) if i == 1 else np.where(x[0], 0, g)


def _sum(i: int, g: Any, y: Any, x: Operands) -> Any:
    return _along(g, y, x[0])


def _cumsum(i: int, g: Any, y: Any, x: Operands) -> Any:
    axis = y.node["axis"]
    backwards = (slice(None),) * axis + (slice(None, None, -1),)
    return np.cumsum(g[backwards], axis=axis)[backwards]


def _transpose(i: int, g: Any, y: Any, x: Operands) -> Any:
    return np.transpose(g, tuple(int(axis) for axis in np.argsort(y.node["axes"])))


def _slice(i: int, g: Any, y: Any, x: Operands) -> Any:
    return apply("unslice", g, shape=x[0].shape, ranges=y.node["ranges"])


def _take(i: int, g: Any, y: Any, x: Operands) -> Any:
    axis = y.node["axis"]
    return apply("scatter_add", g, x[1], axis=axis, length=x[0].shape[axis])


def _concatenate(i: int, g: Any, y: Any, x: Operands) -> Any:
    axis = y.node["axis"]
    start = sum(part.shape[axis] for part in x[:i])
    return g[(slice(None),) * axis + (slice(start, start + x[i].shape[axis]),)]


TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

RULES: Mapping[str, Rule] = {
    # Arithmetic
    "add": Linear(lambda i, g, y, x: g),
    "subtract": Linear(lambda i, g, y, x: g if i == 0 else -g),
    "negative": Linear(lambda i, g, y, x: -g),
    "multiply": Diagonal((lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)),
    "divide": Diagonal((lambda g, y, a, b: g / b, lambda g, y, a, b: -(g / b) * y)),
    "power": Diagonal((_power_base, _power_exponent)),
    "maximum": Diagonal(_extremum_share(+1)),
    "minimum": Diagonal(_extremum_share(-1)),
    "absolute": Diagonal((lambda g, y, x: g * np.sign(x),)),
    "sqrt": Diagonal((lambda g, y, x: 0.5 * g / y,)),
    # Exponentials
    "exp": Diagonal((lambda g, y, x: g * y,)),
    "expm1": Diagonal((lambda g, y, x: g * (y + 1),)),
    "log": Diagonal((lambda g, y, x: g / x,)),
    "log1p": Diagonal((lambda g, y, x: g / (x + 1),)),
    "logaddexp": Diagonal((
        lambda g, y, a, b: g * scipy.special.expit(a - b),
        lambda g, y, a, b: g * scipy.special.expit(b - a),
    )),
    "logistic": Diagonal((lambda g, y, x: g * (y * (1 - y)),)),
    "erf": Diagonal((lambda g, y, x: g * (TWO_OVER_ROOT_PI * np.exp(-(x * x))),)),
    # Circular and hyperbolic functions
    "sin": Diagonal((lambda g, y, x: g * np.cos(x),)),
    "cos": Diagonal((lambda g, y, x: -g * np.sin(x),)),
    "tan": Diagonal((lambda g, y, x: g * (1 + y * y),)),
    "arcsin": Diagonal((lambda g, y, x: g / np.sqrt(1 - x * x),)),
    "arccos": Diagonal((lambda g, y, x: -g / np.sqrt(1 - x * x),)),
    "arctan": Diagonal((lambda g, y, x: g / (1 + x * x),)),
    "arctan2": Diagonal((
        lambda g, y, a, b: g * b / (a * a + b * b),
        lambda g, y, a, b: -g * a / (a * a + b * b),
    )),
    "sinh": Diagonal((lambda g, y, x: g * np.cosh(x),)),
    "cosh": Diagonal((lambda g, y, x: g * np.sinh(x),)),
    "tanh": Diagonal((lambda g, y, x: g * (1 - y * y),)),
    # Choice and change of form
    "where": Linear(_where, operands=(1, 2)),
    "cast": Linear(_cast),
    # Products and reductions
    "matmul": Product(),
    "sum": Linear(_sum),
    "cumsum": Linear(_cumsum),
    "max": Extremum(),
    "min": Extremum(),
    # Moves
    "broadcast_to": Linear(lambda i, g, y, x: _sum_to(g, x[0].shape)),
    "reshape": Linear(lambda i, g, y, x: np.reshape(g, x[0].shape)),
    "transpose": Linear(_transpose),
    "slice": Linear(_slice),
    "unslice": Linear(lambda i, g, y, x: apply("slice", g, ranges=y.node["ranges"])),
    "take": Linear(_take, operands=(0,)),
    "scatter_add": Linear(lambda i, g, y, x: np.take(g, x[1], axis=y.node["axis"]), operands=(0,)),
    "concatenate": Linear(_concatenate),
    # Steps: flat but where they jump
    **dict.fromkeys(("sign", "floor", "ceil"), Flat()),
    **dict.fromkeys(("less", "less_equal", "equal", "not_equal", "isnan", "isfinite"), Flat()),
    **dict.fromkeys(("logical_and", "logical_or", "logical_not", "argmax", "argmin"), Flat()),
    # Leaves have nothing to hand on to
    **dict.fromkeys(("input", "constant", "random_bits"), Flat()),
}  # fmt: skip
