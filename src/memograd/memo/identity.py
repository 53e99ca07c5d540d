"""What code means now, of a memoized function and of the functions and classes among its arguments."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, final

from memograd.digest.digester import digest
from memograd.errors import CannotDigest
from memograd.memo.code.functions import function_apart
from memograd.memo.code.guard import Watch
from memograd.memo.code.identity import CodeIdentity, CodeWatch, Guarding, look
from memograd.memo.code.outside import found_by_name
from memograd.memo.code.thing import Context, Edge
from memograd.memo.code.walk import Part, Walked, walk

MAX_WATCHES = 64
"""Watches keep alive what they saw, so of functions and classes among arguments so many are remembered."""


@final
class Watches:
    """Watches over functions and classes, by the things themselves."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # By address; the thing itself beside it stays alive, so no other can get its address.
        self._known: dict[int, tuple[Any, CodeWatch]] = {}

    def identity(self, thing: Any) -> CodeIdentity:
        """The identity of a thing as of now.

        Raises
        ------
        CannotDigest
            When something that it refers to is unknown.
        """
        found = self._known.get(id(thing))
        if found is not None:
            return found[1].current()
        watch = CodeWatch(thing, look_or_refuse)
        identity = watch.current()
        if isinstance(thing, types.FunctionType | type):
            if len(self._known) >= MAX_WATCHES:
                self._known.clear()
            self._known[id(thing)] = thing, watch
        return identity


def look_or_refuse(thing: Any) -> tuple[Guarding, CodeIdentity]:
    """The identity of a thing, and its guard.

    Raises
    ------
    CannotDigest
        When something that it refers to is unknown, or taking it apart failed.
    """
    try:
        return look(thing)
    except _FAILURES as error:
        raise _refusal(thing, error) from error


def is_told_apart_by_name(function: Any) -> bool:
    """Whether a version and a name are enough to tell a function from all others: one in Python, or in a module.

    One of a library that `ctypes` loaded does not know which: two of one name would share what is stored.
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    return isinstance(function, types.FunctionType) or (
        isinstance(module, str) and isinstance(name, str) and found_by_name(module, name) is function
    )


def look_by_version(function: Any) -> tuple[Guarding, CodeIdentity]:
    """The identity of a function that depends on unknown things, for which a version stands; and its guard.

    What it does itself counts, and of the things that it refers to those that are known. An unknown thing is told by
    its name only, and so is everything that can be reached only by way of it.
    """
    if not isinstance(function, types.FunctionType):
        name = f"{function.__module__}.{function.__qualname__}"
        told = digest(("told by version=", name))
        return _All(()), CodeIdentity(told, (Part("function", name, "", told),))
    watch = Watch()
    apart = function_apart(function, Edge("root", "", function, function.__qualname__), Context(watch, frozenset()))
    rows = [("function", apart.name, digest(apart.content))]
    parts = {Part("function", apart.name, apart.file, rows[0][2]): None}
    guards: list[Guarding] = []
    for edge in apart.edges:
        walked = _walked((edge.target,))
        if walked is None:
            rows.append((edge.kind, edge.label, "told by version="))
            continue
        rows.append((edge.kind, edge.label, walked.digest))
        parts.update(dict.fromkeys(walked.parts))
        guards.append(walked.guard)
    return _All((watch.guard(), *guards)), CodeIdentity(digest(rows), tuple(parts))


@final
@dataclass(frozen=True, slots=True)
class _All:
    """Several guards as one."""

    guards: tuple[Guarding, ...]

    def holds(self) -> bool:
        return all(guard.holds() for guard in self.guards)


_FAILURES = (TypeError, ValueError, AttributeError, RecursionError)
"""What taking apart can raise where a thing is not what its type says."""


def _walked(thing: Any) -> Walked | None:
    try:
        return walk(thing)
    except _FAILURES:  # CannotDigest is one of them
        return None


def _refusal(thing: Any, error: Exception) -> CannotDigest:
    if isinstance(error, CannotDigest):
        return error
    name = getattr(thing, "__qualname__", type(thing).__qualname__)
    return CannotDigest(
        f"{name}: taking it apart failed ({error}). Pass what it does as data, give its class a __memo_key__, or "
        "leave it out with ignore=",
        name,
    )
