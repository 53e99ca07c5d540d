"""Groups of unequal values that are easily taken for one another, as data.

Each function is a group: no two of its values may share a digest. They are the ways in which hashes of values have
collided: by text, by Python's own `==`, by pickles, by raw bytes without type or shape, by boundaries that shift.
"""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import functools
import math
import operator
import pathlib
import random
import re
import struct
import tempfile
import types
import uuid
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

from memograd.digest import encode, freeze

Group = Callable[[], list[Any]]
T = TypeVar("T")


def code(value: Any) -> Any:
    """A hook for tests: a function or class is told by where it is defined."""
    name = getattr(value, "__qualname__", None)
    return NotImplemented if name is None else (getattr(value, "__module__", None), name)


def nan(bits: int) -> float:
    """The float with these 64 bits."""
    number: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return number


class Colour(enum.Enum):
    RED = 1
    GREEN = 2
    ROUGE = 1  # noqa: PIE796


class Shade(enum.Enum):
    RED = 1
    GREEN = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(enum.StrEnum):
    RED = "RED"


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any


class Size(NamedTuple):
    x: Any
    y: Any


Renamed = collections.namedtuple("Renamed", ["y", "x"])


class LabelledPoint(Point):
    """A named tuple that takes attributes."""


@dataclass
class Plain:
    x: Any
    y: Any


@dataclass
class Twin:
    x: Any
    y: Any


@dataclass
class Child(Plain):
    pass


@dataclass
class Hidden:
    x: Any
    y: Any = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Slotted:
    x: Any
    y: Any


@dataclass
class Box(Generic[T]):
    item: T


