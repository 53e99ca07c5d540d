"""What can be written in a function: statements, expressions, and functions and classes inside of it."""

from __future__ import annotations

from textwrap import dedent

from .worlds import World, edits

EXPRESSIONS = World(
    "expressions",
    {
        "main.py": dedent("""
            import operator

            class Point:
                __match_args__ = ("x", "y")

                def __init__(self, x, y):
                    self.x, self.y = x, y

            def many(*args, **kwargs):
                return args, kwargs

            def arithmetic(x):
                return x + 20, x * 21, x ** 2, x // 2, x % 2, -x, x << 1, x & 1, x @ Times(5), not x

            class Times(int):
                def __rmatmul__(self, other):
                    return self * other

            def comparison(x):
                return x < 3, 1 < x <= 5, x in (3, 4), x is None, x == 3 and "yes" or "no"

            def formatted(x):
                return f"{x:>4}", f"{x!r} is {x + 1:{x}}", f"{x=}", "%d" % x, b"bytes %d" % x

            def comprehended(x):
                squares = [i * i for i in range(x) if i != 1]
                return squares, {i: i + 1 for i in range(x)}, {i % 2 for i in range(x)}, sum(i for i in range(x))

            def nested(x):
                def inner(y):
                    def innermost(z):
                        return z + 7

                    return innermost(y) + x

                class Local:
                    factor = 2

                    def times(self, y):
                        return y * self.factor

                return inner(x), Local().times(x), (lambda y, k=3: y + k)(x)

            def unpacked(x):
                first, *rest = range(x)
                pairs = [*rest, 40]
                merged = {**{"a": 1}, "b": 2}
                return many(*pairs, k=1, **merged), first, rest[0:1], (n := x + 8), n

            def conditional(x):
                return "three" if x == 3 else "other"

            def constants():
                return 1_000, "ab" "cd", (1, 2), frozenset({1}), ..., 3.5, None, True, "\\N{BULLET}", 10**6

            def attributes(x):
                point = Point(x, 9)
                point.x += 1
                return point.x, point.y, operator.attrgetter("x")(point)

            def run(x):
                results = arithmetic(x), comparison(x), formatted(x), comprehended(x), nested(x), unpacked(x)
                return results, conditional(x), constants(), attributes(x)
            """),
    },
    meant=edits(
        ("addition", "x + 20", "x - 20"),
        ("multiplication", "x * 21", "x + 21"),
        ("a power", "x ** 2", "x ** 3"),
        ("a whole division", "x // 2", "x / 2"),
        ("a remainder", "x % 2, -x", "x % 3, -x"),
        ("a sign", "-x,", "+x,"),
        ("a shift", "x << 1", "x >> 1"),
        ("a bit", "x & 1", "x | 4"),
        ("matrix multiplication", "x @ Times(5)", "x + Times(5)"),
        ("a method that an operator calls", "self * other", "self + other"),
        ("a negation", "not x", "bool(x)"),
        ("a comparison", "x < 3,", "x <= 3,"),
        ("a chained comparison", "1 < x <= 5", "3 < x <= 5"),
        ("membership", "x in (3, 4)", "x not in (3, 4)"),
        ("identity", "x is None", "x is not None"),
        ("and, or", 'x == 3 and "yes"', 'x != 3 and "yes"'),
        ("the format of a text", "{x:>4}", "{x:<4}"),
        ("a conversion in a text", "{x!r} is", "{x!s}! is"),
        ("a format in a format", "{x + 1:{x}}", "{x + 1:{x + 1}}"),
        ("a text that shows its code", "{x=}", "{x =}"),
        ("an old format", '"%d" % x', '"%i!" % x'),
        ("a format of bytes", 'b"bytes', 'b"Bytes'),
        ("a comprehension", "i * i", "i * 5"),
        ("the condition of a comprehension", "if i != 1", "if i != 2"),
        ("what a comprehension walks over", "{i: i + 1 for i in range(x)}", "{i: i + 1 for i in range(x + 1)}"),
        ("a comprehension of a set", "{i % 2 for", "{i % 3 for"),
        ("a generator", "sum(i for i", "sum(2 * i for i"),
        ("a kind of comprehension", "{i % 2 for i in range(x)}", "[i % 2 for i in range(x)]"),
        ("a function two levels deep", "z + 7", "z + 8"),
        ("a variable of an enclosing function", "innermost(y) + x", "innermost(y) + y * 2"),
        ("a class in a function", "factor = 2", "factor = 4"),
        ("a method of a class in a function", "y * self.factor", "y - self.factor"),
        ("a default of a lambda in a function", "k=3: y", "k=4: y"),
        ("a lambda in a function", ": y + k", ": y - k"),
        ("unpacking", "first, *rest =", "*rest, first ="),
        ("a star in a list", "[*rest, 40]", "[rest, 40]"),
        ("a star in a call", "many(*pairs", "many(pairs"),
        ("a keyword", "k=1, **merged", "l=1, **merged"),
        ("a merged dict", '{**{"a": 1}, "b": 2}', '{"b": 2, **{"a": 1}}'),
        ("a slice", "rest[0:1]", "rest[0:2]"),
        ("an assignment in an expression", "n := x + 8", "n := x + 9"),
        ("a conditional expression", '"three" if x == 3', '"three" if x != 3'),
        ("a long number", "1_000", "1_001"),
        ("adjoining texts", '"ab" "cd"', '"ab", "cd"'),
        ("the type of a constant", "(1, 2), frozenset", "[1, 2], frozenset"),
        ("an ellipsis", "...,", "None,"),
        ("a number", "3.5", "3.25"),
        ("a letter by name", "BULLET", "DEGREE SIGN"),
        ("a folded constant", "10**6", "10**7"),
        ("an attribute", "point.x, point.y, op", "point.y, point.x, op"),
        ("an attribute that is written", "point.x += 1", "point.y += 1"),
        ("an attribute by a text", 'attrgetter("x")', 'attrgetter("y")'),
        ("a function of a module", 'operator.attrgetter("x")(point)', 'operator.truth("x")'),
        ("what an initializer does", "self.x, self.y = x, y", "self.x, self.y = y, x"),
    ),
    harmless=edits(
        ("brackets around a sum", "x + 20,", "(x + 20),"),
        ("a number written otherwise", "1_000", "1000"),
        ("texts put together", '"ab" "cd"', '"abcd"'),
        ("quotes", '"three" if', "'three' if"),
        ("an escape", '"\\N{BULLET}"', '"\\u2022"'),
        ("a trailing comma in a call", "many(*pairs, k=1, **merged)", "many(*pairs, k=1, **merged,)"),
        ("a docstring two levels deep", "                return z + 7".strip(), '"""Add."""\n            return z + 7'),
        ("a docstring in a class in a function", "        factor = 2", '        """Local."""\n        factor = 2'),
        ("lines", "    first, *rest = range(x)", "    first, *rest = range(\n        x\n    )"),
    ),
)

