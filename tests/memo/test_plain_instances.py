"""Instances of plain classes, as arguments and as `self`: told by the code of their class and by their attributes."""

from __future__ import annotations

import asyncio
import ctypes
import io
import itertools
import socket
import sqlite3
import sys
import threading
import types
import typing
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.errors import CannotDigest
from memograd.memo.memoize import memoize
from memograd.memo.value_digest import digest
from memograd.store.memory import MemoryStore


class Model:
    """A class as most are written."""

    unit = "m"

    def __init__(self, *weights: Any, **more: Any) -> None:
        self.weights = weights
        vars(self).update(more)

    def __eq__(self, other: object) -> bool:
        return True  # what a class says of equality does not count


class Deeper(Model):
    """One derived from it."""


class Slotted:
    """One without a dict."""

    __slots__ = ("a", "b")

    def __init__(self, **slots: Any) -> None:
        for name, value in slots.items():
            setattr(self, name, value)


class Both(Slotted):
    """One with slots and a dict."""


class Empty:
    """One without attributes."""


T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    """One with a base of the standard library that holds nothing."""

    def __init__(self, item: T) -> None:
        self.item = item


UNEQUAL = [
    *(Model(weight) for weight in (1, 1.0, True, "1", None, [1], (1,), {1: 1})),
    *(Model(np.array([1, 2], kind)) for kind in ("i4", "i8", "f8")),
    *(Model(1, rate=rate) for rate in (1, 2, None)),
    *(Model(), Model(Model()), Model([Model()]), Model(1, 2), Model((1, 2)), Model(2, 1)),
    *(Model(1, tare=1), Model(1, ratio=1), Deeper(1), Deeper(2), Empty(), Box(1), Box(2), Box(Box(1))),
    *(Slotted(a=1), Slotted(b=1), Slotted(a=1, b=None), Slotted(a=None, b=1), Slotted(), Both(a=1), Both(b=1)),
    *(Model(Model), Model(Deeper), Model(len), {"weights": (1,)}, types.SimpleNamespace(weights=(1,))),
]


def test_unequal_state_never_shares_a_digest() -> None:
    """Classes, names, types and values of attributes, and where they are nested, all count."""
    assert len({digest(value) for value in UNEQUAL}) == len(UNEQUAL)


def test_equal_state_shares_one() -> None:
    """In whatever order attributes were set, and whatever objects hold them."""
    assert digest(Model(1, a=1, b=2)) == digest(Model(1, b=2, a=1))
    assert digest(Model(np.arange(6).reshape(2, 3).T)) == digest(Model(np.arange(6).reshape(2, 3).T.copy()))
    assert digest(Box[int](1)) == digest(Box(1))
    assert digest(Empty()) == digest(Empty())
    one = Model()
    assert digest([one, one]) == digest([Model(), Model()])


SOURCE = """
RATE = 2

def helper(x):
    return x * RATE

class Base:
    def shift(self, x):
        return x + 1

class Thing(Base):
    unit = "m"
    def __init__(self):
        self.state = 1
    def of(self, x):
        return helper(self.shift(x))
"""


def made_from(source: str) -> Any:
    """An instance of the class `Thing` of a module."""
    module = types.ModuleType("plain_things")
    sys.modules["plain_things"] = module
    file = Path(module.__name__ + ".py")
    file.write_text(source)
    exec(compile(source, str(file.resolve()), "exec"), vars(module))
    return module.Thing()


@pytest.mark.parametrize(
    ("old", "new", "is_another"),
    [
        ("return helper(", "return -helper(", True),
        ("RATE = 2", "RATE = 3", True),
        ("x * RATE", "x ** RATE", True),
        ("x + 1", "x + 2", True),
        ("(Base)", "(Base, metaclass=__import__('abc').ABCMeta)", True),
        ('unit = "m"', 'unit = "km"', True),
        ('unit = "m"', "", True),
        ("    def of", "    @staticmethod\n    def of", True),
        ("class Thing(Base):", 'class Thing(Base):\n    "Words."', False),
        ("return helper(", "# a comment\n        return helper(", False),
    ],
)
def test_an_edit_of_the_class_makes_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, is_another: bool
) -> None:
    """The state being equal: what any method of the class does counts, at any depth; comments and docstrings do not."""
    monkeypatch.chdir(tmp_path)
    before = digest(made_from(SOURCE))
    assert (digest(made_from(SOURCE.replace(old, new))) != before) is is_another
    assert digest(made_from(SOURCE)) == before
    monkeypatch.delitem(sys.modules, "plain_things")