class Keyed:
    """Told by what its method returns."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __memo_key__(self) -> Any:
        return self.key


class KeyedToo(Keyed):
    pass


class KeyedByProperty:
    """Told by the value of a property."""

    def __init__(self, key: Any) -> None:
        self.key = key

    @property
    def __memo_key__(self) -> Any:
        return self.key


class Items(list[Any]):
    pass


class Others(list[Any]):
    pass


class Row(tuple[Any, ...]):
    pass


class Table(dict[Any, Any]):
    pass


class Bag(set[Any]):
    pass


class FrozenBag(frozenset[Any]):
    pass


class Count(int):
    pass


class Metres(float):
    pass


class Impedance(complex):
    pass


class Name(str):
    pass


class Blob(bytes):
    pass


class Tensor(np.ndarray):
    pass


class Slots(list[Any]):
    __slots__ = ("a", "b")


def with_attributes(value: Any, **attributes: Any) -> Any:
    """The value, with attributes set."""
    for name, part in attributes.items():
        setattr(value, name, part)
    return value


def ones() -> list[Any]:
    return [
        1, True, 1.0, 1 + 0j, "1", b"1", bytearray(b"1"), "1.0", "True", Fraction(1), decimal.Decimal(1),
        decimal.Decimal("1.0"), Level.LOW, Mode.READ, Count(1), Metres(1), Impedance(1), Name("1"), Blob(b"1"),
        np.bool_(True), np.int8(1), np.int16(1), np.int32(1), np.int64(1), np.uint8(1), np.uint64(1), np.float16(1),
        np.float32(1), np.float64(1), np.longdouble(1), np.complex64(1), np.complex128(1), np.clongdouble(1),
        np.str_("1"), np.bytes_(b"1"), np.timedelta64(1, "s"), np.timedelta64(1, "D"), np.array(1), np.array([1]),
        np.array([[1]]), np.array(1.0), np.array("1"), [1], (1,), {1}, frozenset({1}), {1: 1}, range(1, 2), slice(1),
        uuid.UUID(int=1), dt.timedelta(1), dt.timedelta(seconds=1), pathlib.PurePosixPath("1"), re.compile("1"),
    ]  # fmt: skip


def nothings() -> list[Any]:
    return [
        None, False, 0, 0.0, -0.0, 0j, complex(-0.0, 0.0), complex(0.0, -0.0), "", b"", bytearray(), (), [], {}, set(),
        frozenset(), range(0), slice(None), memoryview(b""), ..., NotImplemented, "None", "nan", "()", "[]", "{}",
        [None], (None,), [[]], [()], ((),), ([],), {None: None}, {"": None}, {"": ""}, {None}, frozenset({None}),
        collections.OrderedDict(), collections.Counter(), collections.deque(), collections.deque(maxlen=0),
        collections.defaultdict(None), collections.ChainMap(), types.SimpleNamespace(), types.MappingProxyType({}),
        array.array("i"), array.array("d"), decimal.Decimal(0), decimal.Decimal("-0"), decimal.Decimal("0.0"),
        dt.timedelta(0), pathlib.PurePosixPath(), pathlib.PureWindowsPath(), re.compile(""), re.compile(b""),
        np.array([]), np.array([], int), np.empty((0, 3)), np.empty((3, 0)), np.empty((0, 0)), np.array(None),
        np.array([], object), np.array([], "U1"), np.array([], "S1"), np.array([], "M8[s]"), np.bool_(False), np.str_(),
        np.bytes_(), np.void(b""), np.float64(0), np.float64(-0.0), np.ma.masked, Items(), Others(), Row(), Table(),
        Bag(), FrozenBag(), Count(), Metres(), Name(), Blob(),
    ]  # fmt: skip


def not_numbers() -> list[Any]:
    quiet, payload, negative, signalling = (
        nan(bits) for bits in (0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001)
    )
    return [
        quiet, payload, negative, signalling, math.inf, -math.inf, "nan", complex(quiet, 0), complex(0, quiet),
        complex(negative, 0), decimal.Decimal("NaN"), decimal.Decimal("-NaN"), decimal.Decimal("sNaN"),
        decimal.Decimal("NaN1"), decimal.Decimal("Infinity"), np.float64(quiet), np.float64(payload), np.float32("nan"),
        np.float16("nan"), np.datetime64("NaT", "D"), np.datetime64("NaT", "s"), np.timedelta64("NaT", "s"), pd.NaT,
        pd.NA, None, [quiet], [payload], [quiet, quiet], {quiet}, {quiet, payload}, {quiet: 1}, {quiet: 1, payload: 2},
        {quiet: 2, payload: 1}, np.array([quiet]), np.array([payload]), np.array([None]), np.array([quiet], object),
    ]  # fmt: skip


def boundaries() -> list[Any]:
    return [
        ("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("", "abc"), ("abc", ""), "abc", ["ab", "c"], ["a", "bc"],
        (b"ab", b"c"), (b"a", b"bc"), (b"abc", b""), ("ab", b"c"), ("a\x00", "b"), ("a", "\x00b"), ("a\x00b",),
        ("a,b",), ("a', 'b",), ("a", ("b", "c")), (("a", "b"), "c"), (("a",), ("b",), ("c",)), (("a", "b", "c"),),
        ({"a": "b"}, "c"), ({"a": "bc"},), ({"ab": "c"},), ("é", "e"), ("e\u0301",), ("\ud800", "\udc00"),
        ("\ud800\udc00",), ("\U00010000",), ("\U00010000", ""), ("\udc00", "\ud800"), (1, 23), (12, 3), (123,),
        (1, 2, 3), ("1", "23"), (0x0102, 0x03), (0x01, 0x0203), (256, 1), (1, 256), (2**63, 1), (1, 2**63),
        (-(2**63), 0), (2**64,), (2**64, 0), (-1, -1), (255,), (-1,), (2**63 - 1,), (-(2**63) - 1,),
    ]  # fmt: skip


def nestings() -> list[Any]:
    return [
        [1, 2, 3], [[1, 2, 3]], [[1], 2, 3], [[1, 2], 3], [1, [2, 3]], [1, [2], 3], [[1], [2], [3]], [[[1]], 2, 3],
        [[1, [2, [3]]]], [[[1], 2], 3], (1, 2, 3), ([1, 2], 3), [(1, 2), 3], [{1, 2}, 3], [1, 2, 3, []], [[], 1, 2, 3],
        [1, 2, 3, None], [1, 2.0, 3], [1.0, 2.0, 3.0], [True, 2, 3], [1, 2, "3"], [[1, 2, 3], []], [[], [1, 2, 3]],
        [1, 3, 2], [3, 2, 1], [1, 2], [1, 2, 3, 3], {1, 2, 3}, frozenset({1, 2, 3}), {1: 2, 3: None}, {1: {2: 3}},
        range(1, 4), np.array([1, 2, 3]), array.array("q", [1, 2, 3]), collections.deque([1, 2, 3]),
        collections.deque([1, 2, 3], 3), collections.deque([1, 2, 3], 4), memoryview(array.array("q", [1, 2, 3])),
        Items([1, 2, 3]), Row([1, 2, 3]), [[1, 2, 3], [1, 2, 3]], [[1, 2, 3]] * 3, [[1, 2, 3], [[1, 2, 3]]],
    ]  # fmt: skip


def repetitions() -> list[Any]:
    part = list(range(40))
    return [
        part, [part], [part, part], [part, part, part], [[part, part]], [[part], part], [part, [part]], (part, part),
        part + part, {"a": part, "b": part}, {"a": part}, {"a": [part, part]}, [part, part[::-1]], [part[::-1], part],
        [part, [*part, 0]], [part, tuple(part)], [part, "part"], [encode(part)], encode(part), [part, encode(part)],
        [encode(part), part], [part, None], [None, part], {0: part}, {0: part, 1: part}, [Items(part), part],
    ]  # fmt: skip


def long_texts() -> list[Any]:
    lengths = (63, 64, 65, 118, 119, 120, 128, 129, 1000)
    values: list[Any] = ["x" * length for length in lengths]
    values += [["x" * length] for length in lengths]
    values += ["x" * 999 + "y", "y" + "x" * 999, b"x" * 1000, bytearray(b"x" * 1000), ["x" * 500] * 2, "xy" * 500]
    values += [["x" * 64, "x"], ["x", "x" * 64], ["x" * 65, ""], ["", "x" * 65], ["x" * 65, "x" * 64]]
    values += [{"x" * 64: 1}, {"x" * 65: 1}, {1: "x" * 65}, {"x" * 65: None}, {"x" * 65}, {"x" * 64}, Name("x" * 1000)]
    return [*values, np.str_("x" * 1000), np.array("x" * 1000), np.array(["x" * 1000]), np.array(["x" * 999], "U1000")]


def encodings() -> list[Any]:
    """Values made of the bytes that stand for other values."""
    long = "a long text, hashed inside of a container " * 5
    values = [1, [1], "a", long, [long], {"a": 1}, (1, 2.0)]
    tokens = [encode(value) for value in values]
    return [
        *values, *tokens, *([token] for token in tokens), *(token.decode("latin-1") for token in tokens), tokens,
        b"".join(tokens), tuple(tokens), *(token[9:] for token in tokens[:4]), [tokens[3], long],
    ]  # fmt: skip


def mappings() -> list[Any]:
    return [
        {"a": 1, "b": 2}, {"a": 2, "b": 1}, {"a": 1}, {"b": 2}, {"a": 1, "b": None}, {"a": 1, None: 2}, {"ab": 12},
        {"a": {"b": 2}}, {1: "a", 2: "b"}, {1: "b", 2: "a"}, {1.0: "a", 2.0: "b"}, {True: "a", 2: "b"},
        {"1": "a", "2": "b"}, {b"1": "a", b"2": "b"}, {None: "a", 2: "b"}, {(): "a", 2: "b"}, {(1,): "a", 2: "b"},
        {Colour.RED: "a", 2: "b"}, {Shade.RED: "a", 2: "b"}, {Level.LOW: "a", 2: "b"}, {"RED": "a", 2: "b"},
        {frozenset({1}): "a", 2: "b"}, {np.int64(1): "a", 2: "b"}, {Fraction(1): "a", 2: "b"}, {2**70: "a", 2: "b"},
        {("a", "b"): 1}, {"a": ("b", 1)}, {"a": "b", 1: None}, {"a": "b"}, {"b": "a"}, {"a", "b"}, ["a", "b"],
        [("a", "b")], (("a", 1), ("b", 2)), [("a", 1), ("b", 2)], {("a", 1), ("b", 2)},
        collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1),
        with_attributes(collections.OrderedDict(a=1, b=2), c=3), collections.Counter(a=1, b=2),
        collections.Counter(a=1, b=2, c=0), collections.defaultdict(None, a=1, b=2),
        collections.defaultdict(int, a=1, b=2), collections.defaultdict(list, a=1, b=2),
        types.MappingProxyType({"a": 1, "b": 2}), types.SimpleNamespace(a=1, b=2), types.SimpleNamespace(a=1),
        collections.ChainMap({"a": 1, "b": 2}), collections.ChainMap({"a": 1}, {"b": 2}),
        collections.ChainMap({"b": 2}, {"a": 1}), Table(a=1, b=2), with_attributes(Table(a=1, b=2), c=3),
        with_attributes(Table(a=1), b=2), Plain(1, 2), Point(1, 2), slice("a", 1, "b"),
    ]  # fmt: skip


def sets() -> list[Any]:
    return [
        {1, 2}, {1, 3}, {1}, {1, 2, 3}, {1.0, 2.0}, {True, 2}, {"1", "2"}, {b"1", b"2"}, {(1, 2)}, {(2, 1)},
        {(1,), (2,)}, {frozenset({1, 2})}, {frozenset({1}), frozenset({2})}, {frozenset({1}), 2}, {None, 1, 2},
        {1, "2"}, {"1", 2}, frozenset({1, 2}), frozenset({frozenset({1, 2})}),
        frozenset({frozenset({1}), frozenset({2})}), Bag({1, 2}), FrozenBag({1, 2}), [1, 2], {1: None, 2: None},
        {2**70, 1}, {"a" * 65, "b"}, {"a" * 64, "b"}, {Colour.RED, 2},
    ]  # fmt: skip


def texts_and_bytes() -> list[Any]:
    return [
        "abc", b"abc", bytearray(b"abc"), memoryview(b"abc"), np.bytes_(b"abc"), np.str_("abc"), np.array("abc"),
        np.array(b"abc"), np.array(["abc"]), np.array(list("abc")), np.array([b"a", b"b", b"c"]), np.void(b"abc"),
        np.frombuffer(b"abc", np.uint8), np.frombuffer(b"abc", np.int8), np.frombuffer(b"abc", "S2", 1),
        np.frombuffer(b"abc", "S3"), np.frombuffer(b"abc", "V3"), np.frombuffer(b"abc", "V1"), array.array("B", b"abc"),
        array.array("b", b"abc"), list(b"abc"), list("abc"), tuple("abc"), ["abc"], "cba", "ABC", "abc\x00", b"abc\x00",
        "abc ", "\ufeffabc", Name("abc"), Blob(b"abc"), with_attributes(Name("abc"), unit="m"), Word.RED, "RED",
        ("abc",), np.array("abc", "U4"), np.array(b"abc", "S4"), np.array("abc", object),
        np.array("abc", np.dtypes.StringDType()), pathlib.PurePosixPath("abc"), re.compile("abc"), re.compile(b"abc"),
        uuid.UUID(bytes=b"abc" + b"\x00" * 13), np.str_("abc\x00"), np.bytes_(b"abc\x00"), memoryview(b"abc").cast("b"),
        memoryview(b"abc").cast("c"), int.from_bytes(b"abc", "little"), int.from_bytes(b"abc", "big"),
    ]  # fmt: skip


def layouts() -> list[Any]:
    a = np.arange(24).reshape(2, 3, 4)
    square = np.arange(9).reshape(3, 3)
    return [
        a, a.T, a.swapaxes(0, 1), a.swapaxes(1, 2), a.reshape(3, 2, 4), a.reshape(6, 4), a.reshape(4, 6), a.ravel(),
        a.reshape(1, 24), a.reshape(24, 1), a[None], a[..., None], a[::-1], a[:, ::-1], a[:, :, ::-1], a[::-1, ::-1],
        a.reshape(4, 3, 2), a.reshape(2, 4, 3), a.ravel("F"), a.ravel("F").reshape(2, 3, 4), a.ravel()[::-1],
        a.tolist(), list(a), tuple(a), a.astype(object), a.astype(float), a.astype(np.int32), a.astype(">i8"),
        a.tobytes(), memoryview(a), a[0].view(np.matrix), a.view(Tensor), with_attributes(a.view(Tensor), unit="m"),
        np.ma.array(a), a.view(np.recarray), a[0], a[0].T, a[:1], a[:, :1], square, square.T, square[::-1],
        square[:, ::-1], square[::-1, ::-1], np.rot90(square), np.roll(square, 1), np.broadcast_to(square, (2, 3, 3)),
        np.broadcast_to(square[:1], (3, 3)), np.broadcast_to(square[:, :1], (3, 3)), np.tril(square), np.triu(square),
        square[[1, 0, 2]], square[:, [1, 0, 2]],
    ]  # fmt: skip


def views() -> list[Any]:
    """Arrays over the same bytes."""
    raw = np.arange(1, 65, dtype=np.uint8)
    kinds = (
        "u1 i1 V1 S1 u2 i2 f2 >u2 >i2 >f2 V2 S2 u4 i4 f4 >u4 >i4 >f4 c8 >c8 u8 i8 f8 >f8 V8 S8 M8[s] M8[ms] M8[D] "
        "m8[s] >M8[s] c16 S16 V16 M8[25s]"
    )
    values: list[Any] = [raw.view(kind) for kind in kinds.split()]
    values += [raw.view(kind)[0] for kind in kinds.split()]
    values += [raw.view([("a", "u4"), ("b", "u4")]), raw.view([("b", "u4"), ("a", "u4")]), raw.view([("a", "u8")])]
    values += [raw.view([("a", "i4"), ("b", "f4")]), raw.view([("a", "u4", 2)]), raw.view([("a", "u1", (2, 4))])]
    values += [raw.view([("a", [("b", "u8")])]), raw.reshape(8, 8), raw.reshape(8, 8).view("u8"), raw.reshape(4, 16)]
    return values


def mapped() -> list[Any]:
    """Memory maps over the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "data")
        path.write_bytes(bytes(range(1, 65)))
        kinds = ["i4", "f4", ">i4", "u4", "i8", "u1", "S8", "V8", "M8[s]", "i2"]
        maps: list[Any] = [np.memmap(path, kind, "r") for kind in kinds]
        maps += [np.memmap(path, "i4", "r", offset, shape) for offset, shape in ((4, (15,)), (0, (15,)), (8, (14,)))]
        maps += [np.memmap(path, "u1", "r", offset, shape) for offset, shape in ((1, (63,)), (0, (63,)), (1, (62,)))]
        square, wide = (np.memmap(path, "i4", "r", 0, shape) for shape in ((4, 4), (2, 8)))
        return [path.read_bytes(), *map(np.array, [*maps, square, wide, square.T, wide.T])]


