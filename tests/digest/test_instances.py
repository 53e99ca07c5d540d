"""Instances of one's own classes: told by the class and by all they hold, or by what the class says."""

from __future__ import annotations

import collections
import enum
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from typing import Any

import numpy as np
import pytest

from memograd.digest import digest
from memograd.errors import CannotDigest

from .alike import Circle, with_area
from .confusable import Box, Hidden, Items, Keyed, KeyedByProperty, LabelledPoint, Plain, Point, with_attributes


class KeyedDict(dict[str, Any]):
    """Says what it is, though it could be found out."""

    def __memo_key__(self) -> Any:
        return sorted(self)


@dataclass
class KeyedFields:
    x: Any
    y: Any

    def __memo_key__(self) -> Any:
        return self.x


class NoLongerKeyed(KeyedDict):
    __memo_key__ = None  # type: ignore[assignment]


class KeyedByConstant:
    __memo_key__ = "version 1"


class KeyedByClass:
    @classmethod
    def __memo_key__(cls) -> str:
        return cls.__name__


class KeyedMember(enum.Enum):
    A = 1

    def __memo_key__(self) -> Any:
        return "A"


class KeyedNumber(float):
    @property
    def __memo_key__(self) -> Any:
        return round(self)


def test_a_key_takes_the_place_of_all_else() -> None:
    """Two instances with one key are one value, whatever else they hold, and also where a row would be found."""
    assert digest(KeyedDict(a=1)) == digest(KeyedDict(a=2)) != digest(KeyedDict(b=1))
    assert digest(KeyedFields(1, 2)) == digest(KeyedFields(1, object())) != digest(KeyedFields(2, 2))
    assert digest(KeyedNumber(1.1)) == digest(KeyedNumber(1.2)) != digest(KeyedNumber(1.9))
    assert digest(KeyedMember.A) == digest(KeyedMember.A)
    assert digest(KeyedByConstant()) == digest(KeyedByConstant())
    assert digest(KeyedByClass()) == digest(KeyedByClass())


def test_a_key_may_be_a_method_or_a_property() -> None:
    """What counts is what it gives; the class keeps the two apart."""
    assert digest(Keyed([1])) == digest(Keyed([1])) != digest(Keyed([2]))
    assert digest(KeyedByProperty([1])) == digest(KeyedByProperty([1])) != digest(KeyedByProperty([2]))
    assert digest(Keyed(1)) != digest(KeyedByProperty(1))


def test_a_key_can_be_taken_away() -> None:
    """With None for a key, a class is again told by what it holds."""
    assert digest(NoLongerKeyed(a=1)) != digest(NoLongerKeyed(a=2))


def test_a_key_of_an_instance_alone_does_not_count() -> None:
    """As with Python's own special methods, the class is asked, not the instance."""
    value = with_attributes(Plain(1, 2), __memo_key__=lambda: 3)
    with pytest.raises(CannotDigest):
        digest(value)


def test_an_error_of_a_key_is_raised_as_it_is() -> None:
    """Whatever a key raises reaches the caller."""
    with pytest.raises(AttributeError, match="key"):
        digest([Keyed.__new__(Keyed)])


def test_every_field_counts() -> None:
    """A field that == leaves out can be read by a function, and so can an attribute that is no field."""
    assert Hidden(1, 2) == Hidden(1, 3)
    assert digest(Hidden(1, 2)) != digest(Hidden(1, 3))
    assert digest(with_attributes(Plain(1, 2), z=3)) != digest(Plain(1, 2))
    assert digest(with_attributes(LabelledPoint(1, 2), z=3)) != digest(LabelledPoint(1, 2))


def test_what_was_computed_from_the_rest_does_not_count() -> None:
    """A cached property changes no digest by being used."""
    assert digest(Circle(1.0)) == digest(with_area(Circle(1.0))) != digest(Circle(2.0))


def test_a_field_without_a_value_is_told_from_one_with() -> None:
    """A field that was never set is absent; one with a default of the class has that value."""
    unset = Plain.__new__(Plain)
    unset.x = 1
    assert len({digest(value) for value in (unset, Plain(1, None), Plain(1, 1))}) == 3


