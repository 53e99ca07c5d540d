"""How values, names and places are written in a message about a table."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

_SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 6


def shown(value: object) -> str:
    """Return a value as Python writes it, on one line and not too long for a message.

    Examples
    --------
    >>> print(shown("two\\nlines"), shown(1.5))
    'two\\nlines' 1.5
    """
    text = repr(value[: _SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def listed(values: Sequence[object]) -> str:
    """Return values as Python writes them, the first few of many.

    Examples
    --------
    >>> print(listed(("a", "b")), "and", listed(range(9)))
    'a', 'b' and 0, 1, 2, 3, 4, 5, …
    """
    return ", ".join([*map(shown, values[:_SHOWN_NAMES]), *(["…"] if len(values) > _SHOWN_NAMES else [])])


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural if there is not one.

    Examples
    --------
    >>> counted(1, "row"), counted(0, "row")
    ('1 row', '0 rows')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def place(name: str, row_index: int, n_rows: int) -> str:
    """Return where a value stands; rows are counted from 1.

    Examples
    --------
    >>> place("age", 2, 10)
    "column 'age', row 3 of 10"
    """
    return f"column {shown(name)}, row {row_index + 1} of {n_rows}"


def closest(name: str, names: Sequence[str]) -> str | None:
    """Return the name that comes closest to `name`, if one comes close.

    Examples
    --------
    >>> closest("age", ("Age ", "size")), closest("age", ("size",))
    ('Age ', None)
    """
    found = _close(name, names)
    return found[0] if found else None


def instead(name: str, names: Sequence[str]) -> str:
    """Return what `name` may have been meant to be: the names that come close, else the first ones.

    Examples
    --------
    >>> instead("Heigth", ("height", "weight"))
    "did you mean 'height' or 'weight'?"
    >>> instead("colour", ("a", "b"))
    "the table has 'a', 'b'"
    """
    close = _close(name, names)
    return f"did you mean {' or '.join(map(shown, close))}?" if close else f"the table has {listed(names)}"


def _close(name: str, names: Sequence[str]) -> list[str]:
    """The names that come close to `name`, the closest first."""
    lowered = {other.lower(): other for other in reversed(names)}
    return [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered)]
