"""Decorators, partials, caches, and functions that are kept in data."""

from __future__ import annotations

from textwrap import dedent

from .worlds import World, edits

WRAPPERS = World(
    "wrappers",
    {
        "main.py": dedent("""
            import functools
            import operator
            from dataclasses import dataclass, field
            from functools import partial, reduce
            from types import MappingProxyType, SimpleNamespace
            from typing import Callable, NamedTuple

            import numpy as np

            from tools import Filter, counted, plain, registered, scaled, tagged, traced, twice, HANDLERS

            @scaled(3)
            def scaled_one(x):
                return x + 20

            @twice
            @scaled(2)
            def stacked(x):
                return x + 21

            @plain
            def unwrapped(x):
                return x + 22

            @functools.lru_cache(maxsize=None)
            def cached(x):
                return x + 23

            @functools.cache
            def cached_too(x):
                return below(x) + 24

            def below(x):
                return x - 25

            @traced
            def with_wraps(x, k=26):
                return x + k

            @functools.singledispatch
            def dispatched(x):
                return "any"

            @dispatched.register
            def dispatched_int(x: int):
                return x + 27

            @dispatched.register(list)
            def dispatched_list(x):
                return len(x) + 28

            @tagged(power=29)
            def marked(x):
                return x

            @counted
            class Tool:
                def use(self, x):
                    return x + 30

                @functools.cached_property
                def slow(self):
                    return 31

                @functools.singledispatchmethod
                def show(self, x):
                    return x + 32

                part = functools.partialmethod(use, 33)

            @registered("name")
            def handler(x):
                return x + 34

            add_five = partial(operator.add, 5)
            power = partial(pow, exp=2)
            nested = partial(partial(below), x=36)
            bound = Tool().use
            vector = np.vectorize(lambda v: v + 37)
            getter = operator.itemgetter(1)
            total = partial(reduce, operator.add)
            upper = str.upper
            joined = ",".join

            def one(x):
                return x + 38

            def two(x):
                return x + 39

            class Step(NamedTuple):
                name: str
                call: Callable

            @dataclass
            class Plan:
                first: Callable = one
                others: list = field(default_factory=lambda: [two])

            STEPS = [one, two]
            TABLE = {"one": one, "two": lambda x: x + 40}
            NESTED = {"a": [(one, {"b": two})]}
            PAIRS = (Step("one", one), Step("two", two))
            PLAN = Plan()
            SPACE = SimpleNamespace(call=two)
            PROXY = MappingProxyType({"call": one})
            CHOSEN = {one, two}
            OBJECT = np.array([one, two], dtype=object)
            FILTER = Filter(one)
            CONVERT = {"int": int, "float": float}

            def run(x):
                decorated = scaled_one(x), stacked(x), unwrapped(x), cached(x), cached_too(x), with_wraps(x)
                more = dispatched(x), dispatched([x]), marked(x), marked.power, Tool().use(x), Tool().slow
                made = add_five(x), power(x), nested(), bound(x), vector([x]).tolist(), getter("ab"), total([x, x])
                texts = upper("a"), joined("ab"), Tool().part(), Tool().show(x), handler(x), HANDLERS["name"](x)
                kept = [f(x) for f in STEPS], TABLE["one"](x), TABLE["two"](x), NESTED["a"][0][1]["b"](x)
                last = PAIRS[0].call(x), PLAN.first(x), PLAN.others[0](x), SPACE.call(x), PROXY["call"](x)
                rest = sorted(f(x) for f in CHOSEN), OBJECT[1](x), FILTER(x), CONVERT["int"](2.5), Tool.count
                return decorated, more, made, texts, kept, last, rest
            """),
        "tools.py": dedent("""
            import functools

            HANDLERS = {}

            def scaled(factor):
                offset = factor + 1

                def decorate(f):
                    def scaled_f(*args):
                        return f(*args) * factor + offset

                    return scaled_f

                return decorate

            def twice(f):
                return lambda x: f(f(x))

            def plain(f):
                return f

            def traced(f):
                @functools.wraps(f)
                def wrapper(*args, **kwargs):
                    return note(f(*args, **kwargs))

                return wrapper

            def note(x):
                return x + 41

            def tagged(**tags):
                def decorate(f):
                    f.__dict__.update(tags)
                    return f

                return decorate

            def counted(cls):
                cls.count = 42
                return cls

            def registered(name):
                def decorate(f):
                    HANDLERS[name] = lambda x: f(x) + 43
                    return f

                return decorate

            class Filter:
                def __init__(self, call):
                    self.call = call

                def __call__(self, x):
                    return self.call(x) + 44
            """),
    },
    meant=[
        *edits(
            ("an argument of a decorator", "@scaled(3)", "@scaled(4)"),
            ("a decorated function", "x + 20", "x + 21"),
            ("the inner of two decorators", "@twice\n@scaled(2)", "@twice\n@scaled(5)"),
            ("the order of decorators", "@twice\n@scaled(2)", "@scaled(2)\n@twice"),
            ("a decorator less", "@twice\n@scaled(2)", "@scaled(2)"),
            ("a decorator more", "@plain", "@twice"),
            ("a function that a decorator hands back", "x + 22", "x + 23"),
            ("a cached function", "x + 23", "x + 24"),
            ("what a cached function calls", "x - 25", "x - 26"),
            ("a default of a wrapped function", "k=26", "k=27"),
            ("a registered type", "x + 27", "x + 28"),
            ("a type registered by name", "len(x) + 28", "len(x) + 29"),
            ("the type that is registered", "register(list)", "register(tuple)"),
            ("an attribute of a function", "power=29", "power=30"),
            ("a method of a decorated class", "x + 30", "x + 31"),
            ("a cached property", "return 31", "return 32"),
            ("a dispatched method", "x + 32", "x + 33"),
            ("a partial method", "partialmethod(use, 33)", "partialmethod(use, 34)"),
            ("a registered function", "x + 34", "x + 35"),
            ("the function of a partial", "operator.add, 5", "operator.sub, 5"),
            ("an argument of a partial", "operator.add, 5", "operator.add, 6"),
            ("a keyword of a partial", "exp=2", "exp=3"),
            ("a partial of a partial", "x=36", "x=37"),
            ("a bound method", "bound = Tool().use", "bound = Filter(below)"),
            ("a vectorized function", "v + 37", "v + 38"),
            ("a getter", "itemgetter(1)", "itemgetter(0)"),
            ("a function given to a partial", "reduce, operator.add", "reduce, operator.mul"),
            ("a method of a built-in type", "upper = str.upper", "upper = str.center and str.__len__"),
            ("a method of a text", '",".join', '";".join'),
            ("a function in a list", "x + 38", "x + 37"),
            ("a function in a set", "x + 39", "x + 36"),
            ("which function is in a list", "STEPS = [one, two]", "STEPS = [two, one]"),
            ("a lambda in a dict", "x + 40", "x + 41"),
            ("which function is deep in a dict", '{"b": two}', '{"b": one}'),
            ("which function is in a named tuple", 'Step("one", one)', 'Step("one", two)'),
            ("a default of a field", "first: Callable = one", "first: Callable = two"),
            ("what the factory of a field makes", "lambda: [two]", "lambda: [one]"),
            ("which function is in a namespace", "SimpleNamespace(call=two)", "SimpleNamespace(call=one)"),
            ("which function is behind a proxy", 'MappingProxyType({"call": one})', 'MappingProxyType({"call": two})'),
            ("which functions are in a set", "CHOSEN = {one, two}", "CHOSEN = {one, below}"),
            ("which functions are in an array", "np.array([one, two]", "np.array([two, one]"),
            ("which function an instance holds", "Filter(one)", "Filter(two)"),
            ("which type is in a dict", '"int": int', '"int": float'),
        ),
        *edits(
            ("the code of a decorator", "f(*args) * factor", "f(*args) + factor"),
            ("a variable of a decorator", "factor + 1", "factor + 2"),
            ("a decorator that is a lambda", "f(f(x))", "f(f(f(x)))"),
            ("what a wrapper calls", "x + 41", "x + 42"),
            ("a wrapper", "note(f(*args, **kwargs))", "note(-f(*args, **kwargs))"),
            ("a decorator of a class", "cls.count = 42", "cls.count = 43"),
            ("what is registered", "f(x) + 43", "f(x) + 44"),
            ("an instance that is called", "self.call(x) + 44", "self.call(x) + 45"),
            file="tools.py",
        ),
    ],
    harmless=[
        *edits(
            ("a comment at a decorator", "@scaled(3)\n", "@scaled(3)  # three\n"),
            ("how an argument of a decorator is written", "@scaled(3)", "@scaled(factor=3)"),
            ("a decorator that hands back", "@plain\n", ""),
            ("how long a cache is", "maxsize=None", "maxsize=8"),
            ("the order of a set of functions", "CHOSEN = {one, two}", "CHOSEN = {two, one}"),
            ("how a list of functions is made", "STEPS = [one, two]", "STEPS = list((one, two))"),
            ("a docstring of a cached function", "def cached(x):\n", 'def cached(x):\n    """Cached."""\n'),
            ("a function between", "def two(x):", "def between(x):\n    return x\n\ndef two(x):"),
        ),
        *edits(
            ("a comment in a decorator", "    offset = factor + 1", "    # more\n    offset = factor + 1"),
            file="tools.py",
        ),
    ],
)

