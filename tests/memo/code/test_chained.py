"""Descriptors one inside the other, as far as the version of Python knows them: an edit of what is inside is seen."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from memograd.memo.code.identity import identify

SOURCE = dedent('''
    import functools

    RATE = 1

    def helper(x):
        return x + RATE

    class Tools:
        @classmethod
        @property
        def of_the_class(cls):
            return helper(1)

        @classmethod
        @functools.cache
        def cached(cls):
            return 5

        @staticmethod
        @functools.lru_cache(maxsize=3)
        def bounded(x):
            return x * 2

        @property
        @functools.wraps(helper)
        def wrapped(self):
            return 9

        @functools.singledispatchmethod
        @classmethod
        def show(cls, x):
            return 10

        @show.register
        @classmethod
        def show_int(cls, x: int):
            return 11

        part = functools.partialmethod(classmethod(lambda cls, x: 12), 3)
        static = staticmethod(staticmethod(lambda x: 13))

    def run(x):
        return Tools, x
''')  # fmt: skip


def identity(source: str) -> str:
    """The identity of `run` in a module of this text."""
    space: dict[str, Any] = {"__name__": "chained"}
    exec(compile(source, "<chained>", "exec"), space)
    return identify(space["run"]).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("helper(1)", "helper(2)"), ("RATE = 1", "RATE = 2"), ("return 5", "return 6"), ("x * 2", "x * 3"),
        ("return 9", "return 8"), ("return 10", "return 8"), ("return 11", "return 8"), ("x: 12", "x: 14"),
        ("x: 13", "x: 14"), (", 3)", ", 4)"), ("@classmethod\n    @property", "@property"),
        ("@classmethod\n    @functools.cache", "@classmethod"),
    ],
)  # fmt: skip
def test_what_is_inside_counts(old: str, new: str) -> None:
    """Class methods of properties, static methods of caches, partial methods of class methods, and the like."""
    assert SOURCE.count(old) >= 1
    assert identity(SOURCE.replace(old, new, 1)) != identity(SOURCE)


def test_the_same_text_is_the_same() -> None:
    """Nothing in these depends on when they were made."""
    assert identity(SOURCE) == identity(SOURCE)
