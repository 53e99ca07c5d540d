"""The rule for classes: their bases, metaclass and everything in their namespace."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from memograd.memo.code.thing import DOCSTRINGS, Apart, Context, Edge

_METHODS = (FunctionType, staticmethod, classmethod, property, functools.cached_property)
_NOT_MEANT = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__module__",
        "__doc__",  # see DOCSTRINGS
        "__firstlineno__",
        "__static_attributes__",  # what the methods assign: it follows from them
        "_abc_impl",  # a cache
    }
)
"""Members that are about places, follow from others, or change by being used."""


def class_apart(cls: type, edge: Edge, context: Context) -> Apart:
    """Take a class apart, with all of its members, whichever of them are used.

    The order of methods does not count; that of other members does, for a class can be asked for its fields.
    """
    context.watch.mapping(vars(cls))
    name, file = f"{cls.__module__}.{cls.__qualname__}", file_of_module(cls.__module__)
    members = {key: value for key, value in vars(cls).items() if _is_meant(key, value, context)}
    return Apart(
        kind="class",
        name=name,
        file=file,
        content=(cls.__qualname__, [key for key, value in members.items() if not isinstance(value, _METHODS)]),
        edges=[
            *_ancestry(cls, context),
            *(Edge("member", key, members[key], f"{name}.{key}", file) for key in sorted(members)),
        ],
    )


def _is_meant(name: str, value: Any, context: Context) -> bool:
    if name == "__doc__":
        return DOCSTRINGS in context.counted
    # Slots are in `__slots__`.
    return name not in _NOT_MEANT and not isinstance(value, MemberDescriptorType | GetSetDescriptorType)


def _ancestry(cls: type, context: Context) -> Iterator[Edge]:
    for index, base in enumerate(context.watch.attribute(cls, "__bases__")):
        if base is not object:
            yield Edge("base", str(index), base, base.__qualname__)
    if type(cls) is not type:
        yield Edge("metaclass", "", type(cls), type(cls).__qualname__)


def file_of_module(name: str) -> str:
    """Return the name of a module's file, without folders; empty when it has none."""
    return os.path.basename(getattr(sys.modules.get(name), "__file__", None) or "")
