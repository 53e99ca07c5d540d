"""Types of arguments: text becomes a value, or one line that says what it should have been."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def hidden_sizes(text: str) -> tuple[int, ...]:
    """``64,64`` as sizes of hidden layers; nothing, or ``none``, for no hidden layer.

    Examples
    --------
    >>> hidden_sizes("64,32"), hidden_sizes("none")
    ((64, 32), ())
    """
    if text.strip().lower() in ("", "none"):
        return ()
    return _positive(text, ",", "nodes of each hidden layer, such as 64,64")


def network_sizes(text: str) -> tuple[int, ...]:
    """``2-2-2-1`` as sizes of all layers.

    Examples
    --------
    >>> network_sizes("2-2-2-1")
    (2, 2, 2, 1)
    """
    sizes = _positive(text, "-", "nodes of each layer, such as 2-2-2-1")
    if len(sizes) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} has one layer; give at least input and output, such as 2-1")
    return sizes


def weight_index(text: str) -> tuple[int, int, int]:
    """``1,1,1`` as k, i, j of w(k, i, j).

    Examples
    --------
    >>> weight_index("1,2,1")
    (1, 2, 1)
    """
    numbers = _positive(text, ",", "layer, from and to, such as 1,1,1")
    if len(numbers) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} has {len(numbers)} numbers; give layer, from and to, such as 1,1,1")
    return numbers[0], numbers[1], numbers[2]


def at_least(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """A type of whole numbers.

    Examples
    --------
    >>> at_least(1)("3")
    3
    """

    def number(text: str) -> int:
        value = _whole(text)
        if value is None or not least <= value <= most:
            limit = "" if most >= 2**63 - 1 else f" and at most {most:,}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}{limit}")
        return value

    return number


def share(text: str) -> float:
    """A number in [0, 1).

    Examples
    --------
    >>> share("0.2")
    0.2
    """
    if not 0 <= (value := _number(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share, a number of at least 0 and below 1")
    return value


def positive(text: str) -> float:
    """A finite number above 0.

    Examples
    --------
    >>> positive("1e-3")
    0.001
    """
    if not 0 < (value := _number(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, such as 0.001")
    return value


# No machine holds a layer of more; a slip of the keyboard should not ask for it.
_MAX_NODES = 1_000_000


def _positive(text: str, separator: str, wanted: str) -> tuple[int, ...]:
    numbers = [_whole(part) for part in text.split(separator)]
    if any(number is None or not 1 <= number <= _MAX_NODES for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}: whole numbers from 1 to {_MAX_NODES:,}")
    return tuple(number for number in numbers if number is not None)


def _number(text: str) -> float:
    """The number that a text is; NaN, which no comparison admits, if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(text: str) -> int | None:
    digits = text.strip().removeprefix("-")
    # Longer ones are no size of anything, and converting them takes quadratic time.
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 30 else None
