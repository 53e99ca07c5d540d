"""Functions that call functions: in other modules, through packages and aliases, in cycles, four calls deep."""

from __future__ import annotations

from textwrap import dedent

from .worlds import World, edits

CYCLE = (
    "def even(n):\n    return n == 0 or odd(n - 1)\n\n",
    "def odd(n):\n    return n != 0 and even(n - 1)\n\n",
)

CALLS = World(
    "calls",
    {
        "main.py": dedent('''
            """About nothing."""
            import math
            import other
            import pkg.sub
            import pkg.sub as short
            from pkg import inner, sub as alias
            from pkg.deep.well import draw as drawn, UNUSED
            from other import second, RATE as rate

            UNRELATED = 17

            def unrelated(x):
                return x - UNRELATED

            def zero(x):
                # the first helper
                return x * 10 + other.first(x)

            def even(n):
                return n == 0 or odd(n - 1)

            def odd(n):
                return n != 0 and even(n - 1)

            def down(n):
                return 0 if n <= 0 else n + down(n - 1)

            def run(x):
                """What is run."""
                total = zero(x) + second(x)
                most = total, rate, pkg.sub.half(x), short.third(x), alias.quarter(x), inner.core.deepest(x)
                return most, drawn(x), math.floor(2.7), even(x), down(x), other.LIMITS[0], len(pkg.sub.NAMES)
            '''),
        "other.py": dedent("""
            from one import step
            import pkg.sub

            RATE = 3
            LIMITS = [5, 6]
            SPARE = [1]

            def first(x):
                return step(x) + 100

            def second(x):
                return x + pkg.sub.OFFSET

            def spare(x):
                return x
            """),
        "one.py": dedent("""
            import two

            def step(x):
                return two.step(x) + 1000
            """),
        "two.py": dedent("""
            from three import step as three_step

            def step(x):
                y = three_step(x)
                return y + 10000
            """),
        "three.py": dedent("""
            BASE = 7

            def step(x):
                return BASE * x
            """),
        "pkg/__init__.py": "",
        "pkg/sub.py": dedent("""
            from .inner import core

            OFFSET = 4
            NAMES = ("a", "b")

            def half(x):
                return x / 2

            def third(x):
                return x / 3

            def quarter(x):
                return core.deepest(x) / 4

            def unused(x):
                return x / 5
            """),
        "pkg/inner/__init__.py": "from . import core\n",
        "pkg/inner/core.py": dedent("""
            from ..settings import DEPTH

            def deepest(x):
                return x + DEPTH
            """),
        "pkg/more.py": "def quarter(x):\n    return -x\n",
        "pkg/settings.py": "DEPTH = 11\nOTHER = 12\n",
        "pkg/deep/__init__.py": "",
        "pkg/deep/well.py": dedent("""
            import pkg.settings

            UNUSED = 1

            def draw(x):
                return lower(x) + pkg.settings.DEPTH

            def lower(x):
                return x - 50
            """),
    },
    meant=[
        *edits(
            ("the function itself", "zero(x) + second(x)", "zero(x) - second(x)"),
            ("a helper", "x * 10", "x * 11"),
            ("a called name", "other.first(x)", "other.second(x)"),
            ("recursion", "n + down(n - 1)", "n * 2 + down(n - 1)"),
            ("the other half of a mutual recursion", "n != 0 and", "n == 2 or"),
            ("a function of the standard library", "math.floor", "math.ceil"),
            ("an alias of a module", "from pkg import inner, sub as alias", "from pkg import inner, more as alias"),
            ("an alias of a value", "RATE as rate", "SPARE as rate"),
            ("what is imported under a name", "draw as drawn", "lower as drawn"),
            ("a name bound again", "UNRELATED = 17", "from other import spare as drawn"),
            ("an index", "LIMITS[0]", "LIMITS[1]"),
            ("a name from elsewhere", "other.LIMITS", "other.SPARE"),
            ("an argument", "second(x)", "second(x + 1)"),
        ),
        *edits(
            ("depth 1", "+ 100", "+ 101"),
            ("a global of another module", "RATE = 3", "RATE = 4"),
            ("an item of a list", "[5, 6]", "[55, 6]"),
            ("whose helper", "from one import step", "from two import step"),
            ("what a global is read from", "pkg.sub.OFFSET", "len(pkg.sub.NAMES)"),
            file="other.py",
        ),
        *edits(("depth 2", "1000", "1001"), file="one.py"),
        *edits(
            ("depth 3", "10000", "10001"),
            ("a name made another function", "def step(x):", "three_step = abs\n\ndef step(x):"),
            file="two.py",
        ),
        *edits(
            ("a global at depth 4", "BASE = 7", "BASE = 8"),
            ("depth 4", "BASE * x", "BASE + x"),
            file="three.py",
        ),
        *edits(
            ("a function in a package", "x / 2", "x // 2"),
            ("one called through a short name", "x / 3", "x // 3"),
            ("one called through an alias", "/ 4", "// 4"),
            ("a global in a package", "OFFSET = 4", "OFFSET = 4.0"),
            ("a tuple in a package", '("a", "b")', '("a", "b", "c")'),
            file="pkg/sub.py",
        ),
        *edits(("through two packages", "x + DEPTH", "x - DEPTH"), file="pkg/inner/core.py"),
        *edits(("a setting read through two packages", "DEPTH = 11", "DEPTH = 13"), file="pkg/settings.py"),
        *edits(
            ("one below an imported one", "x - 50", "x - 51"),
            ("a dotted global", "pkg.settings.DEPTH", "pkg.settings.OTHER"),
            file="pkg/deep/well.py",
        ),
    ],
    harmless=[
        *edits(
            ("a comment", "# the first helper", "# the very first helper"),
            ("the docstring", "What is run.", "What is run here."),
            ("no docstring", '    """What is run."""\n', ""),
            ("the docstring of the module", "About nothing.", "About everything."),
            ("an unrelated global", "UNRELATED = 17", "UNRELATED = 18"),
            ("an unrelated function", "x - UNRELATED", "x + UNRELATED"),
            ("blank lines", "def zero(x):", "\n\n\ndef zero(x):"),
            ("spaces", "x * 10 + other", "x*10  +  other"),
            (
                "parentheses",
                "return x * 10 + other.first(x)",
                "return (\n        (x * 10)\n        + other.first(x)\n    )",
            ),
            ("a line continued", "zero(x) + second(x)", "zero(x) \\\n        + second(x)"),
            ("a new function before", "def zero(x):", "def fresh(x):\n    return x\n\ndef zero(x):"),
            ("a new function after", "def run(x):", "def fresh(x):\n    return x\n\ndef run(x):"),
            ("a new import", "import math", "import math\nimport os"),
            ("the order of imports", "import math\nimport other\n", "import other\nimport math\n"),
            ("the order of functions", CYCLE[0] + CYCLE[1], CYCLE[1] + CYCLE[0]),
            ("a comment at the end of a line", "n == 0 or odd(n - 1)", "n == 0 or odd(n - 1)  # even"),
            ("pass", "    return x * 10", "    pass\n    return x * 10"),
            ("a text that is no docstring", "    return x * 10", "    'nothing'\n    return x * 10"),
            ("semicolons", "total = zero(x) + second(x)\n", "total = zero(x) + second(x);\n"),
            (
                "a trailing comma",
                "down(x), other.LIMITS[0], len(pkg.sub.NAMES)",
                "down(x), other.LIMITS[0], len(pkg.sub.NAMES,),",
            ),
            ("an import that is not used", "draw as drawn, UNUSED", "draw as drawn"),
        ),
        *edits(
            ("an unrelated list", "SPARE = [1]", "SPARE = [2]"),
            ("an unrelated function elsewhere", "def spare(x):\n    return x", "def spare(x):\n    return -x"),
            ("the order of globals", "RATE = 3\nLIMITS = [5, 6]\n", "LIMITS = [5, 6]\nRATE = 3\n"),
            ("a global written otherwise", "RATE = 3", "RATE = 1 + 2"),
            ("a list written otherwise", "[5, 6]", "list(range(5, 7))"),
            file="other.py",
        ),
        *edits(("a comment at depth 2", "return two", "# deep\n    return two"), file="one.py"),
        *edits(("a docstring at depth 3", "def step(x):\n", 'def step(x):\n    """New."""\n'), file="two.py"),
        *edits(("an unused function of a package", "x / 5", "x / 6"), file="pkg/sub.py"),
        *edits(("an unused setting", "UNUSED = 1", "UNUSED = 2"), file="pkg/deep/well.py"),
    ],
)
