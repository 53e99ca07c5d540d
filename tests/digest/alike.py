"""Pairs of values that are equal though they were made, or lie in memory, in different ways, as data."""

from __future__ import annotations

import array
import collections
import copy
import datetime as dt
import decimal
import functools
import pathlib
import pickle
import random
import re
import tempfile
import types
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

from memograd.digest import freeze

from .confusable import GROUPS, Box, Colour, Hidden, Items, Keyed, KeyedByProperty, Plain, Point, nan

Pairs = Callable[[], Iterator[tuple[Any, Any]]]


@dataclass
class Circle:
    radius: float

    @functools.cached_property
    def area(self) -> float:
        return 3 * self.radius**2


def with_area(circle: Circle) -> Circle:
    """The circle, its area computed."""
    assert circle.area > 0
    return circle


NOT_COPIED = (memoryview, types.MappingProxyType, np.busdaycalendar)
"""What `pickle` and `copy` refuse."""


def values_of_groups() -> Iterator[Any]:
    """All values that are confusable, but for those that do not come out of a pickle as they went in."""
    for group in GROUPS:
        if group.__name__ not in ("callables", "labelled"):
            yield from (value for value in group() if not isinstance(value, NOT_COPIED) and not is_changed(value))


def is_changed(value: Any) -> bool:
    """Whether pickling loses a part of a value: zeros at the end of a text, a byte order, what an array is besides."""
    if isinstance(value, np.character):
        return value[-1:] in ("\x00", b"\x00")
    if isinstance(value, np.ndarray):
        return not value.dtype.isnative or hasattr(value, "unit") or getattr(value, "hardmask", False)
    return isinstance(value, pl.Series) and value.dtype == pl.Object


def pickled() -> Iterator[tuple[Any, Any]]:
    for value in values_of_groups():
        yield value, pickle.loads(pickle.dumps(value))


def copied() -> Iterator[tuple[Any, Any]]:
    for value in values_of_groups():
        yield value, copy.deepcopy(value)


DTYPES = ["?", "i1", "u2", "i4", ">i4", "f2", "f4", ">f8", "f8", "g", ">g", "c8", "G"]
DTYPES += ["S3", "U2", ">U2", "V3", "M8[s]", ">m8[ms]", "i4,f8", "i1,O"]


def strided(values: Any) -> Any:
    spread = np.empty(tuple(2 * length for length in values.shape), values.dtype)
    place = tuple(slice(None, None, 2) for _ in values.shape)
    spread[place] = values
    return spread[place]


def reversed_twice(values: Any) -> Any:
    place = tuple(slice(None, None, -1) for _ in values.shape)
    return np.ascontiguousarray(values[place])[place]


def shifted(values: Any) -> Any:
    """The same elements where no element may be aligned."""
    if values.dtype.hasobject:
        return values
    memory = bytearray(values.nbytes + 1)
    memory[1:] = values.tobytes()
    return np.ndarray(values.shape, values.dtype, memory, 1)


def read_only(values: Any) -> Any:
    values = values.copy()
    values.setflags(write=False)
    return values


LAYOUTS: list[Callable[[Any], Any]] = [
    np.asfortranarray,
    strided,
    reversed_twice,
    shifted,
    read_only,
    lambda values: values.T.copy().T,
    lambda values: values if values.dtype.hasobject else freeze(values),
    lambda values: np.concatenate([values, values], dtype=values.dtype)[: len(values)],
    lambda values: np.stack([values] * 3, axis=-1, dtype=values.dtype)[..., 1],
]


def arrays_in_other_layouts() -> Iterator[tuple[Any, Any]]:
    for dtype in DTYPES:
        for shape in ((5,), (2, 3), (3, 1, 4)):
            values = np.arange(np.prod(shape)).astype("u1").reshape(shape).astype(np.dtype(dtype))
            yield from ((values, layout(values)) for layout in LAYOUTS)


