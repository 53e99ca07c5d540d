"""Values as entries of a store, and back."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memograd.errors import StoreError
from memograd.memo.codecs.packing import Blob, CannotStore, Form
from memograd.memo.codecs.table import decode, encode
from memograd.store.protocol import Entry

PLAIN, PICKLE = "plain 1", "pickle"
"""Codecs, as the metadata of an entry name them: what runs code when it is read can be told without reading it."""

_PLAIN_HEAD = PLAIN.encode() + b" "
"""How the first blob of a plain value begins; a pickle begins otherwise. So a hit need not parse the metadata."""

_read_form = json.JSONDecoder().raw_decode  # `loads` looks for an encoding and for blanks, and takes twice as long

# What nobody can change in place can be handed out again without decoding it again.
_IMMUTABLE = frozenset((type(None), bool, int, float, complex, str, bytes))


def blobs_of(value: Any, *, pickled: bool = False) -> tuple[Blob, ...]:
    """A value as the blobs of an entry.

    Raises
    ------
    CannotStore
        When no codec can hold it.
    """
    if not pickled:
        return blobs_of_form(*encode(value))
    try:
        return (pickle.dumps(value, protocol=5),)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CannotStore(f"the result cannot be pickled: {error}") from error


def blobs_of_form(form: Form, parts: Sequence[Blob]) -> tuple[Blob, ...]:
    """What a packer made, as the blobs of an entry."""
    return (_PLAIN_HEAD + json.dumps(form, separators=(",", ":")).encode(), *parts)


def entry_of(
    key: str,
    blobs: tuple[Blob, ...],
    *,
    group: str,
    metadata: Mapping[str, Any],
    cost_seconds: float,
    pickled: bool = False,
) -> Entry:
    """The blobs of a value as an entry."""
    known = {**metadata, "codec": PICKLE if pickled else PLAIN}
    return Entry(key, blobs, group=group, metadata=known, cost_seconds=cost_seconds)


def value_of(entry: Entry, *, allow_pickle: bool = False) -> Any:
    """The value of an entry.

    Raises
    ------
    StoreError
        When the entry holds no value of a codec that this version knows, or a pickle that was not asked for.
    """
    first: Blob = entry.blobs[0] if entry.blobs else b""
    if first[: len(_PLAIN_HEAD)] == _PLAIN_HEAD:
        try:
            form, _ = _read_form(str(first[len(_PLAIN_HEAD) :], "ascii"))
        except (ValueError, RecursionError) as error:
            raise StoreError(f"entry {entry.key[:12]} does not hold a value: {error}") from error
        return decode(form, entry.blobs[1:])
    codec = entry.metadata.get("codec")
    if codec == PICKLE and allow_pickle and entry.blobs:
        return unpickled(first)
    raise StoreError(f"entry {entry.key[:12]} holds {codec!r}, which is not read here")


def unpickled(blob: Blob) -> Any:
    """What was pickled.

    Raises
    ------
    StoreError
        When it cannot be read here.
    """
    try:
        return pickle.loads(blob)
    except (pickle.UnpicklingError, EOFError, ImportError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise StoreError(f"a pickle cannot be read here: {error}") from error


def is_immutable(value: Any) -> bool:
    """Whether nobody can change a value in place: it may be handed out twice."""
    if type(value) in _IMMUTABLE:
        return True
    if type(value) is tuple:
        return all(map(is_immutable, value))
    return isinstance(value, np.generic) and value.dtype.kind in "biufcSU"
