"""What an encoder knows of each column, as JSON and back. What comes back is checked, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memograd.errors import BadSetting
from memograd.table.categories import CategoryEncoding
from memograd.table.column import KINDS, Kind
from memograd.table.wording import shown


@dataclass(frozen=True, slots=True, eq=False)
class ColumnEncoding:
    """How one column enters the network.

    Parameters
    ----------
    name : str
    kind : {"number", "category", "boolean", "date"}
    has_gaps : bool
        Whether values were missing, and the column is a number or a date: then an input says where.
    categories : CategoryEncoding or None
        Of a category or of truth values; None for numbers and dates, which are scaled.

    Raises
    ------
    BadSetting
        When kind and categories do not fit each other.
    """

    name: str
    kind: Kind
    has_gaps: bool = False
    categories: CategoryEncoding | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.kind not in KINDS or not isinstance(self.has_gaps, bool):
            raise BadSetting(f"a column with the name {shown(self.name)} and the kind {shown(self.kind)}")
        if (self.categories is None) != (self.kind in ("number", "date")):
            raise BadSetting(f"column {shown(self.name)} is a {self.kind} with the wrong kind of encoding")
        if self.categories is not None and self.has_gaps:
            raise BadSetting(f"column {shown(self.name)} is a {self.kind}, and has an input for gaps")
        if self.kind == "boolean" and not _are_truths(self.categories):
            raise BadSetting(f"column {shown(self.name)} holds truth values, and its categories are others")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs, but for that of gaps."""
        if self.categories is None or self.categories.style != "one_hot":
            return (self.name,)
        return tuple(f"{self.name} = {category}" for category in self.categories.categories)


def described(column: ColumnEncoding) -> dict[str, Any]:
    """Return a column's encoding as JSON.

    Examples
    --------
    >>> described(ColumnEncoding("size", "category", categories=CategoryEncoding(("l", "s"), "sign")))
    {'name': 'size', 'kind': 'category', 'style': 'sign', 'categories': ['l', 's']}
    """
    if column.categories is None:
        return {"name": column.name, "kind": column.kind, "has_gaps": column.has_gaps}
    style, categories = column.categories.style, list(column.categories.categories)
    return {"name": column.name, "kind": column.kind, "style": style, "categories": categories}


def restored(description: Any) -> ColumnEncoding:
    """Return the encoding of a column that `described` wrote.

    Raises
    ------
    BadSetting
        When the description is none.
    """
    match description:
        case {"name": str(name), "kind": str(kind), "has_gaps": bool(has_gaps), **rest} if not rest:
            return ColumnEncoding(name, kind, has_gaps)  # type: ignore[arg-type]
        case {"name": str(name), "kind": str(kind), "style": str(style), "categories": list(categories), **rest} if (
            not rest
        ):
            encoding = CategoryEncoding(tuple(categories), style)  # type: ignore[arg-type]
            return ColumnEncoding(name, kind, False, encoding)  # type: ignore[arg-type]
    raise BadSetting(f"{shown(description)} does not describe a column")


def entry(description: Any, name: str, kind: type) -> Any:
    """Return an entry of a description, of that type exactly.

    Raises
    ------
    BadSetting
        When it is not there, or of another type.

    Examples
    --------
    >>> entry({"has_names": True}, "has_names", bool)
    True
    """
    value = description.get(name) if isinstance(description, Mapping) else None
    if type(value) is not kind:
        raise BadSetting(f"a description in which {name!r} is {shown(value)}; it must be a {kind.__name__}")
    return value


def _are_truths(encoding: CategoryEncoding | None) -> bool:
    return encoding is not None and all(isinstance(category, bool) for category in encoding.categories)
