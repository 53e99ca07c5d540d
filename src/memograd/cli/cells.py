"""What one cell of a table may hold: a number that a network can learn from, or one of a few known troubles.

Owns the rules by which text is a number, and the words for text that is not. Knows no tables.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FLOAT32_MAX = float(np.finfo(np.float32).max)
"""The largest number that a network in float32 can take in."""

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
_DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*,\d[\d.,]*(e[+-]?\d+)?", re.IGNORECASE)
_SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 5


def shown(text: str) -> str:
    """Return `text` quoted, on one line and not too long for a message.

    Examples
    --------
    >>> print(shown("two\\nlines"))
    'two\\nlines'
    """
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…")


def listed(names: Sequence[str]) -> str:
    """Return names quoted, the first few of many, for a message.

    Examples
    --------
    >>> print(listed(("a", "b")), listed("abcdefg"))
    'a', 'b' 'a', 'b', 'c', 'd', 'e', …
    """
    return ", ".join([*map(shown, names[:_SHOWN_NAMES]), *(["…"] if len(names) > _SHOWN_NAMES else [])])


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is not known.

    Examples
    --------
    >>> is_missing("n/a"), is_missing("-"), is_missing("0")
    (True, True, False)
    """
    return cell.lstrip("+-").lower() in _MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is written as a number, infinite ones included.

    Examples
    --------
    >>> is_number("1e3"), is_number("red"), is_number("1_000")
    (True, False, False)
    """
    return not math.isnan(_float(cell))


def looks_numeric(cell: str) -> bool:
    """Whether a cell is a number, or one as it is written with a decimal comma.

    Examples
    --------
    >>> looks_numeric("3.14"), looks_numeric("3,14"), looks_numeric("red")
    (True, True, False)
    """
    return is_number(cell) or _DECIMAL_COMMA.fullmatch(cell) is not None


def is_usable(cell: str) -> bool:
    """Whether a cell is a number that float32 can hold.

    Examples
    --------
    >>> is_usable("1e3"), is_usable("1e39"), is_usable("inf"), is_usable("nan")
    (True, False, False, False)
    """
    return abs(_float(cell)) <= FLOAT32_MAX


def first_unusable(cells: Sequence[str]) -> int:
    """Return the index of the first cell that is not usable; there must be one.

    Examples
    --------
    >>> first_unusable(("1", "2", "x", "y"))
    2
    """
    return next(index for index, cell in enumerate(cells) if not is_usable(cell))


def as_numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the cells as numbers if all of them are usable, else None.

    Parameters
    ----------
    cells : sequence of (n_rows,) str

    Returns
    -------
    numbers : (n_rows,) float64 or None

    Examples
    --------
    >>> as_numbers(("1", "2.5"))
    array([1. , 2.5])
    >>> as_numbers(("1", "red")) is None
    True
    """
    if "_" in "".join(cells):  # float("1_000") is Python's syntax, not data's
        return None
    try:
        numbers = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    return numbers if bool((np.abs(numbers) <= FLOAT32_MAX).all()) else None


def trouble(cell: str) -> tuple[str, str]:
    """Return what keeps a cell from being usable, and what to do about it.

    Parameters
    ----------
    cell : str
        One for which `is_usable` is false.

    Examples
    --------
    >>> trouble("3,14")
    ("'3,14' is not a number", 'write it with a decimal point and no thousands separators')
    """
    what, fix = next((what, fix) for applies, what, fix in _TROUBLES if applies(cell))
    return what.format(cell=shown(cell)), fix


def _float(cell: str) -> float:
    """Return the number that is written in a cell; NaN if there is none."""
    try:
        return math.nan if "_" in cell else float(cell)
    except ValueError:
        return math.nan


_TROUBLES: tuple[tuple[Callable[[str], object], str, str], ...] = (
    (is_missing, "missing value", "fill it in or drop the row"),
    (
        _DECIMAL_COMMA.fullmatch,
        "{cell} is not a number",
        "write it with a decimal point and no thousands separators",
    ),
    (lambda cell: not is_number(cell), "{cell} is not a number", "correct it"),
    (lambda cell: "inf" in cell.lower(), "{cell} is infinite", "correct it or drop the row"),
    (lambda _: True, "{cell} is too large for a 32-bit float", "rescale the column"),
)
