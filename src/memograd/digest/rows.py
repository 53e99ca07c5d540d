"""Which row a value has: by its exact type, or found for its class by asking one family after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from memograd.digest.arrays import ARRAY_ROWS, resolve_dtype, resolve_scalar
from memograd.digest.builtin import BUILTIN_ROWS
from memograd.digest.code import CODE_ROWS, resolve_code
from memograd.digest.instances import (
    INSTANCE_ROWS,
    resolve_dataclass,
    resolve_enum,
    resolve_key,
    resolve_named_tuple,
    resolve_subclass,
)
from memograd.digest.node import Code, Row
from memograd.digest.optional import resolve_optional
from memograd.digest.plain import resolve_plain
from memograd.digest.refusal import refusal_row
from memograd.digest.stdlib import STDLIB_ROWS

ROWS: Mapping[type, Row] = {**BUILTIN_ROWS, **STDLIB_ROWS, **CODE_ROWS, **ARRAY_ROWS, **INSTANCE_ROWS}
"""The rows of types that are known exactly; a subclass is another type."""

RESOLVERS: Sequence[Callable[[type, Code | None], Row | None]] = (
    resolve_key,  # what a class says of itself goes before what could be found out
    resolve_enum,  # an IntEnum is no int
    resolve_scalar,  # nor is a numpy.float64 a float
    resolve_dtype,
    resolve_optional,
    resolve_dataclass,
    resolve_named_tuple,
    resolve_subclass,
    resolve_code,
    resolve_plain,  # what can be called was asked for as code
)
"""The families that know classes they have never seen; the first that gives a row is right."""


class RowsOfOneWalk:
    """The rows, with those found for classes met on the way. They last for one walk: the code may change after it."""

    __slots__ = ("_code", "_found")

    def __init__(self, code: Code | None) -> None:
        self._code = code
        self._found: dict[type, Row] = {}

    def row(self, kind: type) -> Row:
        """The row of the values of a type; one that refuses when there is none."""
        known = ROWS.get(kind) or self._found.get(kind)
        if known is None:
            known = self._found[kind] = self._resolve(kind)
        return known

    def _resolve(self, kind: type) -> Row:
        found = (resolve(kind, self._code) for resolve in RESOLVERS)
        return next(filter(None, found), refusal_row)
