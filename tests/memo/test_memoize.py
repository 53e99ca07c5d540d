"""A memoized function returns what the function returns, whatever happens around it."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import inspect
import os
import pickle
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, CannotDigest
from memograd.memo.complaints import MemoWarning
from memograd.memo.memoize import memoize
from memograd.memo.recent import MAX_ENTRIES, Result
from memograd.store.disk import DiskStore
from memograd.store.memory import MemoryStore
from memograd.store.open import open_store
from memograd.store.tiers import Tier, Tiers


class Calls(list[Any]):
    """What functions under test were called with. To memoize, it is always the same, as a logger would be."""

    __memo_key__ = "calls"


class Barrier(threading.Barrier):
    """Where threads meet, told by its class."""

    __memo_key__ = "barrier"


class Event(threading.Event):
    """What threads wait for, told by its class."""

    __memo_key__ = "event"


CALLS = Calls()
RATE = 2.0


def memory() -> MemoryStore:
    """A store of its own."""
    return MemoryStore(1 << 24)


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def scaled(x: Any) -> Any:
    """Something with a global."""
    CALLS.append(x)
    return x * RATE


def fib(n: int) -> int:
    """Found by its own name, which is memoized below."""
    CALLS.append(n)
    return n if n < 2 else fib(n - 1) + fib(n - 2)


fib = memoize(fib, store=memory(), bypass=False)
by_name = memoize(scaled, store=memory())
by_name.__qualname__ = "by_name"


class Level(enum.IntEnum):
    """Is equal to an int and is none."""

    ONE = 1


class Number(int):
    """Is equal to an int and is none."""


class Text(str):
    """Is equal to a text and is none."""


def test_a_recursive_function_computes_each_value_once() -> None:
    """What a function remembers helps its own recursion."""
    fib.clear()
    assert fib(60) == 1548008755920
    assert len(CALLS) == 61


def test_a_call_of_itself_with_the_same_arguments_does_not_wait_for_itself() -> None:
    """A function that asks for the very call that runs gets it computed, not a deadlock."""

    @memoize(store=memory(), ignore=["depth"])
    def nested(x: int, depth: int = 0) -> int:
        return x if depth == 3 else nested(x, depth + 1)

    assert nested(5) == 5


def test_threads_that_need_each_other_do_not_wait_for_ever() -> None:
    """Two threads that lead one call each and want that of the other both end."""
    barrier, results = Barrier(2), []

    @memoize(store=memory(), ignore=["depth"])
    def left(x: int, depth: int = 0) -> int:
        if depth == 0:
            barrier.wait(10)
        return x if depth > 2 else right(x, depth + 1)

    @memoize(store=memory(), ignore=["depth"])
    def right(x: int, depth: int = 0) -> int:
        if depth == 0:
            barrier.wait(10)
        return x if depth > 2 else left(x, depth + 1)

    threads = [threading.Thread(target=lambda f=f: results.append(f(1)), daemon=True) for f in (left, right)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [1, 1]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_exceptions_are_not_stored_and_those_who_wait_try_themselves(kind: type[BaseException]) -> None:
    """When the leader fails, one of those who wait computes."""
    first, entered = Event(), Event()

    @memoize(store=memory())
    def fails_once(x: int) -> int:
        if not first.is_set():
            first.set()
            entered.wait(10)
            raise kind
        return x

    results: list[Any] = []

    def call() -> None:
        try:
            results.append(fails_once(1))
        except kind:
            results.append("failed")

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    first.wait(10)
    entered.set()
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, results)) == ["1", "1", "1", "failed"]
    assert fails_once.stats()["misses"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_that_is_forked_during_a_call_waits_for_nobody() -> None:
    """The child does not have the thread that leads, and computes for itself."""
    go, entered = Event(), Event()

    @memoize(store=memory())
    def slow(x: int) -> int:
        entered.set()
        go.wait(20)
        return x

    thread = threading.Thread(target=slow, args=(1,))
    thread.start()
    entered.wait(10)
    child = os.fork()
    if child == 0:
        go.set()
        os._exit(0 if slow(1) == 1 else 1)
    _, status = os.waitpid(child, 0)
    go.set()
    thread.join(10)
    assert status == 0


@dataclasses.dataclass
class Box:
    """Can be changed in place."""

    items: list[int]


def _append(x: Any) -> Any:
    (x.items if isinstance(x, Box) else x).append(1)
    return 1


def _write(x: Any) -> Any:
    x[0] = 7
    return 1


def _update(x: Any) -> Any:
    x["new"] = 1
    return 1


@pytest.mark.parametrize(
    ("change", "argument"),
    [(_append, []), (_append, Box([])), (_write, np.zeros(3)), (_update, {}), (_update, {"a": 1})],
)
def test_a_call_that_changes_its_arguments_is_not_stored(change: Any, argument: Any) -> None:
    """Its result is not all that it does; the user is told."""
    f = memoize(change, store=memory())
    with pytest.warns(MemoWarning, match="changed its arguments"):
        f(argument)
    assert f.stats()["not_stored"] == 1


COUNT = [0]


def counting(x: int) -> int:
    """Changes data that it refers to."""
    COUNT[0] += 1
    return x + COUNT[0]


def test_a_call_that_changes_what_its_code_refers_to_is_not_stored() -> None:
    """The key that was made before the call would not say what the result was made from."""
    f = memoize(counting, store=memory())
    with pytest.warns(MemoWarning, match="changed during the call"):
        assert [f(1), f(1)] == [2, 3]


@pytest.mark.parametrize("where", ["memory:", "disk"])
def test_what_a_caller_does_to_a_result_changes_no_other(where: str, tmp_path: Path) -> None:
    """Lists that are changed and arrays that are made writeable are the caller's own."""

    @memoize(store=open_store(tmp_path / "s" if where == "disk" else where))
    def make(n: int) -> Any:
        return [list(range(n)), np.arange(3)]

    first = make(2)
    first[0].append("mine")
    first.append(1)
    second = make(2)
    second[0].append("mine")
    third = make(2)
    assert third[0] == [0, 1]
    assert len(third) == 2
    assert third[1].tolist() == [0, 1, 2]


