"""A check of tables of Arrow: that they hold about as much as the bytes that they were read from.

Arrow has ways to say much in few bytes, and what is made of a table says it in full: views of strings and lists that
share their bytes, runs, texts of a dictionary inside of lists, elements that take no bytes. Whoever forges an entry
could ask for any amount of memory with them. No table that pandas makes of its own types needs one of them.

Knows the layout of Arrow's arrays, after *Columnar format* (version 1.5); nothing is imported.
"""

from __future__ import annotations

import re
from typing import Any

from memograd.errors import StoreError

SPARE_CELLS = 1 << 20
"""A table may have so many elements more than its bytes account for, such as columns of nulls."""

# A bit is the least that an element takes, but where it takes nothing.
_CELLS_PER_BYTE = 8

_SHARED = re.compile("(string|binary|list|large_list)_view|run_end_encoded")


def check_bounded(table: Any, n_bytes: int) -> None:
    """Check that a table is not much more than the bytes that it was read from.

    Parameters
    ----------
    table : pyarrow.Table
        Found valid by Arrow.
    n_bytes : int

    Raises
    ------
    StoreError
        When it could be.
    """
    n_cells = sum(_n_cells(chunk) for column in table.columns for chunk in column.chunks)
    # A table without columns has rows all the same.
    if max(n_cells, table.num_rows) > _CELLS_PER_BYTE * n_bytes + SPARE_CELLS:
        raise StoreError(f"an entry declares a frame of {max(n_cells, table.num_rows)} elements in {n_bytes} bytes")


def _n_cells(column: Any) -> int:
    """The elements of an array and of all arrays inside of it."""
    n_cells, pending = 0, [column]
    while pending:
        array = pending.pop()
        kind = str(array.type)
        # A column that is a dictionary becomes a categorical, which keeps it.
        if _SHARED.match(kind) or (kind.startswith("dictionary<") and array is not column):
            raise StoreError(f"an entry holds a column of type {kind:.80}, whose elements can share bytes")
        n_cells += len(array)
        pending.extend(_children(array))
    return n_cells


def _children(array: Any) -> list[Any]:
    kind = array.type
    if hasattr(array, "storage"):  # of an extension type
        return [array.storage]
    if hasattr(array, "keys") and hasattr(array, "items"):  # a map
        return [array.keys, array.items]
    if hasattr(array, "values"):  # lists; not `flatten`, which leaves out what a null hides
        return [array.values]
    if hasattr(array, "field"):
        return [array.field(index) for index in range(kind.num_fields)]
    return []