def large_arrays_in_other_layouts() -> Iterator[tuple[Any, Any]]:
    """Longer than the pieces in which they are copied."""
    values = np.random.default_rng(0).normal(size=(700, 413))
    yield from ((values, layout(values)) for layout in LAYOUTS)
    yield values.T, np.ascontiguousarray(values.T)
    yield values[::-1, 3:-5:7], values[::-1, 3:-5:7].copy()
    yield np.broadcast_to(values[0], (50, 413)), np.repeat(values[:1], 50, axis=0)
    cube = np.arange(60 * 70 * 80, dtype=np.int16).reshape(60, 70, 80)
    yield from ((cube.transpose(axes), cube.transpose(axes).copy()) for axes in ((2, 1, 0), (1, 0, 2), (1, 2, 0)))


def memory_maps() -> Iterator[tuple[Any, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "data")
        for dtype in ("u1", "i4", ">f8", "S8", "M8[s]", "i4,f4"):
            values = np.arange(1, 241, dtype=np.uint8).view(np.dtype(dtype))
            path.write_bytes(values.tobytes())
            for mode in ("r", "r+", "c"):
                yield values, np.memmap(path, dtype, mode)
            yield values[1:], np.memmap(path, dtype, "r", values.itemsize)
            yield values[::-2], np.memmap(path, dtype, "r")[::-2]


def shuffled(items: Any, seed: int) -> list[Any]:
    result = list(items)
    random.Random(seed).shuffle(result)
    return result


def orders_of_mappings() -> Iterator[tuple[Any, Any]]:
    keys: list[list[Any]] = [
        list("abcdefgh"), list(range(8)), [float(i) for i in range(8)],
        [1, "1", b"1", None, (1,), 2.5, Colour.RED, 2**80], [(i, str(i)) for i in range(8)],
        [frozenset({i, -i}) for i in range(8)], ["x" * (60 + i) for i in range(8)],
        [dt.date(2020, 1, 1 + i) for i in range(8)],
    ]  # fmt: skip
    for items in keys:
        for seed in range(4):
            first, second = dict.fromkeys(items), dict.fromkeys(shuffled(items, seed))
            yield first, second
            yield {"outer": first, "more": [1]}, {"more": [1], "outer": second}
            yield collections.Counter(items), collections.Counter(shuffled(items, seed))
            yield collections.defaultdict(None, first), collections.defaultdict(None, second)
            yield types.MappingProxyType(first), types.MappingProxyType(second)


def orders_of_sets() -> Iterator[tuple[Any, Any]]:
    members: list[list[Any]] = [
        [str(i) for i in range(30)], list(range(0, 3000, 100)), [2**i for i in range(0, 90, 3)],
        [1, "1", b"1", None, (1,), 2.5, Colour.RED], [frozenset({str(i)}) for i in range(10)],
        ["y" * i for i in range(90)],
    ]  # fmt: skip
    for items in members:
        for seed in range(4):
            # Removed members leave other gaps in the table, and so another order.
            crowded = set(range(1000))
            crowded.update(shuffled(items, seed))
            crowded.difference_update(set(range(1000)) - set(items))
            yield set(items), crowded
            yield frozenset(items), frozenset(shuffled(items, seed))
            yield [set(items), 1], [set(shuffled(items, seed)), 1]


def twins_in_hash_tables() -> Iterator[tuple[Any, Any]]:
    """Members and keys that are told apart by identity alone, in one order and the other."""
    first, second = nan(0x7FF8000000000000), nan(0x7FF8000000000000)
    yield {first: 1, second: 2}, {second: 2, first: 1}
    yield {first: 1, second: 2}, {first: 2, second: 1}
    yield {first, second}, {second, first}
    yield {first: 1, "a": 1, second: 2}, {second: 1, first: 2, "a": 1}


def sharing() -> Iterator[tuple[Any, Any]]:
    """The same object many times, and as many equal ones."""
    parts: list[Any] = [
        [1, 2], [1, "2"], list(range(100)), "x" * 500, b"x" * 500, {"a": [1] * 50}, {1.5, "a"}, np.arange(100.0),
        Plain(1, 2), Plain([1] * 50, 2), Point(1, 2), Items([1]), Keyed([1, 2, 3]), dt.datetime(2020, 1, 1),
        decimal.Decimal("1" * 99), 2**2000, pd.Series([1, 2]), pl.Series([1, 2]), (), [[]], (1, (2, (3, "4"))),
        collections.OrderedDict(a=[1]),
    ]  # fmt: skip
    for part in parts:
        yield [part, part, part], [part, copy.deepcopy(part), copy.deepcopy(part)]
        yield {"a": part, "b": (part, [part])}, {"b": (copy.deepcopy(part), [part]), "a": copy.deepcopy(part)}
        yield Plain(part, [part]), Plain(part, [copy.deepcopy(part)])


def plain_values() -> Iterator[tuple[Any, Any]]:
    name = "".join(["a", "b" * 70])
    yield range(0, 3, 2), range(0, 4, 2)
    yield range(5, 5), range(9, 0)
    yield range(3, 4), range(3, 100, 97)
    yield range(3, 4, 1), range(3, 2, -1)
    yield range(0, 10**30, 3), range(0, 10**30 + 2, 3)
    yield range(10**30, 0), range(0)
    yield name, "a" + "b" * 70
    yield [name], ["a" + "b" * 70]
    yield "é", "\u00e9"
    yield 10**30, int("1" + "0" * 30)
    yield 0.1 + 0.2, 0.30000000000000004
    yield float("inf"), 1e308 * 10
    yield Fraction(2, 4), Fraction(1, 2)
    yield decimal.Decimal("1E+1"), decimal.Decimal((0, (1,), 1))
    yield Colour.RED, Colour.ROUGE
    yield Colour.RED, Colour(1)
    yield re.compile("a", re.I), re.compile("a", 2)
    yield pathlib.Path("a/b"), pathlib.Path("a", "b")
    yield pathlib.Path("a//b/."), pathlib.Path("a/b")
    yield dt.timedelta(minutes=1), dt.timedelta(seconds=60)
    yield zoneinfo.ZoneInfo("UTC"), zoneinfo.ZoneInfo.no_cache("UTC")
    yield dt.UTC, dt.timezone(dt.timedelta(0))
    yield types.SimpleNamespace(a=1, b=2), types.SimpleNamespace(b=2, a=1)
    yield memoryview(b"abcdef")[::2], memoryview(b"ace")
    yield memoryview(bytearray(b"abc")), memoryview(b"abc")
    yield array.array("i", [1, 2]), array.array("i", (1, 2))
    yield collections.deque([1, 2]), collections.deque(reversed([2, 1]))
    yield collections.ChainMap({"a": 1}), collections.ChainMap(dict.fromkeys("a", 1))
    yield bytearray(b"abc"), bytearray([97, 98, 99])
    yield functools.partial(int, base=2), functools.partial(functools.partial(int), base=2)
    yield slice(1, 2), slice(1, 2, None)


def instances() -> Iterator[tuple[Any, Any]]:
    late = Plain.__new__(Plain)
    late.y, late.x = 2, 1
    yield Plain(1, 2), late
    yield Circle(1.0), with_area(Circle(1.0))
    yield Box(1), Box[int](1)
    yield Hidden(1), Hidden(1, None)
    yield Point(1, 2), Point._make([1, 2])
    yield Point(1, 2), Point(0, 2)._replace(x=1)
    yield Keyed([1]), Keyed([1])
    yield KeyedByProperty("a"), KeyedByProperty("a")
    yield Items([1, 2]), Items((1, 2))


def with_dirty_padding(values: Any) -> Any:
    """The same extended floats, with other bytes where x86 leaves six of sixteen unused."""
    parts = values.copy().view(values.real.dtype)
    if np.finfo(np.longdouble).nmant == 63:
        unused = slice(10, None) if values.dtype.isnative else slice(None, -10)
        parts.view(np.uint8).reshape(parts.size, -1)[:, unused] = 0xAB
    return parts.view(values.dtype)


def numpy_values() -> Iterator[tuple[Any, Any]]:
    yield np.dtype("i4"), np.dtype("int32")
    yield np.dtype("q"), np.dtype("l")
    yield np.array([1], "q"), np.array([1], "l")
    yield np.longlong(1), np.int64(1)
    yield np.dtype([("a", "i4")]), np.dtype({"names": ["a"], "formats": ["i4"]})
    yield (
        np.dtype([("a", "i4"), ("b", "i4")]),
        np.dtype({"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 4]}),
    )
    yield np.ma.array([1, 2]), np.ma.array([1, 2], mask=[0, 0])
    yield np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 3], mask=[0, 1])
    yield np.ma.array([1, 2]), np.ma.array([1, 2], fill_value=999999)
    yield np.ma.array([1.0, np.nan], mask=[0, 1]), np.ma.array([1.0, 5.0], mask=[0, 1])
    yield np.ma.array(["a", "b"], mask=[0, 1]), np.ma.array(["a", "c"], mask=[0, 1])
    yield np.ma.array([1, [2]], object, mask=[0, 1]), np.ma.array([1, None], object, mask=[0, 1])
    records = np.dtype([("a", "i4"), ("b", "i4")])
    yield (
        np.ma.array([(1, 2)], records, mask=[(0, 1)]),
        np.ma.array([(1, 3)], records, mask=[(0, 1)]),
    )
    padded = np.dtype({"names": ["a", "b"], "formats": ["i1", "i8"], "offsets": [0, 8], "itemsize": 24})
    for filler in (b"\x00", b"\xff", b"\x07"):
        dirty = np.frombuffer(bytearray(filler * 48), padded).copy()
        dirty["a"], dirty["b"] = 1, 2
        yield np.array([(1, 2)] * 2, padded), dirty
        yield np.array([(1, 2)] * 2, padded)[0], dirty[0]
    for kind in (np.longdouble, np.clongdouble):
        for dtype in (np.dtype(kind), np.dtype(kind).newbyteorder()):
            clean = np.array([1, 2, 3, 4]).astype(dtype)
            yield clean, with_dirty_padding(clean)
    yield np.array([1, "a"], object), np.array([1, "a", None], object)[:2]
    yield np.array(["a", "b"], np.dtypes.StringDType()), np.array(["a", "b", "c" * 99], np.dtypes.StringDType())[:2]
    yield np.arange(6).reshape(2, 3), np.array([[0, 1, 2], [3, 4, 5]])
    yield np.empty((0, 3)), np.ones((5, 3))[:0]
    yield np.random.default_rng(0), np.random.Generator(np.random.PCG64(0))
    yield np.random.PCG64(np.random.SeedSequence(5)), np.random.PCG64(5)
    yield freeze(np.arange(5000.0)), np.arange(5000.0)
    yield freeze(np.arange(5000.0))[::3], np.arange(5000.0)[::3]
    yield freeze(np.arange(6000.0)).reshape(60, 100).T, np.arange(6000.0).reshape(60, 100).T
    yield freeze(np.zeros(700, "i4,f8"))["f0"], np.zeros(700, "i4")


def sparse_values() -> Iterator[tuple[Any, Any]]:
    dense = np.array([[1.0, 0, 2], [0, 0, 3]])
    for form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        make = getattr(sparse, f"{form}_array")
        yield make(dense), make(np.asfortranarray(dense))
        yield make(dense), make(dense).copy()
        yield make(dense), make(dense.astype("f4").astype("f8"))
    backwards = sparse.dok_array((2, 3))
    for place in ((1, 2), (0, 2), (0, 0)):
        backwards[place] = dense[place]
    yield sparse.dok_array(dense), backwards


def frames() -> Iterator[tuple[Any, Any]]:
    base = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [0.5, 1.5]})
    fragmented = pd.DataFrame(index=base.index)
    for name in base:
        fragmented[name] = base[name].copy()
    yield base, fragmented
    yield base, pd.DataFrame({"c": [0.5, 1.5], "b": [3, 4], "a": [1, 2]})[["a", "b", "c"]]
    yield base, pd.concat([base.iloc[:1], base.iloc[1:]])
    yield base.astype(float), pd.DataFrame(np.asfortranarray(base.to_numpy()), columns=list("abc"))
    yield base["a"], fragmented["a"]
    yield pd.Series([1, None], dtype="Int64"), pd.Series([1, 5], dtype="Int64").mask([False, True])
    yield pd.Series([1.5, None], dtype="Float64"), pd.Series([1.5, 7], dtype="Float64").mask([False, True])
    yield pd.Series(["a", None], dtype="string"), pd.Series(["a", "b"], dtype="string").mask([False, True])
    yield pd.Series([True, None], dtype="boolean"), pd.Series([True, False], dtype="boolean").mask([False, True])
    yield pd.Series(["a", "b"]), pd.concat([pd.Series(["a"]), pd.Series(["b"])], ignore_index=True)
    one, two = (pd.Series([value], dtype="int64[pyarrow]") for value in (1, 2))
    yield pd.Series([1, 2], dtype="int64[pyarrow]"), pd.concat([one, two], ignore_index=True)
    yield (
        pd.Series([2, 3], dtype="int64[pyarrow]"),
        pd.Series([1, 2, 3], dtype="int64[pyarrow]")[1:].reset_index(drop=True),
    )
    under = pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1, 9]).tobytes())])
    yield (
        pd.Series([1, None], dtype="int64[pyarrow]"),
        pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([under]))),
    )
    yield pd.Categorical(["a", "b"]), pd.Categorical.from_codes([0, 1], ["a", "b"])
    yield pd.RangeIndex(0, 3, 2), pd.RangeIndex(0, 4, 2)
    yield pd.Index([1, 2, 3])[:2], pd.Index([1, 2])
    yield pd.MultiIndex.from_product([[1, 2], ["a"]]), pd.MultiIndex.from_tuples([(1, "a"), (2, "a")])
    yield pd.date_range("2020", periods=2, tz="UTC"), pd.date_range("2020", periods=2).tz_localize("UTC")
    yield pd.Timestamp("2020-01-01"), pd.Timestamp(2020, 1, 1)
    yield (
        pd.DataFrame({"a": ["x", None]}, dtype=object),
        pd.DataFrame({"a": np.array(["x", None], object)}, dtype=object),
    )


