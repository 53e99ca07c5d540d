"""Arguments of which nothing is known: refused with the path and three ways out, or called once without memo."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from memograd.errors import CannotDigest
from memograd.memo.complaints import MemoWarning
from memograd.memo.memoize import memoize
from memograd.memo.value_digest import digest
from memograd.store.memory import MemoryStore


class Log(list[Any]):
    """What was called; told by its class, so that it is no part of the code."""

    __memo_key__ = "log"


LOG = Log()


def called(x: Any) -> int:
    """Is called."""
    LOG.append(1)
    return 5


def numbers() -> Iterator[int]:
    yield 1


def holding(thing: Any) -> Callable[[], Any]:
    """A lambda with a thing in its closure."""
    return lambda: thing


@contextlib.contextmanager
def over_a_file() -> Iterator[Any]:
    """A lambda with an open file in its closure."""
    with open(os.devnull) as file:
        yield holding(file)


@contextlib.contextmanager
def function_in_c() -> Iterator[Any]:
    """One that is in no package, and so has no version."""
    yield ctypes.CDLL(None).abs


BAD: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
    "file": lambda: open(os.devnull),  # noqa: SIM115 - it is entered by the tests
    "file in memory": io.StringIO,
    "socket": socket.socket,
    "lock": lambda: contextlib.nullcontext(threading.Lock()),
    "generator": lambda: contextlib.nullcontext(numbers()),
    "connection": lambda: contextlib.closing(sqlite3.connect(":memory:")),
    "function in C": function_in_c,
    "callback in C": lambda: contextlib.nullcontext(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)),
    "lambda over a file": over_a_file,
    "lambda over a generator": lambda: contextlib.nullcontext(holding(numbers())),
    "lambda over a function in C": lambda: contextlib.nullcontext(holding(ctypes.CDLL(None).abs)),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_with_the_path_and_three_ways_out(name: str) -> None:
    """The path is written as one would reach the argument; the function is not called."""
    LOG.clear()
    with BAD[name]() as thing:
        for refuse in (memoize(called, store=MemoryStore(1 << 20)), lambda x: digest({"x": x})):
            with pytest.raises(CannotDigest) as caught:
                refuse([{"cfg": thing}])
            assert caught.value.path.endswith("[0]['cfg']")
            assert str(caught.value).startswith(caught.value.path)
            assert "__memo_key__" in str(caught.value)
            assert "ignore=" in str(caught.value)
            assert any(way in str(caught.value) for way in ("convert it", "version="))
    assert not LOG


@pytest.mark.parametrize("name", BAD)
def test_called_once_without_memo(name: str) -> None:
    """With on_refuse="call" each call is made, exactly once, and nothing is stored; that is said once."""
    LOG.clear()
    function = memoize(called, store=MemoryStore(1 << 20), on_refuse="call")
    with BAD[name]() as thing:
        with pytest.warns(MemoWarning, match="without memo"):
            assert function([{"cfg": thing}]) == 5
        assert len(LOG) == 1
        assert function([{"cfg": thing}]) == 5
        assert len(LOG) == 2
    stats = function.stats()
    assert (stats["refused"], stats["hits"], stats["misses"]) == (2, 0, 0)


def test_code_that_refers_to_a_function_in_c_needs_a_version() -> None:
    """Nothing else tells what it does; with a version the call is remembered."""
    magnitude = ctypes.CDLL(None).abs

    def absolute(x: int) -> int:
        LOG.append(1)
        return int(magnitude(x))

    LOG.clear()
    with pytest.raises(CannotDigest, match=r"magnitude.*__memo_key__.*version="):
        memoize(absolute, store=MemoryStore(1 << 20))(-3)
    told = memoize(absolute, store=MemoryStore(1 << 20), version="glibc", bypass=False)
    assert [told(-3), told(-3)] == [3, 3]
    assert len(LOG) == 1
