"""What code means now: walks that are remembered while their guards hold."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, final

from memograd.digest.digester import digest
from memograd.errors import CannotDigest
from memograd.memo.code.functions import function_apart
from memograd.memo.code.guard import Guard, Watch
from memograd.memo.code.thing import Context, Edge
from memograd.memo.code.walk import Part, Walked, walk

MAX_WALKS = 64
"""Walks keep alive what they saw, so of functions and classes among arguments so many are remembered."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The digest of code, the parts that it was made from, and the guards that tell whether it still is."""

    digest: str
    parts: tuple[Part, ...]
    guards: tuple[Guard, ...]

    def holds(self) -> bool:
        """Whether nothing has changed."""
        first, *others = self.guards
        return first.holds() and all(guard.holds() for guard in others)


@final
class Walks:
    """Identities of functions and classes, each walked anew when anything that it was made from has changed."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # By address; the thing itself beside it stays alive, so no other can get its address.
        self._known: dict[int, tuple[Any, Identity]] = {}

    def of(self, thing: Any) -> Identity:
        """The identity of a thing.

        Raises
        ------
        CannotDigest
            When something that it refers to is unknown.
        """
        found = self._known.get(id(thing))
        if found is not None and found[1].holds():
            return found[1]
        identity = _of_walk(_walk(thing))
        if isinstance(thing, types.FunctionType | type):
            if len(self._known) >= MAX_WALKS:
                self._known.clear()
            self._known[id(thing)] = thing, identity
        return identity


def by_version(function: types.FunctionType) -> Identity:
    """The identity of a function that depends on unknown things, for which a version stands.

    What it does itself counts, and of the things that it refers to those that are known. An unknown thing is told by
    its name only, and so is everything that can be reached only by way of it.
    """
    watch = Watch()
    apart = function_apart(function, Edge("root", "", function, function.__qualname__), Context(watch, frozenset()))
    rows = [("function", apart.name, digest(apart.content))]
    parts = {Part("function", apart.name, apart.file, rows[0][2]): None}
    guards = []
    for edge in apart.edges:
        try:
            walked = _walk((edge.target,))
        except CannotDigest:
            rows.append((edge.kind, edge.label, "told by version="))
            continue
        rows.append((edge.kind, edge.label, walked.digest))
        parts.update(dict.fromkeys(walked.parts))
        guards.append(walked.guard)
    return Identity(digest(rows), tuple(parts), (watch.guard(), *guards))


def _of_walk(walked: Walked) -> Identity:
    return Identity(walked.digest, walked.parts, (walked.guard,))


def _walk(thing: Any) -> Walked:
    try:
        return walk(thing)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, CannotDigest):
            raise
        name = getattr(thing, "__qualname__", type(thing).__qualname__)
        raise CannotDigest(
            f"{name}: taking it apart failed ({error}). Pass what it does as data, give its class a __memo_key__, or "
            "leave it out with ignore=",
            name,
        ) from error
