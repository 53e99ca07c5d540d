"""Rows for packages that may be absent or are slow to import: asked for only when a value is of a class from there.

Such a package is then in `sys.modules`, so nothing is ever imported here.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from types import ModuleType

from memograd.digest.masked import masked_rows
from memograd.digest.node import Code, Row
from memograd.digest.pandas_frames import pandas_rows
from memograd.digest.polars_frames import polars_rows
from memograd.digest.random_numbers import random_rows
from memograd.digest.sparse import sparse_rows

OPTIONAL: Mapping[str, tuple[str, Callable[[ModuleType], Mapping[type, Row]]]] = {
    "numpy.ma": ("numpy.ma", masked_rows),
    "numpy.random": ("numpy.random", random_rows),
    "pandas": ("pandas", pandas_rows),
    "polars": ("polars", polars_rows),
    "scipy": ("scipy.sparse", sparse_rows),
}
"""For each package, the module that defines the classes, and what makes the rows of that module."""


def resolve_optional(kind: type, code: Code | None) -> Row | None:
    """The row of a class of one of the packages."""
    parts = str(kind.__module__).split(".")
    package = ".".join(parts[:2]) if parts[0] == "numpy" else parts[0]
    rows = _rows(package) if package in OPTIONAL else None
    return rows.get(kind) if rows else None


def _rows(package: str) -> Mapping[type, Row] | None:
    name, _ = OPTIONAL[package]
    return _rows_of(package, sys.modules[name]) if name in sys.modules else None


@functools.lru_cache(maxsize=len(OPTIONAL))
def _rows_of(package: str, module: ModuleType) -> Mapping[type, Row]:
    return OPTIONAL[package][1](module)
