"""Keys: what is one call, and what is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memograd.memo.keys import KeyMaker


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
