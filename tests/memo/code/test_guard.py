"""Changes in a running process: each is noticed at the next call, and nothing else is looked up again."""

from __future__ import annotations

import builtins
import collections
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import numpy as np
import pytest

from memograd.memo.code.guard import Watch
from memograd.memo.code.identity import CodeWatch, identify
from memograd.memo.code.walk import walk

from .worlds import imported, write

SOURCES = {
    "main.py": dedent("""
        import functools
        import math
        import other
        import package.inner
        from other import alias

        RATE = 3
        LIST = [1, [2]]
        DICT = {"a": 1}
        SET = {1}
        TABLE = {"f": alias}
        CALLS = [alias]
        BYTES = bytearray(b"ab")

        def helper(x, k=1, *, q=2):
            return x * RATE + deeper(x)

        def deeper(x):
            return x

        class Base:
            def step(self, x):
                return x

        class Model(Base):
            rate = 4
            rates = [4]

            def fit(self, x):
                return self.step(x) * self.rate

        class Slots:
            __slots__ = ("one",)

            def __init__(self, one):
                self.one = one

        PARTIAL = functools.partial(alias, x=1)
        MODEL = Model()
        MODEL.part = Base()
        SLOTS = Slots(1)

        def adder(n):
            def inner(x):
                return x + n

            return inner

        add = adder(5)

        @functools.cache
        def cached(x):
            return x

        def run(x):
            made = helper(x) + add(x) + other.first(x) + package.inner.core(x) + math.floor(x) + len(LIST) + cached(x)
            return made, TABLE["f"](x), CALLS[0](x), MODEL.fit(x), SLOTS.one, DICT, SET, ARRAY, BYTES, later(x), PARTIAL
        """),
    "other.py": "def first(x):\n    return x\n\ndef alias(x):\n    return x\n",
    "package/__init__.py": "",
    "package/inner.py": "CORE = 1\n\ndef core(x):\n    return x + CORE\n",
}


@pytest.fixture
def main(tmp_path: Path) -> Iterator[ModuleType]:
    """A module with a function that uses one of everything."""
    write(tmp_path, SOURCES)
    with imported(tmp_path) as module:
        module.ARRAY = np.zeros(10)  # type: ignore[attr-defined]
        yield module


def another(x: int) -> int:
    return -x


