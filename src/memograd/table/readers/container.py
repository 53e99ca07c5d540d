"""What a reader makes of a container: the names of its columns, and how to read each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memograd.table.column import Column


@dataclass(frozen=True, slots=True)
class Container:
    """Columns that are yet to be read.

    Attributes
    ----------
    names : tuple of (n_columns,) str, or None
        None if the container has no names.
    n_columns, n_rows : int
    read : callable
        Given the index of a column, its name, and whether it is to be a category, returns the column, or raises
        DataError with the name.
    """

    names: tuple[str, ...] | None
    n_columns: int
    n_rows: int
    read: Callable[[int, str, bool], Column]