class Scale:
    """Has a memoized method, and one that changes the instance."""

    def __init__(self, factor: Any) -> None:
        self.factor = factor
        self.made = 0

    @memoize(store=MemoryStore(1 << 20))
    def of(self, x: float) -> tuple[float, int]:
        """Scaled."""
        return self.factor * x, next(COUNTER)

    @memoize(store=MemoryStore(1 << 20))
    def counted(self, x: float) -> float:
        """Counts its calls."""
        self.made += 1
        return x


class Counter:
    """Counts calls; no part of the code."""

    __memo_key__ = "counter"

    def __init__(self) -> None:
        self.n = 0

    def __next__(self) -> int:
        self.n += 1
        return self.n


COUNTER = Counter()


def test_methods_of_plain_classes() -> None:
    """Instances with equal state share results, others do not, and a change of state is noticed."""
    scale = Scale(2)
    first = scale.of(3)
    assert first == scale.of(x=3) == Scale(2).of(3)
    assert Scale(2.0).of(3) != first
    scale.factor = 5
    assert scale.of(3)[0] == 15
    scale.factor = 2
    assert scale.of(3) == first
    assert scale.of.why(4) == ["argument x was 3 and is 4"]


def test_a_method_that_changes_its_instance_is_not_stored() -> None:
    """It is called each time, and that is said."""
    scale = Scale(1)
    with pytest.warns(UserWarning, match="changed its arguments"):
        assert [scale.counted(1), scale.counted(1)] == [1, 1]
    assert scale.made == 2


class Closes:
    """Holds something that has to be closed."""

    def close(self) -> None: ...


class Managed(Model):
    """Is opened and closed by `with`."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Proxy(Model):
    """Stands before something."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Reduced(Model):
    """Is copied its own way."""

    def __reduce__(self) -> Any:
        return Reduced, ()


class Stated(Model):
    """Says itself what its state is."""

    def __getstate__(self) -> Any:
        return {}


class Counting(Model):
    """An iterator."""

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> int:
        return 1


class OwnSocket(socket.socket):
    """A class of the project with state in C."""


class OwnBuffer(io.BytesIO):
    """Another."""


class OwnConnection(sqlite3.Connection):
    """Another."""


class OwnThread(threading.Thread):
    """Another."""


class OwnLocal(threading.local):
    """Another."""


class Pair(ctypes.Structure):
    """Another."""

    _fields_ = (("x", ctypes.c_int),)


class OwnFinalizer(weakref.finalize):  # type: ignore[type-arg]
    """One whose state its base keeps elsewhere."""

    __slots__ = ()


def numbers() -> Iterator[int]:
    yield 1


REFUSED: list[Callable[[], Any]] = [
    object, Closes, Managed, Proxy, Reduced, Stated, Counting, io.BytesIO, threading.Lock, threading.Event, numbers,
    asyncio.Lock, lambda: OwnSocket(), OwnBuffer, lambda: OwnConnection(":memory:"), OwnThread, OwnLocal, Pair,
    lambda: ctypes.c_int(1), lambda: OwnFinalizer(Model(), list), lambda: weakref.ref(Scale), lambda: iter([1]),
    lambda: itertools.count(), sys._getframe,
]  # fmt: skip


@pytest.mark.parametrize("make", REFUSED)
def test_what_holds_more_is_refused(make: Callable[[], Any]) -> None:
    """State in C, handles, iterators and what says itself how it is copied: refused, with the ways out."""
    value = make()
    try:
        with pytest.raises(CannotDigest, match=r"__memo_key__.*ignore=") as caught:
            digest({"cfg": Model([value])})
    finally:
        if hasattr(type(value), "close"):
            value.close()
    assert caught.value.path == "value['cfg'].weights[0][0]"


def test_what_holds_itself_is_refused() -> None:
    """A parent that knows its child, which knows its parent, is named."""
    parent = Model()
    parent.child = Model(parent)  # type: ignore[attr-defined]
    with pytest.raises(CannotDigest, match=r"value\.child\.weights\[0\]: the value holds itself"):
        digest(parent)