OBJECTS = World(
    "objects",
    {
        "main.py": dedent('''
            """The module."""
            import inspect
            from dataclasses import dataclass, fields
            from typing import Annotated, get_type_hints

            import plugin
            import plugin as named

            Small = Annotated[int, "at most", 20]
            COMPUTED = 22

            def described(x: Small) -> float:
                """Describe."""
                return x

            def hinted(x: "Small"):
                return x

            def hints(f):
                return get_type_hints(f, include_extras=True)

            def signature(x, *, key: int = 23):
                return str(inspect.signature(signature))

            def documented():
                """Documented."""

            @dataclass
            class Record:
                name: str
                size: Small = 0

                def checked(self):
                    return [str(field.type) for field in fields(self)]

            class Named:
                """A named class."""

            def computed(x):
                return eval("COMPUTED + x")

            def looked_up(x, name):
                return getattr(plugin, name)(x)

            def by_globals(x):
                return globals()["listed"](x)

            def listed(x):
                return x + 24

            def whole(module):
                return module.sixth(1)

            def imports(x):
                import plugin as inside
                from plugin import fourth as one_more
                return inside.third(x), one_more(x), (lambda y: inside.fifth(y))(x)

            def nearby(x):
                import tool.near
                import tool.far as away
                return tool.near.near(x) + away.third(x)

            def maybe(x):
                try:
                    import no_such_module_here as fast
                except ImportError:
                    fast = None
                return fast is None

            def run(x):
                read = hints(described), hints(hinted), signature(x), documented.__doc__, Named.__doc__, __doc__
                found = computed(x), looked_up(x, "second"), by_globals(x), whole(named), imports(x)
                return read, Record("a").checked(), found, maybe(x), nearby(x)
            '''),
        "tool/__init__.py": "",
        "tool/near.py": dedent("""
            def near(x):
                from . import far
                from .far import first
                return first(x) + far.second(x)
            """),
        "tool/far.py": dedent("""
            def first(x):
                return x + 50

            def second(x):
                return x + 51

            def third(x):
                return x + 52

            def unused(x):
                return x + 53
            """),
        "plugin.py": dedent("""
            def second(x):
                return x + 30

            def third(x):
                return x + 31

            def fourth(x):
                return x + 32

            def fifth(x):
                return x + 33

            def sixth(x):
                return x + 34
            """),
    },
    meant=[
        *edits(
            ("an annotation that is read", "x: Small) -> float", "x: int) -> float"),
            ("an annotation of the result", "-> float", "-> int"),
            ("what an annotation stands for", '"at most", 20', '"at most", 21'),
            ("what a text of an annotation stands for", 'hinted(x: "Small")', 'hinted(x: "int")'),
            ("a signature that is read", "key: int = 23", "key: int = 24"),
            ("the annotation in a signature", "key: int = 23", "key: float = 23"),
            ("a docstring that is read", '"""Documented."""', '"""Document."""'),
            ("the docstring of a class that is read", "A named class.", "A class."),
            ("the docstring of the module that is read", "The module.", "A module."),
            ("the type of a field", "name: str", "name: bytes"),
            ("a global that is computed", "COMPUTED = 22", "COMPUTED = 25"),
            ("a function found among the globals", "x + 24", "x + 25"),
        ),
        *edits(
            ("a function got by a computed name", "x + 30", "x + 35"),
            ("a function of a module that is imported inside", "x + 31", "x + 36"),
            ("a function that is imported inside", "x + 32", "x + 37"),
            ("a function that an inner function takes from there", "x + 33", "x + 38"),
            ("a function of a module that is handed on", "x + 34", "x + 39"),
            file="plugin.py",
        ),
        *edits(
            ("a function of a relative module that is imported inside", "x + 50", "x + 60"),
            ("a function from a relative module that is imported inside", "x + 51", "x + 61"),
            ("a function of a module in a package that is imported inside", "x + 52", "x + 62"),
            file="tool/far.py",
        ),
    ],
    harmless=edits(("an unused function beside used ones", "x + 53", "x + 63"), file="tool/far.py"),
)
