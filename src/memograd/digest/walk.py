"""From a value to its token: every row asked once for each container, however deep, however often it is a member.

The walk has a stack of its own. It remembers the token of each container, so that a value whose written-out form
would be exponentially large takes the time of its parts: a digest is a Merkle tree (R. C. Merkle 1987, "A digital
signature based on a conventional encryption function"), and walking it is memoization.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from memograd.digest.builtin import LEAVES
from memograd.digest.encoding import is_hash, token
from memograd.digest.node import Code, Identity, Node
from memograd.digest.rows import RowsOfOneWalk
from memograd.errors import CannotDigest

# In a message, a longer path is shown by its two ends.
SHOWN = 200


def token_of(value: Any, *, code: Code | None = None, path: str = "value") -> bytes:
    """The token of a value: short, and no unequal value has the same.

    Parameters
    ----------
    value : object
    code : callable, optional
        What stands for a function or class; see `memograd.digest.digester.digest`.
    path : str
        How the value is called in errors.

    Raises
    ------
    CannotDigest
        With the path to the part that has no digest, or that holds itself.
    """
    return _Walk(code, path).run(value)


class _Open(NamedTuple):
    """A container of which not all children have a token yet."""

    value: Any
    node: Node
    rest: Iterator[Any]
    tokens: list[bytes]


class _Walk:
    """One way through a value, with what is known from it."""

    __slots__ = ("_known", "_open", "_open_ids", "_path", "_rows")

    def __init__(self, code: Code | None, path: str) -> None:
        self._rows = RowsOfOneWalk(code)
        self._path = path
        # By id; the value is kept as well, for an id may be given again once its value is gone.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._open: list[_Open] = []
        self._open_ids: set[int] = set()

    def run(self, value: Any) -> bytes:
        """Encode the value as the only child of a node that stands for nothing."""
        self._enter(None, Node(b"", b"", (value,), (self._path,).__getitem__))
        try:
            return self._encode()
        except CannotDigest as error:
            path = _path(self._open)
            raise CannotDigest(f"{_shown(path)}: {error}", path) from None

    def _encode(self) -> bytes:
        while True:
            value, node, rest, tokens = self._open[-1]
            for child in rest:
                leaf = LEAVES.get(type(child))
                found = (leaf(child) if leaf else b"") or self._look_up(child)
                if type(found) is Node:
                    self._enter(child, found)
                    break
                tokens.append(found)  # type: ignore[arg-type]
            else:
                if len(self._open) == 1:
                    return tokens[0]
                self._leave(value, token(node.tag, node.head + node.join(tokens)))

    def _enter(self, value: Any, node: Node) -> None:
        self._open.append(_Open(value, node, iter(node.children), []))
        self._open_ids.add(id(value))

    def _leave(self, value: Any, found: bytes) -> None:
        self._open.pop()
        self._open_ids.remove(id(value))
        self._open[-1].tokens.append(self._remembered(value, found))

    def _look_up(self, value: Any) -> bytes | Node:
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        if id(value) in self._open_ids:
            raise CannotDigest(f"the value holds itself: it is {self._path_to(value)} again; break the cycle")
        found = self._rows.row(type(value))(value)
        return found if type(found) is Node else self._remembered(value, found)  # type: ignore[arg-type]

    def _remembered(self, value: Any, found: bytes) -> bytes:
        # Any other token is a short one of short parts: to make it again is as cheap as to remember it.
        if is_hash(found) or type(value) is Identity:
            self._known[id(value)] = (value, found)
        return found

    def _path_to(self, value: Any) -> str:
        """The way to a container that is open."""
        place = next(index for index, container in enumerate(self._open) if container.value is value)
        return _shown(_path(self._open[:place]))


def _path(containers: Sequence[_Open]) -> str:
    """The way through open containers to the child of the last one that is being encoded."""
    return "".join(container.node.step(len(container.tokens)) for container in containers)


def _shown(path: str) -> str:
    return path if len(path) <= SHOWN else f"{path[: SHOWN // 2]}…{path[-SHOWN // 2 :]}"
