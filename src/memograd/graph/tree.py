"""Nested containers of arrays: taken apart into leaves and a structure, and put together again.

Owns what counts as a container: list, tuple, namedtuple, dict, dataclass instance and None (an empty one).
Everything else is a leaf. Knows nothing of nodes. Walks with a stack of its own, so depth is no limit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from memograd.errors import StructureError


@dataclasses.dataclass(frozen=True, slots=True)
class Container:
    """One container of a structure: its type and the keys of its children, in order."""

    kind: type
    keys: tuple[Hashable, ...]

    def build(self, children: Sequence[Any]) -> Any:
        """The container, made of these children; a dataclass is filled without running its own checks."""
        if self.kind is type(None):
            return None
        if issubclass(self.kind, dict):
            # Not by calling the type: a defaultdict takes a factory first, a Counter counts.
            mapping = self.kind.__new__(self.kind)
            for key, child in zip(self.keys, children, strict=True):
                mapping[key] = child
            return mapping
        if hasattr(self.kind, "_make"):
            return self.kind._make(children)
        if issubclass(self.kind, (list, tuple)):
            return self.kind(children)
        # Checks in __post_init__ are written for numbers; traced arrays and gradients would fail them.
        instance = object.__new__(self.kind)
        for key, child in zip(self.keys, children, strict=True):
            object.__setattr__(instance, str(key), child)
        return instance


@dataclasses.dataclass(frozen=True, slots=True)
class Structure:
    """What `flatten` leaves behind when it takes the leaves away.

    `program` is postfix: None pushes the next leaf, a Container takes its children off the stack. Two structures
    are equal when containers, keys and order are. `paths` names each leaf as one would write it: ``[0]['W']``.
    """

    program: tuple[Container | None, ...]
    paths: tuple[str, ...] = dataclasses.field(compare=False)

    @property
    def n_leaves(self) -> int:
        """How many leaves the structure holds."""
        return len(self.paths)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Take a nested container apart.

    Dicts whose keys are all strings are read in the order of their keys, so that two equal dicts have one
    structure; other dicts in the order of insertion.

    Returns
    -------
    leaves : list
    structure : Structure
        `unflatten(structure, leaves)` is equal to `tree`.

    Examples
    --------
    >>> leaves, structure = flatten({"W": 1.0, "b": [2.0, (3.0, None)]})
    >>> leaves, structure.paths
    ([1.0, 2.0, 3.0], ("['W']", "['b'][0]", "['b'][1][0]"))
    >>> unflatten(structure, [x * 10 for x in leaves])
    {'W': 10.0, 'b': [20.0, (30.0, None)]}
    """
    leaves: list[Any] = []
    paths: list[str] = []
    program: list[Container | None] = []
    pending: list[tuple[Any, str] | Container] = [(tree, "")]
    while pending:
        item = pending.pop()
        if isinstance(item, Container):
            program.append(item)
            continue
        value, path = item
        opened = _open(value)
        if opened is None:
            leaves.append(value)
            paths.append(path)
            program.append(None)
            continue
        container, children = opened
        pending.append(container)
        steps = [_step(container, key) for key in container.keys]
        pending.extend((child, path + step) for child, step in zip(reversed(children), reversed(steps), strict=True))
    return leaves, Structure(tuple(program), tuple(paths))


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """Put leaves into a structure; the inverse of `flatten`.

    Raises
    ------
    StructureError
        When the number of leaves is not that of the structure.
    """
    if len(leaves) != structure.n_leaves:
        raise StructureError(f"the structure has {structure.n_leaves} leaves, not {len(leaves)}")
    remaining = iter(leaves)
    stack: list[Any] = []
    for instruction in structure.program:
        if instruction is None:
            stack.append(next(remaining))
            continue
        first = len(stack) - len(instruction.keys)
        children = stack[first:]
        del stack[first:]
        stack.append(instruction.build(children))
    return stack.pop()


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply a function leaf by leaf to one or more trees of the same structure.

    Examples
    --------
    >>> map_leaves(lambda x, y: x + y, [1, {"a": 2}], [10, {"a": 20}])
    [11, {'a': 22}]
    """
    leaves, structure = flatten(tree)
    columns = [leaves] + [leaves_like(structure, other) for other in others]
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


def leaves_like(structure: Structure, tree: Any) -> list[Any]:
    """The leaves of `tree`, which must have this structure.

    Raises
    ------
    StructureError
        With the paths that only one of the two has.
    """
    leaves, found = flatten(tree)
    if found != structure:
        raise StructureError(describe_difference(structure, found))
    return leaves


def describe_difference(expected: Structure, found: Structure) -> str:
    """One line that says where two structures differ."""
    known, wanted = set(found.paths), set(expected.paths)
    missing = [path for path in expected.paths if path not in known]
    extra = [path for path in found.paths if path not in wanted]
    parts = [f"{word} {', '.join(p or 'the leaf itself' for p in paths[:3])}"
             for word, paths in (("missing", missing), ("unexpected", extra)) if paths]  # fmt: skip
    if not parts:
        kinds = [
            f"{a.kind.__name__} where {b.kind.__name__} was expected"
            for a, b in zip(found.program, expected.program, strict=False)
            if a is not None and b is not None and a != b
        ]
        parts = kinds[:1] or ["other containers"]
    return f"the structures differ: {'; '.join(parts)}"


def _open(value: Any) -> tuple[Container, list[Any]] | None:
    if value is None:
        return Container(type(None), ()), []
    kind = type(value)
    if isinstance(value, dict):
        keys = sorted(value) if all(isinstance(key, str) for key in value) else list(value)
        return Container(kind, tuple(keys)), [value[key] for key in keys]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Container(kind, tuple(value._fields)), list(value)
    if isinstance(value, (list, tuple)):
        return Container(kind, tuple(range(len(value)))), list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in dataclasses.fields(value))
        return Container(kind, names), [getattr(value, name) for name in names]
    return None


def _step(container: Container, key: Hashable) -> str:
    if dataclasses.is_dataclass(container.kind) or hasattr(container.kind, "_make"):
        return f".{key}"
    return f"[{key!r}]"
