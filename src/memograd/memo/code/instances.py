"""Rules for all that is neither function nor class: wrappers, modules, containers that hold code, and instances.

An instance of a class of the project is told by its class and its attributes. One of a package's class is told by the
parts that `__reduce_ex__` gives, never by a stream of them: a package knows what its objects are made of.
"""

from __future__ import annotations

import copyreg
import functools
import pickle
import sys
import threading
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from memograd.digest.attributes import grows_by_attributes, reader_of_attributes
from memograd.digest.instances import KEY_METHOD
from memograd.errors import CannotDigest
from memograd.memo.code.packages import package_of_module
from memograd.memo.code.thing import SEEN_BY_DECORATORS, Apart, Context, Edge
from memograd.memo.code.values import ATOMS, data_digest

WRAPPERS: Mapping[Any, tuple[str, ...]] = {
    types.MethodType: ("__func__", "__self__"),
    staticmethod | classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
    functools.partial | functools.partialmethod: ("func", "args", "keywords"),
    functools.singledispatchmethod: ("dispatcher", "func"),
    type(functools.cache(id)): ("__wrapped__",),
    type(threading.Lock()) | type(threading.RLock()): (),
    typing.TypeVar: ("__name__", "__bound__", "__constraints__"),
    typing.ParamSpec: ("__name__",),
    typing.NewType: ("__name__", "__supertype__"),
    typing.ForwardRef: ("__forward_arg__",),
}
"""What tells things of these types, and of types derived from them."""

# What every module has says where it is, not what it does.
_OF_MODULES = frozenset(vars(types.ModuleType(""))) | {"__builtins__", "__cached__", "__file__", "__path__"}

# Instances of classes from these modules, and of these types, are what they are made as; all others are watched.
_FIXED_MODULES = frozenset({"typing", "enum", "dataclasses", "logging"})
_FIXED_TYPES = (types.GenericAlias, types.UnionType)


def wrapper_apart(wrapper: Any, edge: Edge, context: Context) -> Apart:
    """Take apart what is told by some attributes, and by its class where that is the project's."""
    attributes = next(names for kind, names in WRAPPERS.items() if isinstance(wrapper, kind))
    edges = [Edge("part", name, context.watch.attribute(wrapper, name), edge.name, edge.file) for name in attributes]
    return _made_of([*_class_of_the_project(wrapper), *edges], wrapper, edge)


def method_apart(method: Any, edge: Edge, context: Context) -> Apart:
    """Take apart the method of an object that is written in C.

    Raises
    ------
    CannotDigest
        When it is a function of C and not a method of an object: what it does cannot be read, and no package has it.
    """
    if isinstance(method.__self__, types.ModuleType | type | None):
        raise unknown(method, edge)
    parts = [Edge("part", name, getattr(method, name), edge.name, edge.file) for name in ("__name__", "__self__")]
    return _made_of(parts, method, edge)


def module_apart(module: types.ModuleType, edge: Edge, context: Context) -> Apart:
    """Take a module apart that is used as an object: all of its globals, but for modules that are not inside of it."""
    context.watch.mapping(vars(module))
    inside = f"{module.__name__}."
    names = [
        name
        for name, value in vars(module).items()
        if name not in _OF_MODULES and (not isinstance(value, types.ModuleType) or value.__name__.startswith(inside))
    ]
    edges = [Edge("global", name, vars(module)[name], f"{inside}{name}", edge.file) for name in sorted(names)]
    return Apart("module", module.__name__, edge.file, None, edges)


def mapping_apart(mapping: Mapping[Any, Any], edge: Edge, context: Context) -> Apart:
    """Take a dict apart, in its order."""
    context.watch.mapping(mapping)
    edges = []
    for index, (key, value) in enumerate(mapping.items()):
        label = repr(key) if type(key) in ATOMS else str(index)
        if type(key) not in ATOMS:
            edges.append(Edge("key", label, key, f"{edge.name}.keys()", edge.file))
        edges.append(Edge("item", label, value, f"{edge.name}[{label}]", edge.file))
    return _made_of(edges, mapping, edge)


def sequence_apart(sequence: list[Any] | tuple[Any, ...], edge: Edge, context: Context) -> Apart:
    """Take a list or tuple apart."""
    context.watch.sequence(sequence)
    items = [Edge("item", str(i), item, f"{edge.name}[{i}]", edge.file) for i, item in enumerate(sequence)]
    return _made_of(items, sequence, edge)


def set_apart(members: set[Any] | frozenset[Any], edge: Edge, context: Context) -> Apart:
    """Take a set apart, ordered by what its members are, or by what they are called."""
    context.watch.sequence(members)
    ordered = sorted(members, key=_rank)
    return _made_of([Edge("item", "", member, f"{edge.name}{{…}}", edge.file) for member in ordered], members, edge)


def _rank(member: Any) -> tuple[str, ...]:
    described = member if hasattr(member, "__qualname__") else type(member)
    return (type(member).__qualname__, data_digest(member) or "", str(described.__module__), described.__qualname__)


def instance_apart(instance: Any, edge: Edge, context: Context) -> Apart:
    """Take any other object apart, in the first way that applies to it.

    Raises
    ------
    CannotDigest
        When there is none.
    """
    kind = type(instance)
    if hasattr(kind, KEY_METHOD):
        return _by_key(instance, edge, context)
    is_of_a_package = package_of_module(kind.__module__) is not None
    if is_of_a_package and isinstance(getattr(instance, "__wrapped__", None), types.FunctionType):
        return _by_wrapped(instance, edge, context)
    # Of what is derived from a set, the parts are in no order.
    base = next((base for base in (set, frozenset) if isinstance(instance, base)), object)
    if grows_by_attributes(kind, base) and (not is_of_a_package or _is_plain(kind)):
        return _by_attributes(instance, base, edge, context)
    return _by_parts(instance, edge, context)


