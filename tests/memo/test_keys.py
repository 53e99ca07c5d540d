"""Keys: what is one call, and what is not."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.digest.digester import Digester, digest, encode
from memograd.memo.keys import KeyMaker, describe


def key(function: Any, *args: Any, **kwargs: Any) -> str:
    """The key of a call."""
    keys = KeyMaker(function)
    return keys.key(keys.bind(*args, **kwargs)).digest


def f(a: int, b: int = 2, *rest: int, c: int = 3, **options: int) -> None:
    """Has parameters of all kinds."""


def make(k: int) -> Any:
    """A closure."""
    return lambda x: x + k


PAIR = (lambda x: x + 1, lambda x: x + 2)


def test_one_call_has_one_key() -> None:
    """However the arguments are written, and whether or not defaults are."""
    same = {key(f, 1), key(f, a=1), key(f, 1, 2), key(f, b=2, a=1, c=3)}
    assert len(same) == 1
    assert key(f, 1, d=1, e=2) == key(f, 1, e=2, d=1)


def test_other_calls_have_other_keys() -> None:
    """Values, places and names count."""
    keys = [
        key(f, 1),
        key(f, 2),
        key(f, 1, 3),
        key(f, 1, 2, 3),
        key(f, 1, c=4),
        key(f, 1, d=4),
        key(f, True),
        key(f, 1.0),
    ]
    assert len(set(keys)) == len(keys)
    with pytest.raises(TypeError):
        key(f)


def test_closures_and_lambdas_on_one_line_are_told_apart() -> None:
    """Functions of one name and place differ by what they hold and do."""
    assert key(make(1), 0) != key(make(2), 0)
    assert key(make(1), 0) == key(make(1), 0)
    assert key(PAIR[0], 0) != key(PAIR[1], 0)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=100) | st.binary(max_size=100)
    | st.complex_numbers() | st.tuples() | st.tuples(st.integers())
)  # fmt: skip


@given(scalars, scalars)
def test_tokens_are_those_of_the_digester(first: Any, second: Any) -> None:
    """The short way to what stands for plain values ends where the long one does, and tells what that tells apart."""
    keys = KeyMaker(lambda a, b: None)
    tokens = keys.tokens((first, second))
    assert tokens == (encode(first), encode(second))
    told = keys.told(keys.key((first, second)), (first, second))
    assert told == {"a": [digest(first), describe(first)], "b": [digest(second), describe(second)]}
    swapped = keys.key((second, first)).digest
    assert (keys.key((first, second)).digest == swapped) == (Digester().digest(first) == Digester().digest(second))


def test_neighbours_cannot_be_mistaken_for_each_other() -> None:
    """What is joined for a key can be taken apart in one way only."""
    keys = KeyMaker(lambda a, b: None)
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), (b"a", "bc"), (1, 256), (256, 1), (0.0, -0.0), (-0.0, 0.0)]
    pairs += [(math.nan, 0), (None, ()), ((), None), (True, 1), (1, True), (np.int64(1), 1), (2**64, 0), (0, 2**64)]
    assert len({keys.key(pair).digest for pair in pairs}) == len(pairs)


def test_versions_and_names_of_parameters_count() -> None:
    """They are hashed once for all calls, and are part of each key."""

    def made(**options: Any) -> str:
        return KeyMaker(f, **options).key((1, 2, (), 3, {})).digest

    assert len({made(), made(version=1), made(version="1"), made(version=[1])}) == 4
    first, second = KeyMaker(lambda a: None), KeyMaker(lambda b: None)
    assert first.key((1,)).digest != second.key((1,)).digest


RUN = """
import sys
from memograd.memo.memoize import memoize
from memograd.store.disk import DiskStore
sys.path.insert(0, sys.argv[1])
import prep, other
store = DiskStore(sys.argv[2])
for module in (prep, other):
    f = memoize(module.scale, store=store)
    print(f(3), f.stats()["misses"], end=" ")
"""


def test_edit_run_edit_back_run_is_a_hit(tmp_path: Path) -> None:
    """An old version is another key, so going back hits; functions of one name in two modules are two."""
    (tmp_path / "other.py").write_text("def scale(x):\n    return x * 100\n")

    def run(factor: int, comment: str = "") -> str:
        (tmp_path / "prep.py").write_text(f"def scale(x):\n    return x * {factor}{comment}\n")
        command = [sys.executable, "-B", "-c", RUN, str(tmp_path), str(tmp_path / "store")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert run(2) == "6 1 300 1"
    assert run(5) == "15 1 300 0"
    assert run(2) == "6 0 300 0"
    assert run(5, "  # as before") == "15 0 300 0"
