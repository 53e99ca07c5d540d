"""Frames in an entry that somebody forged take about as much memory as the entry has bytes."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from memograd.errors import StoreError
from memograd.memo.codecs.packing import CannotStore
from memograd.memo.codecs.table import decode, encode

N = 20_000
LONG = "a" * (1 << 16)
MANY = 30_000_000


def views() -> Any:
    """So many views of one text."""
    rows = struct.pack("<i4sii", len(LONG), LONG[:4].encode(), 0, 0) * N
    return pa.Array.from_buffers(pa.string_view(), N, [None, pa.py_buffer(rows), pa.py_buffer(LONG.encode())])


def dictionary() -> Any:
    """So many numbers of one text."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(N, np.int8)), pa.array([LONG]))


def listed(array: Any) -> Any:
    """One list of all elements."""
    return pa.ListArray.from_arrays(pa.array([0, len(array)], pa.int32()), array)


FORGED: dict[str, Callable[[], Any]] = {
    "views of a text": views,
    "views of a list": lambda: pa.ListViewArray.from_arrays(
        pa.array([0] * N, pa.int32()), pa.array([10_000] * N, pa.int32()), pa.array(np.zeros(10_000))
    ),
    "a run": lambda: pa.RunEndEncodedArray.from_arrays(pa.array([N], pa.int32()), pa.array([LONG])),
    "a dictionary in a list": lambda: listed(dictionary()),
    "a dictionary in a record": lambda: pa.StructArray.from_arrays([dictionary()], ["x"]),
    "views in a map": lambda: pa.MapArray.from_arrays(pa.array([0, N], pa.int32()), pa.array(range(N)), views()),
    "nulls": lambda: pa.nulls(MANY),
    "nulls in a list": lambda: listed(pa.nulls(MANY)),
    "nulls in a list of one length": lambda: pa.FixedSizeListArray.from_arrays(pa.nulls(MANY), MANY),
    "empty records in a list": lambda: listed(pa.Array.from_buffers(pa.struct([]), MANY, [None])),
    "empty bytes in a list": lambda: listed(pa.Array.from_buffers(pa.binary(0), MANY, [None, pa.py_buffer(b"")])),
}


def streamed(table: Any) -> memoryview:
    """A table as a stream of Arrow."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


@pytest.mark.parametrize("name", FORGED)
def test_what_says_much_in_few_bytes_is_refused(name: str) -> None:
    """Before anything is made of it."""
    data = streamed(pa.table({"a": FORGED[name]()}))
    tracemalloc.start()
    try:
        with pytest.raises(StoreError, match=r"can share bytes|declares a frame"):
            decode(["pandas", "DataFrame", 0, None], [data])
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_what_pandas_makes_comes_back() -> None:
    """Lists, records, nulls and categories of long texts are no more than their bytes."""
    frame = pd.DataFrame(
        {
            "categories": pd.Categorical([LONG, "b"] * 5_000),
            "none": [None] * 10_000,
            "texts": ["x", ""] * 5_000,
            "bits": [True, False] * 5_000,
        }
    )
    form, blobs = encode(frame)
    pd.testing.assert_frame_equal(decode(form, blobs), frame)
    empty = pd.DataFrame(index=range(1000))
    pd.testing.assert_frame_equal(decode(*encode(empty)), empty)


def test_a_frame_of_views_cannot_be_stored() -> None:
    """It is said when it is packed, and not when it is read."""
    with pytest.raises(CannotStore, match="Arrow cannot hold"):
        encode(pd.DataFrame({"a": pd.array(["x"], pd.ArrowDtype(pa.string_view()))}))


FRAMES = {
    "pandas": pd.DataFrame({"a": [1, 2, 3], "b": ["x", "yy", None], "c": pd.Categorical(["u", "v", "u"])}),
    "polars": pl.DataFrame({"a": [1, 2, 3], "b": ["x", "yy", "a long text of many letters"], "c": [[1], [2, 3], []]}),
    "enum": pl.DataFrame({"a": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), "b": [{"x": 1.5}, {"x": None}]}),
    "series": pl.Series("s", ["x", "y"] * 20, pl.Categorical),
}


@pytest.mark.parametrize("name", FRAMES)
def test_flipped_bits_in_a_frame(name: str) -> None:
    """Whatever bits somebody changes and seals anew: it is a frame or a StoreError; the process goes on."""
    form, blobs = encode(FRAMES[name])
    rng, n_refused = random.Random(0), 0
    for _ in range(400):
        data = bytearray(blobs[0])
        for _ in range(rng.choice([1, 1, 3])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            decode(form, [memoryview(bytes(data)), *blobs[1:]])
        except StoreError:
            n_refused += 1
    assert n_refused > 100