def one_element() -> list[Any]:
    """Large arrays that differ in one element, wherever it is, or in one bit."""
    size = 200_003
    base = np.zeros(size)
    values: list[Any] = [base, base[:-1], np.append(base, 0.0), base.astype("f4"), -base]
    for place in (0, 1, 2, 1000, 65_535, 65_536, 131_072, size // 2, size - 2, size - 1):
        changed = base.copy()
        changed[place] = 1
        tiny = base.copy()
        tiny[place] = 5e-324
        values += [changed, tiny, changed.reshape(size, 1)]
    return values


def one_element_of_a_strided_array() -> list[Any]:
    base = np.zeros((301, 467))
    values: list[Any] = [base.T, base]
    for row, column in ((0, 0), (0, 1), (1, 0), (150, 233), (300, 466), (300, 0), (0, 466), (299, 466)):
        changed = base.copy()
        changed[row, column] = 1
        values += [changed.T, changed[::-1, ::-1] if (row, column) != (150, 233) else changed]
    return values


def structured() -> list[Any]:
    def of(dtype: Any, rows: Any = ((1, 2),)) -> Any:
        return np.array([tuple(row) for row in rows], dtype)

    spread = {"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 8]}
    return [
        of("i4,i4"), of([("a", "i4"), ("b", "i4")]), of([("b", "i4"), ("a", "i4")]), of([("a", "i4"), ("c", "i4")]),
        of([("a", "i4"), ("b", "i8")]), of([("a", "i8"), ("b", "i4")]), of([("a", "i4"), ("b", "f4")]),
        of([("a", ">i4"), ("b", "i4")]), of([("a", "i4"), ("b", ">i4")]), of(spread), of({**spread, "offsets": [8, 0]}),
        of({**spread, "itemsize": 16}), of({**spread, "offsets": [0, 4], "itemsize": 12}),
        of(np.dtype([("a", "i4"), ("b", "i8")], align=True)), of([(("title", "a"), "i4"), ("b", "i4")]),
        of([(("other", "a"), "i4"), ("b", "i4")]), of([("a", "i4"), (("title", "b"), "i4")]),
        of([("a", "i4"), ("b", "i4")], ((2, 1),)), of([("a", "i4"), ("b", "i4")], ((1, 2), (1, 2))),
        of([("a", "i4"), ("b", "i4")], ())[:0], of([("a", "i4"), ("b", "i4")])[0], of("i4,i4").view("i4"),
        of([("a", "i4"), ("b", "O")]), of([("a", "O"), ("b", "i4")]), of([("a", "O"), ("b", "O")]),
        of([("a", "i4"), ("b", "O")], ((1, "2"),)), of([("a", "i4"), ("b", "O")], ((1, None),)),
        of([("a", "i4"), ("b", [("c", "i4")])], ((1, (2,)),)), of([("a", "i4"), ("b", "i4", 1)], ((1, (2,)),)),
        of([("a", "i4"), ("b", "i4", (1, 1))], ((1, [[2]]),)), of([("a", "i4"), ("b", "U1")]), of("i4,S1"), of("i4,U2"),
        np.rec.array([(1, 2)], [("a", "i4"), ("b", "i4")]), np.rec.array([(1, 2)], [("a", "i4"), ("b", "i4")])[0],
        np.asarray(np.rec.array([(1, 2)], [("a", "i4"), ("b", "i4")])), of([("a", "i4")], ((1,),)),
        np.ma.array(of("i4,i4")), np.ma.array(of("i4,i4"), mask=[(1, 0)]), np.ma.array(of("i4,i4"), mask=[(0, 1)]),
    ]  # fmt: skip


def masked() -> list[Any]:
    a = [1, 2, 3]
    return [
        np.ma.array(a), np.ma.array(a, mask=[1, 0, 0]), np.ma.array(a, mask=[0, 1, 0]), np.ma.array(a, mask=True),
        np.ma.array(a, fill_value=7), np.ma.array(a, mask=[1, 0, 0], fill_value=7), np.ma.array(a, hard_mask=True),
        np.ma.array([1.0, 2, 3]), np.ma.array([a]), np.ma.array(a, object), np.ma.array(a, object, mask=[1, 0, 0]),
        np.ma.array(np.array([a]).view(np.matrix)), np.ma.masked, np.ma.array(1, mask=True), np.ma.array(1),
        np.array(a), [np.ma.masked], np.ma.array(a, mask=[1, 0, 0]).filled(), np.ma.array(a, mask=[1, 0, 0]).filled(0),
        np.ma.array([0, 2, 3]), np.ma.array([0, 2, 3], mask=[0, 1, 0]), np.ma.array(list("abc")),
        np.ma.array(list("abc"), mask=[1, 0, 0]), np.ma.array(a, ">i8"), np.ma.array(a, "M8[s]"),
        np.ma.array(a, "M8[s]", mask=[1, 0, 0]),
    ]  # fmt: skip


def object_arrays() -> list[Any]:
    def of(*items: Any) -> Any:
        result = np.empty(len(items), object)
        result[:] = items
        return result

    return [
        of(1, 2), of(1.0, 2.0), of("1", "2"), of(1, "2"), of(True, 2), of(None, 2), of(math.nan, 2), of(2, 1),
        of(1, 2, None), of((1, 2)), of([1, 2], 3), of((1, 2), 3), of(np.array([1, 2]), 3), of(of(1, 2), 3),
        of(np.int64(1), 2), of(1, 2).reshape(2, 1), of(1, 2).reshape(1, 2), np.array([1, 2]), [1, 2],
        np.array(["1", "2"]), of({1: 2}, 3), of(b"1", "2"), of(pd.NaT, 2), of(pd.NA, 2), of(decimal.Decimal(1), 2),
        np.array(None), np.array([None]), np.array(["1", "2"], np.dtypes.StringDType()),
        np.array(["1", "2"], np.dtypes.StringDType(na_object=None)),
        np.array(["1", None], np.dtypes.StringDType(na_object=None)), np.array(["1", "None"], np.dtypes.StringDType()),
        np.array(["1", "2"], np.dtypes.StringDType(coerce=False)), np.array(["1", ""], np.dtypes.StringDType()),
        np.array(["1", math.nan], np.dtypes.StringDType(na_object=math.nan)),
    ]  # fmt: skip


def dtypes() -> list[Any]:
    names = (
        "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 g c8 c16 G S S1 S2 U U1 U2 V1 V2 O M8 M8[s] M8[ms] M8[25s] M8[D] m8[s] "
        ">i2 >i4 >f8 >c16 >U1 >M8[s]"
    )
    plain: list[Any] = [np.dtype(name) for name in names.split()]
    return [
        *plain, np.dtype([("a", "i4")]), np.dtype([("b", "i4")]), np.dtype([("a", "i4"), ("b", "i4")]),
        np.dtype(("i4", 2)), np.dtype(("i4", (2, 1))), np.dtype([("a", "i4", 2)]),
        np.dtype([("a", "i4", (2,)), ("b", "i4")]), np.dtype("i1,i8", align=True), np.dtype("i1,i8"),
        np.dtype({"names": [], "formats": [], "itemsize": 4}), np.dtype([(("t", "a"), "i4")]),
        np.dtype((np.record, [("a", "i4")])), np.dtype((np.record, "V2")), np.dtypes.StringDType(),
        np.dtype({"names": ["f0", "f1"], "formats": ["i1", "i8"], "offsets": [0, 8], "itemsize": 16}),
        np.dtypes.StringDType(na_object=None), np.dtypes.StringDType(coerce=False), np.dtype("f8", metadata={"a": 1}),
        np.dtypes.StringDType(na_object=math.nan), np.dtype("f8", metadata={"a": 2}), "f8", np.float64, float,
    ]  # fmt: skip


def numpy_scalars() -> list[Any]:
    return [
        np.int8(65), np.uint8(65), np.int16(65), np.int32(65), np.int64(65), np.float16(65), np.float32(65),
        np.float64(65), np.str_("A"), np.bytes_(b"A"), np.void(b"A"), np.datetime64(65, "s"), np.datetime64(65, "ms"),
        np.datetime64(65, "D"), np.timedelta64(65, "s"), np.timedelta64(65000, "ms"), np.complex64(65),
        np.longdouble(65), np.array(65), np.array([65]), 65, 65.0, "A", b"A", np.array([(65,)], [("a", "i8")])[0],
        np.array([(65,)], [("b", "i8")])[0], np.float64(65).view("i8"), np.datetime64(65, "us"), np.bool_(True),
        np.array([65], ">i8"), np.array(65, object), np.array("A"), np.array(b"A"), np.array("A", object),
        np.str_("A\x00"), np.bytes_(b"A\x00"), np.array(65, ">i8"), np.array(65.0), np.array(65, "i4"),
    ]  # fmt: skip


def moments() -> list[Any]:
    berlin, paris, utc = zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo("Europe/Paris"), dt.UTC
    plus_one = dt.timezone(dt.timedelta(hours=1))
    day = (2020, 10, 25)
    return [
        dt.date(*day), dt.datetime(*day), dt.datetime(*day, 2, 30), dt.datetime(*day, 2, 30, fold=1),
        dt.datetime(*day, 2, 30, tzinfo=berlin), dt.datetime(*day, 2, 30, tzinfo=berlin, fold=1),
        dt.datetime(*day, 2, 30, tzinfo=paris), dt.datetime(*day, 2, 30, tzinfo=utc), dt.datetime(*day, 2, 30, 0, 1),
        dt.datetime(*day, 1, 30, tzinfo=utc), dt.datetime(*day, 2, 30, tzinfo=plus_one), dt.datetime(*day, 2, 30, 1),
        dt.datetime(*day, 2, 30, tzinfo=zoneinfo.ZoneInfo("UTC")), dt.time(2, 30), dt.time(2, 30, fold=1),
        dt.time(2, 30, tzinfo=utc), dt.time(2, 30, tzinfo=berlin), dt.timedelta(hours=2, minutes=30), berlin, paris,
        utc, plus_one, dt.timezone(dt.timedelta(hours=1), "CET"), zoneinfo.ZoneInfo("UTC"),
        dt.timezone(dt.timedelta(0), "GMT"), np.datetime64("2020-10-25"), np.datetime64("2020-10-25T02:30"),
        np.datetime64("2020-10-25T02:30", "s"), np.datetime64("2020-10-25T02:30", "ns"), pd.Timestamp(*day),
        pd.Timestamp("2020-10-25 02:30"), pd.Timestamp("2020-10-25 02:30").as_unit("ns"),
        pd.Timestamp("2020-10-25 02:30").as_unit("s"), pd.Timestamp("2020-10-25 02:30", tz="UTC"),
        pd.Timestamp("2020-10-25 03:30", tz=berlin), pd.Timestamp("2020-10-25 01:30", tz="UTC"),
        pd.Period("2020-10-25", "D"), pd.Period("2020-10-25", "h"), pd.Period("2020-10", "M"), pd.Timedelta(hours=2),
        pd.Timedelta(hours=2).as_unit("ns"), dt.timedelta(hours=2), "2020-10-25", dt.timedelta(1), dt.timedelta(-1),
        dt.timedelta(microseconds=1), dt.timedelta(seconds=86399),
    ]  # fmt: skip


def exact_numbers() -> list[Any]:
    texts = "1 -1 1.0 1.00 1E+1 10 10.0 100 1E+2 0.1 0.10 1E-2 -0.1 0 -0 0.0 0E+5 0E-5 Infinity -Infinity NaN NaN1 sNaN"
    decimals: list[Any] = [decimal.Decimal(text) for text in texts.split()]
    return [
        *decimals, Fraction(1), Fraction(-1), Fraction(1, 10), Fraction(10), Fraction(10, 1) + Fraction(1, 10), 1, -1,
        10, 0.1, 1.0, 10.0, (1, 1), (1, 10), "1", "0.1", 2**64, -(2**64), 2**64 + 1, 2.0**64, 10**40, -(10**40),
        float(10**40), decimal.Decimal(10**40), Fraction(10**40), 255, 256, 127, 128, -128, -129, 32767, 32768, 2**31,
        2**63, int.from_bytes(b"\xff" * 200, "little"), int.from_bytes(b"\xff" * 201, "little"), -(2**1600),
    ]  # fmt: skip


def paths() -> list[Any]:
    posix, windows = pathlib.PurePosixPath, pathlib.PureWindowsPath
    return [
        posix("a/b"), posix("/a/b"), posix("a", "b", "c"), posix("ab"), posix("a/b/c/.."), posix("//a/b"),
        posix("a\\b"), posix("A/b"), posix("."), posix("/"), posix(".."), posix("a b"), windows("a/b"), windows("/a/b"),
        windows("C:/a/b"), windows("C:a/b"), windows("c:/a/b"), windows("A/b"), windows("//a/b"), windows("//a/b/c"),
        windows("."), pathlib.Path("a/b"), pathlib.Path("/a/b"), "a/b", b"a/b", ("a", "b"), ["a", "b"],
    ]  # fmt: skip


def members() -> list[Any]:
    return [
        Colour.RED, Colour.GREEN, Shade.RED, Shade.GREEN, Level.LOW, Level.HIGH, Word.RED, Mode.READ, Mode.WRITE,
        Mode.READ | Mode.WRITE, Mode(0), "RED", 1, 2, 3, (Colour.RED,), [Colour.RED], {Colour.RED}, {Colour.RED: 1},
        {Shade.RED: 1}, {"RED": 1}, {1: 1}, Plain(Colour.RED, 1), re.RegexFlag.I, re.RegexFlag.M, ("Colour", "RED"),
        np.array([Colour.RED]), np.array([Shade.RED]), np.array([1]), "GREEN",
    ]  # fmt: skip


def instances() -> list[Any]:
    labelled = with_attributes(LabelledPoint(1, 2), name="p")
    return [
        Plain(1, 2), Plain(2, 1), Plain(1, 2.0), Plain(1, None), Twin(1, 2), Child(1, 2), Hidden(1, 2), Hidden(1),
        Hidden(1, 3), Slotted(1, 2), Slotted(2, 1), Slotted((1, 2), None), with_attributes(Plain(1, 2), z=3), Box(1),
        Box([1]), Box(Box(1)), with_attributes(Plain(1, 2), z=4), with_attributes(Plain(1, 2), w=3),
        Plain(Plain(1, 2), 3), Plain(1, Plain(2, 3)), Point(1, 2), Point(2, 1), Point(1, 2.0), Size(1, 2),
        Renamed(1, 2), Renamed(y=2, x=1), LabelledPoint(1, 2), labelled, with_attributes(LabelledPoint(1, 2), name="q"),
        (1, 2), [1, 2], {"x": 1, "y": 2}, types.SimpleNamespace(x=1, y=2), types.SimpleNamespace(x=2, y=1),
        types.SimpleNamespace(x=1), Keyed(1), Keyed(2), Keyed((1, 2)), Keyed([1, 2]), KeyedToo(1), KeyedByProperty(1),
        KeyedByProperty((1, 2)), Keyed({"x": 1, "y": 2}), Keyed(Keyed(1)), Keyed(None), Keyed(Plain(1, 2)),
        ("Plain", 1, 2), (Plain(1, 2),), [Plain(1, 2)], [Plain(1, 2), Plain(1, 2)], [Plain(1, Plain(1, 2))],
        Plain([1, 2], None), Plain(None, [1, 2]), Plain((1, 2), None),
    ]  # fmt: skip


def derived() -> list[Any]:
    return [
        Items([1]), Others([1]), [1], Row([1]), (1,), with_attributes(Items([1]), a=1),
        with_attributes(Items([1]), a=2), with_attributes(Items([1]), b=1), with_attributes(Items(), a=[1]), Slots([1]),
        with_attributes(Slots([1]), a=1), with_attributes(Slots([1]), b=1), with_attributes(Slots([1]), a=1, b=1),
        Table({1: 1}), {1: 1}, Bag([1]), {1}, FrozenBag([1]), Count(65), 65, Metres(65), 65.0, Impedance(65), 65 + 0j,
        Impedance(complex(65, -0.0)), Name("A"), "A", Blob(b"A"), b"A", with_attributes(Count(65), unit="m"),
        with_attributes(Metres(65), unit="m"), with_attributes(Metres(65), unit="km"), np.array([1]).view(Tensor),
        np.array([1]), np.array([1.0]).view(Tensor), with_attributes(np.array([1]).view(Tensor), unit="m"),
        np.array([[1]]).view(np.matrix), np.array([[1]]), [Items([1])], Items([[1]]), Items([Items([1])]),
        collections.Counter([1]), collections.OrderedDict({1: 1}), collections.deque([1]),
    ]  # fmt: skip


def slices_and_ranges() -> list[Any]:
    return [
        slice(1), slice(0, 1), slice(None, 1, 1), slice(1, None), slice(1, 2), slice(1, 2, 1), slice(1, 2, -1),
        slice(None), slice(0, None), slice(None, None, 1), slice(None, None, -1), slice("1"), slice(1.0), slice((1,)),
        range(1), range(2), range(1, 2), range(0, 4, 2), range(0, 4, 3), range(4, 0, -2), range(2, -1, -2), range(0),
        (0, 1), [0], [0, 1], (1,), np.arange(2), (None, 1, None), range(2**62), range(0, 2**62, 2), range(1, 2**62),
        range(3, 10**30), range(4, 10**30), range(3, 10**30 + 1), range(3, 10**30, 2), range(10**30, 3, -1),
        "range(0, 1)",
    ]  # fmt: skip


def patterns() -> list[Any]:
    return [
        re.compile("a"), re.compile(b"a"), re.compile("a", re.I), re.compile("a", re.M), re.compile("a", re.I | re.M),
        re.compile("(?i)a"), re.compile("a", re.A), re.compile("A"), re.compile("a "), re.compile("a", re.X), "a", b"a",
        ("a", 32), operator.itemgetter("a"), operator.attrgetter("a"), operator.methodcaller("a"),
        operator.itemgetter("b"), operator.itemgetter("a", "b"), operator.attrgetter("a", "b"),
        operator.attrgetter("a.b"), operator.methodcaller("b"), operator.methodcaller("a", 1),
        operator.methodcaller("a", x=1), operator.methodcaller("a", 1, x=1),
    ]  # fmt: skip


def random_sources() -> list[Any]:
    def drawn(source: Any, count: int = 1) -> Any:
        source.random(count)
        return source

    def spawned() -> Any:
        source = np.random.default_rng(0)
        source.spawn(1)
        return source

    rng = np.random
    kinds = (rng.PCG64, rng.PCG64DXSM, rng.MT19937, rng.Philox, rng.SFC64)
    moved, legacy = random.Random(0), rng.RandomState(0)
    moved.random()
    legacy.random_sample()
    return [
        *(kind(0) for kind in kinds), *(kind(1) for kind in kinds), *(rng.Generator(kind(0)) for kind in kinds),
        *(drawn(rng.Generator(kind(0))) for kind in kinds), drawn(rng.default_rng(0), 2), rng.default_rng(1), spawned(),
        rng.RandomState(0), rng.RandomState(1), legacy, random.Random(0), random.Random(1), moved, rng.SeedSequence(0),
        rng.SeedSequence(1), rng.SeedSequence([0]), rng.SeedSequence(0, spawn_key=(1,)),
        rng.SeedSequence(0, pool_size=8), rng.SeedSequence(0, n_children_spawned=1), 0,
        rng.default_rng(0).bit_generator.state,
    ]  # fmt: skip


def sparse_matrices() -> list[Any]:
    dense = np.array([[1.0, 0, 2], [0, 0, 3], [4, 5, 0]])
    forms = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    made: list[Any] = [getattr(sparse, f"{form}_{kind}")(dense) for form in forms for kind in ("array", "matrix")]
    made += [getattr(sparse, f"{form}_array")(dense.T) for form in forms]
    made += [getattr(sparse, f"{form}_array")(dense.astype("f4")) for form in forms]
    rows, columns = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 2, 0, 1])
    data = np.array([1.0, 2, 3, 4, 5])
    order = np.array([1, 0, 2, 3, 4])
    twice = np.append(data, 1.0), (np.append(rows, 0), np.append(columns, 0))
    return [
        *made, sparse.coo_array((data[order], (rows[order], columns[order])), (3, 3)), sparse.coo_array(twice, (3, 3)),
        sparse.coo_array((data, (rows, columns)), (3, 4)), sparse.coo_array((data, (columns, rows)), (3, 4)),
        sparse.coo_array((data, (rows, columns)), (4, 3)), sparse.csr_array((3, 3)), sparse.csc_array((3, 3)),
        sparse.csr_array((data[order], columns[order], [0, 2, 3, 5]), (3, 3)), sparse.csr_array((3, 4)), dense,
        sparse.csr_array((np.append(data, 0), np.append(columns, 2), [0, 2, 3, 6]), (3, 3)), sparse.coo_array((3, 3)),
        sparse.bsr_array(np.kron(dense, np.ones((2, 2))), blocksize=(2, 2)),
        sparse.bsr_array(np.kron(dense, np.ones((2, 2))), blocksize=(1, 1)),
    ]  # fmt: skip


