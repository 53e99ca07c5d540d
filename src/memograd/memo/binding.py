"""Arguments bound to parameters: `f(1)` is `f(a=1)`, and both are `f(1, b=2)` where 2 is the default of b.

`inspect.Signature.bind` takes microseconds; a function with the same parameters, made once, lets the interpreter bind.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import Parameter
from keyword import iskeyword
from typing import Any

from memograd.errors import BadSetting

Binder = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Binding:
    """How the arguments of a function become one tuple.

    Attributes
    ----------
    names : tuple of str
        The parameters that count, in order; ``*args`` and ``**kwargs`` with their stars.
    bind : callable
        Takes the arguments of the function; returns the values of `names`. Raises the TypeError that the function
        would raise for arguments that do not fit.
    """

    names: tuple[str, ...]
    bind: Binder


def binding_of(function: Callable[..., Any], ignore: Collection[str] = (), *, by_version: bool = False) -> Binding:
    """The binding of a function, some parameters left out.

    Parameters
    ----------
    function : callable
    ignore : collection of str
    by_version : bool
        Whether a version stands for what is not known of it. Then one that does not say what parameters it has, as some
        in C do not, is taken to have ``*args`` and ``**kwargs``: calls that differ in nothing but how they name their
        arguments have two keys then, and no two calls have one.

    Raises
    ------
    BadSetting
        When a parameter to ignore is none of the function's, or it does not say what parameters it has.

    Examples
    --------
    >>> def f(a, *rest, b=2, verbose=False, **options): ...
    >>> binding = binding_of(f, ignore=["verbose"])
    >>> binding.names
    ('a', '*rest', 'b', '**options')
    >>> binding.bind(1, 5, verbose=True, c=3)
    (1, (5,), 2, {'c': 3})
    """
    parameters = _parameters(function, by_version)
    unknown = [name for name in ignore if name not in parameters]
    if unknown:
        name = _name(function)
        raise BadSetting(f"ignore={unknown[0]!r}: {name} has the parameters {', '.join(parameters) or 'none'}")
    counted = [p for p in parameters.values() if p.name not in ignore]
    return Binding(tuple(_STARS.get(p.kind, "") + p.name for p in counted), _binder(function, parameters, counted))


def _parameters(function: Callable[..., Any], by_version: bool) -> Mapping[str, Parameter]:
    try:
        return inspect.signature(function).parameters
    except (ValueError, TypeError) as error:
        if by_version:
            return _ANY
        raise BadSetting(
            f"{_name(function)} does not say what parameters it has; wrap it in a Python function, with version= for "
            "what nothing is known of, or if it has a name in a module, only give version="
        ) from error


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", None) or repr(function))


_ANY = {
    "args": Parameter("args", Parameter.VAR_POSITIONAL),
    "kwargs": Parameter("kwargs", Parameter.VAR_KEYWORD),
}

_STARS: dict[Any, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}


def _binder(function: Callable[..., Any], parameters: Any, counted: list[Parameter]) -> Binder:
    # Defaults are names in the namespace, so that the very objects are bound; annotations are left out.
    defaults = {f"_{p.name}_default": p.default for p in parameters.values() if p.default is not Parameter.empty}
    bare = [
        p.replace(annotation=Parameter.empty, default=_Named(f"_{p.name}_default"))
        if p.default is not Parameter.empty
        else p.replace(annotation=Parameter.empty)
        for p in parameters.values()
    ]
    result = "".join(f"{p.name}, " for p in counted)
    name = getattr(function, "__name__", "")
    # In messages of errors; a lambda has none that could be defined.
    name = name if name.isidentifier() and not iskeyword(name) else "function"
    namespace: dict[str, Any] = dict(defaults)
    exec(f"def {name}{inspect.Signature(bare)}: return ({result})", namespace)
    binder: Binder = namespace[name]
    return binder


class _Named:
    """A default that is written as a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name
