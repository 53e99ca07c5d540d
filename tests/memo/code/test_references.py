"""What a code object reads: names, attributes of modules, and what it imports itself."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from memograd.memo.code.references import Scope, reading_of

READ = {
    "return a": "a",
    "return a.b.c": "a.b.c",
    "return a.b(x).c": "a.b",
    "return a[0].b": "a",
    "a.b = x": "a.b",
    "a.b += x": "a.b",
    "del a.b": "a.b",
    "return x.a": "",
    "return a(a.b)": "a a.b",
    "return lambda y: a.b(y)": "a.b",
    "def inner(y):\n    return a.b(y)\nreturn inner": "a.b",
    "return [a.b(y) for y in x]": "a.b",
    "class A:\n    k = a.b\n    def f(self):\n        return a.c\nreturn A": "a.b a.c",
    "class A(a.B):\n    pass": "a.B",
    "global a\na = x\nreturn a": "a",
    "return f'{a.b}'": "a.b",
    "match x:\n    case a.B():\n        return 1": "a.B",
    "try:\n    return x\nexcept a.E:\n    return a.f": "a.E a.f",
    "with a.open() as file:\n    return file.a": "a.open",
    "@a.b\ndef f(): pass": "a.b",
    "def f(k: a.T = a.d): pass": "a.T a.d",
    "return (a := x)": "",
    "import m\nreturn m.f(x)": "import:m.f",
    "import m.n\nreturn m.n.f(x)": "import:m.n.f",
    "import m.n as k\nreturn k.f(x)": "import:m.n.f",
    "import m as k, n\nreturn k.f(n.g)": "import:m.f import:n.g",
    "from m import f\nreturn f(x)": "import:m.f",
    "from m import f as g, h\nreturn g(x), h.k": "import:m.f import:m.h.k",
    "from . import f\nreturn f.g": "import:..f.g",
    "from ..m import f\nreturn f": "import:..m.f",
    "import m\nreturn lambda: m.f": "import:m.f",
    "import m\nreturn m": "import:m",
    "try:\n    import m as k\nexcept E:\n    import n as k\nreturn k.f": "E import:m.f import:n.f",
    "return c.d": "closure:c.d",
    "return lambda: c.d": "closure:c.d",
    "return [c for _ in x]": "closure:c",
    "nonlocal c\nc = 1": "",
}


@pytest.mark.parametrize("body", READ)
def test_everything_that_is_read_from_outside_is_found(body: str) -> None:
    """With the attributes that are read from it at once, in every minor version of Python."""
    found = [
        ("" if reference.scope is Scope.GLOBAL else f"{reference.scope.value}:") + ".".join(reference.path)
        for reference in reading_of(code_of(body)).references
    ]
    assert sorted(found) == sorted(READ[body].split())


def code_of(body: str) -> Any:
    """The code of a function with an argument `x`, inside of one with a variable `c`."""
    text = f"def outer():\n    c = 1\n    def run(x):\n{textwrap.indent(body, ' ' * 8)}\n    return run\n"
    names: dict[str, Any] = {}
    exec(compile(text, "<text>", "exec", dont_inherit=True), names)
    return names["outer"]().__code__


def test_names_and_texts_are_mentioned_but_docstrings_are_not() -> None:
    """By them it is known who reads annotations or docstrings."""
    reading = reading_of(code_of("'a doc'\nreturn x.__doc__, getattr(x, 'note'), getdoc"))
    assert reading.mentioned == {"__doc__", "getattr", "note", "getdoc"}


def test_hundreds_of_names_do_not_break_a_chain() -> None:
    """Beyond 256 names an attribute takes two instructions."""
    names = "\n".join(f"v{i}.a{i}" for i in range(300))
    found = {reference.path for reference in reading_of(code_of(f"{names}\nreturn m.f")).references}
    assert {("m", "f"), ("v299", "a299")} <= found
