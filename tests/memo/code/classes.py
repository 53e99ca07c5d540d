"""Classes of all kinds, and what is found through their instances."""

from __future__ import annotations

from textwrap import dedent

from .worlds import World, edits

METHODS = (
    "    def _step(self, x):\n        return x * self.start\n\n",
    "    def before_size(self):\n        return None\n\n",
)

CLASSES = World(
    "classes",
    {
        "main.py": dedent('''
            import shapes
            from shapes import Circle, Square as Box
            from records import CONFIG, Color, Pair, Setting, SHARED, Slotted, Stack
            from machinery import Registered, Typed, REGISTRY

            class Model:
                """A model."""

                rate = 3
                limits = [1, 2]

                def __init__(self, start):
                    self.start = start
                    self.part = Part()

                def fit(self, x):
                    return self._step(x) + self.rate + self.part.use(x) + self.limits[0]

                def _step(self, x):
                    return x * self.start

                def before_size(self):
                    return None

                @property
                def size(self):
                    return self.start + 30

                @size.setter
                def size(self, value):
                    self.start = value * 31

                @staticmethod
                def fixed(x):
                    return x + 32

                @classmethod
                def made(cls, x):
                    return cls(x).rate + 33

                def __call__(self, x):
                    return x - 34

                def __eq__(self, other):
                    return self.start == other.start

                __hash__ = None

                class Inner:
                    depth = 35

                def unused(self):
                    return None

            class Other:
                def use(self, x):
                    return 0

            class Part:
                def use(self, x):
                    return helper(x) + 36

            def helper(x):
                return x * 37

            class Child(Model):
                def fit(self, x):
                    return super().fit(x) + 38

            def patched(self, x):
                return x + 39

            Child.patched = patched

            class Empty:
                pass

            READY = Child(5)

            def run(x):
                model = Child(x)
                values = model.fit(x), model.size, Model.fixed(x), Model.made(x), model(x), model == Child(x)
                model.size = 2
                more = model.start, Model.Inner.depth, model.patched(x), READY.fit(x), Circle(x).area(), Box(x).area()
                records = CONFIG.total(x), Color.RED.value, Color.RED.shade(), Pair(1, 2), Setting(), SHARED.items[1:]
                rest = Slotted(x).both(), Stack([x]).top(), Registered.kind, sorted(REGISTRY), Typed().field, Typed.tag
                last = shapes.total([Circle(1), Circle(2)]), isinstance(Empty(), Model), len(Model.__mro__)
                return values, more, records, rest, last
            '''),
        "shapes.py": dedent("""
            from abc import ABC, abstractmethod
            from typing import Protocol

            PI = 3.0

            class Sized(Protocol):
                def area(self) -> float: ...

            class Shape(ABC):
                scale = 1

                @abstractmethod
                def edge(self):
                    return 1

                def area(self):
                    return self.scale * self.edge() + len(type(self).__mro__)

            class Mixin:
                def edge(self):
                    return self.size * 2

            class Unused:
                def edge(self):
                    return 71

            class Circle(Shape):
                def __init__(self, size):
                    self.size = size

                def edge(self):
                    return PI * self.size

            class Square(Mixin, Shape):
                def __init__(self, size):
                    self.size = size + 1

            def total(shapes: list[Sized]):
                return sum(shape.area() for shape in shapes)
            """),
        "records.py": dedent("""
            import dataclasses
            import enum
            from typing import NamedTuple

            def fresh():
                return [50]

            @dataclasses.dataclass(frozen=True, order=True)
            class Config:
                rate: float = 1.5
                names: tuple = ("a", "b")
                extra: list = dataclasses.field(default_factory=fresh, compare=False)

                def total(self, x):
                    return self.rate * x, self.names, self.extra

            CONFIG = Config(rate=2.5)

            class Color(enum.Enum):
                RED = 1
                BLUE = 2

                def shade(self):
                    return self.name + "ish"

            class Pair(NamedTuple):
                left: int
                right: int = 51

                def __repr__(self):
                    return f"{self.left}-{self.right}"

            @dataclasses.dataclass
            class Setting:
                level: int = 52
                unit: str = dataclasses.field(default="m", repr=True)

            class Shared:
                def __init__(self):
                    self.items = [1, 2, 53]

            SHARED = Shared()

            class Slotted:
                __slots__ = ("one",)

                def __init__(self, one):
                    self.one = one

                def both(self):
                    return self.one, 54

            class Stack(list):
                def top(self):
                    return self[-1] + 55
            """),
        "machinery.py": dedent("""
            REGISTRY = {}

            class Meta(type):
                def __new__(meta, name, bases, namespace):
                    made = super().__new__(meta, name, bases, namespace)
                    made.kind = name.lower() + "60"
                    return made

                @property
                def tag(cls):
                    return "tag61"

            class Base(metaclass=Meta):
                def __init_subclass__(cls):
                    REGISTRY[cls.__name__] = 62

            class Registered(Base):
                pass

            class Field:
                def __set_name__(self, owner, name):
                    self.name = name

                def __get__(self, instance, owner):
                    return self.name + "63"

            class Typed(Base):
                field = Field()
            """),
    },
    meant=[
        *edits(
            ("a method", "+ self.rate +", "- self.rate +"),
            ("a class attribute", "rate = 3", "rate = 4"),
            ("a class attribute that can change", "limits = [1, 2]", "limits = [2, 2]"),
            ("an initializer", "self.start = start", "self.start = start + 1"),
            ("a method that self calls", "x * self.start", "x + self.start"),
            ("a property", "self.start + 30", "self.start + 31"),
            ("a setter", "value * 31", "value * 32"),
            ("a static method", "x + 32", "x + 33"),
            ("a class method", ".rate + 33", ".rate + 34"),
            ("what is called like a function", "x - 34", "x - 35"),
            ("equality", "self.start == other.start", "self.start != other.start"),
            ("a class in a class", "depth = 35", "depth = 36"),
            ("the class of an attribute", "self.part = Part()", "self.part = Other()"),
            ("a method of the class of an attribute", "helper(x) + 36", "helper(x) + 37"),
            ("what such a method calls", "x * 37", "x * 38"),
            ("a method that calls that of the base", "super().fit(x) + 38", "super().fit(x) + 39"),
            ("super", "super().fit(x) + 38", "self._step(x) + 38"),
            ("a base", "class Child(Model):", "class Base2(Model):\n    rate = 70\n\nclass Child(Base2):"),
            (
                "a base of a base",
                "class Model:",
                "class Root:\n    def __add__(self, other):\n        return 1\n\nclass Model(Root):",
            ),
            ("a method put into a class", "x + 39", "x + 40"),
            ("an instance", "READY = Child(5)", "READY = Child(6)"),
            ("an attribute given later", "READY = Child(5)", "READY = Child(5)\nREADY.rate = 9"),
            ("a base that is only asked for", "class Empty:", "class Empty(Model):\n    def __init__(self): pass"),
            (
                "an overridden method",
                "class Child(Model):",
                "class Child(Model):\n    def _step(self, x):\n        return 0\n",
            ),
            (
                "an attribute that hides a method",
                "class Child(Model):",
                "class Child(Model):\n    start = 0\n    rate = 8\n",
            ),
        ),
        *edits(
            ("a global of a method", "PI = 3.0", "PI = 3.5"),
            ("an abstract base", "scale = 1", "scale = 2"),
            ("a method of a mixin", "self.size * 2", "self.size * 3"),
            ("a base more", "class Square(Mixin, Shape):", "class Square(Mixin, Shape, Unused):"),
            ("the order of bases", "class Square(Mixin, Shape):", "class Square(Unused, Mixin, Shape):"),
            ("what is done with instances", "sum(shape.area()", "max(shape.area()"),
            file="shapes.py",
        ),
        *edits(
            ("a field of an instance", "rate=2.5", "rate=3.5"),
            ("a default of a field", '("a", "b")', '("a", "c")'),
            ("a factory of a field", "[50]", "[51]"),
            ("a method of a dataclass", "self.rate * x", "self.rate + x"),
            ("the value of a member", "RED = 1", "RED = 3"),
            ("a method of a member", '"ish"', '"y"'),
            ("how a named tuple looks", "{self.left}-{self.right}", "{self.right}-{self.left}"),
            ("a default of a dataclass", "level: int = 52", "level: int = 53"),
            ("an option of a field", "repr=True", "repr=False"),
            (
                "the order of fields",
                '    level: int = 52\n    unit: str = dataclasses.field(default="m", repr=True)\n',
                '    unit: str = dataclasses.field(default="m", repr=True)\n    level: int = 52\n',
            ),
            ("a field more", "    level: int = 52", "    level: int = 52\n    more: int = 0"),
            ("an option of a dataclass", "@dataclasses.dataclass\n", "@dataclasses.dataclass(repr=False)\n"),
            ("a list in an instance", "[1, 2, 53]", "[1, 2, 54]"),
            ("a class with slots", "self.one, 54", "self.one, 55"),
            ("a class derived from a list", "+ 55", "+ 56"),
            file="records.py",
        ),
        *edits(
            ("what a metaclass does", '"60"', '"61"'),
            ("a property of a metaclass", '"tag61"', '"tag62"'),
            ("what is done with subclasses", "= 62", "= 63; cls.kind = 1; REGISTRY[cls.__name__ + '!'] = 0"),
            ("a descriptor", '"63"', '"64"'),
            ("a name that a descriptor is given", "self.name = name", "self.name = name.upper()"),
            file="machinery.py",
        ),
    ],
    harmless=[
        *edits(
            ("the docstring of a class", "A model.", "The model."),
            (
                "a docstring of a method",
                "def fit(self, x):\n        return self",
                'def fit(self, x):\n        """Fit."""\n        return self',
            ),
            ("a comment in a class", "    rate = 3\n", "    # a rate\n    rate = 3\n"),
            ("blank lines in a class", "    rate = 3\n", "    rate = 3\n\n\n"),
            ("the order of methods", METHODS[0] + METHODS[1], METHODS[1] + METHODS[0]),
            ("a class that is not used", "class Empty:", "class Unused:\n    rate = 1\n\nclass Empty:"),
            ("pass", "class Empty:\n    pass", "class Empty:\n    ..."),
        ),
        *edits(
            ("a new class elsewhere", "class Mixin:", "class Other:\n    pass\n\nclass Mixin:"),
            ("a comment in an abstract method", "        return 1\n", "        return 1  # one\n"),
            ("an annotation of a function", "shapes: list[Sized]", "shapes"),
            file="shapes.py",
        ),
        *edits(("a comment in a dataclass", "    level: int = 52\n", "    level: int = 52  # m\n"), file="records.py"),
    ],
)
