"""The numbers that configure a layer, loss, optimiser or schedule: what each may be, checked where the record is made.

A checked number becomes a Python one: a `numpy.float64` taken from a grid of learning rates would otherwise turn
float32 arrays into float64 wherever it meets them.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from memograd.errors import BadSetting


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a setting must be.

    Attributes
    ----------
    text : str
        Completes "it must be ...".
    convert : callable
        To a plain Python value; raises TypeError for what is no such value.
    holds : callable
        Whether the converted value will do.
    """

    text: str
    convert: Callable[[Any], Any]
    holds: Callable[[Any], bool]

    def accepts(self, value: Any) -> bool:
        """Whether the value, converted, will do."""
        try:
            return self.holds(self.convert(value))
        except TypeError:
            return False


def settle(record: Any, **requirements: Requirement) -> None:
    """Check fields of a frozen record that is being made, and store them as plain Python values.

    Raises
    ------
    BadSetting
        Naming the record, the field, its value and the requirement.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Pace:
    ...     rate: float
    ...     def __post_init__(self):
    ...         settle(self, rate=POSITIVE)
    >>> Pace(-1)
    Traceback (most recent call last):
        ...
    memograd.errors.BadSetting: Pace(rate=-1): rate must be a finite number above 0
    """
    for name, requirement in requirements.items():
        plain = checked(type(record).__name__, name, getattr(record, name), requirement)
        object.__setattr__(record, name, plain)


def checked(owner: str, name: str, value: Any, requirement: Requirement) -> Any:
    """The value as a plain Python one.

    Raises
    ------
    BadSetting
        When it is not what is required.

    Examples
    --------
    >>> checked("Dense", "n_in", np.int64(3), COUNT)
    3
    """
    if not requirement.accepts(value):
        raise BadSetting(f"{owner}({name}={value!r}): {name} must be {requirement.text}")
    return requirement.convert(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise TypeError(value)
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(value)
    return operator.index(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(value)
    return bool(value)


POSITIVE = Requirement("a finite number above 0", _number, lambda x: x > 0)
NOT_NEGATIVE = Requirement("a finite number of at least 0", _number, lambda x: x >= 0)
BELOW_ONE = Requirement("a number in [0, 1)", _number, lambda x: 0 <= x < 1)
INSIDE_UNIT = Requirement("a number in (0, 1)", _number, lambda x: 0 < x < 1)
COUNT = Requirement("a positive integer", _integer, lambda x: x > 0)
FEW = Requirement("an integer from 1 to 32", _integer, lambda x: 1 <= x <= 32)
WORD = Requirement("an integer in [0, 2**64)", _integer, lambda x: 0 <= x < 2**64)
FLAG = Requirement("True or False", _flag, lambda x: True)
