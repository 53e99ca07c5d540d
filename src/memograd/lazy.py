"""Names of the package that are imported when they are used first: who memoizes needs no SciPy, and no networks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class LazyPackage(ModuleType):
    """A package in which a name that is offered is never that of a module below it.

    The function `memograd.digest` and the package of that name are two things, and to import the package would put it
    in the function's place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in self.__all__):
            super().__setattr__(name, value)


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package that offers names from other modules (PEP 562).

    Parameters
    ----------
    package : str
    homes : mapping of str to str
        For each name ``module:name``.

    Examples
    --------
    >>> get, names = lazily("memograd", {"freeze": "memograd.digest.content:freeze"})
    >>> names(), get("freeze").__name__
    (['freeze'], 'freeze')
    >>> get("thaw")
    Traceback (most recent call last):
    AttributeError: module 'memograd' has no attribute 'thaw'
    """
    this = sys.modules[package]
    this.__class__ = LazyPackage

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=this)
        module, _, found = homes[name].partition(":")
        value = getattr(import_module(module), found)
        setattr(this, name, value)  # so that it is looked for once
        return value

    return get, lambda: sorted(homes)
