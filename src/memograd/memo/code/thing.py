"""What identities are made of: things, what they are called, and what they refer to.

Owns the records that the rules make and the walk reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memograd.memo.code.guard import Watch
from memograd.memo.code.packages import Package

ANNOTATIONS, DECORATORS, DOCSTRINGS = "annotations", "decorators", "docstrings"
"""What counts only where something that is there may read it."""

SEEN_BY_DECORATORS = frozenset({ANNOTATIONS, DECORATORS})
"""What a decorator of an installed package may make of a function depends on these; those of Python read neither."""


@dataclass(frozen=True, slots=True)
class Edge:
    """That a thing refers to another.

    Attributes
    ----------
    kind : str
        How: ``global``, ``closure``, ``default``, ``base``, ``member``, ...
    label : str
        By what name or place. Kind and label tell an edge from the others of its thing.
    target : object
        To what: a value, function, class, ..., an `Outside`, or `MISSING`.
    name : str
        How a person calls the target from here: ``prep.RATE``.
    file : str
        The name of the file, without folders, in which it is called that.
    """

    kind: str
    label: str
    target: Any
    name: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that a version stands for.

    Attributes
    ----------
    package : Package
    name : str
        Of the thing in the package: ``numpy.linalg.norm``.
    """

    package: Package
    name: str


@dataclass(frozen=True, slots=True)
class Apart:
    """A thing taken apart.

    Attributes
    ----------
    kind : str
        ``function``, ``class``, ``instance``, ...
    name, file : str
        As in `Edge`, but where the thing is defined.
    content : object
        Data that tells what the thing is, apart from what it refers to.
    edges : sequence of Edge
        In an order that depends on nothing but the thing.
    needs : frozenset of str
        What must count once this thing is there: `ANNOTATIONS`, `DECORATORS`, `DOCSTRINGS`.
    """

    kind: str
    name: str
    file: str
    content: Any
    edges: Sequence[Edge]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule is given beside the thing.

    Attributes
    ----------
    watch : Watch
        Is told everything that is looked at and could change.
    counted : frozenset of str
        Which of `ANNOTATIONS`, `DECORATORS` and `DOCSTRINGS` do count.
    """

    watch: Watch
    counted: frozenset[str]
