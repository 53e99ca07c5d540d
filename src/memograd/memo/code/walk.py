"""From a thing to everything that it refers to, however far, and to one digest of it all.

Owns the order of the walk and the numbers that it gives. Things are numbered as they are first met, in the order of
edges, which depends on nothing but the things; so the same code is numbered alike in every process, cycles need no
care, and what begins elsewhere in a cycle of functions has an identity of its own, which is always the same.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from memograd.digest.digester import digest
from memograd.errors import CannotDigest
from memograd.memo.code.classes import class_apart
from memograd.memo.code.environment import environment
from memograd.memo.code.functions import function_apart
from memograd.memo.code.guard import MISSING, Guard, Watch
from memograd.memo.code.instances import (
    WRAPPERS,
    instance_apart,
    mapping_apart,
    method_apart,
    module_apart,
    sequence_apart,
    set_apart,
    unknown,
    unknown_apart,
    wrapper_apart,
)
from memograd.memo.code.outside import outside
from memograd.memo.code.packages import package_of_function, package_of_module
from memograd.memo.code.thing import Apart, Context, Edge, Outside
from memograd.memo.code.values import ATOMS, data_digest

STANDS_FOR = "__memo_function__"
"""The attribute by which what stands before a function, such as a memoized one, says which function it is."""

Rule = Callable[[Any, Edge, Context], Apart]

RULES: Mapping[Any, Rule] = {
    types.FunctionType: function_apart,
    type: class_apart,
    types.ModuleType: module_apart,
    types.BuiltinFunctionType | types.MethodWrapperType: method_apart,
    types.MethodDescriptorType | types.WrapperDescriptorType | types.ClassMethodDescriptorType: unknown_apart,
    weakref.ReferenceType | weakref.WeakKeyDictionary | weakref.WeakValueDictionary | weakref.WeakSet: unknown_apart,
    weakref.finalize: unknown_apart,  # what it is stands in a table of its class
    **dict.fromkeys(WRAPPERS, wrapper_apart),
}
"""How things of a type, or of one derived from it, are taken apart; everything else is an instance."""

CONTAINERS: Mapping[type, Rule] = {
    dict: mapping_apart,
    types.MappingProxyType: mapping_apart,
    list: sequence_apart,
    tuple: sequence_apart,
    set: set_apart,
    frozenset: set_apart,
}
"""The same for types that have to be exact."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that an identity was made from.

    Attributes
    ----------
    kind : str
        ``function``, ``class``, ``module``, ``global``, ``default``, ``closure``, ``member``, ``attribute``, ...,
        ``package``, ``environment``.
    name : str
        ``prep.scale``, ``prep.RATE``, ``numpy``.
    file : str
        The name of the file, without folders; empty when there is none.
    digest : str
        Of what it is, apart from what it refers to; of a package or the environment, the version in plain text.
    """

    kind: str
    name: str
    file: str
    digest: str


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk gives: the digest of all, the parts in the order in which they were met, and the guard."""

    digest: str
    parts: tuple[Part, ...]
    guard: Guard


def walk(root: Any) -> Walked:
    """Walk from a thing to all that it refers to.

    Raises
    ------
    CannotDigest
        When something on the way is unknown; the message says what and who refers to it.
    """
    counted: frozenset[str] = frozenset()
    while True:
        attempt = _Walk(counted)
        attempt.run(root)
        # Whether docstrings count is known when everything has been seen that may read them.
        if attempt.needs <= counted:
            return attempt.result()
        counted |= attempt.needs


