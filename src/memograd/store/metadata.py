"""What is known of an entry beside its value: JSON, parsed when somebody asks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, final

from memograd.errors import BadSetting, StoreError


@final
class Metadata(Mapping[str, Any]):
    """What a JSON text says. Not to be written to; whoever gets one has it alone.

    A hit needs the value and not what is known of it, and parsing would be a tenth of what a hit costs.

    Attributes
    ----------
    text : str

    Raises
    ------
    StoreError
        When it is asked, and the text is no mapping in JSON.

    Examples
    --------
    >>> Metadata('{"codec":"raw"}') == {"codec": "raw"}
    True
    """

    __slots__ = ("_found", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._parsed()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def __repr__(self) -> str:
        return repr(self._parsed())

    def _parsed(self) -> dict[str, Any]:
        if self._found is None:
            self._found = parsed(self.text)
        return self._found


MAX_DIGITS = 4300
"""Of an integer: it takes the square of their number to read them. Python's own limit can be switched off."""


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def parsed(text: str) -> dict[str, Any]:
    """The mapping that a text says.

    Raises
    ------
    StoreError
        When it is none.
    """
    try:
        found = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"the metadata of an entry are no JSON ({error})") from error
    if not isinstance(found, dict):
        raise StoreError(f"the metadata of an entry are {type(found).__name__}, and no mapping")
    return found


def json_text(metadata: Mapping[str, Any]) -> str:
    """Write metadata as JSON that reads back as exactly what it was.

    Raises
    ------
    BadSetting
        When it would not: tuples, keys that are no text, NaN, and whatever JSON does not know.

    Examples
    --------
    >>> json_text({"codec": "raw"})
    '{"codec":"raw"}'
    >>> json_text({"shape": (2, 3)})
    Traceback (most recent call last):
    memograd.errors.BadSetting: metadata would come back from JSON as {'shape': [2, 3]}; use lists, not tuples, ...
    """
    if isinstance(metadata, Metadata):
        return metadata.text
    plain = dict(metadata)
    try:
        text = json.dumps(plain, separators=(",", ":"), allow_nan=False)
        back = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadSetting(f"metadata cannot be JSON ({error}); use text, numbers, lists and mappings") from error
    if back != plain:
        raise BadSetting(f"metadata would come back from JSON as {back}; use lists, not tuples, and text as names")
    return text
