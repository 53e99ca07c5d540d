"""Rows for what the language has built in: constants, numbers, text, bytes, sequences, sets and mappings.

Values of different types are different (``1``, ``1.0`` and ``True``), floats are told by their bits (``0.0`` and
``-0.0``, and every NaN), and what `==` cannot see is not seen: the order of sets and dicts, the stop of a range
beyond its last item. A function that minds the order of a dict should take an `OrderedDict` or a list of pairs.
"""

from __future__ import annotations

import struct
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from reprlib import repr as short_repr
from typing import Any

import numpy as np

from memograd.digest.encoding import (
    BYTEARRAY,
    BYTES,
    COMPLEX,
    CONSTANT,
    DICT,
    FLOAT,
    FROZENSET,
    HEAD_BYTES,
    INTEGER,
    LIST,
    LONG_BYTES,
    RECORD,
    SET,
    SHORT_TEXT,
    TEXT,
    TUPLE,
    column,
    encode_text,
    framed,
    record_head,
    token,
)
from memograd.digest.node import Node, Row, attributes_row, record_row
from memograd.errors import CannotDigest

_NONE, _TRUE, _FALSE = (framed(CONSTANT, repr(value).encode()) for value in (None, True, False))
_FLOAT_HEAD, _COMPLEX_HEAD = (framed(tag, bytes(size))[:-size] for tag, size in ((FLOAT, 8), (COMPLEX, 16)))
_pack_float, _pack_complex = struct.Struct("<d").pack, struct.Struct("<dd").pack

ELEMENT_OF_A_SET = "{…}"
"""The step to a member of a set, which has no place that one could write."""


_SHORT_BYTES = LONG_BYTES - HEAD_BYTES + 1
# The heads of frames by the length of what follows: half of what the token of a scalar costs, of which calls have many.
_INTEGER_HEADS, _TEXT_HEADS = (
    tuple(framed(tag, bytes(size))[:HEAD_BYTES] for size in range(_SHORT_BYTES)) for tag in (INTEGER, TEXT)
)


def _integer(value: int) -> bytes:
    # One bit more than the magnitude has, for the sign.
    size = value.bit_length() // 8 + 1
    payload = value.to_bytes(size, "little", signed=True)
    return _INTEGER_HEADS[size] + payload if size < _SHORT_BYTES else token(INTEGER, payload)


def _text(value: str) -> bytes:
    payload = encode_text(value)
    size = len(payload)
    return _TEXT_HEADS[size] + payload if size < _SHORT_BYTES else token(TEXT, payload)


def _bytes(value: bytes) -> bytes:
    return token(BYTES, value)


LEAVES: Mapping[type, Callable[[Any], bytes]] = {
    types.NoneType: lambda value: _NONE,
    bool: lambda value: _TRUE if value else _FALSE,
    float: lambda value: _FLOAT_HEAD + _pack_float(value),
    complex: lambda value: _COMPLEX_HEAD + _pack_complex(value.real, value.imag),
    int: _integer,
    # A long text takes the other way, on which it is hashed once, however often it is a member.
    str: lambda value: _text(value) if len(value) <= SHORT_TEXT else b"",
    bytes: lambda value: _bytes(value) if len(value) <= SHORT_TEXT else b"",
}
"""The tokens of the commonest types, which have no parts; empty where the value has to take the way of the rest."""


def _sequence(tag: bytes) -> Row:
    def row(items: Sequence[Any]) -> bytes | Node:
        payload = _payload(items)
        return Node(tag, b"", items) if payload is None else token(tag, payload)

    return row


# The arguments of a call, a point, a pair: without a place on the walk's stack they take half the time.
_FEW = 8


def _payload(items: Sequence[Any]) -> bytes | None:
    """What the walk would make of items that have no parts: a column, or a few tokens; None when it has to see them."""
    packed = column(items)
    if packed is not None or len(items) > _FEW:
        return packed
    tokens = [leaf(item) if (leaf := LEAVES.get(type(item))) else b"" for item in items]
    return b"".join(tokens) if all(tokens) else None


