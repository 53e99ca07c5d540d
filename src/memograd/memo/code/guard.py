"""Whether anything that an identity was made from has changed since, asked before every call.

Owns the list of what is looked at, and looks at it fast. It knows nothing of what the things mean.

Compared by identity, so that any new binding is noticed: names in modules, attributes of functions (code, defaults,
keyword defaults), bases of classes, contents of cells, and all that lies in the dicts of classes and instances and in
containers that hold code. Compared by digest: data that can be changed in place. What can be compared in neither way
makes the whole guard never hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import repeat
from operator import is_
from typing import Any, TypeAlias

from memograd.memo.code.values import containers_in, data_digest

MISSING = type("Missing", (), {"__slots__": (), "__repr__": lambda self: "<missing>"})()
"""What a name that is not bound refers to."""

MappingRow: TypeAlias = tuple[Mapping[Any, Any], tuple[Any, ...], tuple[Any, ...]]
SequenceRow: TypeAlias = tuple[Collection[Any], tuple[Any, ...]]

_NEVER_BOUND = repeat(MISSING)


@dataclass(frozen=True, slots=True)
class Guard:
    """What things were like when an identity was made.

    Attributes
    ----------
    spaces, names, bound : tuples
        Each dict with a name in it and the object that the name was bound to.
    owners, attributes, held : tuples
        Each object with the name of an attribute and the object that this was.
    empties : tuple
        Containers that were empty, as the attributes of most functions are.
    mappings, sequences : tuples
        Each other container with what it held.
    values : tuple
        Each value that can be changed in place, with its digest.
    is_certain : bool
        False when something cannot be watched.
    """

    spaces: tuple[dict[str, Any], ...]
    names: tuple[str, ...]
    bound: tuple[Any, ...]
    owners: tuple[Any, ...]
    attributes: tuple[str, ...]
    held: tuple[Any, ...]
    empties: tuple[Collection[Any], ...]
    mappings: tuple[MappingRow, ...]
    sequences: tuple[SequenceRow, ...]
    values: tuple[tuple[Any, str], ...]
    is_certain: bool

    def holds(self) -> bool:
        """Return whether nothing has changed. Takes about 0.05 µs for each name or attribute.

        Whatever is changed by another thread while this runs may or may not be seen.
        """
        try:
            return (
                all(map(is_, map(dict.get, self.spaces, self.names, _NEVER_BOUND), self.bound))
                and all(map(is_, map(getattr, self.owners, self.attributes), self.held))
                and self.is_certain
                and not any(self.empties)
                and (not self.mappings or all(_is_unchanged_mapping(*row) for row in self.mappings))
                and (not self.sequences or all(_is_unchanged(*row) for row in self.sequences))
                and (not self.values or all(data_digest(value) == known for value, known in self.values))
            )
        except (AttributeError, RuntimeError, ValueError):
            # An attribute is gone, a container grew while it was read, a cell was emptied.
            return False


def _is_unchanged_mapping(mapping: Mapping[Any, Any], keys: tuple[Any, ...], values: tuple[Any, ...]) -> bool:
    return _is_unchanged(mapping, keys) and all(map(is_, mapping.values(), values))


def _is_unchanged(container: Collection[Any], items: tuple[Any, ...]) -> bool:
    return len(container) == len(items) and all(map(is_, container, items))


class Watch:
    """Collects what a guard is to look at, each thing once."""

    __slots__ = ("_attributes", "_bindings", "_is_certain", "_mappings", "_sequences", "_values")

    def __init__(self) -> None:
        self._bindings: dict[tuple[int, str], tuple[dict[str, Any], str, Any]] = {}
        self._attributes: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self._mappings: dict[int, MappingRow] = {}
        self._sequences: dict[int, SequenceRow] = {}
        self._values: dict[int, tuple[Any, str]] = {}
        self._is_certain = True

    def binding(self, space: dict[str, Any], name: str) -> Any:
        """Watch what a name in a dict is bound to, which is returned; `MISSING` when it is not bound."""
        return self._bindings.setdefault((id(space), name), (space, name, space.get(name, MISSING)))[2]

    def attribute(self, owner: Any, name: str) -> Any:
        """Watch an attribute, which must be there, and return it."""
        return self._attributes.setdefault((id(owner), name), (owner, name, getattr(owner, name)))[2]

    def mapping(self, mapping: Mapping[Any, Any]) -> None:
        """Watch the keys of a mapping, their order, and what they lead to."""
        self._mappings.setdefault(id(mapping), (mapping, tuple(mapping), tuple(mapping.values())))

    def sequence(self, sequence: Collection[Any]) -> None:
        """Watch the items of a container and their order."""
        self._sequences.setdefault(id(sequence), (sequence, tuple(sequence)))

    def data(self, value: Any, known: str) -> bool:
        """Watch a value that is nothing but data and has this digest now; return whether it can change."""
        containers = containers_in(value)
        if containers is None:
            self._values[id(value)] = (value, known)
        for container in containers or ():
            (self.mapping if isinstance(container, Mapping) else self.sequence)(container)
        return containers != []

    def give_up(self) -> None:
        """Say that something cannot be watched."""
        self._is_certain = False

    def guard(self) -> Guard:
        """Return the guard for all that was seen."""
        bindings, attributes = list(self._bindings.values()), list(self._attributes.values())
        rows = [*self._mappings.values(), *self._sequences.values()]
        return Guard(
            tuple(space for space, _, _ in bindings),
            tuple(name for _, name, _ in bindings),
            tuple(value for _, _, value in bindings),
            tuple(owner for owner, _, _ in attributes),
            tuple(name for _, name, _ in attributes),
            tuple(value for _, _, value in attributes),
            tuple(container for container, *held in rows if not held[0]),
            tuple(row for row in self._mappings.values() if row[1]),
            tuple(row for row in self._sequences.values() if row[1]),
            tuple(self._values.values()),
            self._is_certain,
        )
