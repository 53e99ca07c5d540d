"""Identities of single functions and other callables, what they are told apart by, and what is said of differences."""

from __future__ import annotations

import contextvars
import functools
import io
import operator
import random
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma

from memograd.errors import CannotDigest
from memograd.memo.code.identity import CodeIdentity, CodeWatch, identify
from memograd.memo.code.walk import STANDS_FOR, Part
from memograd.memo.report import differences
from memograd.memo.shelf import parts_of

T = TypeVar("T")


def digest_of(code: Any) -> str:
    return identify(code).digest


def executed(text: str, **names: Any) -> Callable[..., Any]:
    """The function `run` that a text defines."""
    exec(textwrap.dedent(text), names)
    run: Callable[..., Any] = names["run"]
    return run


def adder(n: Any) -> Callable[[Any], Any]:
    return lambda x: x + n


def test_closures_of_one_code_are_told_apart_by_their_contents() -> None:
    """A key made of the name, or of the code alone, would mix their results up."""
    digests = [digest_of(adder(n)) for n in (1, 2, 1.0, True, "1", (1,), [1], None, np.ones(1), adder(1), adder(2))]
    assert len(set(digests)) == len(digests)
    assert digest_of(adder(1)) == digests[0]
    assert digest_of(adder(adder(2))) == digests[-1]


def test_functions_of_one_name_are_told_apart() -> None:
    """Two modules, or two versions in one, may each have a `run`."""
    one, two = executed("def run(x): return x"), executed("def run(x): return -x")
    assert digest_of(one) != digest_of(two)
    assert digest_of(one) == digest_of(executed("def run(x): return x"))


def test_functions_made_in_a_loop_are_those_of_its_last_value_or_of_each() -> None:
    """As Python has it: a variable is shared, a default is not."""
    shared = [lambda: i for i in range(3)]  # noqa: B023 - this is what is tested
    own = [lambda i=i: i for i in range(3)]
    assert len({digest_of(f) for f in shared}) == 1
    assert len({digest_of(f) for f in own}) == 3


@given(st.integers(), st.integers())
def test_equal_contents_and_only_they_give_equal_identities(one: int, two: int) -> None:
    """For any two numbers in a closure, a default and a global."""
    for make in (adder, lambda n: lambda x=n: x, lambda n: executed("def run(): return N", N=n)):
        assert (digest_of(make(one)) == digest_of(make(two))) == (one == two)


def test_a_cycle_of_functions_has_an_identity_from_each_of_its_ends() -> None:
    """Which is another for each, and always the same."""
    text = "def a(x): return b(x - 1) if x else 0\n\ndef b(x): return a(x - 1) if x else {0}\n\nrun = {1}"
    digests = {digest_of(executed(text.format(end, run))) for end in (1, 2) for run in "ab"}
    assert len(digests) == 4
    assert digest_of(executed(text.format(1, "a"))) in digests


def test_a_chain_of_two_thousand_functions_needs_no_recursion() -> None:
    """Depth is no limit, and an edit at the far end is seen."""
    lines = "\n".join(f"def f{i}(x): return f{i + 1}(x)" for i in range(2_000))
    one, two = (executed(f"{lines}\ndef f2000(x): return {end}\nrun = f0") for end in (1, 2))
    assert digest_of(one) != digest_of(two)


class Model:
    """A class with one of each method."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def fit(self, x: float) -> float:
        return x * self.rate

    @classmethod
    def made(cls) -> Model:
        return cls(1)

    @staticmethod
    def fixed(x: float) -> float:
        return x

    def __call__(self, x: float) -> float:
        return x


CALLABLES: list[Any] = [
    adder,
    Model,
    Model.fit,
    Model.made,
    Model.fixed,
    Model(1),
    Model(2),
    Model(1).fit,
    Model(2).fit,
    functools.partial(adder, 1),
    functools.partial(adder, n=1),
    functools.partial(operator.add, 1),
    functools.cache(adder),
    functools.partialmethod(adder, 1),
    operator.itemgetter(1),
    operator.attrgetter("a"),
    np.sin,
    np.mean,
    np.linalg.norm,
    np.float64,
    np.random.default_rng,
    gamma,
    len,
    print,
    int,
    [].append,
    [1].append,
    "a".join,
    str.join,
    random.random,
    random.randint,
    dict.fromkeys,
    np.vectorize(adder),
    np.array,
    functools.reduce,
    type,
]


def test_whatever_can_be_called_has_an_identity_of_its_own() -> None:
    """Functions of Python and C, classes, methods with what they are bound to, partials, instances."""
    digests = [digest_of(code) for code in CALLABLES]
    assert len(set(digests)) == len(digests)
    assert digests == [digest_of(code) for code in CALLABLES]


def test_what_stands_before_a_function_counts_as_that_function() -> None:
    """A memoized helper is the helper: what it is memoized with is nobody's affair."""

    class Memoized:
        def __init__(self, function: Callable[..., Any]) -> None:
            setattr(self, STANDS_FOR, function)
            self.lock = threading.Lock()
            self.store = io.StringIO()

        __memo_function__: Callable[..., Any]

        def __call__(self, x: Any) -> Any:
            return x

    setattr(Memoized, STANDS_FOR, None)
    text = "def run(x): return helper(x)"
    plain = digest_of(executed(text, helper=adder(1)))
    assert digest_of(executed(text, helper=Memoized(adder(1)))) == plain
    assert digest_of(executed(text, helper=Memoized(adder(2)))) != plain
    assert digest_of(Memoized(adder(1))) == digest_of(adder(1))


