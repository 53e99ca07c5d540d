"""Dataclasses, named tuples and enum members: values of classes that are found by their names.

Reading one never imports a module, and never calls a constructor or anything else that a class defines to make or
restore its instances: a form names a class that is imported already, and gives the values of its fields.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from memograd.errors import StoreError
from memograd.memo.codecs.packing import CannotStore, Form, Packer, Row, Unpacker, type_name
from memograd.memo.codecs.plain import unpack_items


def _pack_dataclass(packer: Packer, value: Any, path: str) -> list[Form]:
    names = [field.name for field in dataclasses.fields(value)]
    if not _is_made_of_fields(type(value)):
        raise CannotStore(f"{path} is {type_name(value)}, which is more than its fields")
    extra = {*getattr(value, "__dict__", ()), *_slots(value)} - set(names)
    if extra:
        raise CannotStore(f"{path} is {type_name(value)} with the attribute {sorted(extra)[0]!r} that is no field")
    missing = [name for name in names if not hasattr(value, name)]
    if missing:
        raise CannotStore(f"{path} is {type_name(value)} without a value of its field {missing[0]!r}")
    return [_class_path(value, path), [[name, packer.pack(getattr(value, name), f"{path}.{name}")] for name in names]]


def _is_made_of_fields(kind: Any) -> bool:
    """Whether a new instance is an empty object; one of a class derived from dict, say, holds more than its fields."""
    return kind.__new__ is object.__new__


def _slots(value: Any) -> list[str]:
    """The slots of an instance that hold something."""
    found = [vars(kind).get("__slots__", ()) for kind in type(value).__mro__]
    names = [name for slots in found for name in ([slots] if isinstance(slots, str) else slots)]
    return [name for name in names if name not in ("__dict__", "__weakref__") and hasattr(value, name)]


def _unpack_dataclass(unpacker: Unpacker, where: list[str], fields: list[Form]) -> Any:
    kind = _imported_class(where)
    known = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else None
    if known != [name for name, _ in fields] or not _is_made_of_fields(kind):
        raise StoreError(f"{'.'.join(where)} is no dataclass with these fields any more")
    value: Any = object.__new__(kind)
    for name, form in fields:
        object.__setattr__(value, name, unpacker.unpack(form))
    return value


def _pack_namedtuple(packer: Packer, value: Any, path: str) -> list[Form]:
    items = zip(value._fields, value, strict=True)
    return [_class_path(value, path), [packer.pack(item, f"{path}.{name}") for name, item in items]]


def _unpack_namedtuple(unpacker: Unpacker, where: list[str], forms: list[Form]) -> Any:
    kind = _imported_class(where)
    if kind.__bases__ != (tuple,) or len(getattr(kind, "_fields", ())) != len(forms):
        raise StoreError(f"{'.'.join(where)} is no named tuple with these fields any more")
    return tuple.__new__(kind, unpack_items(unpacker, forms))


def _pack_enum(packer: Packer, value: Any, path: str) -> list[Form]:
    if type(value).__members__.get(value.name) is not value:
        raise CannotStore(f"{path} is {value!r}, a combination that has no name")
    return [_class_path(value, path), value.name]


def _unpack_enum(unpacker: Unpacker, where: list[str], name: str) -> Any:
    kind = _imported_class(where)
    if not issubclass(kind, enum.Enum):
        raise StoreError(f"{'.'.join(where)} is no enum any more")
    return kind.__members__[name]


def _class_path(value: Any, path: str) -> list[str]:
    kind = type(value)
    where = [kind.__module__, kind.__qualname__]
    try:
        found = _imported_class(where)
    except StoreError:
        found = None
    if found is not kind:
        raise CannotStore(f"{path} is {type_name(value)}, which cannot be found by its name when it is read again")
    return where


def _imported_class(where: list[str]) -> type:
    """The class of that name, from modules that are imported; nothing is imported, and no attribute is computed."""
    module, qualname = where
    found: Any = sys.modules.get(module)
    for name in qualname.split("."):
        found = vars(found).get(name) if isinstance(found, (types.ModuleType, type)) else None
    if not isinstance(found, type):
        raise StoreError(f"the class {module}.{qualname} is not imported")
    return found


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields") and type(value).__bases__ == (tuple,)


FAMILIES: Mapping[str, Callable[[Any], bool]] = {
    "enum": lambda value: isinstance(value, enum.Enum),
    "dataclass": lambda value: dataclasses.is_dataclass(value) and not isinstance(value, type),
    "namedtuple": _is_namedtuple,
}
"""How values are recognised whose type is one of many."""

ROWS: Mapping[str, Row] = {
    "dataclass": Row(_pack_dataclass, _unpack_dataclass),
    "namedtuple": Row(_pack_namedtuple, _unpack_namedtuple),
    "enum": Row(_pack_enum, _unpack_enum),
}
"""How values of each tag are packed and unpacked."""
