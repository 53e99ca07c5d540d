"""What packs and unpacks: the walk through a value and its limits. It knows no type; rows do.

A form is what JSON can hold: ``[tag, ...]``. The bytes of arrays, frames and long texts are blobs beside it, which the
form names by number, each once: so a small entry never becomes a large value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memograd.errors import MemogradError, StoreError

Form = Any
Blob = Any

MAX_DEPTH = 100
"""Containers nested deeper are refused: JSON's reader recurses, and so do packer and unpacker, in three frames each."""


class CannotStore(MemogradError, TypeError):
    """A value that no codec can hold; the message gives the path to it."""


@dataclass(frozen=True, slots=True)
class Row:
    """How values of one tag are packed and unpacked.

    Attributes
    ----------
    pack : callable
        Of the packer, the value and its path: what stands after the tag.
    unpack : callable
        Of the unpacker and what stands after the tag: the value. Whatever it raises for what no packer made is turned
        into a StoreError.
    """

    pack: Callable[[Packer, Any, str], list[Form]]
    unpack: Callable[..., Any]


@dataclass(slots=True)
class Packer:
    """Collects the blobs of a value while its form is made.

    Attributes
    ----------
    rows : mapping of tag to Row
    tag_of : callable
        The tag of a value; None when there is none.
    blobs : list
    """

    rows: Mapping[str, Row]
    tag_of: Callable[[Any], str | None]
    blobs: list[Blob] = field(default_factory=list)
    _depth: int = 0

    def pack(self, value: Any, path: str) -> Form:
        """The form of a value.

        Raises
        ------
        CannotStore
            With the path to what no codec can hold.
        """
        tag = self.tag_of(value)
        if tag is None:
            raise CannotStore(f"{path} is {type_name(value)}, which no codec can hold; {WAYS_OUT}")
        if self._depth > MAX_DEPTH:
            raise CannotStore(f"{path} is nested too deep, or in itself; {WAYS_OUT}")
        self._depth += 1
        try:
            return [tag, *self.rows[tag].pack(self, value, path)]
        except CannotStore:
            raise
        except _NO_FORM as error:
            raise CannotStore(f"{path} is {type_name(value)}, and packing it failed ({error}); {WAYS_OUT}") from error
        finally:
            self._depth -= 1

    def blob(self, data: Blob) -> int:
        """The number of a blob."""
        self.blobs.append(data)
        return len(self.blobs) - 1


WAYS_OUT = "return arrays, numbers, text, records or containers of these, or memoize with pickle=True"

# What reading a form that no packer made can raise, and what a value can raise that is not what its type says.
_NO_FORM = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    struct.error,
)


class Unpacker:
    """Makes a value of its form.

    Attributes
    ----------
    rows : mapping of tag to Row
    blobs : sequence
    """

    __slots__ = ("_depth", "_used", "blobs", "rows")

    def __init__(self, rows: Mapping[str, Row], blobs: Sequence[Blob]) -> None:
        self.rows = rows
        self.blobs = blobs
        self._used: set[int] = set()
        self._depth = 0

    def unpack(self, form: Form) -> Any:
        """The value of a form.

        Raises
        ------
        StoreError
            When the form is none that a packer makes.
        """
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH + 2:
                raise StoreError("an entry is nested too deep to hold a value")
            tag, *rest = form
            return self.rows[tag].unpack(self, *rest)
        except StoreError:
            raise
        except _NO_FORM as error:
            raise StoreError(f"an entry does not hold a value: {type(error).__name__}: {error}") from error
        finally:
            self._depth -= 1

    def blob(self, number: int) -> Blob:
        """The blob of a number; each can be had once."""
        if type(number) is not int or not 0 <= number < len(self.blobs) or number in self._used:
            raise StoreError(f"an entry asks for blob {number!r:.20} of {len(self.blobs)}, or for one twice")
        self._used.add(number)
        return self.blobs[number]


def type_name(value: Any) -> str:
    """What the type of a value is called."""
    return f"{type(value).__module__}.{type(value).__qualname__}"