def test_arrays_are_read_only_on_the_first_call_as_on_later_ones() -> None:
    """Code that writes into a result fails at once, not only on the second run; the function's own array is left."""
    own = np.zeros(3)
    f = memoize(lambda n: own[:n], store=memory())
    assert [f(3).flags.writeable, f(3).flags.writeable] == [False, False]
    assert own.flags.writeable


def test_pickled_results_are_writeable() -> None:
    """With pickle=True, results are what pickle makes of them."""
    f = memoize(lambda n: {n: np.zeros(n), "c": complex}, store=memory(), pickle=True)
    assert [f(3)[3].flags.writeable, f(3)[3].flags.writeable] == [True, True]


def test_a_result_that_aliases_an_argument_is_not_tied_to_it() -> None:
    """What is changed in the argument later does not change what is stored."""
    f = memoize(lambda x: x, store=memory())
    argument = np.zeros(2)
    f(argument)
    argument[0] = 5
    assert f(np.zeros(2)).tolist() == [0, 0]


def test_ignored_parameters_do_not_count_and_versions_do() -> None:
    """`ignore` leaves a parameter out of the key; another `version` is another key."""
    store = memory()

    def f(x: int, verbose: bool = False) -> int:
        CALLS.append(x)
        return x

    one = memoize(f, store=store, ignore=["verbose"], version=1)
    assert one(1, verbose=True) == one(1)
    assert len(CALLS) == 1
    memoize(f, store=store, ignore=["verbose"], version=2)(1)
    assert len(CALLS) == 2
    with pytest.raises(BadSetting, match="colour"):
        memoize(f, ignore=["colour"])
    with pytest.raises(BadSetting, match="list of names"):
        memoize(f, ignore="x")


def test_a_version_stands_for_what_nothing_is_known_of() -> None:
    """With version=, code may refer to unknown things; what is known still counts."""
    unknown, store = (item for item in ()), memory()

    def make(k: int) -> Any:
        def f(x: int) -> int:
            CALLS.append(unknown)
            return x + k

        return f

    with pytest.raises(CannotDigest, match="version="):
        memoize(make(1), store=store)(1)
    one, two = (memoize(make(k), store=store, version="a") for k in (1, 2))
    assert [one(1), two(1), one(1), two(1)] == [2, 3, 2, 3]
    assert len(CALLS) == 2


def _unknown_in_closure() -> Any:
    held = (item for item in ())
    return lambda: held