def frames() -> list[Any]:
    base = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    flagged = base.copy().set_flags(allows_duplicate_labels=False)
    noted = base.copy()
    noted.attrs["unit"] = "m"
    return [
        base, base[["b", "a"]], base.rename(columns={"a": "A"}), base.T, base.iloc[::-1], base.iloc[:1], base[["a"]],
        base["a"], base.set_index("a"), base.reset_index(), base.set_index("a", drop=False), base.astype(float),
        base.astype("int32"), base.astype({"a": float}), base.astype({"b": float}), base.astype(object),
        base.astype(str), base.astype("Int64"), base.astype("category"), base.astype("Float64"), base.set_axis([1, 2]),
        base.set_axis(["0", "1"]), flagged, noted, base.set_axis([0, 1]), base.set_axis([0.0, 1.0]),
        base.rename_axis("i"), base.rename_axis(columns="c"), base.set_axis(["a", "a"], axis=1),
        pd.DataFrame({"a": [1, 2], "b": [4, 3]}), base.to_dict(), base.to_numpy(), base.to_records(),
        pd.DataFrame({"a": [1, 2, 3, 4]}), pd.DataFrame([[1, 3], [2, 4]]), pd.DataFrame(), pd.DataFrame(index=[0, 1]),
        pd.DataFrame(columns=["a", "b"]), pd.DataFrame(columns=["a", "b"], dtype=int),
        base.set_axis(pd.MultiIndex.from_tuples([(0, 0), (0, 1)])), base.set_axis(pd.Categorical([0, 1])),
        base.set_axis(pd.to_datetime([0, 1])), base.set_axis(pd.MultiIndex.from_tuples([("a", 0), ("b", 0)]), axis=1),
        pl.DataFrame({"a": [1, 2], "b": [3, 4]}), pl.DataFrame({"b": [3, 4], "a": [1, 2]}), pl.DataFrame({"a": [1, 2]}),
        pl.DataFrame({"a": [1, 2], "b": [3.0, 4.0]}), pl.DataFrame(), pl.DataFrame({"a": []}), pl.DataFrame({"b": []}),
    ]  # fmt: skip


