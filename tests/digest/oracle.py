"""What it means that two values are the same, said a second time: slowly, without bytes and without hashes.

Also the strategies that draw values on which the two are compared. The alphabets are small, so that equal parts, and
parts that differ only in type or order, are common.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import struct
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .confusable import Colour, Items, Level, Plain, Point, Shade, Slotted, Twin, nan


def canonical(value: Any) -> Hashable:
    """A form that Python's own == compares as digests should."""
    return (type(value).__qualname__, _CONTENT[type(value)](value))


def _bits(number: float) -> bytes:
    return struct.pack(">d", number)


def _in_order(items: Any) -> Hashable:
    return tuple(canonical(item) for item in items)


def _without_order(items: Any) -> Hashable:
    return frozenset(Counter(canonical(item) for item in items).items())


def _pairs_without_order(mapping: Any) -> Hashable:
    return frozenset(Counter((canonical(key), canonical(value)) for key, value in mapping.items()).items())


def _array(array: Any) -> Hashable:
    if array.dtype == object:
        return ("O", array.shape, _in_order(array.ravel()))
    return (array.dtype.descr, array.shape, tuple(item.tobytes() for item in array.ravel())).__repr__()


_CONTENT: dict[type, Callable[[Any], Hashable]] = {
    type(None): repr,
    bool: bool,
    int: int,
    float: _bits,
    complex: lambda value: (_bits(value.real), _bits(value.imag)),
    str: lambda value: tuple(map(ord, value)),
    bytes: bytes,
    bytearray: bytes,
    list: _in_order,
    tuple: _in_order,
    set: _without_order,
    frozenset: _without_order,
    dict: _pairs_without_order,
    collections.OrderedDict: lambda value: _in_order(value.items()),
    collections.deque: lambda value: (value.maxlen, _in_order(value)),
    range: tuple,
    slice: lambda value: _in_order((value.start, value.stop, value.step)),
    decimal.Decimal: str,
    dt.datetime: repr,
    dt.timedelta: repr,
    Colour: lambda value: value.name,
    Shade: lambda value: value.name,
    Level: lambda value: value.name,
    Plain: lambda value: _in_order((value.x, value.y)),
    Twin: lambda value: _in_order((value.x, value.y)),
    Slotted: lambda value: _in_order((value.x, value.y)),
    Point: _in_order,
    Items: _in_order,
    np.ndarray: _array,
    np.float64: _bits,
    np.int64: int,
    np.str_: lambda value: tuple(map(ord, value)),
}

numbers = st.sampled_from([0, 1, -1, 2, 255, 256, 2**31, 2**63 - 1, 2**63, -(2**63), 2**64]) | st.integers()
floats = st.sampled_from([0.0, -0.0, 1.0, nan(0x7FF8000000000000), nan(0x7FF8000000000001)]) | st.floats()
texts = st.text(st.sampled_from("ab\x00é\ud800\udc00\U00010000"), max_size=4) | st.sampled_from(
    ["x" * 64, "x" * 65, "x" * 200]
)
blobs = st.binary(max_size=3) | st.sampled_from([b"1", b"x" * 64, b"x" * 65, b"x" * 200])
plain = st.none() | st.booleans() | numbers | floats | st.builds(complex, floats, floats) | texts | blobs
hashables = st.recursive(
    plain | st.sampled_from([Colour.RED, Shade.RED, Level.LOW, decimal.Decimal("1.0"), decimal.Decimal("1.00")]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3) | st.builds(Point, inner, inner)
    ),
    max_leaves=4,
)
plain_trees = st.recursive(
    plain | blobs.map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=10).map(tuple)
        | st.dictionaries(plain, inner, max_size=4)
        | st.sets(plain, max_size=4)
        | st.frozensets(plain, max_size=4)
    ),
    max_leaves=12,
)
moments = st.sampled_from(
    [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, fold=1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)]
)
dtypes = st.sampled_from(["i1", "u1", "i4", ">i4", "f4", "f8", "S2", "U1", "M8[s]"])
shapes = st.sampled_from([(), (0,), (1,), (2,), (4,), (2, 2), (1, 4), (4, 1), (0, 2), (2, 0)])


def _made_array(dtype: str, shape: tuple[int, ...], seed: int) -> Any:
    kind = np.dtype(dtype)
    raw = np.random.default_rng(seed % 3).integers(1, 100, (*shape, kind.itemsize), np.uint8)
    return np.frombuffer(raw.tobytes(), kind if kind.kind != "U" else "i1")[: raw.size // kind.itemsize].reshape(shape)


def _object_array(items: list[Any]) -> Any:
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array


arrays = st.builds(_made_array, dtypes, shapes, st.integers(0, 5))
others = (
    moments
    | arrays
    | st.sampled_from(
        [dt.timedelta(1), range(0), range(3), range(0, 4, 2), range(0, 3, 2), slice(1), slice(0, 1), np.float64(1)]
    )
    | numbers.filter(lambda number: abs(number) < 2**63).map(np.int64)
    | texts.map(np.str_)
)
values = st.recursive(
    hashables | others,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=10).map(tuple)
        | st.dictionaries(hashables, inner, max_size=4)
        | st.dictionaries(hashables, inner, max_size=3).map(collections.OrderedDict)
        | st.sets(hashables, max_size=4)
        | st.builds(collections.deque, st.lists(inner, max_size=3), st.none() | st.just(5))
        | st.builds(Plain, inner, inner)
        | st.builds(Twin, inner, inner)
        | st.builds(Slotted, inner, inner)
        | st.builds(Point, inner, inner)
        | st.lists(inner, max_size=3).map(Items)
        | st.lists(inner, min_size=1, max_size=3).map(_object_array)
    ),
    max_leaves=12,
)