UNKNOWN = {
    "closure": _unknown_in_closure,
    "file": lambda: open(os.devnull),  # noqa: SIM115
    "iterator": lambda: iter([1]),
    "generator": lambda: (item for item in ()),
    "connection": lambda: sqlite3.connect(":memory:"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_arguments_without_a_digest_are_refused_with_ways_out(name: str) -> None:
    """The error has the path to the argument and what to do; with on_refuse="call" the call is made, once."""

    def f(x: Any) -> int:
        CALLS.append(1)
        return 5

    thing = UNKNOWN[name]()
    with pytest.raises(CannotDigest) as error:
        memoize(f, store=memory())([0, thing])
    assert error.value.path.startswith("x")
    assert "__memo_key__" in str(error.value)
    assert CALLS == []
    relaxed = memoize(f, store=memory(), on_refuse="call")
    with pytest.warns(MemoWarning, match="without memo"):
        assert relaxed([0, thing]) == 5
    assert (CALLS, relaxed.stats()["refused"]) == ([1], 1)
    if hasattr(thing, "close"):
        thing.close()


def test_pickle_is_refused_with_a_store_that_others_write_to(tmp_path: Path) -> None:
    """Whoever can write to a store could have code run; also when the shared tier lies deeper."""
    shared = Tiers(Tier(memory()), Tier(DiskStore(tmp_path, key=b"k" * 32), shared=True))
    for store in (shared, Tiers(Tier(memory()), Tier(shared))):
        with pytest.raises(BadSetting, match="pickle"):
            memoize(scaled, store=store, pickle=True)


@pytest.mark.parametrize("thing", [staticmethod(scaled), classmethod(scaled), property(scaled), int, 5, by_name])
def test_what_is_no_function_is_refused(thing: Any) -> None:
    """Descriptors, classes and what is memoized already are named in the error."""
    with pytest.raises(BadSetting, match="cannot be memoized"):
        memoize(thing, store=memory())


FUNCTIONS_IN_C = {"max": max, "getattr": getattr, "of a library": ctypes.CDLL(None).abs}


@pytest.mark.parametrize("name", FUNCTIONS_IN_C)
def test_functions_that_do_not_say_their_parameters_are_refused_with_a_way_out(name: str) -> None:
    """Of some in C nothing is known but a name, if that."""
    with pytest.raises(BadSetting, match=r"wrap it in a Python function.*version="):
        memoize(FUNCTIONS_IN_C[name], store=memory())


def test_a_version_stands_for_a_function_in_c_that_has_a_name() -> None:
    """Its arguments are told as they are given; one of a library could be any of that name."""
    store = memory()
    largest = memoize(max, store=store, version=1, bypass=False)
    assert [largest(2, 3), largest(2, 3), largest([5, 4]), largest([], default=7)] == [3, 3, 5, 7]
    assert (largest.stats()["hits"], largest.stats()["misses"]) == (1, 3)
    assert memoize(min, store=store, version=1)(2, 3) == 2
    with pytest.raises(BadSetting, match="wrap it"):
        memoize(FUNCTIONS_IN_C["of a library"], store=store, version=1)


def test_a_memoized_function_looks_like_the_function() -> None:
    """Name, docstring, signature and pickling by name are the function's."""
    assert (fib.__name__, fib.__doc__) == ("fib", "Found by its own name, which is memoized below.")
    assert list(inspect.signature(fib).parameters) == ["n"]
    sys.modules[__name__].fib = fib  # as imported under this name
    assert pickle.loads(pickle.dumps(fib)) is fib


EXACT = [1, True, 1.0, -0.0, 0.0, 0, False, Level.ONE, Number(1), "1", Text("1"), b"1", None, (), float("nan")]


def test_equal_values_of_other_types_are_other_arguments() -> None:
    """1, True, 1.0, an enum member and instances of subclasses share no result; recent or not."""
    f = memoize(lambda x: repr((type(x).__name__, x)), store=memory(), bypass=False)
    for _ in range(3):
        assert [f(x) for x in EXACT] == [repr((type(x).__name__, x)) for x in EXACT]
    assert f.stats()["misses"] == len(EXACT)


def test_recent_results_are_bounded() -> None:
    """However many calls there are, so many results are held, and none that is large."""
    f = memoize(lambda x: x, store=memory(), bypass=False)
    for x in range(MAX_ENTRIES + 50):
        f._recent.keep((int, x), _result(x))
    f._recent.keep((str, "k"), _result("x" * 10_000))
    assert len(f._recent._results) == MAX_ENTRIES
    assert f._recent.get((str, "k")) is None


def _result(value: Any) -> Any:
    return Result("", value, 0.0)


def test_a_changed_global_is_another_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result from before is not handed out, and is again when the global is what it was."""
    f = memoize(scaled, store=memory())
    assert f(3) == 6.0
    monkeypatch.setitem(globals(), "RATE", 3.0)
    assert f(3) == 9.0
    monkeypatch.setitem(globals(), "RATE", 2.0)
    assert f(3) == 6.0
    assert len(CALLS) == 2


def test_what_is_dropped_is_computed_again() -> None:
    """`invalidate` drops one call, `clear` all; recent results too."""
    f = memoize(scaled, store=memory())
    f(1), f(2)
    assert f.is_cached(1)
    assert f.invalidate(1)
    assert not f.invalidate(1)
    assert (f.is_cached(1), f.is_cached(2)) == (False, True)
    f(1)
    assert f.clear() == 2
    f(1)
    assert len(CALLS) == 4


def test_reading_a_store_for_an_audit_is_no_use(tmp_path: Path) -> None:
    """What is only checked is not counted, and all the same is checked."""
    store = DiskStore(tmp_path)
    memoize(scaled, store=store)(np.float64(1))
    before = store.stats()
    found = [store.check(record.key) for record in store.scan()]
    assert [entry and entry.group for entry in found] == [record.group for record in store.scan()]
    assert store.check("00" * 32) is None
    assert store.stats() == before


def test_why_names_what_differs() -> None:
    """The line says which argument has another value, or what of the code changed."""
    f = memoize(scaled, store=memory())
    assert f.why(1) == [f"no call of {f.group} is stored"]
    f(np.zeros(3))
    assert f.why(np.zeros(3)) == ["it is stored"]
    assert f.why(np.zeros(3, np.float32)) == ["argument x was float64[3] and is float32[3]"]
    other = memoize(lambda x: x, store=f.settings.store)
    other._shelf.group = other.group = f.group
    assert any("function" in line for line in other.why(np.zeros(3)))
