"""Globals that are data, of all kinds, and defaults and closures, which are the same in other places."""

from __future__ import annotations

from textwrap import dedent

from .worlds import World, edits

VALUES = World(
    "values",
    {
        "main.py": dedent("""
            import datetime
            import decimal
            import fractions
            import pathlib
            import re
            from collections import OrderedDict, defaultdict, deque

            import numpy as np

            INT = 1
            FLOAT = 0.0
            TEXT = "abc"
            BYTES = b"abc"
            BIG = 12345678901234567890
            COMPLEX = 1j
            NOTHING = None
            TRUTH = True
            TUPLE = (1, (2, 3))
            LIST = [1, [2, 3]]
            DICT = {"a": 1, "b": {"c": 2, "d": 3}}
            SET = {1, 2}
            FROZEN = frozenset({3, 4})
            ORDERED = OrderedDict(one=1, two=2)
            COUNTS = defaultdict(int, x=1)
            QUEUE = deque([1, 2], maxlen=3)
            SPAN = range(3, 9)
            CUT = slice(1, None, 2)
            ARRAY = np.arange(6.0).reshape(2, 3)
            SCALAR = np.float32(1.5)
            KIND = np.dtype("int16")
            DAY = datetime.date(2020, 2, 29)
            PRICE = decimal.Decimal("1.0")
            RATIO = fractions.Fraction(1, 3)
            PLACE = pathlib.PurePosixPath("a/b")
            PATTERN = re.compile("a+")
            PI = np.pi
            MANY = list(range(5000))
            GROWN = []
            GROWN.append(1)
            first, *rest = 10, 11, 12
            for counted in range(4):
                pass
            if TRUTH:
                chosen = 20
            else:
                chosen = 21

            def run(x):
                return (
                    (INT, FLOAT, TEXT, BYTES, BIG, COMPLEX, NOTHING, TRUTH, TUPLE, LIST, DICT, sorted(SET)),
                    (sorted(FROZEN), ORDERED, COUNTS, QUEUE, list(SPAN), CUT, ARRAY, SCALAR, KIND, DAY, PRICE, RATIO),
                    (PLACE, PATTERN.match("Aab"), PI, sum(MANY), GROWN, first, rest, counted, chosen, __name__),
                )
            """),
    },
    meant=edits(
        ("an int", "INT = 1", "INT = 2"),
        ("the type of an int", "INT = 1", "INT = 1.0"),
        ("an int that is a bool", "INT = 1", "INT = True"),
        ("the sign of zero", "FLOAT = 0.0", "FLOAT = -0.0"),
        ("not a number", "FLOAT = 0.0", "FLOAT = float('nan')"),
        ("a text", '"abc"\nBYTES', '"abd"\nBYTES'),
        ("bytes", 'b"abc"', 'bytearray(b"abc")'),
        ("the last digit", "12345678901234567890", "12345678901234567891"),
        ("a complex number", "1j", "-1j"),
        ("nothing", "NOTHING = None", "NOTHING = 0"),
        ("a truth", "TRUTH = True", "TRUTH = False"),
        ("a nested tuple", "(1, (2, 3))", "(1, (2, 4))"),
        ("the nesting of a tuple", "(1, (2, 3))", "((1, 2), 3)"),
        ("a tuple made a list", "(1, (2, 3))", "(1, [2, 3])"),
        ("a nested list", "[1, [2, 3]]", "[1, [2, 3, 4]]"),
        ("a value in a dict", '"a": 1', '"a": 2'),
        ("a key in a dict", '"a": 1', '"A": 1'),
        ("the order of a dict", '{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"c": 2, "d": 3}, "a": 1}'),
        ("the order of an inner dict", '{"c": 2, "d": 3}', '{"d": 3, "c": 2}'),
        ("a set", "SET = {1, 2}", "SET = {1, 3}"),
        ("a frozen set", "{3, 4}", "{3}"),
        ("the order of an ordered dict", "one=1, two=2", "two=2, one=1"),
        ("a default factory", "defaultdict(int", "defaultdict(float"),
        ("the length of a queue", "maxlen=3", "maxlen=4"),
        ("a range", "range(3, 9)", "range(3, 10)"),
        ("a slice", "slice(1, None, 2)", "slice(1, None, 3)"),
        ("an array", "np.arange(6.0)", "np.arange(1, 7.0)"),
        ("the shape of an array", "reshape(2, 3)", "reshape(3, 2)"),
        ("the dtype of an array", "np.arange(6.0)", "np.arange(6)"),
        ("a scalar", "np.float32(1.5)", "np.float64(1.5)"),
        ("a dtype", '"int16"', '"int32"'),
        ("a date", "2020, 2, 29", "2020, 2, 28"),
        ("the digits of a decimal", '"1.0"', '"1.00"'),
        ("a fraction", "Fraction(1, 3)", "Fraction(2, 3)"),
        ("a path", '"a/b"', '"a/c"'),
        ("a pattern", '"a+"', '"A"'),
        ("the flags of a pattern", 're.compile("a+")', 're.compile("a+", re.I)'),
        ("a number of a package", "PI = np.pi", "PI = np.e"),
        ("a long list", "range(5000)", "range(5001)"),
        ("what is appended at import", "GROWN.append(1)", "GROWN.append(2)"),
        ("an unpacked value", "10, 11, 12", "10, 11, 13"),
        ("a loop at import", "range(4)", "range(5)"),
        ("a condition at import", "if TRUTH:", "if not TRUTH:"),
    ),
    harmless=edits(
        ("an int in hexadecimal", "INT = 1", "INT = 0x1"),
        ("a comment beside a global", "INT = 1", "INT = 1  # one"),
        ("the order of globals", "INT = 1\nFLOAT = 0.0\n", "FLOAT = 0.0\nINT = 1\n"),
        ("the order of a set", "SET = {1, 2}", "SET = {2, 1}"),
        ("a computed global", "INT = 1", "INT = 3 - 2"),
        ("a text in two pieces", '"abc"\nBYTES', '"a" "bc"\nBYTES'),
        ("quotes", '"abc"\nBYTES', "'abc'\nBYTES"),
        ("a dict made otherwise", '"b": {"c": 2, "d": 3}', '"b": dict(c=2, d=3)'),
        ("how an array is laid out", "np.arange(6.0).reshape(2, 3)", "np.asfortranarray(np.arange(6.0).reshape(2, 3))"),
        ("how a list is made", "MANY = list(range(5000))", "MANY = [i for i in range(5000)]"),
    ),
)

