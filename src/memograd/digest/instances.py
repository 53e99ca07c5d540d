"""Rows for instances of one's own classes: those with `__memo_key__`, enum members, dataclasses, named tuples, and
subclasses of what is built in.

Such a value is told by its class and by all that it holds: a field left out of `==` counts, for a function can read
it, and so does an attribute that is no field. What `functools.cached_property` has stored does not count: it
follows from the rest. A class whose instances hold something where Python cannot read it has no row.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import numpy as np

from memograd.digest.attributes import grows_by_attributes, reader_of_attributes
from memograd.digest.encoding import RECORD, names, record_head
from memograd.digest.node import Code, Identity, Node, Row, record_row
from memograd.errors import CannotDigest

KEY_METHOD = "__memo_key__"

_CONTENT: Mapping[type, Callable[[Any], Any]] = {
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    complex: complex.__complex__,
    dict: dict.copy,
    float: float.__float__,
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    int: int.__int__,
    list: list.copy,
    np.ndarray: lambda value: np.ndarray.view(value, np.ndarray),
    set: lambda value: set(set.__iter__(value)),
    str: str.__str__,
    tuple: lambda value: tuple(tuple.__iter__(value)),
}
"""For each type that a class may be derived from, its own content, whatever the subclass redefines."""


def resolve_key(kind: type, code: Code | None) -> Row | None:
    """The row of a class that says itself what its instances are."""
    key = getattr(kind, KEY_METHOD, None)
    if key is None:
        return None
    identity = identify(kind, code)
    parts: Callable[[Any], Any] = (lambda value: value.__memo_key__()) if callable(key) else attrgetter(KEY_METHOD)
    return record_row("key", lambda value: [identity, parts(value)], [".__class__", f".{KEY_METHOD}"])


def resolve_enum(kind: type, code: Code | None) -> Row | None:
    """The row of the members of an enum: class, name and value."""
    if not issubclass(kind, enum.Enum):
        return None
    identity = identify(kind, code)
    return record_row(
        "enum", lambda member: [identity, member._name_, member._value_], [".__class__", ".name", ".value"]
    )


def resolve_dataclass(kind: type, code: Code | None) -> Row | None:
    """The row of the instances of a dataclass: class, fields, and attributes that are no fields."""
    if not dataclasses.is_dataclass(kind) or not grows_by_attributes(kind, object):
        return None
    instance = maker_of_nodes("dataclass", identify(kind, code))
    fields = [field.name for field in dataclasses.fields(kind)]
    attributes_of = reader_of_attributes(kind, object)

    def row(value: Any) -> Node:
        # A field may have its value in the class, as a default, and one that was never set has none.
        state = {name: getattr(value, name) for name in fields if hasattr(value, name)}
        return instance({}, state | attributes_of(value))

    return row


def resolve_named_tuple(kind: type, code: Code | None) -> Row | None:
    """The row of named tuples: class, names and items."""
    fields = getattr(kind, "_fields", None)
    if not issubclass(kind, tuple) or type(fields) is not tuple or not grows_by_attributes(kind, tuple):
        return None
    instance = maker_of_nodes("namedtuple", identify(kind, code))
    attributes_of = reader_of_attributes(kind, tuple)
    return lambda value: instance(dict(zip(fields, tuple.__iter__(value), strict=True)), attributes_of(value))


def resolve_subclass(kind: type, code: Code | None) -> Row | None:
    """The row of what is derived from a built-in type: class, content as the base has it, and attributes."""
    base = next((base for base in kind.__mro__ if base in _CONTENT), None)
    if base is None or not grows_by_attributes(kind, base):
        return None
    instance = maker_of_nodes("subclass", identify(kind, code))
    content_of = _CONTENT[base]
    attributes_of = reader_of_attributes(kind, base)
    return lambda value: instance({"": content_of(value)}, attributes_of(value))


def maker_of_nodes(form: str, identity: Identity) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Node]:
    """Return what makes the node of an instance from its content, in order, and its attributes, in any order."""

    # Instances of one class have few sets of names between them.
    @functools.lru_cache
    def head_and_steps(content: tuple[str, ...], state: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
        steps = (".__class__", *(f".{name}" if name else "" for name in (*content, *state)))
        return record_head(form) + names(content) + names(state), steps

    def node(content: Mapping[str, Any], state: Mapping[str, Any]) -> Node:
        order = sorted(state)
        head, steps = head_and_steps(tuple(content), tuple(order))
        children = [identity, *content.values(), *(state[name] for name in order)]
        return Node(RECORD, head, children, steps.__getitem__)

    return node


def identify(kind: type, code: Code | None) -> Identity:
    """What tells a class from all others: module, qualified name, and what the hook says of it.

    Raises
    ------
    CannotDigest
        When there is no hook, and the class is not what its name leads to: two classes could share the name.
    """
    name = (kind.__module__, kind.__qualname__)
    said = NotImplemented if code is None else code(kind)
    if said is NotImplemented and _found_under(*name) is not kind:
        raise CannotDigest(
            f"the class {'.'.join(name)} is not what this name leads to, and another class could have the same: "
            "define it at the top of a module, or pass code= to tell classes by their code"
        )
    return Identity(*name, said)


def _found_under(module: str, qualified_name: str) -> Any:
    owner: Any = sys.modules.get(module)
    for name in qualified_name.split("."):
        owner = getattr(owner, name, None)
    return owner


def _namespace_row() -> Row:
    instance = maker_of_nodes("namespace", Identity("types", "SimpleNamespace", NotImplemented))
    attributes_of = reader_of_attributes(SimpleNamespace, object)
    return lambda value: instance({}, attributes_of(value))


INSTANCE_ROWS: Mapping[type, Row] = {
    Identity: record_row("class", tuple, [".__module__", ".__qualname__", ""]),
    SimpleNamespace: _namespace_row(),
}