def series() -> list[Any]:
    return [
        pd.Series([1, 2]), pd.Series([1, 2], name="a"), pd.Series([1, 2], name=0), pd.Series([1, 2], [1, 2]),
        pd.Series([1, 2], pd.Index([0, 1])), pd.Series([1, 2], pd.RangeIndex(0, 2, name="i")), pd.Series([1.0, 2.0]),
        pd.Series([1, 2], dtype="int32"), pd.Series([1, 2], dtype="Int64"), pd.Series([1, 2], dtype=object),
        pd.Series([1, 2], dtype="category"), pd.Series([1, 2], dtype=pd.CategoricalDtype([2, 1])),
        pd.Series([1, 2], dtype=pd.CategoricalDtype([1, 2, 3])),
        pd.Series([1, 2], dtype=pd.CategoricalDtype([1, 2], True)), pd.Series(["1", "2"]),
        pd.Series(["1", "2"], dtype=object), pd.Series(["1", "2"], dtype="string"), pd.Series(["1", None]),
        pd.Series(["1", None], dtype=object), pd.Series(["1", math.nan], dtype=object),
        pd.Series(["1", pd.NA], dtype=object), pd.Series(["1", pd.NaT], dtype=object),
        pd.Series(["1", None], dtype="string"), pd.Series(["1", "None"]), pd.Series(["1", "nan"]), pd.Series(["1", ""]),
        pd.Series([1, math.nan]), pd.Series([2, 1]), pd.Series([1, None], dtype="Int64"),
        pd.Series([1, None], dtype="Float64"),
        pd.Series(pd.arrays.FloatingArray(np.array([1, math.nan]), np.zeros(2, bool))),
        pd.Series(pd.arrays.FloatingArray(np.array([1.0, 0]), np.zeros(2, bool))), pd.Series([1, 0], dtype="Int64"),
        pd.Series([1, None], dtype="int64[pyarrow]"), pd.Series([1, 0], dtype="int64[pyarrow]"),
        pd.Series([True, False]), pd.Series([1, None], dtype="double[pyarrow]"),
        pd.Series(["1", None], dtype=pd.ArrowDtype(pa.string())),
        pd.Series(["1", ""], dtype=pd.ArrowDtype(pa.string())), pd.Series([True, None], dtype="boolean"),
        pd.Series([True, False], dtype="boolean"), pd.Series([True, None], dtype="bool[pyarrow]"),
        pd.Series([1, 2], dtype="Sparse[int]"), pd.arrays.SparseArray([0, 1]),
        pd.arrays.SparseArray([0, 1], kind="block"), pd.Series([0, 1], dtype=pd.SparseDtype(int, 1)),
        pd.Series([0, 1], dtype=pd.SparseDtype(int, 0)), pd.Series([1, 2], dtype="M8[s]"),
        pd.Series([1, 2], dtype="M8[ns]"), pd.Series([1, 2], dtype="M8[s, UTC]"), pd.Series([1, 2], dtype="m8[s]"),
        pd.Series([1, 2]).array, pd.Index([1, 2]), pd.Series([1, None], dtype="M8[s]"), pl.Series([1, 2]),
        pl.Series("a", [1, 2]), [1, 2], np.array([1, 2]), pd.Series([1, 2], dtype=pd.ArrowDtype(pa.timestamp("s"))),
        pd.Series([1, 2], dtype=pd.ArrowDtype(pa.duration("s"))),
    ]  # fmt: skip