CHANGES: dict[str, Callable[[ModuleType], object]] = {
    "a global": lambda m: setattr(m, "RATE", 4),
    "a global to an equal one of another type": lambda m: setattr(m, "RATE", 3.0),
    "a helper": lambda m: setattr(m, "helper", another),
    "a helper of a helper": lambda m: setattr(m, "deeper", another),
    "a function of another module": lambda m: setattr(m.other, "first", another),
    "a function in a package": lambda m: setattr(m.package.inner, "core", another),
    "a global of a package": lambda m: setattr(m.package.inner, "CORE", 2),
    "a module": lambda m: setattr(m, "other", types.SimpleNamespace(first=another)),
    "a module in a package": lambda m: setattr(m.package, "inner", types.SimpleNamespace(core=another)),
    "a function of the standard library": lambda m: setattr(m.math, "floor", another),
    "a built-in function": lambda m: setattr(m, "len", another),
    "a built-in function for all": lambda m: setattr(builtins, "len", lambda x, real=len: real(x)),
    "a name that was missing": lambda m: setattr(m, "later", another),
    "a name that is gone": lambda m: delattr(m, "RATE"),
    "the code of a helper": lambda m: setattr(m.helper, "__code__", m.deeper.__code__),
    "a default": lambda m: setattr(m.helper, "__defaults__", (2,)),
    "a default to an equal one of another type": lambda m: setattr(m.helper, "__defaults__", (True,)),
    "a keyword default": lambda m: m.helper.__kwdefaults__.update(q=3),
    "an attribute of a function": lambda m: setattr(m.helper, "note", 1),
    "a variable of a closure": lambda m: setattr(m.add.__closure__[0], "cell_contents", 6),
    "an emptied closure": lambda m: delattr(m.add.__closure__[0], "cell_contents"),
    "an item of a list": lambda m: m.LIST.append(1),
    "an item of an inner list": lambda m: m.LIST[1].append(1),
    "an item to an equal one of another type": lambda m: m.LIST.__setitem__(0, True),
    "a value of a dict": lambda m: m.DICT.update(a=2),
    "a key of a dict": lambda m: m.DICT.update(b=1),
    "a member of a set": lambda m: m.SET.add(2),
    "a byte": lambda m: m.BYTES.append(1),
    "an element of an array": lambda m: m.ARRAY.__setitem__(3, 1.0),
    "the shape of an array": lambda m: m.ARRAY.resize((2, 5), refcheck=False),
    "a function in a dict": lambda m: m.TABLE.update(f=another),
    "a function in a list": lambda m: m.CALLS.__setitem__(0, another),
    "a keyword of a partial": lambda m: m.PARTIAL.keywords.update(x=2),
    "a method": lambda m: setattr(m.Model, "fit", another),
    "a method of a base": lambda m: setattr(m.Base, "step", another),
    "a class attribute": lambda m: setattr(m.Model, "rate", 5),
    "a new class attribute": lambda m: setattr(m.Model, "step", another),
    "an item of a class attribute": lambda m: m.Model.rates.append(5),
    "the bases": lambda m: setattr(m.Model, "__bases__", (type("Other", (m.Base,), {"step": another}),)),
    "an attribute of an instance": lambda m: setattr(m.MODEL, "rate", 6),
    "an attribute of an attribute": lambda m: setattr(m.MODEL.part, "rate", 7),
    "a slot": lambda m: setattr(m.SLOTS, "one", 2),
    "the class of an instance": lambda m: setattr(m.MODEL, "__class__", m.Base),
    "a cached function": lambda m: setattr(m, "cached", m.functools.cache(another)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed_at_once(
    change: Callable[[ModuleType], object], main: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard does not hold any more, and the identity is another one: that of what would run now."""
    # Undone at the end of the test, for other tests use them too.
    monkeypatch.setattr(main.math, "floor", main.math.floor)
    monkeypatch.setattr(builtins, "len", len)
    watch = CodeWatch(main.run)
    before = watch.current()
    assert watch.current() is before
    change(main)
    after = watch.current()
    assert after.digest != before.digest
    assert after == identify(main.run)


def test_what_changes_nothing_keeps_the_identity(main: ModuleType) -> None:
    """An equal number in the place of another, a name that nobody reads, and what a cache remembers."""
    main.BIG = 10**30
    watch = CodeWatch(main.run)
    before = watch.current()
    main.RATE, main.unread, main.LIST[0] = int("3"), 8, int("1")
    main.cached(1)
    main.SET.add(1)
    assert watch.current() is before


def test_a_change_that_is_undone_gives_the_old_identity(main: ModuleType) -> None:
    """A patch in a test leaves nothing behind."""
    watch = CodeWatch(main.run)
    before, helper = watch.current(), main.helper
    main.helper = another
    between = watch.current()
    main.helper = helper
    assert watch.current() == before != between


def test_a_guard_holds_until_something_changes(main: ModuleType) -> None:
    """No call pays for a walk when all is as it was."""
    guard = walk(main.run).guard
    assert guard.is_certain
    assert guard.holds()
    assert guard.holds()
    main.RATE = 4
    assert not guard.holds()
    main.RATE = 3
    assert guard.holds()


def test_small_containers_are_not_digested_again(main: ModuleType) -> None:
    """Only what cannot be compared item by item is: an array, bytes that can be written, what is large."""
    assert {type(value) for value, _ in walk(main.run).guard.values} == {np.ndarray, bytearray}
    main.LIST.extend(range(5000))
    assert len(walk(main.run).guard.values) == 3


def test_what_cannot_be_watched_is_looked_at_in_every_call() -> None:
    """An object that says itself what it is made of may say something else any time."""

    class Said:
        said = 1

        @property
        def __memo_key__(self) -> int:
            return self.said

    value = Said()
    watch = CodeWatch(lambda: value)
    before = watch.current()
    assert not walk(lambda: value).guard.holds()
    assert watch.current() is before
    Said.said = 2
    assert watch.current() != before


@pytest.mark.parametrize(
    ("holder", "change"),
    [
        (types.SimpleNamespace(f=len), lambda holder: setattr(holder, "f", another)),
        (collections.OrderedDict(f=len), lambda holder: holder.update(f=another)),
        (collections.defaultdict(list, f=len), lambda holder: holder.update(f=another)),
        (collections.deque([len]), lambda holder: holder.append(another)),
        (collections.Counter(a=1), lambda holder: holder.update(a=1)),
        (np.vectorize(len), lambda holder: setattr(holder, "pyfunc", another)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_of_packages_are_seen_to_change(holder: object, change: Callable[[object], object]) -> None:
    """Those that hold code as well, though they are taken apart anew for each call."""
    watch = CodeWatch(lambda: holder)
    before = watch.current()
    assert watch.current() is before
    change(holder)
    assert watch.current() != before


def test_what_fails_while_it_is_compared_has_changed() -> None:
    """An attribute that is gone, as when a class that was replaced has fewer."""
    watch, space = Watch(), types.SimpleNamespace(name=1)
    assert watch.attribute(space, "name") == 1
    guard = watch.guard()
    assert guard.holds()
    del space.name
    assert not guard.holds()


def test_reloading_a_module_gives_the_identity_of_what_it_holds_now(tmp_path: Path) -> None:
    """In a notebook that reloads what was edited."""
    write(
        tmp_path,
        {"main.py": "import part\n\ndef run(x):\n    return part.f(x)\n", "part.py": "def f(x):\n    return 1\n"},
    )
    with imported(tmp_path) as main:
        watch = CodeWatch(main.run)
        first = watch.current()
        write(tmp_path, {"part.py": "def f(x):\n    return 2\n"})
        assert watch.current() is first
        sys.modules.pop("part")
        main.part = __import__("part")
        assert watch.current() != first
        write(tmp_path, {"part.py": "def f(x):\n    return 1\n"})
        sys.modules.pop("part")
        main.part = __import__("part")
        assert watch.current() == first
