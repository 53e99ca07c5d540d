"""One column of a table: numbers, truth values, dates, or categories with the code of each row.

Owns what a category is: text, a number or a truth value, each of its own type. Knows no containers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from memograd.errors import DataError
from memograd.table.wording import place, shown

Kind = Literal["number", "category", "boolean", "date"]
Scalar = str | int | float | bool
Array = NDArray[Any]

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A named column, all of whose values are of one kind.

    Parameters
    ----------
    name : str
    kind : {"number", "category", "boolean", "date"}
    data : (n_rows,) float64, or (n_rows,) int64 for a category
        Numbers, truth values as 0 and 1, or dates as seconds since 1970 began in UTC, with NaN for what is missing;
        codes of categories, with −1 for what is missing. An object array of a category's values will do, with None
        for what is missing: it is replaced by codes. May share memory with what it was read from.
    categories : tuple of str, int, float or bool, optional
        What the codes count, all different; not all need occur. 1 and "1" and True are different, 1 and 1.0 are not.

    Attributes
    ----------
    values : (n_rows,) float64, or (n_rows,) object for a category
        The latter with None for what is missing.

    Raises
    ------
    DataError
        When a value is infinite, or of a type that is none of the above; the message says in which row.

    Examples
    --------
    >>> column = Column("colour", "category", np.array(["red", None, "blue", "red"], dtype=object))
    >>> column.data, column.categories
    (array([ 0, -1,  1,  0]), ('red', 'blue'))
    >>> column.values
    array(['red', None, 'blue', 'red'], dtype=object)
    """

    name: str
    kind: Kind
    data: Array
    categories: tuple[Scalar, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"column {shown(self.name)} is of the kind {self.kind!r}; the kinds are {', '.join(KINDS)}")
        if self.data.ndim != 1:
            raise DataError(f"column {shown(self.name)} has shape {self.data.shape}; it must have shape (n_rows,)")
        if self.kind == "category":
            self._settle_codes()
        else:
            self._settle_numbers()

    @classmethod
    def of_finite(cls, name: str, kind: Kind, data: NDArray[np.float64]) -> Self:
        """A column of numbers or truth values that are known to hold nothing infinite: a sixth of the time."""
        column = object.__new__(cls)
        for attribute, value in (("name", name), ("kind", kind), ("data", data), ("categories", None)):
            object.__setattr__(column, attribute, value)
        return column

    def __len__(self) -> int:
        return len(self.data)

    @property
    def values(self) -> Array:
        """The values, one a row; those of a category as objects."""
        if self.categories is None:
            return self.data
        return _objects([*self.categories, None])[self.data]

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Whether each row's value is missing."""
        return np.isnan(self.data) if self.categories is None else self.data < 0

    def take(self, rows: Array) -> Column:
        """Return the column of some rows, by their indices or by a mask."""
        return Column(self.name, self.kind, self.data[rows], self.categories)

    def _settle_codes(self) -> None:
        """Make codes of values, if that is what the data are; refuse codes of no category."""
        codes, categories = self.data, self.categories
        if categories is None:
            codes, categories = factorized(self.name, self.data.tolist())
        elif codes.dtype.kind not in "iu" or (codes.size and not -1 <= codes.min() <= codes.max() < len(categories)):
            raise DataError(
                f"column {shown(self.name)} has codes that are not integers from -1 to {len(categories) - 1}"
            )
        object.__setattr__(self, "data", codes.astype(np.int64, copy=False))
        object.__setattr__(self, "categories", categories)

    def _settle_numbers(self) -> None:
        """Refuse what is infinite; numbers of another dtype become float64."""
        if self.categories is not None:
            raise DataError(f"column {shown(self.name)} is a {self.kind}, and has categories")
        with np.errstate(over="ignore"):
            data = self.data.astype(np.float64, copy=False)
        object.__setattr__(self, "data", data)
        if not np.isfinite(data).all() and (rows := np.flatnonzero(np.isinf(data))).size:
            raise DataError(
                f"{place(self.name, int(rows[0]), len(data))}: the value is infinite (inf), or too large for a "
                f"64-bit float; correct it, or mark it as missing (NaN)"
            )


def factorized(name: str, values: Sequence[Any]) -> tuple[NDArray[np.int64], tuple[Scalar, ...]]:
    """Number the distinct values of a column in order of appearance.

    Parameters
    ----------
    name : str
        For messages.
    values : sequence of (n_rows,) scalars
        Text, numbers, truth values, NumPy's included; None and NaN for what is missing.

    Returns
    -------
    codes : (n_rows,) int64
        −1 for what is missing.
    categories : tuple

    Raises
    ------
    DataError
        When a value is infinite or no scalar.

    Examples
    --------
    >>> factorized("x", [1, "1", True, 1.0, None])
    (array([ 0,  1,  2,  0, -1]), (1, '1', True))
    """
    plain = {type(value) for value in values} <= {str, type(None)}
    keys = values if plain else _keys(name, values)
    numbers: dict[Any, int] = dict.fromkeys(keys, -1)
    numbers.pop(None, None)
    numbers = {key: number for number, key in enumerate(numbers)}
    numbers[None] = -1
    codes = np.fromiter(map(numbers.__getitem__, keys), dtype=np.int64, count=len(values))
    del numbers[None]
    return codes, tuple(key.value if isinstance(key, _Truth) else key for key in numbers)


def canonical(value: Any) -> Scalar | None:
    """Return a category as the plain Python scalar that stands for it; None if it is missing.

    Whole floats become integers, so that a column of integers stays the same when a gap makes floats of it.

    Raises
    ------
    TypeError
        When the value is no scalar that can be a category.
    ValueError
        When it is infinite.

    Examples
    --------
    >>> canonical(np.float32(2)), canonical(np.str_("2")), canonical(np.True_), canonical(float("nan"))
    (2, '2', True, None)
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if not isinstance(value, float | np.floating | Decimal | Fraction):
        raise TypeError(f"it is of the type {type(value).__name__}")
    number = float(value)
    if math.isinf(number):
        raise ValueError("it is infinite")
    return None if math.isnan(number) else int(number) if number.is_integer() else number


def sort_key(category: Scalar) -> tuple[int, Any]:
    """Return what categories are sorted by: truth values, then numbers, then text by code points.

    Examples
    --------
    >>> sorted(["b", 2, "a", True, 1.5], key=sort_key)
    [True, 1.5, 2, 'a', 'b']
    """
    return (0 if isinstance(category, bool) else 2 if isinstance(category, str) else 1), category


@dataclass(frozen=True, slots=True)
class _Truth:
    """A truth value as a key of a dictionary, where it would equal 0 or 1."""

    value: bool


def identity(category: Scalar | None) -> Any:
    """Return a key that is equal for equal categories of the same type only.

    Examples
    --------
    >>> identity(True) == identity(1), identity(1) == identity(1)
    (False, True)
    """
    return _Truth(category) if isinstance(category, bool) else category


def _keys(name: str, values: Sequence[Any]) -> list[Any]:
    """The keys of the values; an error that says which row's value is none."""
    keys = []
    for row_index, value in enumerate(values):
        try:
            keys.append(identity(canonical(value)))
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"{place(name, row_index, len(values))}: {shown(value)} cannot be a category: {error}; "
                "make it text, a finite number or a truth value"
            ) from error
    return keys


def _objects(values: Iterable[Any]) -> Array:
    """An array of objects, one each, even if they are sequences."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