def indexes() -> list[Any]:
    pairs = [(1, "a"), (1, "b"), (2, "a")]
    multi = pd.MultiIndex.from_tuples(pairs)
    days = pd.date_range("2020-01-01", periods=3)
    return [
        pd.RangeIndex(3), pd.Index([0, 1, 2]), pd.RangeIndex(0, 6, 2), pd.RangeIndex(3, name="a"),
        pd.Index([0.0, 1, 2]), pd.Index([0, 1, 2], dtype="int32"), pd.Index([0, 1, 2], dtype=object),
        pd.Index([0, 1, 2], dtype="Int64"), pd.Index(["0", "1", "2"]), pd.Index(["0", "1", "2"], dtype=object),
        pd.CategoricalIndex([0, 1, 2]), multi, pd.CategoricalIndex([0, 1, 2], ordered=True),
        pd.CategoricalIndex([0, 1, 2], [2, 1, 0]), pd.interval_range(0, 3), pd.interval_range(0, 3, closed="left"),
        pd.interval_range(0, 3, closed="both"), multi.rename(["x", "y"]), multi.rename(["y", "x"]), multi.swaplevel(),
        multi[::-1], multi[:2], pd.MultiIndex.from_tuples([(1,), (1,), (2,)]), pd.Index(pairs, tupleize_cols=False),
        days, days._with_freq(None), days.tz_localize("UTC"), days.tz_localize("Europe/Berlin"), days.as_unit("s"),
        days.to_period(), pd.period_range("2020-01-01", periods=3, freq="h"), days.rename("a"), days[::-1],
        days - days[0], pd.timedelta_range("1D", periods=3), pd.timedelta_range("2D", periods=3), range(3), [0, 1, 2],
        np.arange(3), pairs, pd.MultiIndex.from_product([[1, 2, 3], ["a", "b"]])[:3],
    ]  # fmt: skip


