"""Which names a code object reads, and which of their attributes, as far as the code itself says.

Owns the reading of bytecode. It knows nothing of what the names refer to.

A *reference* is a name outside of the function with the attributes that are read from it at once: ``np.linalg.norm``
is one reference of three steps. Followed are globals, variables of enclosing functions, and what the function imports
itself, in its own code and in everything defined inside of it.
"""

from __future__ import annotations

import dis
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import CodeType
from typing import Any, TypeAlias


class Scope(Enum):
    """Where a reference begins."""

    GLOBAL = "global"
    CLOSURE = "closure"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and the attributes that are read from it, one from the other.

    Attributes
    ----------
    scope : Scope
        A name that is global or built in, one of an enclosing function, or a module that the function imports.
    path : tuple of str
        The name and the attributes. The name of an imported module is dotted, with leading dots when it is relative.
    """

    scope: Scope
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a code object reads, with all that is defined inside of it.

    Attributes
    ----------
    references : tuple of Reference
        Each once, ordered by scope and path.
    mentioned : frozenset of str
        Every global name and attribute that is read, and every text constant.
    """

    references: tuple[Reference, ...]
    mentioned: frozenset[str]


def reading_of(code: CodeType) -> Reading:
    """Return what a code object reads.

    Examples
    --------
    >>> def area(r):
    ...     import math as m
    ...     return m.pi * r**2 * UNIT.scale
    >>> for reference in reading_of(area.__code__).references:
    ...     print(reference.scope.value, *reference.path)
    global UNIT scale
    import math pi
    """
    codes = [(inner, list(_steps(inner))) for inner in _with_inner(code)]
    modules = _imported(steps for _, steps in codes)
    found = {reference for inner, steps in codes for reference in _references(_Names(inner, code, modules), steps)}
    return Reading(
        tuple(sorted(found, key=lambda reference: (reference.scope.value, reference.path))),
        frozenset(
            argument for _, steps in codes for name, argument in steps if name in _MENTION and type(argument) is str
        ),
    )


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


Step: TypeAlias = tuple[str, Any]

_LOAD_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_LOAD_CELL = frozenset({"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR"})
_MENTION = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD", "LOAD_CONST", "IMPORT_FROM"})
# A copy is of what `module.name += 1` writes back to.
_TRANSPARENT = frozenset({"EXTENDED_ARG", "CACHE", "NOP", "COPY"})
_TWO_VARIABLES = re.compile("(?:LOAD|STORE)_FAST")


def _steps(code: CodeType) -> Iterator[Step]:
    """Instructions with their arguments; one that handles two variables is two."""
    for instruction in dis.get_instructions(code):
        name, argument = instruction.opname, instruction.argval
        if isinstance(argument, tuple) and "_FAST" in name:
            yield from zip(_TWO_VARIABLES.findall(name), argument, strict=True)
        elif name not in _TRANSPARENT:
            yield name, argument


def _imported(codes: Iterable[list[Step]]) -> Mapping[str, set[tuple[str, ...]]]:
    """Local names of what a function imports, with the path of a reference to each."""
    modules: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for steps in codes:
        module, has_members = "", False
        path: tuple[str, ...] = ()
        for index, (name, argument) in enumerate(steps):
            if name == "IMPORT_NAME":
                level, members = (argument for _, argument in steps[index - 2 : index])
                module, has_members = "." * level + argument, bool(members)
                # `import a.b` binds `a`.
                path = (module.partition(".")[0],)
            elif name == "IMPORT_FROM":
                # Also made of `import a.b as c`, which has no members.
                path = (module, argument) if has_members else (module,)
            elif path and name.startswith("STORE_"):
                modules[argument].add(path)
                path = ()
    return modules


@dataclass(frozen=True, slots=True)
class _Names:
    """What the variables of a code object may lead to outside of it.

    Attributes
    ----------
    code, outermost : code
        The code object and the function that it is defined in, or is.
    modules : mapping
        What the function imports.
    """

    code: CodeType
    outermost: CodeType
    modules: Mapping[str, set[tuple[str, ...]]]

    def begun_by(self, step: Step) -> list[Reference]:
        """Return the references that an instruction begins; several where a name is imported in several places."""
        name, argument = step
        if name in _LOAD_GLOBAL:
            return [Reference(Scope.GLOBAL, (argument,))]
        is_cell, is_local = name in _LOAD_CELL, name.startswith("LOAD_FAST")
        # Python 3.13 hands cells to inner functions with the instruction that loads locals.
        if is_local and argument in self.code.co_cellvars + self.code.co_freevars:
            return []
        found = [Reference(Scope.IMPORT, path) for path in self.modules.get(argument, ()) if is_cell or is_local]
        if is_cell and argument in self.outermost.co_freevars:
            found.append(Reference(Scope.CLOSURE, (argument,)))
        return found


def _references(names: _Names, steps: list[Step]) -> Iterator[Reference]:
    begun: list[Reference] = []
    attributes: tuple[str, ...] = ()
    for step in [*steps, ("END", None)]:
        if begun and step[0] in _ATTRIBUTE:
            attributes += (step[1],)
            continue
        # Every class body reads the module's name, to set its own `__module__`.
        if step != ("STORE_NAME", "__module__"):
            yield from (Reference(reference.scope, reference.path + attributes) for reference in begun)
        begun, attributes = names.begun_by(step), ()
