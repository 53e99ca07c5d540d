"""An oracle: numbers that carry, for each argument, the product of local derivatives along every single path to it.

Run on them, plain Python code enumerates its paths by itself, one list entry a path: no graph, no rules, no memo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

Operand: TypeAlias = "PathNumber | Fraction | float"


@dataclass(frozen=True, slots=True)
class PathNumber:
    """A value, and by argument the derivative along each path."""

    value: Fraction
    paths: Mapping[str, tuple[Fraction, ...]]

    def __add__(self, other: Operand) -> PathNumber:
        x, y = self, lifted(other)
        return joined(x.value + y.value, (x, Fraction(1)), (y, Fraction(1)))

    def __mul__(self, other: Operand) -> PathNumber:
        x, y = self, lifted(other)
        return joined(x.value * y.value, (x, y.value), (y, x.value))

    def __sub__(self, other: Operand) -> PathNumber:
        x, y = self, lifted(other)
        return joined(x.value - y.value, (x, Fraction(1)), (y, Fraction(-1)))

    def __truediv__(self, other: Operand) -> PathNumber:
        x, y = self, lifted(other)
        return joined(x.value / y.value, (x, 1 / y.value), (y, -x.value / y.value**2))

    def __neg__(self) -> PathNumber:
        return joined(-self.value, (self, Fraction(-1)))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Operand) -> PathNumber:
        return lifted(other) - self

    def __rtruediv__(self, other: Operand) -> PathNumber:
        return lifted(other) / self


def argument(name: str, value: Fraction) -> PathNumber:
    """An argument: one empty path leads from it to itself."""
    return PathNumber(value, {name: (Fraction(1),)})


def lifted(operand: Operand) -> PathNumber:
    """A constant is a number without paths."""
    return operand if isinstance(operand, PathNumber) else PathNumber(Fraction(operand), {})


def joined(value: Fraction, *parts: tuple[PathNumber, Fraction]) -> PathNumber:
    """Every path of every operand, one local derivative longer."""
    paths: dict[str, tuple[Fraction, ...]] = {}
    for operand, partial in parts:
        for name, products in operand.paths.items():
            paths[name] = paths.get(name, ()) + tuple(product * partial for product in products)
    return PathNumber(value, paths)
