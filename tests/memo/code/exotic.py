"""What few people write: modules that make attributes on demand, classes made by calls, aliases, cycles."""

from __future__ import annotations

from textwrap import dedent

from .worlds import World, edits

EXOTIC = World(
    "exotic",
    {
        "main.py": dedent('''
            import collections
            import functools
            import types
            import typing

            import lazy
            import part
            import part as same
            from part import *

            Made = type("Made", (part.Base,), {"call": lambda self, x: x + 20, "data": [1]})
            Point = collections.namedtuple("Point", "x y", defaults=[21])
            Typed = typing.TypedDict("Typed", {"a": int})

            class Names(set):
                """A set with a name."""

            class Settings(dict):
                def get_rate(self):
                    return self["rate"] * 22

            class Text(str):
                def shout(self):
                    return self + "!"

            class Number(int):
                unit = "m"

            class Box(typing.Generic[typing.TypeVar("T")]):
                def open(self):
                    return 23

            class Tools:
                module = part
                kept = types.MethodType(lambda self, x: x + 24, 25)

            class Proxy:
                def __init__(self, target):
                    self.target = target

                def __getattr__(self, name):
                    return getattr(self.target, name)

            class Keyed:
                def __init__(self, key):
                    self.key, self.junk = key, object()

                @property
                def __memo_key__(self):
                    return self.key

            class Guarded:
                def __init__(self):
                    self._value = 26

                def __getstate__(self):
                    return {}

                def __eq__(self, other):
                    return True

            NAMES = Names({"a", "b"})
            NAMES.title = "names"
            SETTINGS = Settings(rate=2)
            TEXT = Text("text")
            NUMBER = Number(5)
            PROXY = Proxy(part)
            KEYED = Keyed(27)
            GUARDED = Guarded()
            SHARED = [1]
            ALIAS = SHARED
            CYCLE = [28]
            CYCLE.append(CYCLE)
            DEEP = {"a": ({"b": [functools.partial(part.deep, 1)]},)}

            def fixed(x=[]):
                return len(x)

            def walrus(x):
                return [y := x, y + 29]

            def alias(x):
                SHARED.append(x)
                try:
                    return len(ALIAS)
                finally:
                    SHARED.pop()

            def delayed(x):
                return later_defined(x)

            def recursive(x, f=None):
                f = f or recursive
                return 30 if x == 0 else f(x - 1)

            def later_defined(x):
                return x + 31

            def run(x):
                made = Made().call(x), Made.data, Point(1), Typed.__required_keys__, sorted(NAMES), NAMES.title
                kept = SETTINGS.get_rate(), TEXT.shout(), NUMBER + 1, Box().open(), Tools.module.deep(x, 1)
                more = PROXY.deep(x, 2), GUARDED._value, alias(x), CYCLE[1][0], DEEP["a"][0]["b"][0](x), KEYED.key
                rest = lazy.color, lazy.computed(x), vars(part)["hidden"](x), part.__dict__["seen"](x), starred(x)
                last = fixed(), walrus(x), delayed(x), recursive(x), same.deep(x, 3), NUMBER.unit, Tools.kept(x)
                return made, kept, more, rest, last
            '''),
        "part.py": dedent("""
            __all__ = ["starred"]

            class Base:
                def call(self, x):
                    return x

            def deep(a, b):
                return a + b + 40

            def hidden(x):
                return x + 41

            def seen(x):
                return x + 42

            def starred(x):
                return x + 43
            """),
        "lazy.py": dedent("""
            COLORS = {"color": "red"}

            def computed_now(x):
                return x + 44

            def __getattr__(name):
                if name == "computed":
                    return computed_now
                if name in COLORS:
                    return COLORS[name]
                raise AttributeError(name)
            """),
    },
    meant=[
        *edits(
            ("a method of a class made by a call", "x + 20", "x + 21"),
            ("data of a class made by a call", '"data": [1]', '"data": [2]'),
            ("a default of a named tuple", "defaults=[21]", "defaults=[22]"),
            ("a key of a typed dict", '{"a": int}', '{"b": int}'),
            ("a member of a set of one's own", 'Names({"a", "b"})', 'Names({"a", "c"})'),
            ("an attribute of a set of one's own", 'NAMES.title = "names"', 'NAMES.title = "title"'),
            ("an item of a dict of one's own", "Settings(rate=2)", "Settings(rate=3)"),
            ("a method of a dict of one's own", '["rate"] * 22', '["rate"] * 23'),
            ("a text of one's own", 'Text("text")', 'Text("word")'),
            ("a method of a text", 'self + "!"', 'self + "?"'),
            ("a number of one's own", "Number(5)", "Number(6)"),
            ("an attribute of a class of numbers", 'unit = "m"', 'unit = "cm"'),
            ("a generic class", "return 23", "return 24"),
            ("a function bound by hand", "x + 24", "x + 25"),
            ("an instance that has a key", "Keyed(27)", "Keyed(28)"),
            ("an attribute that pickles without", "self._value = 26", "self._value = 27"),
            ("two names for one list", "ALIAS = SHARED", "ALIAS = list(SHARED)"),
            ("a list that holds itself", "CYCLE = [28]", "CYCLE = [29]"),
            ("a partial deep in containers", "part.deep, 1)", "part.deep, 2)"),
            ("an assignment in a list", "y + 29", "y + 30"),
            ("a name that is defined later", "x + 31", "x + 32"),
            ("a function that is its own default", "30 if x == 0", "31 if x == 0"),
        ),
        *edits(
            ("a function behind a proxy", "a + b + 40", "a + b + 41"),
            ("a function found by vars", "x + 41", "x + 40"),
            ("a function found in the dict of a module", "x + 42", "x + 40"),
            ("a function that all names bring", "x + 43", "x + 40"),
            file="part.py",
        ),
        *edits(
            ("what a module makes on demand", '"red"', '"blue"'),
            ("a function that a module gives on demand", "x + 44", "x + 45"),
            file="lazy.py",
        ),
    ],
    harmless=[
        *edits(
            ("the docstring of a set of one's own", "A set with a name.", "A set."),
            ("the order of a set of one's own", 'Names({"a", "b"})', 'Names(["b", "a"])'),
            ("what is imported under two names", "import part as same\n", "import part as same  # twice\n"),
        ),
        *edits(("a comment in a lazy module", "    if name in", "    # any\n    if name in"), file="lazy.py"),
    ],
)
