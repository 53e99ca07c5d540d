"""What a row of a table makes of a value: its token, or a node whose children are to be encoded first.

A *row* knows one type: it takes a value apart and never looks into the parts. So no row calls another, the walk
alone goes down, and depth is no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from memograd.digest.encoding import RECORD, record_head

Code = Callable[[Any], Any]
"""Gives a function or class a value that stands for it in a digest, or NotImplemented when it knows none."""


def item_step(index: int) -> str:
    """The way from a sequence to one of its items, as one would write it."""
    return f"[{index}]"


class Node(NamedTuple):
    """A value taken apart. Its token is that of `tag` and of `head + join(tokens of the children)`.

    Attributes
    ----------
    tag, head : bytes
        What is known without looking at the children.
    children : sequence
        Values; the node keeps them alive while it is open.
    step : callable
        The way to the child of an index, as one would write it; only called when something is refused.
    join : callable
        Puts the children's tokens in a defined order.
    """

    # A named tuple: one is made for each container of a value, and a frozen dataclass takes more than twice as long.
    tag: bytes
    head: bytes
    children: Sequence[Any]
    step: Callable[[int], str] = item_step
    join: Callable[[Iterable[bytes]], bytes] = b"".join


class Identity(NamedTuple):
    """What tells a class from all others; one object for all its instances, so that it is encoded once."""

    module: str
    qualified_name: str
    said: Any


Row = Callable[[Any], bytes | Node]
"""Makes a token or a node of a value of one type; raises CannotDigest, without a path, where it must refuse."""


def record(form: str, children: Sequence[Any], steps: Sequence[str] = ()) -> Node:
    """The node of a value that is told by the name of its form and a fixed list of parts.

    Parameters
    ----------
    form : str
        Unique among all records.
    children : sequence
    steps : sequence of str
        The way to each child; without them the children are reached as items.
    """
    return Node(RECORD, record_head(form), children, steps.__getitem__ if steps else item_step)


def record_row(form: str, parts: Callable[[Any], Sequence[Any]], steps: Sequence[str] = ()) -> Row:
    """The row of a type whose values are told by the parts that a function gives."""
    head, step = record_head(form), steps.__getitem__ if steps else item_step
    return lambda value: Node(RECORD, head, parts(value), step)


def attributes_row(form: str, *attributes: str) -> Row:
    """The row of a type whose values are told by some attributes."""
    get = attrgetter(*attributes)
    parts = get if len(attributes) > 1 else lambda value: (get(value),)
    return record_row(form, parts, [f".{name}" for name in attributes])
