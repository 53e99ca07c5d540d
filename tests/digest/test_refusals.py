"""What has no digest is refused: with the path to it, what it is, and the ways out."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import contextvars
import functools
import io
import itertools
import logging
import random
import socket
import sqlite3
import sys
import tempfile
import threading
import types
import weakref
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dateutil.tz
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from memograd.digest import digest
from memograd.errors import CannotDigest, MemogradError

from .confusable import Items, Keyed, Plain, Point, with_attributes


class Unknown:
    """A class that says nothing of itself."""


class WithState(random.Random):
    """Holds what Python cannot read."""


@dataclass
class Failure(Exception):
    """A dataclass whose base holds more than its fields."""

    x: int


class HidesDict:
    """Hides the dict of its instances."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return {}


HidesDict = dataclass(HidesDict)  # type: ignore[misc]


class Upper:
    __slots__ = ("a",)


@dataclass(init=False)
class TwoSlotsOfOneName(Upper):
    __slots__ = ("a",)


class Twice(list[Any]):
    __slots__ = ("__dict__", "a")


def one_slot_is_hidden() -> Any:
    value = Twice()
    value.a = 1
    value.__dict__["a"] = 2
    return value


def numbers() -> Iterator[int]:
    yield 1


async def answer() -> int:
    return 1


def local_class() -> Any:
    @dataclass
    class Local:
        x: int

    return Local(1)


def redefined() -> Any:
    """An instance of a class whose name leads to another one now."""
    return type("Plain", (Plain,), {"__module__": Plain.__module__, "__qualname__": "Plain"})(1, 2)


@contextlib.contextmanager
def closing_coroutine() -> Iterator[Any]:
    coroutine = answer()
    yield coroutine
    coroutine.close()


def zone_without_key() -> Any:
    with tempfile.TemporaryFile() as file:
        # The smallest file of a time zone: a header, no transitions, one type of local time.
        header = b"TZif" + b"\x00" * 16 + b"\x00\x00\x00\x00" * 4 + b"\x00\x00\x00\x01" + b"\x00\x00\x00\x04"
        file.write(header + b"\x00" * 6 + b"UTC\x00")
        file.seek(0)
        return zoneinfo.ZoneInfo.from_file(file)


NOTHING_KNOWN = "of which nothing is known"

