"""The digests of one value of each kind, written down: a change of the encoding must come with another format.

With ``--refresh-golden`` the table is written anew, but not while the format is the one under which other digests were
written down.
"""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import functools
import json
import operator
import pathlib
import random
import re
import sys
import types
import uuid
import zoneinfo
from dataclasses import make_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse

from memograd.digest import FORMAT, digest

TABLE = Path(__file__).with_name("golden.json")

CLASSES = types.ModuleType("golden_classes")
"""A module for classes whose names do not depend on how this file is run."""


def placed(kind: Any) -> Any:
    """The class, moved to the module of classes."""
    kind.__module__ = CLASSES.__name__
    setattr(CLASSES, kind.__name__, kind)
    return kind


Record = placed(make_dataclass("Record", ["x", "y"]))
Pair = placed(collections.namedtuple("Pair", ["x", "y"]))
Kind = placed(Enum("Kind", {"A": 1, "B": 2}))  # type: ignore[misc]
Tagged = placed(type("Tagged", (list,), {}))
Keyed = placed(type("Keyed", (), {"__memo_key__": lambda self: ("key", 1)}))


def tagged() -> Any:
    value = Tagged([1, 2])
    value.tag = "a"
    return value


def values() -> dict[str, Any]:
    """One value of each kind, by name."""
    rng = np.random
    dense = np.array([[1.0, 0, 2], [0, 0, 3]])
    structured = np.array([(1, 2.0, "a")], [("a", "<i4"), ("b", ">f8"), ("c", "O")])
    series = pd.Series([1.5, 2.5], pd.Index([3, 4], dtype="int64", name="i"), name="s")
    frame = pd.DataFrame({"a": np.array([1, 2]), "b": pd.array([1, None], "Int64")}, pd.RangeIndex(2))
    frame.columns = pd.Index(["a", "b"], dtype=object)
    return {
        "None": None, "True": True, "False": False, "Ellipsis": ..., "NotImplemented": NotImplemented, "0": 0, "-1": -1,
        "2**70": 2**70, "0.0": 0.0, "-0.0": -0.0, "inf": float("inf"), "1.5-2j": 1.5 - 2j, "text": "aé\ud800\U00010000",
        "long text": "x" * 1000, "bytes": b"a\x00b", "long bytes": b"x" * 1000, "bytearray": bytearray(b"a\x00b"),
        "memoryview": memoryview(b"abc"), "()": (), "[]": [], "{}": {}, "set()": set(), "frozenset()": frozenset(),
        "ints": [1, 2, -3], "floats": (1.0, -0.0), "bools": [True, False], "texts": ["a", "", "é"],
        "mixed": [1, 2.0, "a", None], "many": [1, "a"] * 20, "nested": [[], [[1], (2,)], {"a": {1.5}}],
        "text keys": {"b": 1, "a": 2}, "int keys": {2: "b", 1: "a"}, "any keys": {1: 1, "a": 2, None: 3, (1, 2): 4},
        "set": {1, "a", None}, "frozenset": frozenset({"b", "a"}), "slice": slice(1, None, 2), "range": range(1, 10, 3),
        "OrderedDict": collections.OrderedDict(b=1, a=2), "defaultdict": collections.defaultdict(list, a=[1]),
        "Counter": collections.Counter("aab"), "deque": collections.deque([1, 2], 3),
        "ChainMap": collections.ChainMap({"a": 1}, {"b": 2}), "mappingproxy": types.MappingProxyType({"a": 1}),
        "namespace": types.SimpleNamespace(a=1, b="c"), "array.array": array.array("d", [1.0]),
        "Decimal": decimal.Decimal("-1.50E+3"), "Fraction": Fraction(-1, 3), "UUID": uuid.UUID(int=5),
        "datetime": dt.datetime(2020, 1, 2, 3, 4, 5, 6, dt.UTC, fold=1), "date": dt.date(2020, 1, 2),
        "time": dt.time(1, 2, 3, 4, zoneinfo.ZoneInfo("Europe/Berlin")), "timedelta": dt.timedelta(-1, 2, 3),
        "timezone": dt.timezone(dt.timedelta(hours=1), "X"), "PurePosixPath": pathlib.PurePosixPath("/a/b"),
        "PureWindowsPath": pathlib.PureWindowsPath("C:/a"), "pattern": re.compile("a+", re.I),
        "Random": random.Random(0), "itemgetter": operator.itemgetter(1, "a"),
        "partial": functools.partial(int, "1", base=2), "int": int, "len": len, "float32": np.float32,
        "method": "a".upper, "dataclass": Record(1, [2]), "namedtuple": Pair(1, 2), "enum": Kind.A,
        "subclass": tagged(), "key": Keyed(), "array": np.arange(6, dtype="<i4").reshape(2, 3),
        "big-endian": np.arange(3, dtype=">f8"), "large array": np.arange(100_000, dtype="<f8"),
        "text array": np.array(["a", "bc"], "<U2"), "byte array": np.array([b"a", b"bc"]),
        "moments": np.array([0, 1], "<M8[ms]"), "empty array": np.zeros((0, 2), "<f4"), "no axes": np.array(1.5, "<f8"),
        "structured": structured, "objects": np.array([1, "a", None], object),
        "texts of NumPy": np.array(["a", "bc"], np.dtypes.StringDType()),
        "masked": np.ma.array([1, 2], "<i8", mask=[0, 1]), "np.float64": np.float64(1.5), "np.int8": np.int8(-1),
        "np.str_": np.str_("a"), "np.bytes_": np.bytes_(b"a"), "np.void": structured[["a", "b"]][0],
        "dtype": np.dtype("<f8"), "structured dtype": structured.dtype, "subarray dtype": np.dtype(("<f8", (2, 3))),
        "Generator": rng.Generator(rng.PCG64(0)), "RandomState": rng.RandomState(0),
        "SeedSequence": rng.SeedSequence(1), "csr": sparse.csr_array(dense), "coo": sparse.coo_matrix(dense),
        "dok": sparse.dok_array(dense), "Series": series, "DataFrame": frame,
        "Timestamp": pd.Timestamp("2020-01-02", tz="UTC"), "NaT": pd.NaT, "NA": pd.NA,
        "Categorical": pd.Categorical.from_codes([0, 1], pd.Index([5, 6], dtype="int64")),
        "DatetimeIndex": pd.DatetimeIndex(np.array([0, 1], "<M8[ns]")),
        "polars.Series": pl.Series("s", [1, None], pl.Int32),
        "polars.DataFrame": pl.DataFrame({"a": ["x", None], "b": [[1.0], []]}),
    }  # fmt: skip


def digests() -> dict[str, str]:
    """The digests of all values, by name."""
    sys.modules[CLASSES.__name__] = CLASSES
    return {name: digest(value) for name, value in values().items()}


def test_digests_are_those_written_down(refresh_golden: bool) -> None:
    """Under one format, a value has the digest that it had when the format was made."""
    found = {"format": FORMAT.decode(), "digests": digests()}
    known = json.loads(TABLE.read_text("utf-8"))
    if refresh_golden and may_replace(known, found):
        TABLE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return
    assert found == known, "a value has another digest: change FORMAT, for stored entries become invalid"


def may_replace(known: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether the format is new, or all that is new are further values."""
    return known["format"] != found["format"] or known["digests"].items() <= found["digests"].items()


def test_every_kind_is_another() -> None:
    """The table pins as many digests as it has names."""
    assert len(set(digests().values())) == len(values()) > 100