class _Walk:
    """One way through everything, with what is known from it."""

    def __init__(self, counted: frozenset[str]) -> None:
        self._context = Context(Watch(), counted)
        self._numbers: dict[int, int] = {}
        # By id, with the value, for an id may be given again once its value is gone.
        self._digests: dict[int, tuple[Any, str | None, int]] = {}
        self._n_changeable = 0
        # The edge by which each thing was met, which keeps it alive; and whether it is a package's own affair.
        self._met: list[tuple[Edge, bool]] = []
        self._rows: list[str] = []
        self._parts: dict[Part, None] = {}
        self.needs: frozenset[str] = frozenset()

    def run(self, root: Any) -> None:
        """Take apart the root, what it refers to, and so on."""
        for name, value in environment().rows():
            self._parts[Part("environment", name, "", value)] = None
        name = getattr(root, "__qualname__", type(root).__qualname__)
        self._rows.append(self._token(Edge("root", "", root, name), is_inside=False))
        for edge, is_inside in self._met:
            apart = self._apart(edge, is_inside=is_inside)
            self.needs |= apart.needs
            told = digest(apart.content)
            self._parts[Part(apart.kind, apart.name, apart.file, told)] = None
            inside = _is_inside(edge.target, is_inside=is_inside)
            tokens = [self._token(further, is_inside=inside) for further in apart.edges]
            self._rows.append("\n".join([f"{apart.kind} {told}", *tokens]))

    def result(self) -> Walked:
        """Return what was found."""
        surroundings = [(part.name, part.digest) for part in self._parts if part.kind == "environment"]
        return Walked(digest((surroundings, self._rows)), tuple(self._parts), self._context.watch.guard())

    def _token(self, edge: Edge, *, is_inside: bool) -> str:
        """What stands for an edge in the row of its thing."""
        place = f"{edge.kind} {edge.label!r}"
        target = _stands_for(edge.target)
        if target is MISSING:
            return f"{place} is not there"
        found = target if isinstance(target, Outside) else _outside(target)
        if found is not None:
            self._parts[Part("package", found.package.name, "", found.package.version)] = None
            return f"{place} of {found.package.name!r} {found.package.version!r} {found.name!r}"
        known, which = self._digest(target)
        if known is None:
            return f"{place} is {self._number(replace(edge, target=target), is_inside=is_inside)}"
        self._parts[Part(edge.kind, edge.name, edge.file, known)] = None
        return f"{place} is {known} {which}"

    def _digest(self, value: Any) -> tuple[str | None, int]:
        """The digest of a value of data, computed once for each, and which of those that can change it is.

        Two names for one list are not two equal lists: what is appended to the one is in the other.
        """
        if type(value) in ATOMS:
            return digest(value), 0
        if id(value) not in self._digests:
            known = data_digest(value)
            can_change = known is not None and self._context.watch.data(value, known)
            self._n_changeable += can_change
            self._digests[id(value)] = (value, known, self._n_changeable if can_change else 0)
        return self._digests[id(value)][1:]

    def _number(self, edge: Edge, *, is_inside: bool) -> int:
        number = self._numbers.setdefault(id(edge.target), len(self._met))
        if number == len(self._met):
            self._met.append((edge, is_inside))
        return number

    def _apart(self, edge: Edge, *, is_inside: bool) -> Apart:
        thing = edge.target
        try:
            return _rule(thing)(thing, edge, self._context)
        except CannotDigest as error:
            package = package_of_module(type(thing).__module__)
            if is_inside and package is not None:
                return Apart("value", edge.name, edge.file, (package.name, type(thing).__qualname__), ())
            raise error if error.path else unknown(thing, edge) from error


def _rule(thing: Any) -> Rule:
    exact = CONTAINERS.get(type(thing))
    return exact or next((rule for kind, rule in RULES.items() if isinstance(thing, kind)), instance_apart)


def _is_inside(thing: Any, *, is_inside: bool) -> bool:
    """Whether what a thing refers to is a package's own affair: what is unknown there is left to its version."""
    if isinstance(thing, types.FunctionType):
        return package_of_function(thing) is not None
    if isinstance(thing, type):
        return package_of_module(thing.__module__) is not None
    return is_inside


def _outside(thing: Any) -> Outside | None:
    return None if type(thing) in ATOMS else outside(thing)


def _stands_for(thing: Any) -> Any:
    """The function that a thing stands before, or the thing."""
    if isinstance(thing, types.FunctionType):
        return vars(thing).get(STANDS_FOR, thing)
    return getattr(thing, STANDS_FOR) if hasattr(type(thing), STANDS_FOR) else thing
