"""Values come back as they were, and what no packer made is refused before it does harm."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import json
import pathlib
import tracemalloc
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memograd.digest.digester import digest
from memograd.errors import StoreError
from memograd.memo.codecs.arrow_stream import check_uncompressed
from memograd.memo.codecs.packing import CannotStore
from memograd.memo.codecs.table import decode, encode

RAN: list[str] = []


@dataclasses.dataclass(frozen=True)
class Point:
    """A record."""

    x: float
    tags: tuple[str, ...] = ()


@dataclasses.dataclass
class Trap:
    """A record that tells when its code runs."""

    x: Any = 0

    def __post_init__(self) -> None:
        RAN.append("__post_init__")

    def __setattr__(self, name: str, value: Any) -> None:
        RAN.append("__setattr__")

    def __setstate__(self, state: Any) -> None:
        RAN.append("__setstate__")


@dataclasses.dataclass
class FieldsInDict(dict):  # type: ignore[type-arg]
    """A record that holds more than its fields."""

    x: int = 0


Pair = collections.namedtuple("Pair", "left right")


class Color(enum.Enum):
    """Two members."""

    RED = 1
    BLUE = "b"


class Bits(enum.Flag):
    """Members that combine."""

    A = 1
    B = 2


def back(value: Any) -> Any:
    """What a value becomes by way of JSON and bytes."""
    form, blobs = encode(value)
    return decode(json.loads(json.dumps(form)), [bytes(blob) for blob in blobs])


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=())),
    st.binary(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from(Color),
    st.builds(Point, st.floats(), st.tuples(st.text())),
    st.builds(Pair, st.integers(), st.text()),
)
arrays = hnp.arrays(
    st.one_of(
        hnp.integer_dtypes(endianness="?"),
        hnp.floating_dtypes(sizes=(16, 32, 64)),
        hnp.boolean_dtypes(),
        hnp.complex_number_dtypes(sizes=(64, 128)),
        hnp.unicode_string_dtypes(max_len=4),
        hnp.datetime64_dtypes(),
    ),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
keys = st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.booleans()))
values = st.recursive(
    scalars | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=4),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(values)
def test_nested_values_come_back_as_they_were(value: Any) -> None:
    """What is decoded has the digest of what was encoded."""
    assert digest(back(value)) == digest(value)


SPECIAL = [
    ...,
    -0.0,
    1 << 5000,
    "\ud800\udc00",
    "é" * 2000,
    b"x" * 5000,
    bytearray(b"abc"),
    slice(1, None, 2),
    range(3, 100, 7),
    decimal.Decimal("-0E-7"),
    fractions.Fraction(-1, 3),
    uuid.UUID(int=5),
    datetime.datetime(2020, 1, 1, 3, fold=1, tzinfo=datetime.UTC),
    pathlib.Path("a/b"),
    pathlib.PurePosixPath("/a"),
    np.float32(1.5),
    np.str_(""),
    np.dtype([("a", "<f4"), ("b", "<i8", (2,))]),
    np.zeros(3, [("a", "<f4"), ("b", "<i8", (2,))]),
    np.arange(6.0).reshape(2, 3).T,
    np.arange(10)[::-2],
    np.array([None, "a", [1, {2}]], object),
    np.ma.masked_array([1, 2, 3], [0, 1, 0]),
    scipy.sparse.csr_matrix(np.eye(3)),
    scipy.sparse.csc_array(np.eye(3)),
    scipy.sparse.coo_array(np.eye(3)),
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=["p", "q"]),
    pd.Series([1.0, None], name="a"),
    pl.DataFrame({"a": [1, 2], "b": ["x", None]}),
    pl.Series("s", [1, 2]),
]


@pytest.mark.parametrize("value", SPECIAL, ids=lambda value: f"{type(value).__name__}-{str(value)[:12]!r}")
def test_special_values_come_back_as_they_were(value: Any) -> None:
    """Values at the edges of their types come back with their type and digest."""
    assert type(back(value)) is type(value)
    assert digest(back(value)) == digest(value)


def test_arrays_come_back_read_only_without_a_copy() -> None:
    """An array is a view of its blob that cannot be written to."""
    form, blobs = encode(np.arange(100.0))
    data = bytes(blobs[0])
    array = decode(form, [data])
    assert not array.flags.writeable
    assert np.shares_memory(array, np.frombuffer(data))


def _local_class() -> Any:
    @dataclasses.dataclass
    class Local:
        x: int = 1

    return Local()


def _with_extra() -> Any:
    point = Point(1.0)
    object.__setattr__(point, "extra", 1)
    return point


def _holds_itself() -> list[Any]:
    held: list[Any] = []
    held.append(held)
    return held


@pytest.mark.parametrize(
    "make",
    [
        lambda: [1, {"k": object()}],
        _local_class,
        _with_extra,
        _holds_itself,
        lambda: FieldsInDict(1),
        lambda: Bits.A | Bits.B,
        lambda: np.str_("a\0"),
        lambda: np.zeros(2, [("a", object)]),
        lambda: np.array(["a"], np.dtypes.StringDType()),
        lambda: np.empty(3, "V0"),
        lambda: pd.DataFrame({"a": [1, "x"]}),
        lambda: pl.DataFrame({"a": [object()]}, schema={"a": pl.Object}),
        lambda: datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1), "X")),
        lambda: (item for item in ()),
    ],
)
def test_what_would_not_come_back_is_refused(make: Callable[[], Any]) -> None:
    """A value that no codec can give back as it was is refused, with the path to it."""
    with pytest.raises(CannotStore, match="the result"):
        encode(make())


def _compressed(rows: int) -> bytes:
    table = pa.table({"a": np.zeros(rows)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _compressed_polars() -> bytes:
    target = io.BytesIO()
    pl.DataFrame({"a": [0] * 10_000}).write_ipc_stream(target, compression="lz4")
    return target.getvalue()


def _nulls(rows: int) -> bytes:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"a": pa.nulls(rows)})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _deep(tag: str, depth: int) -> list[Any]:
    form: list[Any] = ["none"]
    for _ in range(depth):
        form = [tag, [form]]
    return form


HERE = __name__
MEGABYTE = b"\0" * (1 << 20)
ITEMS: list[Any] = [["int", "1"]]

FORGED: dict[str, tuple[Any, list[bytes]]] = {
    "nothing": ([], []),
    "no list": (5, []),
    "unknown tag": (["pickle", 0], [b"cos\nsystem\n(S'true'\ntR."]),
    "tag is a list": ([["int"], "1"], []),
    "too few parts": (["int"], []),
    "too many parts": (["none", 1], []),
    "int of a list": (["int", ["1"]], []),
    "float of text": (["float", "zz"], []),
    "fraction by zero": (["fraction", [["int", "1"], ["int", "0"]]], []),
    "unhashable key": (["dict", [[["list", []], ["none"]]]], []),
    "unhashable member": (["set", [["list", []]]], []),
    "deep": (_deep("list", 900), []),
    "very deep": (_deep("list", 50_000), []),
    "dangerous class": (["dataclass", ["subprocess", "Popen"], [["args", ["str", "true"]]]], []),
    "function as a class": (["dataclass", ["os", "system"], [["command", ["str", "true"]]]], []),
    "class that is not imported": (["dataclass", ["antigravity", "X"], []], []),
    "attribute of no module": (["enum", ["builtins", "str.__class__"], "x"], []),
    "other fields": (["dataclass", [HERE, "Point"], [["__class__", ["none"]]]], []),
    "record in a dict": (["dataclass", [HERE, "FieldsInDict"], [["x", ["int", "1"]]]], []),
    "enum that is none": (["enum", ["builtins", "int"], "real"], []),
    "member that is none": (["enum", [HERE, "Color"], "__class__"], []),
    "named tuple that is none": (["namedtuple", ["builtins", "tuple"], []], []),
    "named tuple of other length": (["namedtuple", [HERE, "Pair"], ITEMS], []),
    "object dtype": (["array", [1], 0, "|O"], [b"\0" * 8]),
    "objects in fields": (["array", [1], 0, [["a", "|O"]]], [b"\0" * 8]),
    "dtype of no size": (["array", [1 << 40], 0, "|V0"], [b""]),
    "dtype that is none": (["array", [1], 0, "import os"], [b"\0" * 8]),
    "huge shape": (["array", [1 << 62], 0, "<f8"], [b"\0" * 8]),
    "shape that overflows": (["array", [1 << 32, 1 << 32], 0, "<f8"], [b""]),
    "negative shape": (["array", [-1], 0, "<f8"], [b"\0" * 8]),
    "fractional shape": (["array", [1.0], 0, "<f8"], [b"\0" * 8]),
    "huge shape of objects": (["array", [1 << 40], ITEMS], []),
    "number of a shape": (["numpy_scalar", [2], 0, "<f8"], [b"\0" * 16]),
    "blob out of range": (["bytes", 1], [b""]),
    "negative blob": (["bytes", -1], [b"a"]),
    "blob by a bool": (["bytes", False], [b"a"]),
    "one blob again and again": (["list", [["bytes", 0]] * 100_000], [MEGABYTE]),
    "sparse matrix of another name": (["sparse", "load_npz", [1, 1], []], []),
    "masked list": (["masked", ["list", []], ["list", []], ["list", []]], []),
    "compressed frame": (["pandas", "DataFrame", 0, None], [_compressed(1 << 20)]),
    "compressed frame of polars": (["polars", "DataFrame", 0], [_compressed_polars()]),
    "nulls without end": (["pandas", "DataFrame", 0, None], [_nulls(1 << 30)]),
    "no frame": (["pandas", "DataFrame", 0, None], [b"\xff" * 100]),
    "no frame of polars": (["polars", "DataFrame", 0], [b"\xff\xff\xff\xff\x08\0\0\0" + b"\0" * 8]),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_form_is_an_error_and_costs_no_memory(name: str) -> None:
    """What no packer made is a StoreError, and takes less than 16 MiB on the way."""
    form, blobs = FORGED[name]
    tracemalloc.start()
    try:
        with pytest.raises(StoreError):
            decode(form, blobs)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_indices_of_a_forged_sparse_matrix_are_checked() -> None:
    """A sparse matrix whose indices lie outside of it is refused."""
    form, blobs = encode(scipy.sparse.csr_matrix(np.eye(3)))
    forged = [bytes(blob) for blob in blobs]
    forged[1] = np.array([0, 1, 1 << 20], np.int32).tobytes()
    with pytest.raises(StoreError):
        decode(form, forged)


def test_decoding_runs_no_code_of_a_class() -> None:
    """No constructor, setter or `__setstate__` runs when a record is made."""
    form = ["dataclass", [HERE, "Trap"], [["x", ["int", "5"]]]]
    RAN.clear()
    assert decode(form, []).x == 5
    assert RAN == []


@given(st.binary(max_size=200), st.integers(0, 600))
def test_torn_streams_of_arrow_are_an_error(noise: bytes, place: int) -> None:
    """Whatever stands in a stream, the check says StoreError, or nothing."""
    data = bytearray(_compressed(10))
    data[place : place + len(noise)] = noise
    with contextlib.suppress(StoreError):
        check_uncompressed(bytes(data))
