"""Categories become one sign, an input each, or a code that a network embeds. What is missing or unseen is nothing."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting
from memograd.table.column import Column, Scalar, canonical, identity, sort_key
from memograd.table.wording import shown

Style = Literal["nothing", "sign", "one_hot", "embedding"]

MAX_CATEGORIES = 2**24 - 1
"""So many codes are different in float32."""

_SIGNS = np.array([0.0, -1.0, 1.0], dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class CategoryEncoding:
    """The categories of a column, and how they enter the network.

    Parameters
    ----------
    categories : tuple of str, int, float or bool
        Those that were seen, in order: truth values, numbers, text.
    style : {"nothing", "sign", "one_hot", "embedding"}
        "nothing": one input that is 0. "sign": one input, −1 for the first and 1 for the second category; a single
        category beside missing values is 1. "one_hot": an input for each. "embedding": one input, the code of the
        category, counted from 1. Everywhere 0 stands for what is missing or was not seen.

    Raises
    ------
    BadSetting
        When the categories are not in order, not all different, or too few or many for the style.

    Examples
    --------
    >>> column = Column("size", "category", np.array(["m", "s", "l", None, "m"], dtype=object))
    >>> encoding = CategoryEncoding.fit(column, one_hot_up_to=9)
    >>> encoding.categories, encoding.style, encoding.codes(column)
    (('l', 'm', 's'), 'one_hot', array([2, 3, 1, 0, 2]))
    """

    categories: tuple[Scalar, ...]
    style: Style

    def __post_init__(self) -> None:
        for category in self.categories:
            if not _is_category(category):
                raise BadSetting(
                    f"{shown(category)} cannot be a category; it must be text, a finite number or a truth value"
                )
        keys = list(map(sort_key, self.categories))
        if any(not one < two for one, two in itertools.pairwise(keys)):
            raise BadSetting("the categories of a column are not in order, or not all different")
        if self.style not in get_args(Style):
            raise BadSetting(
                f"categories are encoded as {self.style!r}; it must be one of {', '.join(get_args(Style))}"
            )
        least, most = _NUMBERS[self.style]
        if not least <= len(self.categories) <= most:
            raise BadSetting(f"{len(self.categories)} categories as {self.style!r}, which takes {least} to {most}")

    @classmethod
    def fit(cls, column: Column, one_hot_up_to: int) -> CategoryEncoding:
        """Choose the style for the categories that occur in a column."""
        assert column.categories is not None
        counts = np.bincount(column.data + 1, minlength=len(column.categories) + 1)
        seen = [category for category, count in zip(column.categories, counts[1:], strict=True) if count]
        n_seen = len(seen)
        if n_seen > MAX_CATEGORIES:
            raise BadSetting(f"column {shown(column.name)} has {n_seen} categories; {MAX_CATEGORIES} is the most")
        if n_seen + bool(counts[0]) < 2:
            style: Style = "nothing"
        else:
            style = "sign" if n_seen <= 2 else "one_hot" if n_seen <= one_hot_up_to else "embedding"
        return cls(tuple(sorted(seen, key=sort_key)), style)

    @property
    def n_inputs(self) -> int:
        """How many inputs the column takes."""
        return len(self.categories) if self.style == "one_hot" else 1

    def codes(self, column: Column) -> NDArray[np.int64]:
        """Return the code of each row's category, counted from 1 in order; 0 for what is missing or unseen."""
        assert column.categories is not None
        known = {identity(category): code for code, category in enumerate(self.categories, start=1)}
        table = [known.get(identity(category), 0) for category in column.categories]
        return np.array([*table, 0], dtype=np.int64)[column.data]  # −1, which is missing, takes the last

    def write(self, column: Column, out: NDArray[np.float32]) -> None:
        """Write a column into out : (n_rows, n_inputs), all zeros."""
        if self.style == "nothing":
            return
        codes = self.codes(column)
        if self.style == "one_hot":
            rows = np.flatnonzero(codes)
            out[rows, codes[rows] - 1] = 1.0
        else:
            out[:, 0] = codes if self.style == "embedding" else self._signs[codes]

    @property
    def _signs(self) -> NDArray[np.float32]:
        """The input of each code of a sign."""
        return _SIGNS if len(self.categories) == 2 else _SIGNS[[0, 2]]


_NUMBERS: dict[Style, tuple[int, int]] = {
    "nothing": (0, 1),
    "sign": (1, 2),
    "one_hot": (3, MAX_CATEGORIES),
    "embedding": (3, MAX_CATEGORIES),
}
"""How many categories a style takes, from and to."""


def _is_category(value: Any) -> bool:
    """Whether a value is a category as `canonical` writes it."""
    try:
        found = canonical(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return found is not None and type(found) is type(value)
