"""Rows for the sparse matrices and arrays of SciPy: told as they are stored.

So the format counts, and with it the order of the entries, zeros that are stored and entries that are stored twice:
a product adds them in that order, and rounds by it. Call `sum_duplicates` and `sort_indices` to have one digest for
all matrices of equal entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from types import ModuleType
from typing import Any

import numpy as np

from memograd.digest.attributes import attached
from memograd.digest.node import Row, record_row

# What each format consists of, besides the shape.
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "coords"),
    "csc": ("data", "indices", "indptr"),
    "csr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
    "lil": ("dtype", "data", "rows"),
}


def sparse_rows(sparse: ModuleType) -> Mapping[type, Row]:
    """The rows of `scipy.sparse`, given that module."""
    return {
        getattr(sparse, f"{form}_{family}"): _row(form, f"scipy.sparse.{form}_{family}")
        for form in (*_ATTRIBUTES, "dok")
        for family in ("array", "matrix")
    }


# Set by SciPy itself, and no part of what is stored.
_NOT_STORED = ("maxprint", "has_canonical_format", "dtype")


def _row(form: str, name: str) -> Row:
    stored = _ATTRIBUTES.get(form, ())
    content = _dict_of_entries if form == "dok" else attrgetter(*stored)

    def parts(value: Any) -> Sequence[Any]:
        return [value.shape, attached(value, *stored, *_NOT_STORED), *content(value)]

    steps = [f".{attribute}" for attribute in ("shape", "__dict__", *(stored or ("dtype", "_dict")))]
    return record_row(name, parts, steps)


def _dict_of_entries(value: Any) -> Sequence[Any]:
    # The places are Python's or NumPy's integers, depending on how they were set.
    return [value.dtype, {tuple(map(int, np.atleast_1d(place))): entry for place, entry in value.items()}]