def small_things_of_frames() -> list[Any]:
    offsets = pd.offsets
    return [
        pd.Interval(0, 1), pd.Interval(0, 1, "left"), pd.Interval(0, 1, "both"), pd.Interval(0, 2),
        pd.Interval(0.0, 1.0), offsets.Day(), offsets.Day(2), offsets.Hour(24), offsets.Hour(), offsets.BDay(),
        offsets.MonthEnd(), offsets.MonthBegin(), offsets.MonthEnd(normalize=True), offsets.Week(weekday=1),
        offsets.Week(weekday=2), offsets.Week(), offsets.CustomBusinessDay(),
        offsets.CustomBusinessDay(holidays=["2020-01-01"]), offsets.CustomBusinessDay(weekmask="Mon Tue"),
        pd.DateOffset(months=1), pd.DateOffset(months=2), pd.DateOffset(days=1), pd.CategoricalDtype(["a"]),
        pd.CategoricalDtype(["b"]), pd.CategoricalDtype(["a"], True), pd.CategoricalDtype(),
        pd.DatetimeTZDtype("ns", "UTC"), pd.DatetimeTZDtype("s", "UTC"), pd.DatetimeTZDtype("ns", "Europe/Paris"),
        pd.PeriodDtype("D"), pd.PeriodDtype("M"), pd.IntervalDtype("i8", "left"), pd.IntervalDtype("i8", "right"),
        pd.IntervalDtype("f8", "left"), pd.SparseDtype("f8"), pd.SparseDtype("f8", 0.0), pd.SparseDtype("i8"),
        pd.StringDtype("python"), pd.StringDtype("pyarrow"), pd.StringDtype("python", math.nan), pd.Int8Dtype(),
        pd.Int16Dtype(), pd.UInt8Dtype(), pd.Float32Dtype(), pd.Float64Dtype(), pd.BooleanDtype(),
        pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string()), pd.ArrowDtype(pa.timestamp("s", "UTC")), pd.NA,
        pd.NaT, pl.Int8(), pl.Int16(), pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("us", "UTC"), pl.Enum(["a"]),
        pl.Enum(["b"]), pl.List(pl.Int8), pl.List(pl.Int16), pl.Array(pl.Int8, 2), pl.Array(pl.Int8, 3),
        pl.Struct({"a": pl.Int8}), pl.Struct({"b": pl.Int8}), pl.Decimal(10, 2), pl.Decimal(10, 3), pl.Categorical(),
        pl.String(), np.busdaycalendar(), np.busdaycalendar("1111110"),
    ]  # fmt: skip


