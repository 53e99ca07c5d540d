"""Rows for functions and classes as values.

What they are is a question of code, which is not answered here: a hook turns a function, class or other callable
into a value that stands for it. Only what the language itself defines is known by name; and what is made of a
function and values, such as a bound method or a partial, is taken apart.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from memograd.digest.node import Code, Node, Row, attributes_row, record
from memograd.digest.refusal import refusal

CODE_ROWS: Mapping[type, Row] = {
    types.MethodType: attributes_row("method", "__func__", "__self__"),
    types.MethodWrapperType: attributes_row("method wrapper", "__name__", "__self__"),
    functools.partial: attributes_row("partial", "func", "args", "keywords", "__dict__"),
}


def resolve_code(kind: type, code: Code | None) -> Row | None:
    """The row of what can be called: known by name, a method of a value, or a question to the hook."""
    # Asked of the class itself, every class can be called.
    if not any("__call__" in vars(base) for base in kind.__mro__):
        return None

    def row(value: Any) -> Node:
        name = _name_in_the_language(value)
        if name is not None:
            return record("name", [name])
        if _is_bound(value):
            return record("built-in method", [value.__name__, value.__self__], [".__name__", ".__self__"])
        return _ask(value, code)

    return row


def _name_in_the_language(value: Any) -> str | None:
    """The name of what `builtins` defines, and of a NumPy scalar type; None for all else."""
    name = str(getattr(value, "__name__", ""))
    if getattr(value, "__module__", None) == "builtins" and getattr(builtins, name, None) is value:
        return f"builtins.{name}"
    if isinstance(value, type) and issubclass(value, np.generic) and getattr(np, name, None) is value:
        return f"numpy.{name}"
    return None


def _is_bound(value: Any) -> bool:
    """Whether a built-in function is the method of a value, not the function of a module."""
    owner = value.__self__ if isinstance(value, types.BuiltinFunctionType) else None
    return not (owner is None or isinstance(owner, types.ModuleType))


def _ask(value: Any, code: Code | None) -> Node:
    said = NotImplemented if code is None else code(value)
    if said is NotImplemented:
        raise refusal(value)
    return record("code", [said], [""])