def generated() -> Iterator[int]:
    yield 1


UNKNOWN: dict[str, Any] = {
    "an open file": io.TextIOWrapper(io.BytesIO()),
    "a generator": generated(),
    "data of a thread": threading.local(),
    "a context variable": contextvars.ContextVar("unknown"),
    "a weak mapping": weakref.WeakKeyDictionary(),
    "a weak reference": weakref.ref(adder),
    "a function of C that hides one of Python": np.frompyfunc(adder, 1, 1),
    "a comparison": functools.cmp_to_key(lambda a, b: 0),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_unknown_is_refused_with_its_name_and_the_ways_out(name: str) -> None:
    """Better no key than a wrong one."""
    run = executed("def run(x): return helper(x)\n\ndef helper(x): return TABLE", TABLE={"thing": [1, UNKNOWN[name]]})
    with pytest.raises(CannotDigest, match=r"TABLE\['thing'\]\[1\].*__memo_key__.*version=") as caught:
        identify(run)
    assert caught.value.path.endswith("TABLE['thing'][1]")


def test_locks_and_loggers_do_not_stand_in_the_way() -> None:
    """They are in every second module, and no result depends on them."""
    run = executed(
        """
        import logging, threading

        log, lock, again = logging.getLogger("a"), threading.Lock(), threading.RLock()

        def run(x):
            with lock, again:
                log.info("x")
            return x
        """
    )
    assert len(digest_of(run)) == 64


def test_a_mutable_global_counts_with_what_it_holds_at_the_time_of_the_call() -> None:
    """A setting that was changed is another key, and the old one is found again when it is changed back."""
    settings = {"rate": 1}
    watch = CodeWatch(executed("def run(x): return x * SETTINGS['rate']", SETTINGS=settings))
    first = watch.current()
    settings["rate"] = 2
    second = watch.current()
    settings["rate"] = 1
    assert watch.current() == first != second


def test_the_difference_is_told_in_words() -> None:
    """What `why` prints: which helper, global, default, variable or version it is."""
    text = """
    import math
    {extra}
    RATE = {rate}

    def helper(x):
        return x * RATE {helper}

    def outer(n):
        def run(x, k={k}):
            return helper(x) + n + math.pi
        return run

    run = outer({n})
    {end}
    """

    def version(**changed: object) -> CodeIdentity:
        return identify(
            executed(
                text.format(**{"rate": 1, "helper": "", "k": 1, "n": 1, "extra": "", "end": ""} | changed),
                __name__="prep",
            )
        )

    before = version()
    assert differences(parts_of(version(extra="OTHER = 2")), parts_of(before)) == []
    assert differences(parts_of(version(rate=2)), parts_of(before)) == ["global prep.RATE in <string> changed"]
    assert differences(parts_of(version(helper="+ 1")), parts_of(before)) == [
        "function prep.helper in <string> changed"
    ]
    assert differences(parts_of(version(k=2)), parts_of(before)) == [
        "default outer.<locals>.run(k=) in <string> changed"
    ]
    assert differences(parts_of(version(n=2)), parts_of(before)) == [
        "closure prep.outer.<locals>.run.n in <string> changed"
    ]
    assert differences(parts_of(version(end="del RATE")), parts_of(before)) == ["global prep.RATE is gone"]


def test_things_that_change_places_are_a_difference_too() -> None:
    """All parts are the same, but the names lead to each other's."""
    text = "def f(x): return x\n\ndef g(x): return -x\n\n{0}, {1} = f, g\n\ndef run(x): return a(x) - b(x)"
    one, two = (identify(executed(text.format(*names))) for names in ("ab", "ba"))
    assert differences(parts_of(two), parts_of(one)) == ["the names in the code refer to each other's things"]


def test_a_new_version_of_a_package_is_told_by_both_versions() -> None:
    """So is another Python."""
    old, new = (
        CodeIdentity(d, (Part("environment", "python", "", f"cpython 3.{d}"), Part("package", "numpy", "", f"2.{d}")))
        for d in ("11", "12")
    )
    assert differences(parts_of(new), parts_of(old)) == [
        "environment python was cpython 3.11 and is cpython 3.12",
        "package numpy was 2.11 and is 2.12",
    ]


def test_many_threads_see_one_identity() -> None:
    """A watch may be asked from anywhere; what it says is right at that time."""
    watch = CodeWatch(executed("def run(x): return helper(x)\n\ndef helper(x): return x"))
    found: list[CodeIdentity] = []
    threads = [threading.Thread(target=lambda: found.append(watch.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_types_for_annotations_can_be_globals() -> None:
    """Aliases, variables of types and new types."""
    for values in (
        (list[int], list[str]),
        (Callable[[int], str], Callable[[int], int]),
        (int | str, int | None),
        (T, TypeVar("T", bound=int)),
    ):
        digests = {digest_of(executed("def run(x): return KIND", KIND=value)) for value in values}
        assert len(digests) == 2


def test_a_function_keeps_no_trace_of_an_identity() -> None:
    """Nothing is set on it."""
    function = adder(1)
    assert isinstance(function, FunctionType)
    before = dict(vars(function))
    identify(function)
    assert vars(function) == before