def test_the_parameter_of_a_generic_class_does_not_count() -> None:
    """`Box[int](1)` is `Box(1)`: the parameter is for type checkers."""
    assert digest(Box[int](1)) == digest(Box(1))


def digest_as_only_version(kind: Any, make: Callable[[Any], Any]) -> str:
    """The digest of an instance, while its class is what the name `versions_of_a_class.Record` leads to."""
    module = types.ModuleType("versions_of_a_class")
    kind.__module__, kind.__qualname__ = module.__name__, "Record"
    module.Record = kind  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        return digest(make(kind))


def test_names_of_fields_count() -> None:
    """Two versions of a class under one name, with other fields, do not share digests."""
    digests = {
        digest_as_only_version(make_class("Record", names), lambda kind, names=names: kind(*[1] * len(names)))
        for names in (["x", "y"], ["y", "x"], ["x", "z"], ["x"])
        for make_class in (make_dataclass, collections.namedtuple)
    }
    # A dataclass has no order of fields that a function could see but in the class, which is the hook's business.
    assert len(digests) == 7


def test_names_and_values_of_members_count() -> None:
    """Two versions of an enum, with another name for a value or another value for a name, do not share digests."""
    versions = [{"A": 1}, {"A": 2}, {"B": 1}]
    digests = {digest_as_only_version(enum.Enum("Record", each), lambda kind: next(iter(kind))) for each in versions}  # type: ignore[misc]
    assert len(digests) == 3


@pytest.mark.parametrize("value", [Plain(1, 2), Point(1, 2), Items([1]), Keyed(1)])
def test_the_hook_is_asked_for_the_class(value: Any) -> None:
    """What the hook says of a class is a part of the digest of its instances, and is asked for once a walk."""
    asked: list[Any] = []

    def hook(version: int) -> Any:
        return lambda thing: (asked.append(thing), version)[1]

    one, two = digest([value] * 5, code=hook(1)), digest([value] * 5, code=hook(2))
    assert one != two != digest([value] * 5)
    assert asked == [type(value)] * 2


def test_a_hook_that_knows_nothing_leaves_the_name() -> None:
    """NotImplemented is as no hook."""
    assert digest(Plain(1, 2), code=lambda thing: NotImplemented) == digest(Plain(1, 2))


def local_class(default: int) -> Any:
    """A class that shares its name with all others from here."""

    @dataclass
    class Local:
        x: int = field(default=default)

    return Local


def test_local_classes_need_a_hook() -> None:
    """Two classes of one name are told apart by the hook alone."""
    first, second = local_class(1), local_class(2)
    with pytest.raises(CannotDigest, match="pass code="):
        digest(first(0))
    defaults = {first: 1, second: 2}
    assert digest(first(0), code=defaults.get) != digest(second(0), code=defaults.get)
    assert digest(first(0), code=defaults.get) == digest(first(0), code=defaults.get)


def test_known_classes_are_not_asked_for() -> None:
    """The types that Python, NumPy and the rest define need no hook."""

    def never(thing: Any) -> Any:
        raise AssertionError(thing)

    values = [
        1,
        "a",
        {1.5: [None]},
        np.arange(3),
        np.float64(1),
        np.ma.array([1]),
        types.SimpleNamespace(a=1),
        int,
        len,
    ]
    assert digest(values, code=never) == digest(values)


def test_content_is_read_past_what_a_class_redefines() -> None:
    """A subclass is told by what its base holds, not by what its own methods say."""

    class Liar(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            return iter(())

        def __len__(self) -> int:
            return 0

        def __getitem__(self, index: Any) -> Any:
            return 0

    def code(thing: Any) -> Any:
        return thing.__name__

    assert digest(Liar([1]), code=code) != digest(Liar([2]), code=code)


def test_a_dict_that_is_its_own_attributes() -> None:
    """The common class whose keys can be read as attributes has a digest."""

    class AttributeDict(dict):  # type: ignore[type-arg]
        def __init__(self, **items: Any) -> None:
            super().__init__(items)
            self.__dict__ = self

    def code(thing: Any) -> Any:
        return thing.__name__

    assert digest(AttributeDict(a=1), code=code) == digest(AttributeDict(a=1), code=code)
    assert digest(AttributeDict(a=1), code=code) != digest(AttributeDict(a=2), code=code)
