"""Which things are a package's own, so that a version stands for them.

Owns the ways by which a thing is found under a name in the package that defines it. What is not found is taken apart,
whoever made it: a decorator of a package returns a function of that package, with a function of the project inside.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from memograd.memo.code.packages import Package, package_of_function, package_of_module
from memograd.memo.code.thing import Outside


def outside(thing: Any) -> Outside | None:
    """Return what stands for a thing that a package holds under a name; None for all else.

    Examples
    --------
    >>> import math, re
    >>> outside(math.sqrt).name, outside(re.compile).name, outside(str.upper).name
    ('math.sqrt', 're.compile', 'builtins.str.upper')
    >>> print(outside(lambda x: x))
    None
    """
    find = next((find for kind, find in _WAYS.items() if isinstance(thing, kind)), _instance)
    return find(thing)


def _built_in(function: Any) -> Outside | None:
    """A function of a C module; None for a method of a value, and where no version is known."""
    if isinstance(function.__self__, types.ModuleType | type | None):
        owner = function.__self__ if isinstance(function.__self__, type) else None
        module = function.__module__ or getattr(owner, "__module__", None)
        return _of(package_of_module(module), module, function.__qualname__)
    return None


def _descriptor(descriptor: Any) -> Outside | None:
    """A method of a C class."""
    owner = descriptor.__objclass__
    return _of(package_of_module(owner.__module__), owner.__module__, descriptor.__qualname__)


def _defined(thing: Any) -> Outside | None:
    """A function or class that its module has under its qualified name."""
    package = package_of_module(thing.__module__)
    if isinstance(thing, types.FunctionType):
        package = package and package_of_function(thing)
    if package is None or found_by_name(thing.__module__, thing.__qualname__) is not thing:
        return None
    return _of(package, thing.__module__, thing.__qualname__)


def _instance(thing: Any) -> Outside | None:
    """An object that the module of its class holds, such as `typing.Any`, or that says where it is found."""
    home = type(thing).__module__
    places: list[tuple[Any, Any]] = [(home, name) for name in _names_in(home, thing)]
    places.append((getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)))
    for module, name in places:
        if isinstance(module, str) and isinstance(name, str) and found_by_name(module, name) is thing:
            return _of(package_of_module(module), module, name)
    return None


def _names_in(module: str, thing: Any) -> list[str]:
    space = getattr(sys.modules.get(module), "__dict__", {})
    return [name for name, value in list(space.items()) if value is thing][:1]


def _module(module: types.ModuleType) -> Outside | None:
    package = package_of_module(module.__name__)
    return None if package is None else Outside(package, module.__name__)


def _nowhere(thing: Any) -> None:
    """A container: whatever module holds it, it is told by what it holds."""


def _of(package: Package | None, module: str | None, name: str) -> Outside | None:
    return None if package is None else Outside(package, f"{module}.{name}")


def found_by_name(module: str, qualified_name: str) -> Any:
    """What is under a name in a module, if it is loaded."""
    return functools.reduce(
        lambda owner, name: getattr(owner, name, None), qualified_name.split("."), sys.modules.get(module)
    )


_WAYS: Mapping[Any, Callable[[Any], Outside | None]] = {
    types.BuiltinFunctionType: _built_in,
    types.MethodDescriptorType | types.WrapperDescriptorType | types.ClassMethodDescriptorType: _descriptor,
    types.FunctionType | type: _defined,
    types.ModuleType: _module,
    dict | list | tuple | set | frozenset: _nowhere,
}