REFUSED: list[tuple[Callable[[], Any], str]] = [
    (object, NOTHING_KNOWN),
    (Unknown, NOTHING_KNOWN),
    (WithState, NOTHING_KNOWN),
    (lambda: Failure(1), "an exception"),
    (HidesDict, NOTHING_KNOWN),
    (lambda: TwoSlotsOfOneName(), "two slots of TwoSlotsOfOneName have one name"),
    (one_slot_is_hidden, "an attribute that hides a slot"),
    (lambda: types.SimpleNamespace, "a class"),
    (io.StringIO, "an open file"),
    (lambda: sys.__stdout__, "an open file"),
    (threading.Lock, "a lock"),
    (threading.RLock, "a lock"),
    (threading.Condition, "a lock"),
    (threading.Event, "an event between threads"),
    (threading.Thread, "a thread"),
    (threading.local, "data of one thread"),
    (numbers, "a generator, which is used up"),
    (lambda: iter([1]), "an iterator, which is used up"),
    (lambda: map(str, [1]), "an iterator, which is used up"),
    (itertools.count, "an iterator, which is used up"),
    (lambda: {}.keys(), "a view of a dict"),
    (lambda: {}.values(), "a view of a dict"),
    (lambda: {}.items(), "a view of a dict"),
    (lambda: sys, "a module"),
    (lambda: sys._getframe(), "a stack frame"),
    (lambda: numbers.__code__, "a code object"),
    (lambda: numbers, "a function; pass code="),
    (lambda: lambda: 1, "a function; pass code="),
    (lambda: socket.gethostname, "a built-in function; pass code="),
    (lambda: Unknown, "a class; pass code="),
    (lambda: functools.partial(numbers), "a function; pass code="),
    (lambda: Keyed(1).__memo_key__, "a function; pass code="),
    (lambda: np.add, NOTHING_KNOWN),
    (lambda: ValueError("a"), "an exception"),
    (lambda: weakref.ref(Unknown), "a weak reference"),
    (lambda: contextvars.ContextVar("a"), "a context variable"),
    (lambda: logging.getLogger("a"), "a logger"),
    (concurrent.futures.Future, "a future"),
    (asyncio.Lock, NOTHING_KNOWN),
    (lambda: dateutil.tz.gettz("Europe/Berlin"), "use zoneinfo.ZoneInfo"),
    (zone_without_key, "read from a file and has no key"),
    (lambda: pl.DataFrame({"a": [1]}).lazy(), "a query that has not been run"),
    (lambda: pl.col("a"), "an expression of polars"),
    (lambda: pd.Series([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "is not told by its values"),
    (lambda: pa.array([1]), NOTHING_KNOWN),
    (lambda: pd.DataFrame({"a": [1]}).groupby("a"), NOTHING_KNOWN),
    (lambda: memoryview(np.array([object()])), NOTHING_KNOWN),
    (lambda: released(), "the memoryview cannot be read"),
    (lambda: memoryview(b"12345678").cast("P"), "the memoryview cannot be read"),
    (lambda: np.nditer(np.arange(3)), "an iterator"),
    (local_class, "is not what this name leads to"),
    (redefined, "is not what this name leads to"),
    (lambda: collections.namedtuple("Elsewhere", "x")(1), "is not what this name leads to"),
    (lambda: collections.UserDict(a=1), NOTHING_KNOWN),
    (lambda: types.SimpleNamespace(a=object()), NOTHING_KNOWN),
]


def released() -> Any:
    view = memoryview(b"abc")
    view.release()
    return view


@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_what_is_not_known_is_refused(make: Callable[[], Any], words: str) -> None:
    """The error says in human words what was found; alone, in a list and as the value of a key."""
    value = make()
    for wrapped, path in ((value, "value"), ([1, value], "value[1]"), ({"a": {2: value}}, "value['a'][2]")):
        with pytest.raises(CannotDigest) as caught:
            digest(wrapped)
        assert caught.value.path.startswith(path)
        assert str(caught.value).startswith(caught.value.path)
        assert words in str(caught.value)


def test_open_things_are_refused() -> None:
    """So is what has to be closed."""
    with (
        tempfile.NamedTemporaryFile() as file,
        socket.socket() as connection,
        concurrent.futures.ThreadPoolExecutor() as executor,
        contextlib.closing(sqlite3.connect(":memory:")) as database,
        closing_coroutine() as coroutine,
    ):
        opened = [
            (file, "an open file"), (connection, "a socket"), (executor, "an executor"), (coroutine, "a coroutine"),
            (database, "a connection to a database"),
        ]  # fmt: skip
        for value, words in opened:
            with pytest.raises(CannotDigest, match=words):
                digest(value)


def test_the_ways_out_are_named() -> None:
    """The message says what to do: a key, a conversion, or to leave it out."""
    with pytest.raises(CannotDigest) as caught:
        digest({"cfg": Unknown()})
    message = str(caught.value)
    assert "__memo_key__" in message
    assert "convert it" in message
    assert "ignore=" in message
    assert Unknown.__qualname__ in message
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, MemogradError)


THING = object()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (THING, "args"),
        ([1, {"cfg": types.SimpleNamespace(model=THING)}], "args[1]['cfg'].model"),
        ([0, [1, (2, [THING])]], "args[1][1][1][0]"),
        ({"a": 1, "b": {"c": [THING]}}, "args['b']['c'][0]"),
        ({1: THING}, "args[1]"),
        ({(1, "a"): THING}, "args[(1, 'a')]"),
        ({1.5: 1, None: THING}, "args[None]"),
        ({THING: 1}, "args.keys(){…}"),
        ({1, THING}, "args{…}"),
        (frozenset({(1, THING)}), "args{…}[1]"),
        (collections.OrderedDict(a=1, b=THING), "args['b']"),
        (with_attributes(collections.OrderedDict(a=1), b=THING), "args.__dict__['b']"),
        (collections.defaultdict(None, a=THING), "args['a']"),
        (collections.Counter({"a": THING}), "args['a']"),
        (collections.deque([1, THING]), "args[1]"),
        (collections.ChainMap({"a": 1}, {"b": THING}), "args.maps[1]['b']"),
        (types.MappingProxyType({"a": THING}), "args['a']"),
        (Plain(1, THING), "args.y"),
        (Plain(Plain(1, [THING]), 2), "args.x.y[0]"),
        (with_attributes(Plain(1, 2), z=THING), "args.z"),
        (Point(1, THING), "args.y"),
        (Items([1, THING]), "args[1]"),
        (with_attributes(Items([1]), note=THING), "args.note"),
        (Keyed((1, THING)), "args.__memo_key__[1]"),
        (slice(1, THING), "args.stop"),
        (functools.partial(int, THING), "args.args[0]"),
        (functools.partial(int, x=THING), "args.keywords['x']"),
        (np.array([[1, THING]]), "args.flat[1]"),
        (np.array([(1, THING)], [("a", "i4"), ("b", "O")]), "args['b'].flat[0]"),
        (np.ma.array([1, THING]), "args.data.flat[1]"),
        (pd.DataFrame({"a": [1, 2], "b": [1, THING]}), "args['b'][0].flat[1]"),
        (pd.Series([1, THING]), "args[0].flat[1]"),
        (pd.DataFrame({"a": [1]}, index=[THING]), "args.index.array[0].flat[0]"),
        (pl.DataFrame({"a": [1], "b": pl.Series([THING], dtype=pl.Object)}), "args['b'][0]"),
    ],
)
def test_the_path_leads_to_the_part(value: Any, path: str) -> None:
    """The path is written as one would reach the part, from what the caller calls the value."""
    with pytest.raises(CannotDigest, match="object, of which nothing is known") as caught:
        digest(value, path="args")
    assert caught.value.path == path


def test_a_masked_thing_does_not_matter() -> None:
    """What lies under a mask is not looked at."""
    assert digest(np.ma.array([1, THING], mask=[0, 1])) == digest(np.ma.array([1, 2], object, mask=[0, 1]))


def test_long_keys_are_short_in_a_path() -> None:
    """A key is shown in few characters."""
    with pytest.raises(CannotDigest) as caught:
        digest({"x" * 1000: THING})
    assert len(caught.value.path) < 60