DEFAULTS = World(
    "defaults",
    {
        "main.py": dedent("""
            SCALE = 5
            _missing = object()

            def helper(x, k=2, *more, q=(1, 2), w=SCALE, unset=_missing, **rest):
                return x, k, more, q, w, unset is _missing, rest

            def pick(x, choose=max, by=lambda v: v + 1):
                return choose(x, by(x))

            def grow(x, seen=[]):
                return [*seen, x]

            def make(n, step=1):
                scale = n * 2

                def inner(x):
                    return x * scale + n, step

                return inner

            def adder(n):
                return lambda x: x + n

            def chain(f, g):
                return lambda x: f(g(x))

            def double(x):
                return x * 2

            def counter(start):
                count = start

                def up(x):
                    nonlocal count
                    return count + x

                return up

            def fix(n):
                def fact(k):
                    return 1 if k < 2 else k * fact(k - 1) + n

                return fact

            made = make(3)
            pair = [adder(i) for i in (1, 20)]
            composed = chain(double, adder(3))
            counted = counter(100)
            fixed = fix(0)
            plus, minus = (lambda x: x + 1), (lambda x: x - 1)
            table = {"plus": lambda x, k=1: x + k, "minus": lambda x, k=1: x - k}
            late = [lambda x: (x, i) for i in range(3)]

            def run(x):
                calls = helper(x), helper(x, 4), pick(x), grow(x), made(x), pair[0](x), pair[1](x)
                more = composed(x), counted(x), fixed(x)
                return calls, more, plus(x), minus(x), table["plus"](x), table["minus"](x), [f(x) for f in late]
            """),
    },
    meant=edits(
        ("a default", "k=2, *more", "k=3, *more"),
        ("a keyword default", "q=(1, 2)", "q=(1, 2, 3)"),
        ("a default from a global", "SCALE = 5", "SCALE = 6"),
        ("a default that is a sentinel", "unset=_missing", "unset=None"),
        ("a default that is a built-in function", "choose=max", "choose=min"),
        ("a default that is a lambda", "by=lambda v: v + 1", "by=lambda v: v + 2"),
        ("a default that can change", "seen=[]", "seen=[0]"),
        ("the kind of an argument", "helper(x, k=2, *more", "helper(x, *more, k=2"),
        ("a variable of a closure", "made = make(3)", "made = make(4)"),
        ("a default that becomes a closure", "step=1", "step=2"),
        ("what a closure computes before", "scale = n * 2", "scale = n * 3"),
        ("the code of a closure", "x * scale + n", "x * scale - n"),
        ("one of two closures of the same code", "(1, 20)", "(1, 21)"),
        ("the order of two closures", "(1, 20)", "(20, 1)"),
        ("a function in a closure", "x * 2", "x * 3"),
        ("which function is in a closure", "chain(double, adder(3))", "chain(adder(3), double)"),
        ("the start of a counter", "counter(100)", "counter(101)"),
        ("a closure that calls itself", "k * fact(k - 1)", "k - fact(k - 1)"),
        ("a closure around one that calls itself", "fix(0)", "fix(1)"),
        ("the first of two lambdas on a line", "lambda x: x + 1)", "lambda x: x + 2)"),
        ("the second of two lambdas on a line", "lambda x: x - 1)", "lambda x: x - 2)"),
        ("two lambdas exchanged", "plus, minus =", "minus, plus ="),
        ("a lambda in a table", "x, k=1: x + k", "x, k=1: x * k"),
        ("the default of a lambda", "x, k=1: x - k", "x, k=2: x - k"),
        ("lambdas made in a loop", "range(3)]", "range(4)]"),
        ("when a loop variable is bound", "lambda x: (x, i) for", "lambda x, i=i: (x, i) for"),
    ),
    harmless=edits(
        (
            "lambdas on lines of their own",
            "(lambda x: x + 1), (lambda x: x - 1)",
            "(\n    lambda x: x + 1\n), (\n    lambda x: x - 1\n)",
        ),
        ("spaces in a lambda", "lambda x: x + n", "lambda  x :  x+n"),
        ("how a default is written", "q=(1, 2)", "q=(1, 1 + 1)"),
        ("a comment in a closure", "                return inner".strip(), "# made\n    return inner"),
        ("a docstring in a closure", "def up(x):\n", 'def up(x):\n        """Count."""\n'),
        ("a statement that does nothing", "    count = start\n", "    count = start\n    ...\n"),
        ("how a closure is called", "made = make(3)", "made = make(n=3)"),
    ),
)
