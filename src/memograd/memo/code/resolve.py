"""What the references of a function lead to.

Owns the way from a name and attributes to a thing: through modules step by step; everything else counts whole, so that
the attributes that are read from it need no looking up.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec, resolve_name
from itertools import takewhile
from types import FunctionType, ModuleType
from typing import Any, cast

from memograd.memo.code.guard import MISSING, Watch
from memograd.memo.code.outside import outside
from memograd.memo.code.packages import (
    STANDARD,
    Package,
    package_of_function,
    package_of_module,
    package_of_spec,
)
from memograd.memo.code.references import Reference, Scope
from memograd.memo.code.thing import Edge, Outside
from memograd.memo.code.values import ATOMS


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a reference has led so far.

    Attributes
    ----------
    target : object
    name : str
        How it is called: the module in which it was found, or the first of a package, and the steps from there.
    package : Package or None
        Whose that module is; None for the project's.
    file : str
        In which it is called that.
    n_steps : int
        How much of the path has been followed.
    """

    target: Any
    name: str
    package: Package | None
    file: str
    n_steps: int = 1


def edge_of(reference: Reference, function: FunctionType, watch: Watch) -> Edge:
    """Return what a reference of a function leads to.

    All that is looked up on the way is watched. A module of the project that the function imports itself is imported,
    as the function would do; one of a package is not: that may take seconds, and its version is known without.
    """
    # The dict of a module is the module.
    path = tuple(takewhile(lambda name: name != "__dict__", reference.path))
    found = _BEGIN[reference.scope](path[0], function, watch)
    while isinstance(found.target, ModuleType) and found.n_steps < len(path):
        found = _member(found, path[found.n_steps], watch, may_import=reference.scope is Scope.IMPORT)
    target = _counted(found, path[found.n_steps :])
    return Edge(reference.scope.value, ".".join(path[: found.n_steps]), target, found.name, found.file)


def _global(name: str, function: FunctionType, watch: Watch) -> _Found:
    target = watch.binding(function.__globals__, name)
    if target is MISSING:
        # Not every version of the stubs knows the attribute.
        built_in: dict[str, Any] = cast(Any, function).__builtins__
        target = watch.binding(built_in, name)
        return _Found(target, f"builtins.{name}", None if target is MISSING else STANDARD, "")
    return _Found(target, f"{home_of(function)}.{name}", None, file_of(function))


def _closure(name: str, function: FunctionType, watch: Watch) -> _Found:
    cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
    try:
        target = watch.attribute(cell, "cell_contents")
    except ValueError:
        watch.give_up()
        target = MISSING
    return _Found(target, f"{home_of(function)}.{function.__qualname__}.{name}", None, file_of(function))


def _import(name: str, function: FunctionType, watch: Watch) -> _Found:
    try:
        full_name = resolve_name(name, str(function.__globals__.get("__package__") or ""))
        package = _package_of_import(full_name.partition(".")[0])
        target = importlib.import_module(full_name) if package is None else Outside(package, full_name)
    except ImportError:
        return _Found(MISSING, name, None, file_of(function))
    if package is None:
        watch.binding(sys.modules, full_name)
    return _Found(target, full_name, package, file_of(function))


_BEGIN: Mapping[Scope, Callable[[str, FunctionType, Watch], _Found]] = {
    Scope.GLOBAL: _global,
    Scope.CLOSURE: _closure,
    Scope.IMPORT: _import,
}


def _package_of_import(name: str) -> Package | None:
    """Whose a module at the top would be, if it were imported."""
    return package_of_module(name) if name in sys.modules else package_of_spec(find_spec(name))


def _member(found: _Found, name: str, watch: Watch, *, may_import: bool) -> _Found:
    """One step further, from a module to what it holds, or makes on demand, or is the package of."""
    module: ModuleType = found.target
    package = package_of_module(module.__name__)
    target = watch.binding(vars(module), name)
    if target is MISSING and package is None:
        # A lazy module of a package may take seconds to load, and its version is known without.
        target = getattr(module, name, MISSING)
        watch.give_up()
        if target is MISSING and may_import:
            with suppress(ImportError):
                target = importlib.import_module(f"{module.__name__}.{name}")
    home = module.__name__ if found.package is None else found.name
    file = os.path.basename(getattr(module, "__file__", None) or "")
    return _Found(target, f"{home}.{name}", package, file, found.n_steps + 1)


def _counted(found: _Found, rest: tuple[str, ...]) -> Any:
    """What of a thing counts: all of it, or the version of the package in whose module it was found."""
    target = found.target
    if found.package is None or type(target) in ATOMS or _is_of_the_project(target):
        return target
    return Outside(found.package, ".".join([found.name, *rest]))


def _is_of_the_project(target: Any) -> bool:
    """Whether someone has put a function, class or module of the project into a package's module."""
    if isinstance(target, FunctionType):
        return package_of_function(target) is None
    return isinstance(target, type | ModuleType) and outside(target) is None


def home_of(function: FunctionType) -> str:
    """The name of the module whose globals a function has."""
    return str(function.__globals__.get("__name__", "?"))


def file_of(function: FunctionType) -> str:
    """The name of the file of a function, without folders."""
    return os.path.basename(function.__code__.co_filename)
