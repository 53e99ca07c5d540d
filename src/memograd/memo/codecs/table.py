"""The table of all codecs, and the way in and out. Nothing that is read can run code.

Decoding makes only values of the types in the tables of the families, and instances of dataclasses, named tuples and
enums whose class is imported already: a form names a class, and never causes an import, calls a constructor or reads a
pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memograd.memo.codecs import arrays, frames, plain, records
from memograd.memo.codecs.packing import Blob, Form, Packer, Row, Unpacker

TAGS: Mapping[type, str] = {**plain.TAGS, **arrays.TAGS}
"""The tags of exact types."""

FAMILIES: Mapping[str, Callable[[Any], bool]] = {**arrays.FAMILIES, **records.FAMILIES, **frames.FAMILIES}
"""How values are recognised whose type is one of many; asked in this order."""

ROWS: Mapping[str, Row] = {**plain.ROWS, **arrays.ROWS, **records.ROWS, **frames.ROWS}
"""How values of each tag are packed and unpacked."""


def tag_of(value: Any) -> str | None:
    """The tag of a value; None when no codec can hold it."""
    return TAGS.get(type(value)) or next((tag for tag, holds in FAMILIES.items() if holds(value)), None)


def packer() -> Packer:
    """Return a new packer."""
    return Packer(ROWS, tag_of)


def unpacker(blobs: Sequence[Blob]) -> Unpacker:
    """Return a new unpacker."""
    return Unpacker(ROWS, blobs)


def encode(value: Any) -> tuple[Form, list[Blob]]:
    """A value as a form for JSON, and blobs.

    Raises
    ------
    CannotStore
        With the path to what no codec can hold.

    Examples
    --------
    >>> encode({"x": (1, 2.5)})
    (['dict', [[['str', 'x'], ['tuple', [['int', '1'], ['float', '0000000000000440']]]]]], [])
    >>> import numpy as np
    >>> form, blobs = encode(np.arange(3.0))
    >>> decode(form, blobs)
    array([0., 1., 2.])
    """
    new = packer()
    return new.pack(value, "the result"), new.blobs


def decode(form: Form, blobs: Sequence[Blob]) -> Any:
    """The value of a form and its blobs; the inverse of `encode`.

    Raises
    ------
    StoreError
        When they do not make a value.
    """
    return Unpacker(ROWS, blobs).unpack(form)