def polars_series() -> list[Any]:
    def of(values: Any, dtype: Any = None) -> Any:
        return pl.Series(values, dtype=dtype, strict=False)

    stamp = dt.datetime(2020, 1, 1)
    nanoseconds = pl.Series([0, 1]).cast(pl.Datetime("ns"))
    return [
        of([1, 2]), of([2, 1]), of([1, 2], pl.Int32), of([1, 2], pl.UInt64), of([1, 2], pl.Float64),
        of([1, 2], pl.Float32), of([1, None]), of([1, 0]), of([None, None], pl.Int64), of([None, None]), of([None]),
        of([1.0, None]), of([1.0, math.nan]), of(["1", "2"]), of(["1", None]), of(["1", ""]), of([b"1", b"2"]),
        of(["1", "2"], pl.Categorical), of(["1", "2"], pl.Enum(["1", "2"])), of(["1", "2"], pl.Enum(["2", "1"])),
        of(["1", "2"], pl.Enum(["1", "2", "3"])), of([True, False]), of([True, None]), of([stamp, None]),
        of([stamp, None], pl.Datetime("ms")), of([stamp, stamp]), of([stamp, None], pl.Datetime("us", "UTC")),
        of([stamp.date(), None]), of([dt.time(1), None]), of([dt.timedelta(1)]), of([[1], [2]]), of([[1, 2]]),
        of([[1, 2], []]), of([[], [1, 2]]), of([[1, 2], None]), of([None, [1, 2]]), of([[1, None], [2]]),
        of([[1], [None, 2]]), of([[[1], [2]]]), of([[[1, 2]]]), of([[1], [2]], pl.List(pl.Int32)),
        of([[1, 2]], pl.Array(pl.Int64, 2)), of([[1], [2]], pl.Array(pl.Int64, 1)), of([{"a": 1}, {"a": 2}]),
        of([{"b": 1}, {"b": 2}]), of([{"a": 1}, None]), of([{"a": 1}, {"a": None}]), of([{"a": 1, "b": 2}]),
        of([{"b": 2, "a": 1}]), of([decimal.Decimal("1.0"), None]), of([decimal.Decimal("1.00"), None]),
        of([1, 2], pl.Int128), of([1, 2], pl.Object), of(["1", 2], pl.Object), nanoseconds, nanoseconds.reshape((1, 2)),
        nanoseconds.implode(), pl.Series([0, 2]).cast(pl.Datetime("ns")).implode(), pl.Series("a", [1, 2]), of([]),
        of([], pl.Int64), of([], pl.String), of([[]], pl.List(pl.Int64)), of([None], pl.List(pl.Int64)),
    ]  # fmt: skip


def double(x: Any) -> Any:
    return 2 * x


def triple(x: Any) -> Any:
    return 3 * x


def callables() -> list[Any]:
    partial = functools.partial
    return [
        double, triple, len, max, int, float, Plain, Twin, Colour, np.float64, np.float32, np.add, np.sum,
        partial(double), partial(triple), partial(double, 1), partial(double, 2), partial(double, x=1),
        partial(double, 1, y=2), partial(partial(triple), 1), with_attributes(partial(double, 1), note="n"),
        "abc".upper, "abc".lower, "abd".upper, str.upper, [1].append, [2].append, [1].extend, Keyed(1).__memo_key__,
        Keyed(2).__memo_key__, KeyedToo(1).__memo_key__, Keyed.__memo_key__, dict.fromkeys,
        collections.Counter.fromkeys, (1).__add__, (2).__add__, (1).__sub__, (1.0).__add__, int.__add__, math.sin,
        math.cos, [double], (double,), {double}, {"f": double}, {"f": triple}, Plain(double, 1), Plain(triple, 1),
        collections.defaultdict(Plain), collections.defaultdict(Twin), type, ("double",), "double", operator.add,
        operator.sub, functools.partial, ValueError,
    ]  # fmt: skip


def frozen() -> list[Any]:
    big = np.arange(2048.0)
    values = [freeze(big), freeze(big + 0.5), freeze(big[::-1]), freeze(big.astype("f4")), freeze(big.view("i8"))]
    values += [freeze(big.reshape(2, -1)), freeze(big.reshape(-1, 2)), freeze(big.astype(">f8")), freeze(big[1:])]
    base = freeze(-big)
    return [
        *values, base, base[1:], base[:-1], base[::2], base[1::2], base.reshape(2, 1024), base.reshape(1024, 2),
        base.reshape(1024, 2).T, base.reshape(2, 1024).T, base[::-1], base.view("i8"), base.view("u8"), base.view("f4"),
        base.view("M8[s]"), base.view([("a", "f8")]), base.view([("a", "f4"), ("b", "f4")]),
        base.reshape(32, 64)[:, ::2], base.reshape(32, 64)[::2], base[:1024], base[1024:], base.view(">f8"),
        base.view("V8"), base.view("S8"),
    ]  # fmt: skip


def labelled() -> list[Any]:
    """Things that are not one's own, with an attribute that one has set, and without."""
    makes: list[Callable[[], Any]] = [
        lambda: collections.ChainMap({"a": 1}), lambda: random.Random(0), lambda: np.ma.array([1]),
        lambda: sparse.csr_array(np.eye(2)), lambda: sparse.dok_array(np.eye(2)), lambda: pd.Index([1]),
        lambda: pd.DataFrame({"a": [1]}), lambda: pd.Series([1]), lambda: pd.RangeIndex(2), lambda: pl.Series([1]),
        lambda: pd.MultiIndex.from_tuples([(1, 2)]), lambda: pl.DataFrame({"a": [1]}), lambda: functools.partial(int),
        lambda: collections.Counter("a"), lambda: collections.OrderedDict(a=1), lambda: Items([1]), lambda: Plain(1, 2),
    ]  # fmt: skip
    labels = ({}, {"unit": "m"}, {"unit": "km"}, {"units": "m"})
    return [with_attributes(make(), **label) for make in makes for label in labels]


GROUPS: list[Group] = [
    ones, nothings, not_numbers, boundaries, nestings, repetitions, long_texts, encodings, mappings, sets,
    texts_and_bytes, layouts, views, mapped, one_element, one_element_of_a_strided_array, structured, masked,
    object_arrays, dtypes, numpy_scalars, moments, exact_numbers, paths, members, instances, derived, slices_and_ranges,
    patterns, random_sources, sparse_matrices, frames, series, indexes, small_things_of_frames, polars_series,
    callables, frozen, labelled,
]  # fmt: skip
