"""What an instance holds beside the content of a built-in base: its slots and attributes, and whether that is all."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from memograd.errors import CannotDigest

WORD_BYTES = 8 if sys.maxsize > 2**32 else 4

_DICT, _WEAK = "__dict__", "__weakref__"

# Set by `typing` on what is made by calling `Box[int]`; it says nothing that the value does not.
_NOT_STATE = frozenset({"__orig_class__"})


def grows_by_attributes(kind: type, base: type) -> bool:
    """Whether instances of a class hold what `base` holds and attributes that can be read, and nothing else.

    A class written in C may hold more: its instances are larger than what it made room for explains. And a class
    may hide the dict of its instances behind a `__dict__` of its own.

    Examples
    --------
    >>> class Tagged(list):
    ...     pass
    >>> grows_by_attributes(Tagged, list), grows_by_attributes(Tagged, object)
    (True, False)
    """
    has_room_for_a_dict = any(_DICT in _rooms(layer) for layer in _layers(kind, base))
    return bool(kind.__dictoffset__) == has_room_for_a_dict and all(
        layer.__basicsize__ - below.__basicsize__ <= WORD_BYTES * len(_rooms(layer))
        and layer.__itemsize__ == base.__itemsize__
        for layer, below in pairwise([*_layers(kind, base), base])
    )


def _layers(kind: type, base: type) -> Iterator[type]:
    """Yield the classes whose fields lie in an instance one after the other, from the last to just above a base."""
    while kind is not base:
        yield kind
        kind = kind.__base__ or base


def _rooms(kind: type) -> dict[str, Any]:
    """What a class made room for in its instances: slots, the dict, and the list of weak references."""
    return {
        name: member
        for name, member in vars(kind).items()
        if isinstance(member, MemberDescriptorType)
        or (name in (_DICT, _WEAK) and isinstance(member, GetSetDescriptorType))
    }


def reader_of_attributes(kind: type, base: type) -> Callable[[Any], dict[str, Any]]:
    """Return what reads all slots and attributes of an instance, past anything that its class redefines.

    What `functools.cached_property` stored is left out.

    Raises
    ------
    CannotDigest
        When two slots have one name, so that one of them is hidden.
    """
    rooms = [room for layer in _layers(kind, base) for room in _rooms(layer).items()]
    slots = [(name, member) for name, member in rooms if name not in (_DICT, _WEAK)]
    dicts = [member for name, member in rooms if name == _DICT]
    if len(dict(slots)) < len(slots):
        raise CannotDigest(f"two slots of {kind.__qualname__} have one name; rename one")
    derived = _NOT_STATE.union(*map(_derived, kind.__mro__))

    def read(value: Any) -> dict[str, Any]:
        state = dict(_filled(slots, value))
        for own in dicts:
            state.update(_checked(own.__get__(value), state))
        return {name: part for name, part in state.items() if name not in derived}

    return read


def _derived(kind: type) -> Iterator[str]:
    return (name for name, member in vars(kind).items() if isinstance(member, functools.cached_property))


def _filled(slots: Sequence[tuple[str, Any]], value: Any) -> Iterator[tuple[str, Any]]:
    for name, member in slots:
        with contextlib.suppress(AttributeError):  # a slot may be empty
            yield name, member.__get__(value)


def _checked(attributes: dict[Any, Any], slots: Mapping[str, Any]) -> dict[str, Any]:
    if not all(type(name) is str and name not in slots for name in attributes):
        raise CannotDigest("the instance has an attribute that hides a slot, or whose name is no text; remove it")
    return attributes


def attached(value: Any, *own: str) -> dict[str, Any]:
    """What someone has set on an instance of another's class: its public attributes, but for those the class sets.

    Examples
    --------
    >>> from collections import ChainMap
    >>> mapping = ChainMap()
    >>> mapping.unit = "m"
    >>> attached(mapping, "maps")
    {'unit': 'm'}
    """
    return {name: part for name, part in vars(value).items() if not name.startswith("_") and name not in own}
