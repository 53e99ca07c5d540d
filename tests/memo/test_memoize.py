"""A memoized function returns what the function returns, whatever happens around it."""

from __future__ import annotations

import dataclasses
import enum
import errno
import inspect
import os
import pickle
import shutil
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, CannotDigest, StoreError
from memograd.memo.complaints import MemoWarning
from memograd.memo.memoize import memoize
from memograd.memo.recent import MAX_ENTRIES, Result
from memograd.memo.worth import BLOCK, Worth
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


class Broken(MemoryStore):
    """A store of which some methods fail."""

    __slots__ = ("fails",)

    def __init__(self, *fails: str) -> None:
        super().__init__(1 << 20)
        self.fails = fails

    def _fail(self, name: str) -> None:
        if name in self.fails:
            raise StoreError(f"{name} fails")

    def get(self, key: str) -> Any:
        self._fail("get")
        return super().get(key)

    def put(self, entry: Any) -> bool:
        self._fail("put")
        return super().put(entry)

    def lock(self, key: str, timeout_seconds: float | None = None) -> Any:
        self._fail("lock")
        return super().lock(key, timeout_seconds)


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


@pytest.mark.parametrize(
    ("fails", "says"), [("get", "computed again"), ("put", "not stored"), ("lock", "without a lock")]
)
def test_a_store_that_fails_costs_one_warning(fails: str, says: str) -> None:
    """Whatever of a store fails, every call returns, and it is said once."""
    f = memoize(scaled, store=Broken(fails), bypass=False)
    with pytest.warns(MemoWarning, match=says) as told:
        assert [f(np.float64(x)) for x in range(5)] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert len(told) == 1
    assert told[0].filename == __file__


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
    "connection": lambda: __import__("sqlite3").connect(":memory:"),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
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
    if name == "file":
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


def test_a_store_that_is_deleted_beneath_is_made_again(tmp_path: Path) -> None:
    """Calls go on, and are stored again."""
    f = memoize(scaled, store=DiskStore(tmp_path / "s"))
    argument = np.ones(2)
    f(argument)
    shutil.rmtree(tmp_path / "s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MemoWarning)
        assert f(argument).tolist() == [2.0, 2.0]


def test_a_store_that_is_deleted_during_a_call(tmp_path: Path) -> None:
    """The call returns its result, with one warning that says what to do; and so do later calls."""
    root = tmp_path / "store"

    def delete(x: np.float64) -> np.float64:
        if not CALLS:
            shutil.rmtree(root)
        CALLS.append(x)
        return x + 1

    f = memoize(delete, store=DiskStore(root), version=1, bypass=False)
    with pytest.warns(MemoWarning, match="was it deleted") as told:
        assert f(np.float64(1)) == 2
    assert len(told) == 1
    with pytest.warns(MemoWarning, match="without a lock"):
        assert [f(np.float64(1)), f(np.float64(1))] == [2, 2]
    f = memoize(delete, store=DiskStore(root), version=1, bypass=False)
    assert [f(np.float64(1)), f(np.float64(1)), len(CALLS)] == [2, 2, 4]


def _full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_costs_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Every call returns its result, small or large, and once it is said what to do."""
    f = memoize(lambda x: np.full(size, x), store=DiskStore(tmp_path), bypass=False)
    monkeypatch.setattr(os, "write", _full)
    with pytest.warns(MemoWarning, match="not stored: .*No space left on device.*; free some space") as told:
        assert [f(x)[0] for x in (1, 2, 3, 1)] == [1, 2, 3, 1]
    assert len(told) == 1
    monkeypatch.undo()
    assert [f(x)[0] for x in (1, 1)] == [1, 1]
    assert f.stats()["hits"] == 1


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_directory_that_can_only_be_read_costs_a_warning_of_each_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """What is stored is found; what is new is computed without a lock, and not stored, which is said once."""
    f = memoize(scaled, store=DiskStore(tmp_path), bypass=False)
    assert f(np.float64(1)) == 2.0
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(code, os.strerror(code))
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.warns(MemoWarning) as told:
        assert [f(np.float64(x)) for x in (1, 2, 3)] == [2.0, 4.0, 6.0]
    assert sorted("without a lock" in str(warning.message) for warning in told) == [False, True]
    assert f.stats()["hits"] == 1


def test_files_that_are_deleted_beneath_are_computed_again(tmp_path: Path) -> None:
    """Entries, blobs, or the index: no call fails, and nothing wrong comes out."""
    f = memoize(lambda x: np.full(1_000, x), store=DiskStore(tmp_path, report=lambda damage: None), bypass=False)
    for pattern in ("*/*.entry", "*/*.blob", "index*", "locks", "??"):
        assert f(1)[0] == 1
        for path in list(tmp_path.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert [f(1)[0], f(2)[0]] == [1, 2]


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


def test_a_fast_function_with_ever_new_arguments_is_bypassed() -> None:
    """Remembering that costs more than calling is given up; `stats` says so."""
    f = memoize(lambda x: x + 1, store=memory())
    assert [f(x) for x in range(300)] == list(range(1, 301))
    assert f.stats()["is_bypassed"]
    assert f.stats()["bypassed"] > 100


def test_dear_first_calls_do_not_bypass_a_function_that_takes_long() -> None:
    """Neither first calls nor a slow store bypass a function that takes more than a millisecond."""
    worth = Worth()
    for n in range(BLOCK * 3):
        worth.remembered(cost_seconds=2e-3, overhead_seconds=5.0 if n < 3 else 4e-3)
    assert not worth.is_bypassed
    for n in range(BLOCK):
        worth.remembered(cost_seconds=5e-4, overhead_seconds=5.0 if n < 3 else 1e-4)
    assert not worth.is_bypassed


def test_a_bypassed_function_that_becomes_slow_is_remembered_again() -> None:
    """The first slow call ends the bypass."""
    worth = Worth()
    for _ in range(BLOCK):
        worth.remembered(cost_seconds=1e-6, overhead_seconds=1e-4)
    assert worth.is_bypassed
    worth.called(cost_seconds=2e-3)
    assert not worth.is_bypassed
