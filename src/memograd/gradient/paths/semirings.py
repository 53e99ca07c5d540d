"""Semirings: what it means to add and multiply along the paths of a derivative graph.

It owns the table `SEMIRINGS` and the free semiring's expressions. It knows neither graphs nor the sweep.

| semiring  | add, multiply         | the sum over all paths is           |
|-----------|-----------------------|-------------------------------------|
| REAL      | +, ×                  | the derivative                      |
| COUNT     | +, × of whole numbers | the number of paths                 |
| REACHES   | or, and               | whether there is a path             |
| STRONGEST | max, ×                | the largest magnitude, and its path |
| WRITTEN   | formal + and ×        | the formula                         |

The distributive law is all that a sweep needs: S. M. Aji and R. J. McEliece (2000), "The Generalized
Distributive Law", IEEE Transactions on Information Theory 46(2); for gradients K. Du et al. (2023), arXiv
2307.03056. Not taken from there: their entropy semiring.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")

Real: TypeAlias = float | Fraction


@dataclass(frozen=True, slots=True)
class Semiring(Generic[T]):
    """Two operations that distribute, and their neutral elements.

    `add` is associative and commutative with `zero`; `multiply` is associative with `one`, distributes over
    `add`, and gives `zero` for `zero`. `multiply` need not commute.

    Examples
    --------
    >>> COUNT.add(COUNT.one, COUNT.multiply(3, 4))
    13
    """

    name: str
    zero: T
    one: T
    add: Callable[[T, T], T]
    multiply: Callable[[T, T], T]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Factor:
    """A name that stands for itself."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sum:
    """The parts, added; of no parts, zero."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Product:
    """The parts, multiplied from left to right; of no parts, one."""

    parts: tuple[Expression, ...]


# Compared and printed by identity: generated methods would recurse, and a network is deeper than the stack.
Expression: TypeAlias = Factor | Sum | Product

_Expressions: TypeAlias = "tuple[Expression, _Expressions] | None"
_Word: TypeAlias = "tuple[str, _Word] | None"

_NOTHING = Sum(())
_EMPTY = Product(())


@dataclass(frozen=True, slots=True)
class Strongest:
    """The largest magnitude of any path so far, and the path that attains it.

    Equality is of values: the path is a witness. It is an expression without sums, so paths share their
    beginnings, and a table of them takes memory linear in the edges.
    """

    value: Real
    path: Expression = field(compare=False, repr=False)

    def factors(self) -> tuple[str, ...]:
        """Names along the path; none where there is no path.

        Examples
        --------
        >>> STRONGEST.multiply(Strongest(2, Factor("a")), Strongest(3, Factor("b"))).factors()
        ('a', 'b')
        """
        return next(terms(self.path), ())


def terms(expression: Expression) -> Iterator[tuple[str, ...]]:
    """Enumerate the monomials of an expression, one at a time.

    Parameters
    ----------
    expression : Expression
        Shared parts are stored once, so the monomials may be exponentially more than the parts.

    Yields
    ------
    tuple of str
        The factors of a monomial, left to right; monomials from the left summand to the right one. The first
        k cost k times the depth, in memory linear in the parts, however many are left. Deterministic.

    Examples
    --------
    >>> a, b = Factor("a"), Factor("b")
    >>> either = WRITTEN.add(a, b)
    >>> list(terms(WRITTEN.multiply(either, either)))
    [('a', 'a'), ('a', 'b'), ('b', 'a'), ('b', 'b')]
    """
    waiting: list[tuple[_Expressions, _Word]] = [((expression, None), None)]
    while waiting:
        ahead, word = waiting.pop()
        while ahead is not None:
            part, ahead = ahead
            match part:
                case Factor(name=name):
                    word = (name, word)
                case Product(parts=parts):
                    ahead = _linked(parts, ahead)
                case Sum(parts=parts):
                    waiting.extend(((choice, ahead), word) for choice in reversed(parts))
                    break
        else:
            yield _letters(word)


def _linked(parts: tuple[Expression, ...], rest: _Expressions) -> _Expressions:
    for part in reversed(parts):
        rest = (part, rest)
    return rest


def _letters(word: _Word) -> tuple[str, ...]:
    letters = []
    while word is not None:
        letter, word = word
        letters.append(letter)
    return tuple(reversed(letters))


def _written_sum(left: Expression, right: Expression) -> Expression:
    # A zero inside an expression would be a dead end of `terms`: many of them, exponential work for no term.
    if left is _NOTHING:
        return right
    return left if right is _NOTHING else Sum((left, right))


def _written_product(left: Expression, right: Expression) -> Expression:
    if left is _NOTHING or right is _EMPTY:
        return left
    return right if right is _NOTHING or left is _EMPTY else Product((left, right))


def _stronger(left: Strongest, right: Strongest) -> Strongest:
    return right if right.value > left.value else left


def _strongest_product(left: Strongest, right: Strongest) -> Strongest:
    return Strongest(left.value * right.value, _written_product(left.path, right.path))


REAL: Semiring[Real] = Semiring("real", 0, 1, operator.add, operator.mul)
"""Exact for `fractions.Fraction` and for ints, rounded for floats: the numbers decide."""

COUNT: Semiring[int] = Semiring("count", 0, 1, operator.add, operator.mul)

REACHES: Semiring[bool] = Semiring("reaches", False, True, operator.or_, operator.and_)

STRONGEST: Semiring[Strongest] = Semiring(
    "strongest", Strongest(0, _NOTHING), Strongest(1, _EMPTY), _stronger, _strongest_product
)
"""Of equal magnitudes the earlier is kept. Magnitudes are not negative, and not NaN."""

WRITTEN: Semiring[Expression] = Semiring("written", _NOTHING, _EMPTY, _written_sum, _written_product)
"""The free semiring over names: equal when `terms` are, in any order."""

SEMIRINGS: Mapping[str, Semiring[Any]] = {
    semiring.name: semiring for semiring in (REAL, COUNT, REACHES, STRONGEST, WRITTEN)
}