def _dict(mapping: dict[Any, Any]) -> bytes | Node:
    if not mapping:
        return token(DICT, b"")
    # Texts and ints have an order of their own, which is the same everywhere and much cheaper than that of tokens.
    keys = sorted(mapping) if set(map(type, mapping)) in _SORTABLE else []
    head = column(keys)
    if head is None:
        return _dict_of_any_keys(mapping)
    values = [mapping[key] for key in keys]
    payload = _payload(values)
    if payload is not None:
        return token(DICT, head + payload)
    return Node(DICT, head, values, lambda index: f"[{short_repr(keys[index])}]")


_SORTABLE: tuple[set[type], ...] = ({str}, {int})


def _dict_of_any_keys(mapping: dict[Any, Any]) -> Node:
    return Node(DICT, b"", list(chain.from_iterable(mapping.items())), _pair_step(mapping), _join_sorted_pairs)


def _pair_step(mapping: Mapping[Any, Any]) -> Callable[[int], str]:
    keys = list(mapping)
    return lambda index: f".keys(){ELEMENT_OF_A_SET}" if index % 2 == 0 else f"[{short_repr(keys[index // 2])}]"


def _join_sorted_pairs(tokens: Iterable[bytes]) -> bytes:
    # By key and value, not by key: two NaN keys of the same bits can stand in one dict.
    rest = iter(tokens)
    return b"".join(chain.from_iterable(sorted(zip(rest, rest, strict=True))))


def _set(tag: bytes) -> Row:
    def row(members: frozenset[Any]) -> bytes | Node:
        packed = column(sorted(members)) if set(map(type, members)) in _SORTABLE else None
        if packed is not None:
            return token(tag, packed)
        return Node(tag, b"", list(members), lambda index: ELEMENT_OF_A_SET, _join_sorted)

    return row


def _join_sorted(tokens: Iterable[bytes]) -> bytes:
    return b"".join(sorted(tokens))


def _ordered_dict(mapping: OrderedDict[Any, Any]) -> Node:
    # An OrderedDict takes attributes, unlike a dict.
    children = [vars(mapping), *chain.from_iterable(mapping.items())]
    to_item = _pair_step(mapping)
    return Node(
        RECORD, record_head("OrderedDict"), children, lambda index: to_item(index - 1) if index else ".__dict__"
    )


def _range(value: range) -> Sequence[Any]:
    # Ranges are equal when their items are; see range.__eq__. Beyond what an index can be, `len` and slices fail.
    n_items = max(0, -((value.start - value.stop) // value.step))
    return [n_items, [value.start, value.start + value.step][:n_items]]


def _memoryview(view: memoryview) -> Sequence[Any]:
    try:
        # Of a view that was released NumPy makes an array that holds it; such a view has no shape.
        return [np.asarray(view).reshape(view.shape)]
    except ValueError as error:
        raise CannotDigest(f"the memoryview cannot be read ({error}); pass bytes or an array") from error


BUILTIN_ROWS: Mapping[type, Row] = {
    str: _text,
    bytes: _bytes,
    bytearray: lambda value: token(BYTEARRAY, bytes(value)),
    types.EllipsisType: lambda value: framed(CONSTANT, b"Ellipsis"),
    types.NotImplementedType: lambda value: framed(CONSTANT, b"NotImplemented"),
    list: _sequence(LIST),
    tuple: _sequence(TUPLE),
    dict: _dict,
    set: _set(SET),
    frozenset: _set(FROZENSET),
    slice: attributes_row("slice", "start", "stop", "step"),
    range: record_row("range", _range),
    memoryview: record_row("memoryview", _memoryview),
    OrderedDict: _ordered_dict,
    deque: record_row("deque", lambda items: [items.maxlen, list(items)], [".maxlen", ""]),
    # A copy is of the type of the mapping behind the proxy.
    types.MappingProxyType: record_row("mappingproxy", lambda proxy: [proxy.copy()], [""]),
}