def _is_plain(kind: type) -> bool:
    """Whether a class leaves it to Python to say what its instances are made of."""
    return all(getattr(kind, name) is getattr(object, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__"))


def _is_fixed(instance: Any) -> bool:
    return type(instance).__module__ in _FIXED_MODULES or isinstance(instance, _FIXED_TYPES)


def _by_key(instance: Any, edge: Edge, context: Context) -> Apart:
    """What its class says that it is."""
    context.watch.give_up()
    key = getattr(instance, KEY_METHOD)
    value = key() if callable(key) else key
    edges = [Edge("class", "", type(instance), type(instance).__qualname__), _part(edge, KEY_METHOD, value)]
    return _made_of(edges, instance, edge)


def _by_attributes(instance: Any, base: type, edge: Edge, context: Context) -> Apart:
    """Its class and all that it holds, and its members if it is derived from a set."""
    kind = context.watch.attribute(instance, "__class__")
    state = reader_of_attributes(kind, base)(instance)
    if not _is_fixed(instance):
        attributes = getattr(instance, "__dict__", {})
        context.watch.mapping(attributes)
        for name in state.keys() - attributes.keys():
            context.watch.attribute(instance, name)
    edges = [Edge("class", "", kind, kind.__qualname__), *(_part(edge, name, state[name]) for name in sorted(state))]
    if base is not object:
        context.watch.give_up()
        edges.append(Edge("members", "", frozenset(base.__iter__(instance)), edge.name, edge.file))  # type: ignore[attr-defined]
    return _made_of(edges, instance, edge)


def _by_wrapped(wrapper: Any, edge: Edge, context: Context) -> Apart:
    """What a decorator of a package made of a function: the function, and what is written above it."""
    edges = [
        Edge("class", "", type(wrapper), type(wrapper).__qualname__),
        _part(edge, "__wrapped__", context.watch.attribute(wrapper, "__wrapped__")),
    ]
    return _made_of(edges, wrapper, edge, needs=SEEN_BY_DECORATORS)


def _by_parts(instance: Any, edge: Edge, context: Context) -> Apart:
    """What a new one would be made of (PEP 307)."""
    try:
        # NumPy and others say how their classes are taken apart in a table of their own.
        reduce = copyreg.dispatch_table.get(type(instance))
        made = reduce(instance) if reduce else instance.__reduce_ex__(4)
    except (TypeError, ValueError, AttributeError, NotImplementedError, pickle.PicklingError) as error:
        raise unknown(instance, edge) from error
    if not _is_fixed(instance):
        context.watch.give_up()
    if isinstance(made, str):
        return _by_name(instance, made, edge)
    # Items come as iterators.
    parts = [*made[:3], *(list(items) if items is not None else None for items in made[3:5])]
    edges = [Edge("part", str(i), part, edge.name, edge.file) for i, part in enumerate(parts) if part is not None]
    return _made_of(edges, instance, edge)


def _by_name(instance: Any, name: str, edge: Edge) -> Apart:
    """What a package holds under a name in a module other than that of the class, such as `scipy.special.gamma`."""
    holders = [
        (getattr(module, "__file__", None) or "", home)
        for home, module in list(sys.modules.items())
        if getattr(module, "__dict__", {}).get(name) is instance and package_of_module(home) is not None
    ]
    if not holders:
        raise unknown(instance, edge)
    # The module that defines it is written in C; those that import it are mostly not.
    home = min(holders, key=lambda holder: (holder[0].endswith(".py"), holder[1]))[1]
    package = package_of_module(home)
    assert package is not None
    return Apart("instance", f"{home}.{name}", "", (package.name, package.version, name), ())


def unknown_apart(thing: Any, edge: Edge, context: Context) -> Apart:
    """Refuse."""
    raise unknown(thing, edge)


def unknown(thing: Any, edge: Edge) -> CannotDigest:
    """Return the error for a thing that nothing is known of."""
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if edge.kind == "root":
        message = (
            f"{edge.name}: nothing tells what this {kind} does. Call it in a function of your own that is memoized "
            f"with version=, give its class a {KEY_METHOD}, or, as an argument, leave it out with ignore="
        )
    else:
        message = (
            f"{edge.name}: the function depends on this {kind}, and nothing tells what it is. Pass it as an argument, "
            f"give its class a {KEY_METHOD}, or pass version= and say yourself what the code depends on; a function "
            "that is an argument can be left out with ignore="
        )
    return CannotDigest(message, edge.name)


def _part(edge: Edge, name: str, value: Any) -> Edge:
    return Edge("attribute", name, value, f"{edge.name}.{name}", edge.file)


def _class_of_the_project(instance: Any) -> Iterator[Edge]:
    kind = type(instance)
    if package_of_module(kind.__module__) is None:
        yield Edge("class", "", kind, kind.__qualname__)


def _made_of(edges: list[Edge], thing: Any, edge: Edge, needs: frozenset[str] = frozenset()) -> Apart:
    return Apart("value", edge.name, edge.file, type(thing).__qualname__, edges, needs)