STATEMENTS = World(
    "statements",
    {
        "main.py": dedent("""
            import asyncio
            import contextlib

            STATE = {"calls": 0}
            LEVEL = 3

            class Wrong(Exception):
                code = 4

            @contextlib.contextmanager
            def entered(value):
                yield value + 1

            def matched(x):
                found = []
                for item in (x, [1, 2], {"k": 5}, "text", (1, 2, 3), None, Wrong()):
                    match item:
                        case 3 | 4:
                            found.append("number")
                        case [first, second]:
                            found.append(first + second)
                        case {"k": value} if value > 4:
                            found.append(value)
                        case str() as text:
                            found.append(text.upper())
                        case [1, *rest]:
                            found.append(rest)
                        case Wrong(code=4):
                            found.append("wrong")
                        case _:
                            found.append("else")
                return found

            def looped(x):
                total = 0
                for i in range(10):
                    if i == 2:
                        continue
                    if i > x + 3:
                        break
                    total += i
                else:
                    total = -1
                while total > 9:
                    total -= 4
                return total

            def tried(x):
                try:
                    if x == 3:
                        raise Wrong("first")
                    return "not reached"
                except (Wrong, KeyError) as error:
                    text = f"{error} {error.code}"
                else:
                    text = "none"
                finally:
                    STATE["calls"] = 6
                return text

            def grouped(x):
                try:
                    raise ExceptionGroup("many", [ValueError(1), TypeError(2)])
                except* ValueError as group:
                    kept = len(group.exceptions) + 30
                except* TypeError:
                    pass
                return kept

            def inside(x):
                with entered(x) as value, contextlib.suppress(KeyError):
                    return value * 13

            def generated(x):
                received = yield x
                yield from (received, x + 14)
                return 15

            async def awaited(x):
                await asyncio.sleep(0)
                return [i async for i in ticking(x)]

            async def ticking(x):
                for i in range(x):
                    yield i * 16

            def assigned(x):
                global LEVEL
                before = LEVEL
                LEVEL = 17
                LEVEL = before
                a = b = x + 18
                del b
                c: int = 19
                a, c = c, a
                assert c > 0, "positive"
                return before, a, c

            def imported(x):
                from fractions import Fraction as Ratio
                import math as m, string
                return Ratio(x, 7), m.hypot(3, 4), string.digits[:x]

            def early(x):
                if x > 2:
                    return "early"
                elif x > 1:
                    return "late"
                return "never"

            def run(x):
                parts = matched(x), looped(x), tried(x), grouped(x), inside(x), list(generated(x))
                return parts, asyncio.run(awaited(x)), assigned(x), imported(x), early(x), STATE
            """),
    },
    meant=edits(
        ("a pattern of values", "case 3 | 4:", "case 4 | 5:"),
        ("what a case does", "first + second", "first - second"),
        ("the guard of a case", "value > 4", "value > 5"),
        ("the key of a pattern", '{"k": value}', '{"l": value}'),
        ("the class of a pattern", "case str() as text", "case bytes() as text"),
        ("a starred pattern", "case [1, *rest]", "case [2, *rest]"),
        ("an attribute in a pattern", "Wrong(code=4)", "Wrong(code=5)"),
        ("an attribute that a pattern looks at", "code = 4", "code = 5"),
        ("the default case", '"else"', '"other"'),
        ("the order of cases", "case [first, second]:", "case [first, second, *_]:"),
        ("continue", "if i == 2:", "if i == 1:"),
        ("break", "if i > x + 3:", "if i > x + 2:"),
        ("the else of a loop", "range(10)", "range(3)"),
        ("a loop with a condition", "while total > 9:", "while total > 13:"),
        ("an augmented assignment", "total -= 4", "total -= 5"),
        ("what is raised", 'Wrong("first")', 'Wrong("second")'),
        (
            "what is caught",
            'except (Wrong, KeyError) as error:\n        text = f"{error} {error.code}"',
            'except Wrong:\n        text = "caught"',
        ),
        ("what is done in the end", 'STATE["calls"] = 6', 'STATE["calls"] = 7'),
        ("a base of an exception", "class Wrong(Exception)", "class Wrong(KeyError)"),
        ("a group of exceptions", "+ 30", "+ 31"),
        ("a context", "value * 13", "value * 14"),
        ("a context manager", "yield value + 1", "yield value + 2"),
        ("what is yielded", "x + 14", "x + 15"),
        ("where is yielded from", "(received, x + 14)", "(x + 14, received)"),
        ("an asynchronous generator", "i * 16", "i * 17"),
        ("an asynchronous comprehension", "[i async for i in ticking(x)]", "[-i async for i in ticking(x)]"),
        ("a global that a function writes", "LEVEL = 3", "LEVEL = 4"),
        ("two targets", "a = b = x + 18", "a = b = x + 19"),
        ("an annotated assignment", "c: int = 19", "c: int = 20"),
        ("an exchange", "a, c = c, a", "a, c = a, c"),
        ("an imported name", "from fractions import Fraction as Ratio", "from operator import mod as Ratio"),
        ("a module that is imported inside", "m.hypot(3, 4)", "m.fsum((3, 4))"),
        ("a text of a module that is imported inside", "string.digits", "string.ascii_letters"),
        ("a condition", "if x > 2:", "if x > 3:"),
        ("a return", 'return "early"', 'return "soon"'),
        ("a state that is read", '{"calls": 0}', '{"calls": 0, "more": 1}'),
    ),
    harmless=edits(
        ("a comment in a case", "found.append(rest)", "found.append(rest)  # the rest"),
        ("blank lines in a loop", "        total += i\n", "\n        total += i\n"),
        ("brackets in a return", "return before, a, c", "return (before, a, c)"),
        ("imports on one line", "import math as m, string\n", "import math as m, string;\n"),
        ("a comment between", "    return text\n", "    # done\n    return text\n"),
    ),
)