def polars_frames() -> Iterator[tuple[Any, Any]]:
    kinds: list[Any] = [
        [1, None, 3, 4], ["a", None, "b", ""], [1.5, None, float("nan"), -0.0], [[1], None, [], [2, None]],
        [{"a": 1}, None, {"a": None}, {"a": 2}], [True, None, False, True], [b"a", None, b"", b"b"],
        [dt.date(2020, 1, 1), None, dt.date(2021, 1, 1), None], [[["a"], []], None, [], [None]],
    ]  # fmt: skip
    for values in kinds:
        whole = pl.Series("s", values)
        parts = pl.concat([whole[:1], whole[1:3], whole[3:]], rechunk=False)
        yield whole, parts
        yield whole.to_frame(), parts.to_frame()
        yield whole[1:3], pl.concat([whole, whole])[5:7]
    yield pl.Series(["b", "a"], dtype=pl.Categorical), pl.Series(["a", "b", "a"], dtype=pl.Categorical)[1:]
    yield pl.Series([1, 2]), pl.Series([1, 2]).set_sorted()
    yield pl.Series([2, 1]).sort(), pl.Series([1, 2])
    yield pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"b": [2], "a": [1]}).select("a", "b")


PAIRS: list[Pairs] = [
    pickled, copied, arrays_in_other_layouts, large_arrays_in_other_layouts, memory_maps, orders_of_mappings,
    orders_of_sets, twins_in_hash_tables, sharing, plain_values, instances, numpy_values, sparse_values, frames,
    polars_frames,
]  # fmt: skip
