"""The rule for functions: what their code means, what they were made with, and what their names lead to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from memograd.memo.code.anatomy import Anatomy, anatomy_of
from memograd.memo.code.packages import STANDARD, Package, package_of_function
from memograd.memo.code.references import Reference, Scope
from memograd.memo.code.resolve import edge_of, file_of, home_of
from memograd.memo.code.source import decorators_of, docstrings_of
from memograd.memo.code.thing import ANNOTATIONS, DECORATORS, DOCSTRINGS, SEEN_BY_DECORATORS, Apart, Context, Edge

_READERS = {
    ANNOTATIONS: frozenset({"__annotations__", "__annotate__", "get_type_hints", "get_annotations", "signature"}),
    DOCSTRINGS: frozenset({"__doc__", "getdoc"}),
}
"""Names whose mention means that something may be read that is no code."""

_EVALUATORS = frozenset(Reference(Scope.GLOBAL, (name,)) for name in ("eval", "exec", "globals"))
"""Built-in functions that may use any name of a module."""

_CACHES = frozenset({"cache_token", "dispatch_cache", "repr_running"})
"""Variables in closures of the standard library (`singledispatch`, `recursive_repr`) that change by being used."""


def function_apart(function: FunctionType, edge: Edge, context: Context) -> Apart:
    """Take a function apart.

    That of a package (reached because it has no name there: what a decorator returned, say) is told by its bytecode,
    its package's version, its defaults and its closure; what else it uses is the package's.
    """
    code = context.watch.attribute(function, "__code__")
    package = package_of_function(function)
    anatomy = anatomy_of(code, function.__globals__, read_source=package is None)
    edges = [*_defaults(function, context), *_references(function, anatomy, package, context)]
    edges += _attributes(function, context)
    if package is None:
        edges += [*_class_around(function, context), *_module_around(function, anatomy)]
        edges += _annotations(function, context)
    return Apart(
        kind="function",
        name=f"{home_of(function)}.{function.__qualname__}",
        file=file_of(function),
        content=(
            anatomy.meaning,
            package and (package.name, package.version),
            *_extra(function, context),
        ),
        edges=edges,
        needs=_needs(anatomy, package),
    )


def _defaults(function: FunctionType, context: Context) -> Iterator[Edge]:
    """What the arguments are when they are not given."""
    code, name, file = function.__code__, function.__qualname__, file_of(function)
    # Defaults of arguments that are not there are never used.
    if code.co_argcount:
        values = context.watch.attribute(function, "__defaults__") or ()
        names = code.co_varnames[: code.co_argcount][-len(values) :] if values else ()
        yield from (Edge("default", k, value, f"{name}({k}=)", file) for k, value in zip(names, values, strict=True))
    if code.co_kwonlyargcount:
        keywords = context.watch.attribute(function, "__kwdefaults__") or {}
        context.watch.mapping(keywords)
        yield from (Edge("default", k, keywords[k], f"{name}({k}=)", file) for k in sorted(keywords))


def _references(function: FunctionType, anatomy: Anatomy, package: Package | None, context: Context) -> Iterator[Edge]:
    for reference in anatomy.reading.references:
        if package is None or (reference.scope is Scope.CLOSURE and reference.path[0] not in _CACHES):
            yield edge_of(reference, function, context.watch)


def _attributes(function: FunctionType, context: Context) -> Iterator[Edge]:
    """What was set on the function, by a decorator mostly."""
    context.watch.mapping(vars(function))
    for name in sorted(vars(function)):
        yield Edge("attribute", name, vars(function)[name], f"{home_of(function)}.{function.__qualname__}.{name}")


def _class_around(function: FunctionType, context: Context) -> Iterator[Edge]:
    """The class that a method was defined in, for `self.other()` means what that class says."""
    *outer, name = function.__qualname__.split(".")
    if not outer or "<locals>" in outer:
        return
    owner = context.watch.binding(function.__globals__, outer[0])
    for step in outer[1:]:
        owner = vars(owner).get(step) if isinstance(owner, type) else None
    if isinstance(owner, type) and name in vars(owner):
        yield Edge("class", "", owner, f"{home_of(function)}.{'.'.join(outer)}")


def _module_around(function: FunctionType, anatomy: Anatomy) -> Iterator[Edge]:
    """The whole module of a function that evaluates text: it may use any name."""
    module = sys.modules.get(home_of(function))
    if (
        module is not None
        and vars(module) is function.__globals__
        and not _EVALUATORS.isdisjoint(anatomy.reading.references)
    ):
        yield Edge("module", "", module, home_of(function))


def _annotations(function: FunctionType, context: Context) -> Iterator[Edge]:
    if ANNOTATIONS in context.counted:
        context.watch.mapping(function.__annotations__)
        for name, value in function.__annotations__.items():
            yield Edge("annotation", name, value, f"{function.__qualname__}({name}:)")


def _extra(function: FunctionType, context: Context) -> Iterator[Any]:
    """What counts of a function for those that read it as an object."""
    if DECORATORS in context.counted:
        yield decorators_of(function.__code__, function.__globals__)
    if DOCSTRINGS in context.counted:
        yield docstrings_of(function.__code__, function.__globals__)
        yield context.watch.attribute(function, "__doc__")


def _needs(anatomy: Anatomy, package: Package | None) -> frozenset[str]:
    if package is None:
        return frozenset(what for what, names in _READERS.items() if not names.isdisjoint(anatomy.reading.mentioned))
    return frozenset() if package == STANDARD else SEEN_BY_DECORATORS
